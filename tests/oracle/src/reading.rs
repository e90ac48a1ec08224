//! What a document means, as text in which two meanings differ.
//!
//! | value | as Python reads it | as JavaScript reads it |
//! |---|---|---|
//! | `null`, `true`, `false` | `n`, `t`, `f` | the same |
//! | a number | `i` or `d` (an `int` or a `float`), the literal, `=`, the double's bits | `d=`, the double's bits |
//! | a string | its UTF-16 units in hexadecimal, in quotes | the same |
//! | an array | `[…,…]` | the same |
//! | an object | `{key:value,…}` in the order of the text | the same, sorted |

use std::borrow::Cow;

use bartizan_wire::json::{Kind, Value};

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Python's `json`.
    Python,
    /// JavaScript's `JSON.parse`.
    JavaScript,
}

/// What a value should mean to a reader in this language.
pub fn expected(value: Value<'_>, language: Language) -> String {
    match value.kind() {
        Kind::Null => "n".to_owned(),
        Kind::Bool => if value.as_bool() == Some(true) { "t" } else { "f" }.to_owned(),
        Kind::Number => number(value, language),
        Kind::String => text(&value.as_str().expect("it is a string")),
        Kind::Array => {
            let elements: Vec<_> = value.elements().map(|element| expected(element, language)).collect();
            format!("[{}]", elements.join(","))
        }
        Kind::Object => {
            let member = |(key, value): (Cow<'_, str>, Value<'_>)| {
                format!("{}:{}", text(&key), expected(value, language))
            };
            let mut members: Vec<_> = value.members().map(member).collect();
            if language == Language::JavaScript {
                members.sort_unstable();
            }
            format!("{{{}}}", members.join(","))
        }
    }
}

fn number(value: Value<'_>, language: Language) -> String {
    let literal = value.text();
    let bits = value.as_f64().expect("it is a number").to_bits();
    let kind = if literal.contains(['.', 'e', 'E']) { 'd' } else { 'i' };
    match language {
        Language::Python => format!("{kind}{literal}={bits:016x}"),
        Language::JavaScript => format!("d={bits:016x}"),
    }
}

fn text(characters: &str) -> String {
    let units: String = characters.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
    format!("\"{units}\"")
}

/// The numbers that a reader who keeps doubles would not write as the same number again, by their
/// literals: `9007199254740993`, `1e400`, `0.1000000000000000055`, and neither `0.1` nor `1.10`.
pub fn rounded(value: Value<'_>) -> Vec<String> {
    match value.kind() {
        Kind::Number => {
            let double = value.as_f64().expect("it is a number");
            let kept = double.is_finite() && decimal(value.text()) == decimal(&format!("{double:e}"));
            if kept { Vec::new() } else { vec![value.text().to_owned()] }
        }
        Kind::Array => value.elements().flat_map(rounded).collect(),
        Kind::Object => value.members().flat_map(|(_, value)| rounded(value)).collect(),
        _ => Vec::new(),
    }
}

/// A number's significant digits and the power of ten of the last; no digits for zero. `None` for an
/// exponent that no double has.
fn decimal(literal: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let negative = whole.starts_with('-');
    let digits = [whole.trim_start_matches('-'), fraction].concat();
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let places = i64::try_from(fraction.len()).ok()?;
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let exponent = exponent.parse::<i64>().ok()?.checked_sub(places)?.checked_add(zeros)?;
    Some((negative, significant.trim_start_matches('0').to_owned(), exponent))
}

#[cfg(test)]
mod tests {
    use bartizan_wire::json::{Document, Limits};

    use super::*;

    #[test]
    fn numbers_that_doubles_do_not_keep() {
        let cases = [
            ("[0,-0,0.0e9,1,1.10,-1.5e-7,100,1E+2,0.1,1e308,9007199254740992,5e-324]", vec![]),
            ("[9007199254740993,1]", vec!["9007199254740993"]),
            (
                r#"{"a":[1e400,-1e-400],"b":{"c":0.1000000000000000055}}"#,
                vec!["1e400", "-1e-400", "0.1000000000000000055"],
            ),
            ("18446744073709551615", vec!["18446744073709551615"]),
            ("1e99999999999999999999", vec!["1e99999999999999999999"]),
            ("0e99999999999999999999", vec![]),
        ];
        for (text, expected) in cases {
            let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(rounded(document.root()), expected, "{text}");
        }
    }

    #[test]
    fn readings_show_what_readers_see() {
        let text = r#"{"10":[null,true,false],"9":-1.50,"a\u00e9😀":"","1":7}"#;
        let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        let python = concat!(
            r#"{"00310030":[n,t,f],"0039":d-1.50=bff8000000000000,"#,
            r#""006100e9d83dde00":"","0031":i7=401c000000000000}"#
        );
        let javascript = concat!(
            r#"{"0031":d=401c000000000000,"00310030":[n,t,f],"#,
            r#""0039":d=bff8000000000000,"006100e9d83dde00":""}"#
        );
        assert_eq!(expected(document.root(), Language::Python), python);
        assert_eq!(expected(document.root(), Language::JavaScript), javascript);
    }
}
