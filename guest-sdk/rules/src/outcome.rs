//! The three outcomes of a condition.

/// What became of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not hold.
    DoesNotHold,
    /// It cannot be told: the value is of a kind that the operator does not compare, or is not there.
    Unknown,
}

/// Which way a condition is judged. It decides what several values mean, as `*` finds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// The call needs it: every value has to meet it.
    ForTheCall,
    /// It speaks against the call: one value that meets it is enough.
    AgainstTheCall,
}

impl Polarity {
    pub(crate) fn flipped(self) -> Self {
        match self {
            Self::ForTheCall => Self::AgainstTheCall,
            Self::AgainstTheCall => Self::ForTheCall,
        }
    }
}

impl From<bool> for Outcome {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::DoesNotHold }
    }
}

impl Outcome {
    /// Kleene's negation.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Holds => Self::DoesNotHold,
            Self::DoesNotHold => Self::Holds,
            Self::Unknown => Self::Unknown,
        }
    }

    /// Kleene's conjunction: does not hold if one does not, else is unknown if one is.
    pub fn all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        Self::first_or(outcomes, Self::DoesNotHold, Self::Holds)
    }

    /// Kleene's disjunction: holds if one does, else is unknown if one is.
    pub fn any(outcomes: impl IntoIterator<Item = Self>) -> Self {
        Self::first_or(outcomes, Self::Holds, Self::DoesNotHold)
    }

    fn first_or(outcomes: impl IntoIterator<Item = Self>, decisive: Self, otherwise: Self) -> Self {
        let mut result = otherwise;
        for outcome in outcomes {
            if outcome == decisive {
                return decisive;
            }
            if outcome == Self::Unknown {
                result = Self::Unknown;
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{self, DoesNotHold as F, Holds as T, Unknown as U};

    #[test]
    fn the_tables_of_kleene() {
        for (left, right, all, any) in
            [(T, T, T, T), (T, F, F, T), (T, U, U, T), (F, F, F, F), (F, U, F, U), (U, U, U, U)]
        {
            for pair in [[left, right], [right, left]] {
                assert_eq!((Outcome::all(pair), Outcome::any(pair)), (all, any), "{pair:?}");
            }
        }
        assert_eq!((Outcome::all([]), Outcome::any([])), (T, F));
        assert_eq!([T, F, U].map(Outcome::negated), [F, T, U]);
    }
}
