//! One level of JSON text, read when it is needed.
//!
//! What is inside stays text, so that numbers keep their literals and a large argument costs nothing
//! where no condition looks.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A value whose elements and members are text still.
#[derive(Debug)]
pub(crate) enum Json<'t> {
    Null,
    Boolean(bool),
    /// The literal.
    Number(&'t str),
    Text(Cow<'t, str>),
    Array(Vec<&'t RawValue>),
    Object(BTreeMap<Key<'t>, &'t RawValue>),
    /// No JSON, or a text that is no Unicode (half of a surrogate pair): there is nothing to compare.
    Unreadable,
}

/// A member's name.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key<'t>(#[serde(borrow)] pub(crate) Cow<'t, str>);

impl std::borrow::Borrow<str> for Key<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'t> Json<'t> {
    pub(crate) fn read(text: &'t str) -> Self {
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        let read = match text.as_bytes().first() {
            Some(b'n') => (text == "null").then_some(Self::Null),
            Some(b't' | b'f') => text.parse().ok().map(Self::Boolean),
            Some(b'"') => Self::text(text).map(Self::Text),
            Some(b'[') => serde_json::from_str(text).ok().map(Self::Array),
            Some(b'{') => serde_json::from_str(text).ok().map(Self::Object),
            Some(b'-' | b'0'..=b'9') => {
                serde_json::from_str::<&RawValue>(text).ok().map(|_number| Self::Number(text))
            }
            _ => None,
        };
        read.unwrap_or(Self::Unreadable)
    }

    fn text(text: &'t str) -> Option<Cow<'t, str>> {
        serde_json::from_str::<Key<'t>>(text).ok().map(|Key(text)| text)
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::Unreadable => "no readable JSON",
        }
    }
}

/// JSON text without white space between its parts.
pub(crate) fn compact(text: &str) -> String {
    let mut inside_string = false;
    let mut escaped = false;
    text.chars()
        .filter(|&character| {
            let was_inside = inside_string;
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = inside_string,
                '"' => inside_string = !inside_string,
                _ => {}
            }
            was_inside || !character.is_ascii_whitespace()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Json, compact};

    #[test]
    fn reads_one_level() {
        for (text, expected) in [
            ("null", "Null"),
            (" true ", "Boolean(true)"),
            ("-1.50e3", r#"Number("-1.50e3")"#),
            (r#""a\u0041""#, r#"Text("aA")"#),
            ("[1, [2]]", "Array([RawValue(1), RawValue([2])])"),
            (
                r#"{"b":{"c":1},"\u0061":2}"#,
                r#"Object({Key("a"): RawValue(2), Key("b"): RawValue({"c":1})})"#,
            ),
            (r#""\ud800""#, "Unreadable"),
            (r#"{"\ud800":1}"#, "Unreadable"),
            ("", "Unreadable"),
            ("truth", "Unreadable"),
            ("nil", "Unreadable"),
            ("01", "Unreadable"),
            ("[1", "Unreadable"),
        ] {
            assert_eq!(format!("{:?}", Json::read(text)), expected, "{text}");
        }
    }

    #[test]
    fn compacts_outside_of_strings() {
        let text = "{ \"a b\" : [ 1 ,\n\t\"\\\" x \\\\\" , true ] }";
        assert_eq!(compact(text), r#"{"a b":[1,"\" x \\",true]}"#);
    }
}
