//! Amounts of quota: what the host counts with.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::{Decimal, DecimalError};

const WHOLE_DIGITS: u32 = 18;
const FRACTION_DIGITS: u32 = 9;
const UNIT: u128 = 10u128.pow(FRACTION_DIGITS);
const BEYOND: u128 = 10u128.pow(WHOLE_DIGITS + FRACTION_DIGITS);

/// An exact number that is not negative, with at most 18 digits before the point and 9 after it: a cost
/// or a limit, as the host takes them. Displayed without exponent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount {
    /// In units of 10^-9.
    units: u128,
}

/// Why a number is not an [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// It is no number.
    #[error(transparent)]
    Number(#[from] DecimalError),
    /// It is less than zero.
    #[error("an amount is not negative")]
    Negative,
    /// It is too large.
    #[error("an amount has at most {WHOLE_DIGITS} digits before the point")]
    TooLarge,
    /// It is too precise.
    #[error("an amount has at most {FRACTION_DIGITS} digits after the point")]
    TooPrecise,
}

impl TryFrom<&Decimal> for Amount {
    type Error = AmountError;

    fn try_from(number: &Decimal) -> Result<Self, AmountError> {
        if number.is_negative() {
            return Err(AmountError::Negative);
        }
        if number.whole_digits() > u128::from(WHOLE_DIGITS) {
            return Err(AmountError::TooLarge);
        }
        if number.fraction_digits() > u128::from(FRACTION_DIGITS) {
            return Err(AmountError::TooPrecise);
        }
        let plain = number.plain(WHOLE_DIGITS + FRACTION_DIGITS).unwrap_or_default();
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let units =
            format!("{whole}{fraction:0<9}").parse().map_err(|_impossible| DecimalError::NotANumber)?;
        Ok(Self { units })
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        Self::try_from(&text.parse::<Decimal>()?)
    }
}

impl Amount {
    /// One: a call.
    pub const ONE: Self = Self { units: UNIT };

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`AmountError::TooLarge`].
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        match self.units.checked_add(other.units) {
            Some(units) if units < BEYOND => Ok(Self { units }),
            _ => Err(AmountError::TooLarge),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.units / UNIT, self.units % UNIT);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{fraction:09}");
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, AmountError};

    #[test]
    fn amounts_are_exact_and_bounded() {
        for (text, expected) in [
            ("0", Ok("0")),
            ("-0", Ok("0")),
            ("1", Ok("1")),
            ("12.50", Ok("12.5")),
            (" +1e3 ", Ok("1000")),
            ("0.000000001", Ok("0.000000001")),
            ("999999999999999999.999999999", Ok("999999999999999999.999999999")),
            ("1e18", Err(AmountError::TooLarge)),
            ("1e999999999999", Err(AmountError::TooLarge)),
            ("1e-10", Err(AmountError::TooPrecise)),
            ("1e-999999999999", Err(AmountError::TooPrecise)),
            ("1.0000000000", Ok("1")),
            ("-0.01", Err(AmountError::Negative)),
        ] {
            let amount = text.parse::<Amount>().map(|amount| amount.to_string());
            assert_eq!(amount, expected.map(str::to_owned), "{text}");
        }
        assert!("ten".parse::<Amount>().is_err());
        assert_eq!(Amount::ONE, "1.000".parse().unwrap());
    }

    #[test]
    fn sums_are_exact_and_bounded() {
        let amount = |text: &str| text.parse::<Amount>().unwrap();
        let sum = amount("0.1").plus(amount("0.2")).unwrap();
        assert_eq!(sum.to_string(), "0.3");
        let most = amount("999999999999999999.999999999");
        assert_eq!(most.plus(Amount::default()), Ok(most));
        assert_eq!(most.plus(amount("0.000000001")), Err(AmountError::TooLarge));
    }
}
