//! Decimal numbers, compared exactly: `42.0` is `42`, and 9007199254740993 is not 9007199254740992.

/// A number as `digits × 10^exponent`. Equal numbers are equal here: the digits neither begin nor end with
/// a zero, and zero has no digits, no sign and no exponent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i128,
}

impl Decimal {
    /// Most digits that an exponent is written out to; JavaScript, too, writes 10^20 in full and 10^21 not.
    const LONGEST: usize = 21;

    /// Reads a JSON number. `None` if its exponent does not fit into 64 bits.
    pub(super) fn read(literal: &str) -> Option<Self> {
        let unsigned = literal.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let written = [whole, fraction].concat();
        let shifted = written.trim_end_matches('0');
        let digits = shifted.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let zeros = i128::try_from(written.len() - shifted.len()).ok()?;
        let fraction = i128::try_from(fraction.len()).ok()?;
        let exponent = i128::from(exponent.parse::<i64>().ok()?) - fraction + zeros;
        Some(Self { negative: literal.starts_with('-'), digits, exponent })
    }

    /// Reads a number written as a header carries one: as JSON has it, without exponent.
    pub(super) fn read_plain(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        (digits(whole) && digits(fraction) && !leading_zero).then(|| Self::read(text)).flatten()
    }

    /// The one way to write an integer in plain digits. `None` for a number with a fraction, and from 10^21
    /// on: a few bytes of exponent would become a header of any length.
    pub(super) fn integer(&self) -> Option<String> {
        let zeros = usize::try_from(self.exponent).ok()?;
        if self.digits.len().checked_add(zeros)? > Self::LONGEST {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        let digits = if self.digits.is_empty() { "0" } else { &self.digits };
        Some(format!("{sign}{digits}{}", "0".repeat(zeros)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_one_form() {
        let equal: [&[&str]; 5] = [
            &["0", "-0", "0.0", "0e9", "-0.00E-99999999999999999999999999"],
            &["42", "42.0", "4.2e1", "420E-1", "0.0042e+4"],
            &["-7", "-7.00", "-70e-1"],
            &["1e400", "10e399", "0.1e401"],
            &["9007199254740993", "9007199254740993.0"],
        ];
        for (group, literals) in equal.iter().enumerate() {
            for literal in *literals {
                assert_eq!(Decimal::read(literal), Decimal::read(literals[0]), "{literal}");
                for (other, different) in equal.iter().enumerate().filter(|(other, _)| *other != group) {
                    assert_ne!(Decimal::read(literal), Decimal::read(different[0]), "{group}, {other}");
                }
            }
        }
        for (left, right) in
            [("9007199254740993", "9007199254740992"), ("7", "-7"), ("4.2", "42"), ("1", "10")]
        {
            assert_ne!(Decimal::read(left), Decimal::read(right), "{left}, {right}");
        }
        for literal in ["1e9223372036854775808", "1e-99999999999999999999999999"] {
            assert_eq!(Decimal::read(literal), None, "{literal}");
        }
        assert!(Decimal::read("10e9223372036854775807").is_some());
        assert!(Decimal::read("0.1e-9223372036854775808").is_some());
    }

    #[test]
    fn integers_in_plain_digits() {
        let cases = [
            ("0", Some("0")),
            ("-0", Some("0")),
            ("42", Some("42")),
            ("-42.0", Some("-42")),
            ("4.2e1", Some("42")),
            ("1e3", Some("1000")),
            ("1200", Some("1200")),
            ("1e20", Some("100000000000000000000")),
            ("123456789012345678901", Some("123456789012345678901")),
            ("1234567890123456789012", None),
            ("1e21", None),
            ("12e20", None),
            ("1e400", None),
            ("4.2", None),
            ("1e-1", None),
        ];
        for (literal, text) in cases {
            assert_eq!(Decimal::read(literal).unwrap().integer().as_deref(), text, "{literal}");
        }
    }

    #[test]
    fn plain_numbers() {
        for text in ["0", "-0", "42", "42.0", "-1.50", "0.0", "123456789012345678901234567890"] {
            assert_eq!(Decimal::read_plain(text), Decimal::read(text), "{text}");
            assert!(Decimal::read_plain(text).is_some(), "{text}");
        }
        for text in [
            "", "-", "+1", "--1", " 1", "1 ", "042", "1.", ".5", "1e2", "1E2", "0x2A", "NaN", "1,0", "1.0.0",
            "٤٢",
        ] {
            assert_eq!(Decimal::read_plain(text), None, "{text:?}");
        }
    }
}
