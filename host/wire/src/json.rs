//! JSON text that has exactly one reading.
//!
//! [`Document::parse`] is the only way in for foreign bytes. Its invariants hold for every [`Document`],
//! also after an edit:
//! - UTF-8, one value, RFC 8259 grammar, no object with two equal keys (compared after unescaping), no
//!   escape that names half a surrogate pair;
//! - compact: no whitespace between tokens, hence no raw C0 control character anywhere. A line of JSON
//!   can be put on a line-framed transport (stdio, SSE) and no reader sees a second line in it;
//! - number and string literals are as the sender wrote them (`1.10`, `1e400`, `"\u0041"`).

mod canonical;
mod edit;
mod error;
mod literal;
mod strict;
mod value;

use std::fmt;
use std::sync::Arc;

pub use canonical::canonical;
pub use edit::EditError;
pub use error::{JsonError, JsonErrorKind};
pub use literal::quote;
pub use value::{Elements, Kind, Members, Value};

/// How much JSON [`Document::parse`] takes before it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Length of the input, in bytes, whitespace included. Default 4 MiB.
    pub bytes: usize,
    /// Containers open at once; a scalar has depth 0, `[]` has 1. Default 64.
    pub depth: usize,
    /// Members of one object, or elements of one array. Default 100,000.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 * 1024 * 1024, depth: 64, entries: 100_000 }
    }
}

/// One JSON value as owned, compact, strictly parsed text. Cloning shares the text.
///
/// Two documents are equal when their texts are: `1.0` and `1` differ, and so do two key orders.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Document {
    text: Arc<str>,
}

impl Document {
    /// Parses foreign bytes strictly and keeps them without inter-token whitespace. Takes time linear in
    /// the input and does not recurse.
    ///
    /// # Errors
    /// [`JsonError`], with the byte offset in `input`, for anything but one RFC 8259 value in UTF-8
    /// without a byte order mark, for duplicate keys, for lone surrogate escapes, and past a limit.
    pub fn parse(input: &[u8], limits: &Limits) -> Result<Self, JsonError> {
        strict::compact(input, limits).map(Self::trusted)
    }

    /// Wraps text that already has the invariants above: ours, or a part of another document.
    pub(crate) fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into() }
    }

    /// A document that is one JSON string.
    pub fn string(value: &str) -> Self {
        Self::trusted(quote(value))
    }

    /// The compact text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The compact text as bytes, ready to be forwarded.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// A view of the whole document.
    pub fn root(&self) -> Value<'_> {
        Value::root(&self.text)
    }

    /// The value at an RFC 6901 pointer; see [`Value::pointer`].
    pub fn pointer(&self, pointer: &str) -> Option<Value<'_>> {
        self.root().pointer(pointer)
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({})", self.text)
    }
}

/// For values the host made itself; foreign text goes through [`Document::parse`].
impl From<&serde_json::Value> for Document {
    fn from(value: &serde_json::Value) -> Self {
        Self::trusted(value.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_text_and_compare_by_it() {
        let document = Document::parse(b" { \"a\" : 1.0 } ", &Limits::default()).unwrap();
        assert_eq!(document.clone(), document);
        assert_eq!(document.to_string(), r#"{"a":1.0}"#);
        assert_eq!(format!("{document:?}"), r#"Document({"a":1.0})"#);
        assert_ne!(document, Document::parse(br#"{"a":1}"#, &Limits::default()).unwrap());
        assert_eq!(document.as_bytes(), document.as_str().as_bytes());
    }

    #[test]
    fn host_values_become_documents() {
        let document = Document::from(&serde_json::json!({ "line": "a\nb" }));
        assert_eq!(document.as_str(), r#"{"line":"a\nb"}"#);
        assert_eq!(Document::string("a\"b").as_str(), r#""a\"b""#);
    }
}
