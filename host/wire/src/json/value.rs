//! Views of one value inside a document.
//!
//! The text is known to be valid and compact, so a view only needs to skip: find the closing quote,
//! count brackets. Nothing is decoded until it is asked for.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::memchr2;

use super::Document;
use super::literal::unescape;

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

/// One value of a [`Document`], as a place in its text. Copying costs nothing.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    document: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Value<'a> {
    pub(super) fn root(document: &'a str) -> Self {
        Self { document, start: 0, end: document.len() }
    }

    /// The value at a range of the document's text that an earlier view gave.
    pub(crate) fn at(document: &'a Document, span: &Range<usize>) -> Self {
        Self { document: document.as_str(), start: span.start, end: span.end }
    }

    fn starting_at(document: &'a str, start: usize) -> Self {
        Self { document, start, end: end_of_value(document.as_bytes(), start) }
    }

    /// What the value is.
    pub fn kind(self) -> Kind {
        match self.document.as_bytes().get(self.start) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// The value's own compact text, literals verbatim.
    pub fn text(self) -> &'a str {
        self.document.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the value stands in the document's text, in bytes.
    pub fn span(self) -> Range<usize> {
        self.start..self.end
    }

    /// The value as a document of its own (copies its text).
    pub fn to_document(self) -> Document {
        Document::trusted(self.text())
    }

    /// A string's characters, unescaped; `None` for any other kind.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        match self.kind() {
            Kind::String => Some(characters(self.text())),
            _ => None,
        }
    }

    /// A boolean; `None` for any other kind.
    pub fn as_bool(self) -> Option<bool> {
        match self.text() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// An integer written without fraction or exponent that fits; `None` otherwise.
    pub fn as_i64(self) -> Option<i64> {
        self.text().parse().ok()
    }

    /// A non-negative integer written without sign, fraction or exponent that fits; `None` otherwise.
    pub fn as_u64(self) -> Option<u64> {
        self.text().parse().ok()
    }

    /// A number as the nearest double; `None` for any other kind. `1e400` is infinite.
    pub fn as_f64(self) -> Option<f64> {
        match self.kind() {
            Kind::Number => self.text().parse().ok(),
            _ => None,
        }
    }

    /// The member of an object with this key (compared unescaped); `None` if there is none or the value
    /// is no object.
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        self.member_spans().find(|member| member.key() == key).map(|member| member.value)
    }

    /// An object's members in order: unescaped key and value. Empty for any other kind.
    pub fn members(self) -> Members<'a> {
        Members { spans: self.member_spans() }
    }

    /// An array's elements in order. Empty for any other kind.
    pub fn elements(self) -> Elements<'a> {
        let at = if self.kind() == Kind::Array { self.start + 1 } else { self.end };
        Elements { document: self.document, at, end: self.end }
    }

    /// The value at an RFC 6901 pointer from here: `""` is this value, `~0` is `~`, `~1` is `/`, array
    /// indices are decimal without leading zeros. `None` if nothing is there or the pointer is malformed.
    pub fn pointer(self, pointer: &str) -> Option<Value<'a>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| value.step(&decode_token(token)?))
    }

    /// One pointer step: a member by key or an element by index.
    pub(super) fn step(self, token: &str) -> Option<Value<'a>> {
        match self.kind() {
            Kind::Object => self.get(token),
            Kind::Array => self.elements().nth(index(token)?),
            _ => None,
        }
    }

    pub(super) fn member_spans(self) -> MemberSpans<'a> {
        let at = if self.kind() == Kind::Object { self.start + 1 } else { self.end };
        MemberSpans { document: self.document, at, end: self.end }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.text())
    }
}

/// Iterator over an object's members; see [`Value::members`].
#[derive(Debug, Clone)]
pub struct Members<'a> {
    spans: MemberSpans<'a>,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.spans.next().map(|member| (member.key(), member.value))
    }
}

/// Iterator over an array's elements; see [`Value::elements`].
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    document: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        // `end - 1` is the closing bracket.
        if self.at + 1 >= self.end {
            return None;
        }
        let value = Value::starting_at(self.document, self.at);
        self.at = value.end + 1;
        Some(value)
    }
}

/// A member with the place of its key, for editing.
pub(super) struct MemberSpan<'a> {
    document: &'a str,
    pub(super) key_start: usize,
    pub(super) value: Value<'a>,
}

impl<'a> MemberSpan<'a> {
    pub(super) fn key(&self) -> Cow<'a, str> {
        characters(self.document.get(self.key_start..self.value.start - 1).unwrap_or_default())
    }
}

#[derive(Debug, Clone)]
pub(super) struct MemberSpans<'a> {
    document: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Iterator for MemberSpans<'a> {
    type Item = MemberSpan<'a>;

    fn next(&mut self) -> Option<MemberSpan<'a>> {
        if self.at + 1 >= self.end {
            return None;
        }
        let key_start = self.at;
        let colon = end_of_string(self.document.as_bytes(), key_start);
        let value = Value::starting_at(self.document, colon + 1);
        self.at = value.end + 1;
        Some(MemberSpan { document: self.document, key_start, value })
    }
}

/// The last token of a pointer, decoded, and the pointer to what holds it; `None` for `""` or nonsense.
pub(super) fn split_last(pointer: &str) -> Option<(&str, Cow<'_, str>)> {
    let (parent, token) = pointer.rsplit_once('/')?;
    Some((parent, decode_token(token)?))
}

