//! What holds a call back: which of its charges does not fit for longest, and when it does.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::num::NonZeroU32;

use rust_decimal::Decimal;

use super::{Charge, Counter, Millis, QuotaError, ScopeKey};

/// The tallies of all counters at one instant.
pub(crate) trait Tallies {
    type Error;

    /// What counts at present.
    fn used(&mut self, scope: &ScopeKey, counter: &Counter) -> Result<Decimal, Self::Error>;

    /// The first millisecond since the epoch at which no more than `most` is used.
    fn falls_to(&mut self, scope: &ScopeKey, counter: &Counter, most: Decimal) -> Result<u64, Self::Error>;
}

/// What holds a call back. Longer is greater; of equals the first charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hold {
    until: Until,
    charge: Reverse<usize>,
}

/// Until when, as seconds from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Until {
    Seconds(NonZeroU32),
    /// It costs more than the limit.
    Ever,
}

impl Hold {
    pub(crate) fn new(charge: usize, retry_after: Option<NonZeroU32>) -> Self {
        Self { until: retry_after.map_or(Until::Ever, Until::Seconds), charge: Reverse(charge) }
    }
}

impl From<Hold> for QuotaError {
    fn from(Hold { until, charge: Reverse(charge) }: Hold) -> Self {
        let retry_after = match until {
            Until::Seconds(seconds) => Some(seconds),
            Until::Ever => None,
        };
        Self::Exhausted { charge, retry_after }
    }
}

/// Finds what holds the charges back, each with its index in the call; none if all of them fit.
pub(crate) fn hold<'a, T: Tallies>(
    charges: impl IntoIterator<Item = (usize, &'a Charge)>,
    now: Millis,
    tallies: &mut T,
) -> Result<Option<Hold>, T::Error> {
    let mut demands: HashMap<_, Demand> = HashMap::new();
    for (index, charge) in charges {
        let used = tallies.used(&charge.scope, &charge.counter)?;
        let demand = demands.entry((&charge.scope, &charge.counter)).or_default();
        demand.total += charge.cost.decimal();
        if demand.exceeded_by.is_none() && used + demand.total > charge.counter.limit.decimal() {
            demand.exceeded_by = Some(index);
        }
    }

    let mut longest: Option<(Edge, Reverse<usize>)> = None;
    for ((scope, counter), demand) in demands {
        let Some(index) = demand.exceeded_by else { continue };
        let room = counter.limit.decimal() - demand.total;
        let edge = if room < Decimal::ZERO {
            Edge::Never
        } else {
            Edge::At(tallies.falls_to(scope, counter, room)?)
        };
        longest = longest.max(Some((edge, Reverse(index))));
    }
    Ok(longest.map(|(edge, Reverse(index))| match edge {
        Edge::At(edge) => Hold::new(index, Some(now.seconds_until(edge))),
        Edge::Never => Hold::new(index, None),
    }))
}

/// What the charges of one call take of one counter together.
#[derive(Default)]
struct Demand {
    total: Decimal,
    exceeded_by: Option<usize>,
}

/// When a demand fits its counter, if nothing else is charged meanwhile; later is greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    /// From this millisecond since the epoch on.
    At(u64),
    /// It is more than the limit.
    Never,
}
