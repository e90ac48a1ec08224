//! One text for JSON that says the same.

use super::{Kind, Value, quote};

/// The canonical text of a value: members sorted by key, strings escaped in one way, no white space.
/// Numbers keep their literal, since who reads them may tell `1` from `1.0`.
///
/// ```
/// use bartizan_wire::json::{Document, Limits, canonical};
///
/// let document = Document::parse(br#"{"b": 1.0, "a": "\u0041"}"#, &Limits::default())?;
/// assert_eq!(canonical(document.root()), r#"{"a":"A","b":1.0}"#);
/// # Ok::<(), bartizan_wire::json::JsonError>(())
/// ```
pub fn canonical(value: Value<'_>) -> String {
    let mut text = String::with_capacity(value.text().len());
    write(value, &mut text);
    text
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
    use crate::json::{Document, Limits, canonical};

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
            let document = Document::parse(json.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(canonical(document.root()), expected, "{json}");
        }
    }
}
