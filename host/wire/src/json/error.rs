//! Why text is not a [`Document`](super::Document), and where.

use super::literal::quote;

/// A refusal to parse: what was wrong and at which byte of the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct JsonError {
    kind: JsonErrorKind,
    offset: usize,
}

impl JsonError {
    pub(super) fn new(kind: JsonErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What was wrong.
    pub fn kind(&self) -> &JsonErrorKind {
        &self.kind
    }

    /// Where, in bytes from the start of the input.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// What makes text unacceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonErrorKind {
    /// The input is longer than [`Limits::bytes`](super::Limits::bytes).
    #[error("input longer than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Containers are nested deeper than [`Limits::depth`](super::Limits::depth).
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// The limit, in containers open at once.
        limit: usize,
    },
    /// One container holds more than [`Limits::entries`](super::Limits::entries).
    #[error("more than {limit} entries in one container")]
    TooManyEntries {
        /// The limit, in members or elements.
        limit: usize,
    },
    /// A byte order mark in front: some readers skip it, others do not.
    #[error("byte order mark")]
    ByteOrderMark,
    /// Bytes that are not UTF-8.
    #[error("invalid UTF-8")]
    NotUtf8,
    /// Two keys of one object are equal after unescaping: readers differ in which one they take.
    #[error("duplicate key {}", shown(.0))]
    DuplicateKey(
        /// The key, unescaped.
        String,
    ),
    /// A `\u` escape names half a surrogate pair, which is no character.
    #[error("lone surrogate escape")]
    LoneSurrogate,
    /// A backslash followed by something RFC 8259 does not define.
    #[error("invalid escape")]
    InvalidEscape,
    /// A raw character below U+0020 inside a string.
    #[error("raw control character in a string")]
    ControlCharacter,
    /// Digits that are no RFC 8259 number: `01`, `1.`, `+1`, `-Infinity`.
    #[error("invalid number")]
    InvalidNumber,
    /// Something other than what the grammar wants here.
    #[error("{expected} expected, found {found:?}")]
    Unexpected {
        /// What the grammar wants.
        expected: &'static str,
        /// The character that stands there.
        found: char,
    },
    /// The input ends inside a value.
    #[error("{expected} expected, found the end of the input")]
    UnexpectedEnd {
        /// What the grammar wants.
        expected: &'static str,
    },
    /// A complete value, and then something else.
    #[error("trailing data after the value")]
    TrailingData,
}

/// A key as shown in a message: quoted, and cut where a hostile one would flood a log.
fn shown(key: &str) -> String {
    const LONGEST: usize = 64;
    match key.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", quote(key.get(..end).unwrap_or_default())),
        None => quote(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_and_where() {
        let cases = [
            (JsonErrorKind::DuplicateKey("na\nme".into()), r#"duplicate key "na\nme" at byte 7"#.to_owned()),
            (
                JsonErrorKind::DuplicateKey("é".repeat(100)),
                format!("duplicate key \"{}\"… at byte 7", "é".repeat(64)),
            ),
            (
                JsonErrorKind::Unexpected { expected: "a value", found: 'N' },
                "a value expected, found 'N' at byte 7".to_owned(),
            ),
            (JsonErrorKind::TooDeep { limit: 64 }, "nested deeper than 64 levels at byte 7".to_owned()),
        ];
        for (kind, message) in cases {
            assert_eq!(JsonError::new(kind, 7).to_string(), message);
        }
    }
}