/// RFC 6901 §3: `~1` is `/`, `~0` is `~`, any other `~` is an error.
fn decode_token(token: &str) -> Option<Cow<'_, str>> {
    if !token.contains('~') {
        return Some(Cow::Borrowed(token));
    }
    let mut parts = token.split('~');
    let mut decoded = parts.next()?.to_owned();
    for part in parts {
        let (tilde, rest) = part.split_at_checked(1)?;
        decoded.push(match tilde {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        decoded.push_str(rest);
    }
    Some(Cow::Owned(decoded))
}

/// RFC 6901 §4: `0`, or digits without a leading zero.
fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    canonical.then(|| token.parse().ok()).flatten()
}

/// A valid string literal, quotes included, as characters.
fn characters(literal: &str) -> Cow<'_, str> {
    unescape(literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default())
}

/// Just past the value that starts at `start` of valid compact text.
fn end_of_value(text: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut open = 0_usize;
    loop {
        match text.get(at) {
            Some(b'"') => at = end_of_string(text, at),
            Some(b'{' | b'[') => {
                open += 1;
                at += 1;
                continue;
            }
            Some(b'}' | b']') => {
                open = open.saturating_sub(1);
                at += 1;
            }
            Some(b',' | b':') => {
                at += 1;
                continue;
            }
            Some(_) => at += scalar_length(text, at),
            None => return text.len(),
        }
        if open == 0 {
            return at;
        }
    }
}

fn scalar_length(text: &[u8], start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    rest.iter().position(|b| matches!(b, b',' | b']' | b'}')).unwrap_or(rest.len())
}

/// Just past the string literal that starts at `start` of valid text.
fn end_of_string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        match memchr2(b'"', b'\\', rest) {
            Some(plain) if rest.get(plain) == Some(&b'"') => return at + plain + 1,
            Some(plain) => at += plain + 2,
            None => return text.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    fn document(text: &str) -> Document {
        Document::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn kinds_and_scalars() {
        let document = document(r#"[null,true,-1.50,"a\u0062",[1],{"k":2},1e400,18446744073709551615]"#);
        let values: Vec<_> = document.root().elements().collect();
        let kinds: Vec<_> = values.iter().map(|v| v.kind()).collect();
        use Kind::{Array, Bool, Null, Number, Object, String};
        assert_eq!(kinds, [Null, Bool, Number, String, Array, Object, Number, Number]);
        assert_eq!(values[1].as_bool(), Some(true));
        assert_eq!((values[2].text(), values[2].as_f64(), values[2].as_i64()), ("-1.50", Some(-1.5), None));
        assert_eq!(values[3].as_str().as_deref(), Some("ab"));
        assert_eq!(values[3].text(), r#""a\u0062""#);
        assert_eq!(values[6].as_f64(), Some(f64::INFINITY));
        assert_eq!((values[7].as_u64(), values[7].as_i64()), (Some(u64::MAX), None));
        assert_eq!((values[0].as_str(), values[3].as_f64(), values[3].as_i64()), (None, None, None));
        assert_eq!(values[5].to_document().as_str(), r#"{"k":2}"#);
        assert_eq!(&document.as_str()[values[5].span()], r#"{"k":2}"#);
    }

    #[test]
    fn iteration_survives_brackets_and_quotes_in_strings() {
        let document = document(r#"{"a]":"}\"],{","b":[{"x":"[\\"},[]],"c\u0064":{}}"#);
        let members: Vec<_> = document.root().members().map(|(k, v)| (k.into_owned(), v.text())).collect();
        let expected = [("a]", r#""}\"],{""#), ("b", r#"[{"x":"[\\"},[]]"#), ("cd", "{}")];
        assert_eq!(members, expected.map(|(k, v)| (k.to_owned(), v)));
        assert_eq!(document.root().elements().count(), 0);
        assert_eq!(document.root().get("b").unwrap().members().count(), 0);
        assert_eq!(document.root().get("cd").unwrap().members().count(), 0);
        assert_eq!(document.root().get("zz").map(Value::text), None);
    }

    #[test]
    fn pointers_follow_rfc_6901() {
        // The document and the first twelve cases are those of RFC 6901 §5.
        let document = document(
            r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,"~1":9}"#,
        );
        let cases = [
            ("", Some(document.as_str())),
            ("/foo", Some(r#"["bar","baz"]"#)),
            ("/foo/0", Some(r#""bar""#)),
            ("/", Some("0")),
            ("/a~1b", Some("1")),
            ("/c%d", Some("2")),
            ("/e^f", Some("3")),
            ("/g|h", Some("4")),
            ("/i\\j", Some("5")),
            ("/k\"l", Some("6")),
            ("/ ", Some("7")),
            ("/m~0n", Some("8")),
            ("/~01", Some("9")),
            ("/foo/1", Some(r#""baz""#)),
            ("/foo/2", None),
            ("/foo/01", None),
            ("/foo/+1", None),
            ("/foo/-", None),
            ("/foo/", None),
            ("/foo/0/x", None),
            ("/m~n", None),
            ("/m~2n", None),
            ("/m~", None),
            ("foo", None),
            ("/m~é", None),
        ];
        for (pointer, expected) in cases {
            assert_eq!(document.pointer(pointer).map(Value::text), expected, "{pointer}");
        }
    }
}
