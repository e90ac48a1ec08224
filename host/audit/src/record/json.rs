//! JSON text that fits into one line.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

/// One JSON value as its text, without line breaks. Numbers keep their literal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

/// Text that is not one JSON value.
#[derive(Debug, Error)]
#[error("the text is not one JSON value")]
pub struct NotJson(#[source] serde_json::Error);

impl Json {
    /// The value that a text stands for.
    ///
    /// # Errors
    /// [`NotJson`] if `text` is not one JSON value.
    pub fn new(text: impl Into<String>) -> Result<Self, NotJson> {
        let mut text = text.into();
        // In JSON a raw line break can only be white space between tokens.
        if text.contains(['\n', '\r']) {
            text = text.replace(['\n', '\r'], " ");
        }
        RawValue::from_string(text).map(Self).map_err(NotJson)
    }

    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}
