//! Exact decimal amounts.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number that is not negative, with at most [`Amount::WHOLE`] digits before and
/// [`Amount::FRACTION`] after the point. Equal numbers are equal, however they were written.
///
/// ```
/// use bartizan_policy::document::Amount;
///
/// assert_eq!(Amount::parse("1.50e1").unwrap().to_string(), "15");
/// assert!(Amount::parse("0.25").unwrap() < Amount::parse("10").unwrap());
/// assert_eq!(Amount::parse("0.0000000001"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    /// Digits without leading zeros; none for 0.
    whole: String,
    /// Digits without zeros at the end.
    fraction: String,
}

impl Amount {
    /// The most digits before the point.
    pub const WHOLE: usize = 18;
    /// The most digits after the point.
    pub const FRACTION: usize = 9;

    /// Reads the literal of a JSON number. None if it is negative or has too many digits.
    pub fn parse(literal: &str) -> Option<Self> {
        let (mantissa, exponent) = match literal.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix('+').unwrap_or(exponent)),
            None => (literal, "0"),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(mantissa) => (true, mantissa),
            None => (false, mantissa),
        };
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: Vec<u8> = before.bytes().chain(after.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        if digits.iter().all(|digit| *digit == b'0') {
            return Some(Self { whole: String::new(), fraction: String::new() });
        }
        // A literal is as long as its document allows; an exponent past that leaves no digit in range.
        const FARTHEST: i64 = 1 << 40;
        let exponent = exponent.parse::<i64>().ok()?.clamp(-FARTHEST, FARTHEST);
        let point = i64::try_from(before.len()).ok()? + exponent;
        let first = i64::try_from(digits.iter().position(|digit| *digit != b'0')?).ok()?;
        let end = i64::try_from(digits.iter().rposition(|digit| *digit != b'0')? + 1).ok()?;
        let fits = point - first <= 18 && end - point <= 9;
        if negative || !fits {
            return None;
        }
        let digit = |at: i64| {
            let digit = usize::try_from(at).ok().and_then(|at| digits.get(at));
            char::from(digit.copied().unwrap_or(b'0'))
        };
        Some(Self {
            whole: (first..point).map(digit).collect(),
            fraction: (point..end.max(point)).map(digit).collect(),
        })
    }

    /// One.
    pub fn one() -> Self {
        Self { whole: "1".into(), fraction: String::new() }
    }

    /// Whether it is nothing.
    pub fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }
}

/// Plain decimal text, without an exponent.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.whole.is_empty() { "0" } else { &self.whole })?;
        if self.fraction.is_empty() { Ok(()) } else { write!(f, ".{}", self.fraction) }
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        let whole = |amount: &Self| (amount.whole.len(), amount.whole.clone());
        whole(self).cmp(&whole(other)).then_with(|| self.fraction.cmp(&other.fraction))
    }
}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_literals_exactly() {
        for (literal, expected) in [
            ("0", Some("0")),
            ("-0.0", Some("0")),
            ("0e99999999999999999999", Some("0")),
            ("1", Some("1")),
            ("1.0", Some("1")),
            ("10.50", Some("10.5")),
            ("0.1", Some("0.1")),
            ("1e3", Some("1000")),
            ("1E+3", Some("1000")),
            ("125e-2", Some("1.25")),
            ("125e-5", Some("0.00125")),
            ("0.001e3", Some("1")),
            ("12.5e1", Some("125")),
            ("999999999999999999.999999999", Some("999999999999999999.999999999")),
            ("1e17", Some("100000000000000000")),
            ("1e18", None),
            ("1e-9", Some("0.000000001")),
            ("1e-10", None),
            ("1e99999999999999999999", None),
            ("1e-9223372036854775808", None),
            ("1e9223372036854775807", None),
            ("-1", None),
            ("-0.1", None),
        ] {
            assert_eq!(
                Amount::parse(literal).map(|amount| amount.to_string()).as_deref(),
                expected,
                "{literal}"
            );
        }
    }

    #[test]
    fn compares_by_value() {
        let amount = |literal| Amount::parse(literal).unwrap();
        let ascending = ["0", "0.05", "0.1", "0.11", "0.9", "1", "1.5", "9", "10", "99", "100.000000001"];
        for (index, low) in ascending.iter().enumerate() {
            for high in ascending.iter().skip(index + 1) {
                assert!(amount(low) < amount(high), "{low} < {high}");
            }
        }
        assert_eq!(amount("1e1"), amount("10.00"));
    }
}
