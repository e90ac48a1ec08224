//! Notes that plugins leave in the record.

use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error;

/// Something that a plugin wants kept. What it says is the plugin's responsibility, also if it quotes
/// an argument.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    key: String,
    value: Box<RawValue>,
}

/// A note whose value is not JSON.
#[derive(Debug, Error)]
#[error("the note's value is not JSON")]
pub struct NoteError(#[source] serde_json::Error);

impl Note {
    /// A note whose value is JSON text. Numbers keep their literal.
    ///
    /// # Errors
    /// [`NoteError`] if `value` is not one JSON value.
    pub fn new(key: impl Into<String>, value: &str) -> Result<Self, NoteError> {
        // In JSON a raw line break can only be white space between tokens, and a record is one line.
        let value = value.replace(['\n', '\r'], " ");
        let value = RawValue::from_string(value).map_err(NoteError)?;
        Ok(Self { key: key.into(), value })
    }

    /// The note's name.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The note's value: JSON text on one line.
    #[must_use]
    pub fn value(&self) -> &str {
        self.value.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_json_on_one_line_and_numbers_as_they_are() {
        for (text, kept) in [
            ("1.10", "1.10"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("{\n\"a\":\r\n1}", "{ \"a\":  1}"),
            (r#""a\nb""#, r#""a\nb""#),
        ] {
            assert_eq!(Note::new("k", text).unwrap().value(), kept, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_one_json_value() {
        for text in ["", "{", "1 2", "\"a\nb", "nul", "}{"] {
            assert!(Note::new("k", text).is_err(), "{text:?}");
        }
    }
}
