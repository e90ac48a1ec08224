//! Exact numbers of any size.
//!
//! A number is kept as its digits and the place of its point, and never written out: `1e10000000` takes
//! no more room than its text, and compares at once.

use std::cmp::Ordering;
use std::str::FromStr;

use thiserror::Error;

/// Exponents have at most so many digits, which leaves room to add the length of any text.
const EXPONENT_DIGITS: usize = 30;

/// An exact decimal number. Equal numbers are equal however they were written: `1`, `1.0`, `10e-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// The significant digits, neither beginning nor ending with `0`. None of them: the number is zero.
    digits: String,
    /// The number is `0.DIGITS` × 10^magnitude.
    magnitude: i128,
}

/// Why a text is not a [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// It is not written as one.
    #[error("not a number: numbers are written as digits with an optional fraction and exponent")]
    NotANumber,
    /// It is one, with an exponent that cannot be compared.
    #[error("the exponent of the number has more than {EXPONENT_DIGITS} digits")]
    Exponent,
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads `[+-]?digits[.digits][(e|E)[+-]?digits]`, with JSON white space around it. That is every
    /// number of JSON, and what servers take for a number in a string.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        let (negative, unsigned) = sign(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        if !is_digits(whole) || !fraction.is_none_or(is_digits) {
            return Err(DecimalError::NotANumber);
        }
        let exponent = exponent.map_or(Ok(0), self::exponent);

        let digits = format!("{whole}{}", fraction.unwrap_or_default());
        let significant = digits.trim_start_matches('0');
        let leading = digits.len() - significant.len();
        let significant = significant.trim_end_matches('0');
        if significant.is_empty() {
            // Zero is zero with whatever exponent, as long as that is written as one.
            return match exponent {
                Err(DecimalError::NotANumber) => Err(DecimalError::NotANumber),
                _ => Ok(Self { negative: false, digits: String::new(), magnitude: 0 }),
            };
        }
        let point = length(whole) - length_of(leading);
        Ok(Self { negative, digits: significant.to_owned(), magnitude: exponent? + point })
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn exponent(text: &str) -> Result<i128, DecimalError> {
    let (negative, digits) = sign(text);
    if !is_digits(digits) {
        return Err(DecimalError::NotANumber);
    }
    let digits = digits.trim_start_matches('0');
    if digits.len() > EXPONENT_DIGITS {
        return Err(DecimalError::Exponent);
    }
    let magnitude: i128 = if digits.is_empty() { 0 } else { digits.parse().unwrap_or_default() };
    Ok(if negative { -magnitude } else { magnitude })
}

fn length(text: &str) -> i128 {
    length_of(text.len())
}

