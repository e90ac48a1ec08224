//! Exact amounts of quota.
//!
//! An [`Amount`] has at most 18 digits before the decimal point and 9 after it. A sum of two then has
//! at most 28 digits, which `Decimal` holds exactly: where amounts meet a limit nothing is ever
//! rounded and nothing overflows.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use thiserror::Error;

const WHOLE_DIGITS: usize = 18;
const FRACTION_DIGITS: usize = 9;

/// An exact decimal number that is not negative: a cost or a limit.
///
/// Read from digits with an optional fraction (`1`, `12.50`), without sign, exponent or separators.
/// Equal numbers are equal amounts however they were written, and are displayed in the shortest form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Decimal);

/// Why a text is not an [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// It is not written as digits with an optional fraction.
    #[error("not a number: an amount is written as digits with an optional fraction, such as 1 or 12.50")]
    NotANumber,
    /// It has a minus sign.
    #[error("an amount cannot be negative")]
    Negative,
    /// It has too many digits before the decimal point.
    #[error("the amount is too large: at most {WHOLE_DIGITS} digits before the decimal point")]
    TooLarge,
    /// It has too many digits after the decimal point.
    #[error("the amount is too precise: at most {FRACTION_DIGITS} digits after the decimal point")]
    TooPrecise,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// One: what a rate limit takes for each call.
    pub const ONE: Self = Self(Decimal::ONE);

    pub(crate) fn decimal(self) -> Decimal {
        self.0
    }
}

impl From<u32> for Amount {
    fn from(whole: u32) -> Self {
        Self(Decimal::from(whole))
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        // A point without digits on both sides is not a number, so `1.` must differ from `1`.
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        if !is_digits(whole) || !is_digits(fraction) {
            return Err(AmountError::NotANumber);
        }
        if unsigned.len() < text.len() {
            return Err(AmountError::Negative);
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        if whole.len() > WHOLE_DIGITS {
            return Err(AmountError::TooLarge);
        }
        if fraction.len() > FRACTION_DIGITS {
            return Err(AmountError::TooPrecise);
        }
        let text = format!("{whole:0>1}.{fraction:0<1}");
        Decimal::from_str_exact(&text)
            .map(|decimal| Self(decimal.normalize()))
            .map_err(|_| AmountError::NotANumber)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn reads_exact_numbers_and_shows_their_shortest_form() {
        for (text, shown) in [
            ("0", "0"),
            ("0.0", "0"),
            ("1", "1"),
            ("12.50", "12.5"),
            ("0.1", "0.1"),
            ("007", "7"),
            ("100", "100"),
            ("0.000000001", "0.000000001"),
            ("1.0000000000000000000000000000000000000", "1"),
            ("999999999999999999.999999999", "999999999999999999.999999999"),
        ] {
            assert_eq!(
                text.parse::<Amount>().map(|amount| amount.to_string()).as_deref(),
                Ok(shown),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_everything_else() {
        use AmountError::{Negative, NotANumber, TooLarge, TooPrecise};
        for (text, error) in [
            ("", NotANumber),
            (".", NotANumber),
            (".5", NotANumber),
            ("5.", NotANumber),
            ("-", NotANumber),
            ("--1", NotANumber),
            ("+1", NotANumber),
            ("1e3", NotANumber),
            ("1_000", NotANumber),
            ("1,5", NotANumber),
            ("1.2.3", NotANumber),
            (" 1", NotANumber),
            ("0x10", NotANumber),
            ("NaN", NotANumber),
            ("Infinity", NotANumber),
            ("١", NotANumber),
            ("-1", Negative),
            ("-0", Negative),
            ("-1000000000000000000000000000", Negative),
            ("1000000000000000000", TooLarge),
            ("99999999999999999999999999999999999999999999999999", TooLarge),
            ("0.0000000001", TooPrecise),
        ] {
            assert_eq!(text.parse::<Amount>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn one_number_is_one_amount_however_it_is_written() {
        let spellings = ["2.5", "2.50", "02.500"].map(|text| text.parse::<Amount>().unwrap());
        assert_eq!(HashSet::from(spellings).len(), 1);
    }

    #[test]
    fn the_sum_of_the_extremes_is_exact() {
        let most: Amount = "999999999999999999.999999999".parse().unwrap();
        let least: Amount = "0.000000001".parse().unwrap();
        assert_eq!((most.decimal() + least.decimal()).normalize().to_string(), "1000000000000000000");
        assert_eq!((most.decimal() + most.decimal()).to_string(), "1999999999999999999.999999998");
    }
}
