//! Request ids: strings and integers, never confused with each other.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::json::{Document, Kind, Value, quote};

/// A JSON-RPC id as MCP allows it: a string or an integer of any size.
///
/// Keeps the sender's literal for the answer ([`Id::as_json`]) and compares by value: `"a"` equals
/// `"\u0061"`, `-0` equals `0`, and `"1"` never equals `1`. Also the type of `progressToken`,
/// `requestId` and subscription ids. Cloning shares the text.
#[derive(Clone)]
pub struct Id {
    literal: Arc<str>,
    value: Canonical,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Canonical {
    String(Arc<str>),
    /// JSON's grammar leaves one spelling of each integer, but for `-0`.
    Integer(Arc<str>),
}

impl Id {
    /// Longest literal accepted, in bytes: ids are kept in tables and echoed.
    pub const MAX_LENGTH: usize = 1024;

    /// Reads an id from a message.
    ///
    /// # Errors
    /// [`IdError`] for null, booleans, containers, numbers with a fraction or exponent, and literals
    /// longer than [`Id::MAX_LENGTH`].
    pub fn from_value(value: Value<'_>) -> Result<Self, IdError> {
        let text = value.text();
        if text.len() > Self::MAX_LENGTH {
            return Err(IdError::TooLong { length: text.len() });
        }
        let literal = Arc::from(text);
        let value = match (value.as_str(), value.kind()) {
            (Some(characters), _) => Canonical::String(Arc::from(characters.as_ref())),
            (None, Kind::Number) if text == "-0" => Canonical::Integer(Arc::from("0")),
            (None, Kind::Number) if !text.contains(['.', 'e', 'E']) => {
                Canonical::Integer(Arc::clone(&literal))
            }
            (None, Kind::Number) => return Err(IdError::NotAnInteger),
            (None, found) => return Err(IdError::Kind { found }),
        };
        Ok(Self { literal, value })
    }

    /// The id as the JSON literal its sender wrote.
    pub fn as_json(&self) -> &str {
        &self.literal
    }

    /// The id as a document.
    pub fn to_document(&self) -> Document {
        Document::trusted(Arc::clone(&self.literal))
    }
}

/// An integer id of our own.
impl From<u64> for Id {
    fn from(number: u64) -> Self {
        let literal: Arc<str> = Arc::from(number.to_string());
        Self { value: Canonical::Integer(Arc::clone(&literal)), literal }
    }
}

/// A string id of our own; the caller keeps it shorter than [`Id::MAX_LENGTH`].
impl From<&str> for Id {
    fn from(characters: &str) -> Self {
        Self { literal: Arc::from(quote(characters)), value: Canonical::String(Arc::from(characters)) }
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Eq for Id {}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.literal)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.literal)
    }
}

/// Why a value is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Null, a boolean or a container.
    #[error("must be a string or an integer, found {found}")]
    Kind {
        /// What was there.
        found: Kind,
    },
    /// A number with a fraction or an exponent: readers disagree whether `1.0` is `1`.
    #[error("must be an integer without fraction or exponent")]
    NotAnInteger,
    /// Longer than [`Id::MAX_LENGTH`].
    #[error("must not be longer than {} bytes, found {length}", Id::MAX_LENGTH)]
    TooLong {
        /// The literal's length, in bytes.
        length: usize,
    },
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::json::Limits;

    fn id(literal: &str) -> Result<Id, IdError> {
        Id::from_value(Document::parse(literal.as_bytes(), &Limits::default()).unwrap().root())
    }

    #[test]
    fn compares_by_value_and_keeps_the_literal() {
        let equal = [("1", "1"), ("-0", "0"), (r#""a""#, r#""\u0061""#), (r#""/""#, r#""\/""#)];
        for (left, right) in equal {
            assert_eq!(id(left), id(right));
            assert_eq!(HashSet::from([id(left).unwrap(), id(right).unwrap()]).len(), 1);
            assert_eq!(id(right).unwrap().as_json(), right);
            assert_eq!(id(right).unwrap().to_string(), right);
        }
        let different = [
            ("1", r#""1""#),
            ("1", "-1"),
            (r#""a""#, r#""A""#),
            ("9007199254740993", "9007199254740992"),
            ("12345678901234567890123", "12345678901234567890124"),
            (r#""0""#, "-0"),
        ];
        for (left, right) in different {
            assert_ne!(id(left).unwrap(), id(right).unwrap());
        }
    }

    #[test]
    fn refuses_what_readers_disagree_about() {
        let cases = [
            ("null", IdError::Kind { found: Kind::Null }),
            ("true", IdError::Kind { found: Kind::Bool }),
            ("[1]", IdError::Kind { found: Kind::Array }),
            ("{}", IdError::Kind { found: Kind::Object }),
            ("1.5", IdError::NotAnInteger),
            ("1.0", IdError::NotAnInteger),
            ("1e2", IdError::NotAnInteger),
            ("1E2", IdError::NotAnInteger),
        ];
        for (literal, error) in cases {
            assert_eq!(id(literal), Err(error), "{literal}");
        }
        let longest = "1".repeat(Id::MAX_LENGTH);
        assert_eq!(id(&longest).unwrap().as_json(), longest);
        assert_eq!(id(&format!("{longest}1")), Err(IdError::TooLong { length: Id::MAX_LENGTH + 1 }));
    }

    #[test]
    fn own_ids_equal_parsed_ones() {
        assert_eq!(Id::from(7), id("7").unwrap());
        assert_eq!(Id::from("a\"\n"), id(r#""a\"\n""#).unwrap());
        assert_eq!(Id::from("a\"\n").as_json(), r#""a\"\n""#);
    }
}
