//! Notes that plugins leave in the record.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Json, NotJson};

/// Something that a plugin wants kept. What it says is the plugin's responsibility, also if it quotes
/// an argument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    key: String,
    value: Json,
}

/// A note whose value is not JSON.
#[derive(Debug, Error)]
#[error("the note's value is not JSON")]
pub struct NoteError(#[source] NotJson);

impl Note {
    /// A note whose value is JSON text. Numbers keep their literal.
    ///
    /// # Errors
    /// [`NoteError`] if `value` is not one JSON value.
    pub fn new(key: impl Into<String>, value: &str) -> Result<Self, NoteError> {
        Ok(Self { key: key.into(), value: Json::new(value).map_err(NoteError)? })
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
