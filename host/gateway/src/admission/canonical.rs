//! One text for arguments that say the same: members sorted by key, strings escaped in one way, no white
//! space. Numbers keep their literal, since who reads them may tell `1` from `1.0`.

use std::fmt::Write as _;

use bartizan_wire::json::{Document, Kind, Limits, Value, quote};
use sha2::{Digest as _, Sha256};

/// The canonical text of JSON that was parsed before. A text that cannot be read is its own.
pub(crate) fn canonical(json: &str) -> String {
    // It was within its limits when it came in, and a plugin's rewrite was as well.
    match Document::parse(json.as_bytes(), &Limits::default()) {
        Ok(document) => canonical_value(document.root()),
        Err(_not_read) => json.to_owned(),
    }
}

/// The canonical text of a value.
pub(crate) fn canonical_value(value: Value<'_>) -> String {
    let mut text = String::with_capacity(value.text().len());
    write(value, &mut text);
    text
}

/// SHA-256 of a text in lower-case hex.
pub(crate) fn digest(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn write(value: Value<'_>, text: &mut String) {
    match value.kind() {
        Kind::Object => {
            let mut members: Vec<_> = value.members().collect();
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            text.push('{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&quote(&key));
                text.push(':');
                write(member, text);
            }
            text.push('}');
        }
        Kind::Array => {
            text.push('[');
            for (index, element) in value.elements().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(element, text);
            }
            text.push(']');
        }
        Kind::String => match value.as_str() {
            Some(string) => text.push_str(&quote(&string)),
            None => text.push_str(value.text()),
        },
        _ => text.push_str(value.text()),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn what_says_the_same_looks_the_same() {
        for (json, expected) in [
            (r#"{"b":1,"a":{"d":[2,1],"c":null}}"#, r#"{"a":{"c":null,"d":[2,1]},"b":1}"#),
            (r#"[{"b":1,"a":2},{"a":2,"b":1}]"#, r#"[{"a":2,"b":1},{"a":2,"b":1}]"#),
            (r#""\u0041\/\u00e9""#, r#""A/é""#),
            ("1.0", "1.0"),
            ("12345678901234567890123", "12345678901234567890123"),
            (r#"{"\u0061":1}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(canonical(json), expected, "{json}");
        }
    }
}