fn length_of(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.signum().cmp(&other.signum()).then_with(|| {
            // Digits without zeros at either end, read as `0.DIGITS`, are in the order of their text.
            let absolute = self.magnitude.cmp(&other.magnitude).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { absolute.reverse() } else { absolute }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Decimal {
    fn signum(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// Whether the number is less than zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// Digits needed before the point, at least 1.
    pub fn whole_digits(&self) -> u128 {
        u128::try_from(self.magnitude).unwrap_or(0).max(1)
    }

    /// Digits needed after the point.
    pub fn fraction_digits(&self) -> u128 {
        u128::try_from(length(&self.digits) - self.magnitude).unwrap_or(0)
    }

    /// The number without exponent and without zeros that say nothing: `100`, `-0.5`. `None` if that takes
    /// more than `limit` digits.
    pub fn plain(&self, limit: u32) -> Option<String> {
        if self.whole_digits() + self.fraction_digits() > u128::from(limit) {
            return None;
        }
        let mut plain = String::new();
        if self.negative {
            plain.push('-');
        }
        let zeros = |count: i128| "0".repeat(usize::try_from(count).unwrap_or(0));
        let point = usize::try_from(self.magnitude).unwrap_or(0);
        match (point, self.digits.split_at_checked(point)) {
            (0, _) if self.digits.is_empty() => plain.push('0'),
            (0, _) => {
                plain.push_str("0.");
                plain.push_str(&zeros(-self.magnitude));
                plain.push_str(&self.digits);
            }
            (_, Some((whole, ""))) => plain.push_str(whole),
            (_, Some((whole, fraction))) => {
                plain.push_str(whole);
                plain.push('.');
                plain.push_str(fraction);
            }
            (_, None) => {
                plain.push_str(&self.digits);
                plain.push_str(&zeros(self.magnitude - length(&self.digits)));
            }
        }
        Some(plain)
    }

    /// Whether this is the whole number `number`.
    pub(crate) fn is(&self, number: u8) -> bool {
        self.plain(3).is_some_and(|plain| plain == number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::{Decimal, DecimalError};

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn compares_exactly() {
        use Ordering::{Equal, Greater, Less};
        for (left, right, expected) in [
            ("1", "1.0", Equal),
            ("1", "1e0", Equal),
            ("1", "10e-1", Equal),
            ("100", "1E2", Equal),
            ("0", "-0", Equal),
            ("0", "0e99999999999999999999999999999999999999999999", Equal),
            ("0.0", "-0.000e-5", Equal),
            ("+7", "007", Equal),
            (" \t\r\n7 ", "7", Equal),
            ("-1", "1", Less),
            ("-1", "0", Less),
            ("-2", "-1", Less),
            ("-1.5", "-1.25", Less),
            ("0.1", "0.09", Greater),
            ("0.3", "0.30000000000000004", Less),
            ("9", "10", Less),
            ("12", "123", Less),
            ("12", "1.23e2", Less),
            ("9007199254740993", "9007199254740992", Greater),
            ("9007199254740993", "9007199254740993.0", Equal),
            ("123456789012345678901234567890", "123456789012345678901234567891", Less),
            ("1e10001", "9e10000", Greater),
            ("1e-10001", "9e-10002", Greater),
            ("1e-999999999999", "0", Greater),
            ("-1e999999999999", "-1e999999999998", Less),
            ("1e999999999999999999999999999999", "1e999999999999999999999999999998", Greater),
        ] {
            assert_eq!(decimal(left).cmp(&decimal(right)), expected, "{left} and {right}");
            assert_eq!(decimal(right).cmp(&decimal(left)), expected.reverse(), "{right} and {left}");
            assert_eq!(decimal(left) == decimal(right), expected == Equal, "{left} and {right}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "", " ", "-", "+", ".", "1.", ".5", "1.e5", "e5", "1e", "1e+", "1e5.0", "1.2.3", "--1", "+-1",
            "1 2", "0x10", "1_000", "1,5", "inf", "NaN", "１", "\u{a0}1", "0e", "0ex",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::NotANumber), "{text:?}");
        }
        let vast = format!("1e1{}", "0".repeat(30));
        assert_eq!(vast.parse::<Decimal>(), Err(DecimalError::Exponent));
        assert_eq!(vast.replace("e1", "e-1").parse::<Decimal>(), Err(DecimalError::Exponent));
        assert_eq!(decimal(&format!("1e{}5", "0".repeat(100))), decimal("100000"));
    }

    #[test]
    fn writes_plain_numbers_of_bounded_length() {
        for (text, expected) in [
            ("0", Some("0")),
            ("-0.00", Some("0")),
            ("1.50", Some("1.5")),
            ("100", Some("100")),
            ("1e2", Some("100")),
            ("12.5e1", Some("125")),
            ("-1e-3", Some("-0.001")),
            ("0.5", Some("0.5")),
            ("123.456", Some("123.456")),
            ("12345678", Some("12345678")),
            ("123456789", None),
            ("1e-7", Some("0.0000001")),
            ("1e-8", None),
            ("1e999999999999999999999999", None),
            ("1e-999999999999999999999999", None),
        ] {
            assert_eq!(decimal(text).plain(8).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn one_and_zero_are_recognised() {
        for (text, number, expected) in [
            ("1.0", 1, true),
            ("10e-1", 1, true),
            ("-0", 0, true),
            ("-1", 1, false),
            ("1.1", 1, false),
            ("1e9", 1, false),
        ] {
            assert_eq!(decimal(text).is(number), expected, "{text}");
        }
    }

    /// A number as its text, and as a whole number of 10^-60.
    fn number() -> impl Strategy<Value = (String, BigInt)> {
        ("[+-]?", "[0-9]{1,25}", proptest::option::of("[0-9]{1,15}"), proptest::option::of(-40i32..40))
            .prop_map(|(sign, whole, fraction, exponent)| {
                let fraction_digits = fraction.as_ref().map_or(0, String::len);
                let digits: BigInt = format!("{whole}{}", fraction.as_deref().unwrap_or("")).parse().unwrap();
                let digits = if sign == "-" { -digits } else { digits };
                let scale = 60 + exponent.unwrap_or(0) - i32::try_from(fraction_digits).unwrap();
                let scaled = digits * BigInt::from(10).pow(u32::try_from(scale).unwrap());
                let mut text = format!("{sign}{whole}");
                if let Some(fraction) = fraction {
                    text = format!("{text}.{fraction}");
                }
                if let Some(exponent) = exponent {
                    text = format!("{text}e{exponent}");
                }
                (text, scaled)
            })
    }

    proptest! {
        #[test]
        fn agrees_with_big_integers((left, left_value) in number(), (right, right_value) in number()) {
            prop_assert_eq!(decimal(&left).cmp(&decimal(&right)), left_value.cmp(&right_value));
            prop_assert_eq!(decimal(&left) == decimal(&right), left_value == right_value);
        }

        #[test]
        fn neighbours_differ((text, value) in number(), bump in 1i64..3) {
            // The same number written as a whole one, and one that is larger by as little.
            let exact = decimal(&format!("{value}e-60"));
            prop_assert_eq!(&exact, &decimal(&text));
            let above = decimal(&format!("{}e-60", value + bump));
            prop_assert!(exact < above);
        }

        #[test]
        fn the_plain_form_is_the_same_number((text, _) in number()) {
            let number = decimal(&text);
            let plain = number.plain(200).unwrap();
            prop_assert!(!plain.contains('e'));
            prop_assert_eq!(decimal(&plain), number);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.eE ]{0,60}") {
            let _either = text.parse::<Decimal>();
        }
    }
}
