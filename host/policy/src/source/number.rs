//! Number literals of YAML and TOML as JSON literals.

/// The JSON literal of a decimal number (`[-+]?` digits, optional fraction and exponent, as the YAML
/// core schema and TOML write them). None if the text is not one, or has leading zeros: `010` is ten
/// to some parsers and eight to others.
pub(super) fn decimal(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (rest.get(..at)?, Some(rest.get(at + 1..)?)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(digits) || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if whole.is_empty() && fraction.is_none_or(str::is_empty) {
        return None;
    }
    let mut literal = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if let Some(fraction) = fraction {
        literal.push('.');
        literal.push_str(if fraction.is_empty() { "0" } else { fraction });
    }
    if let Some(exponent) = exponent {
        let magnitude = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if magnitude.is_empty() || !digits(magnitude) {
            return None;
        }
        literal.push('e');
        literal.push_str(exponent);
    }
    Some(literal)
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn turns_decimals_into_json_literals() {
        for (text, expected) in [
            ("0", Some("0")),
            ("-0", Some("-0")),
            ("+12", Some("12")),
            ("1.10", Some("1.10")),
            (".5", Some("0.5")),
            ("-.5", Some("-0.5")),
            ("5.", Some("5.0")),
            ("6.02e+23", Some("6.02e+23")),
            ("1E3", Some("1e3")),
            ("010", None),
            ("00", None),
            (".", None),
            ("", None),
            ("-", None),
            ("e3", None),
            ("1e", None),
            ("1e+", None),
            ("1e3e4", None),
            ("1.2.3", None),
            ("1_000", None),
            ("--1", None),
            ("0x1f", None),
            ("２", None),
        ] {
            assert_eq!(decimal(text).as_deref(), expected, "{text:?}");
            if let Some(expected) = expected {
                assert!(serde_json::from_str::<serde_json::Number>(expected).is_ok(), "{expected} is JSON");
            }
        }
    }
}
