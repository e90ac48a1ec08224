//! Edits of a document's text. Each returns a new [`Document`] in which every byte outside the edited
//! place is as it was. Limits are not checked again: the operands were.

use std::ops::Range;

use super::literal::quote;
use super::value::split_last;
use super::{Document, Kind, Value};

/// Why an edit was not possible. The document is untouched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer leads nowhere, or is no RFC 6901 pointer.
    #[error("nothing at JSON pointer {pointer:?}")]
    NotFound {
        /// The pointer as given.
        pointer: String,
    },
    /// The pointer leads to a value of another kind than the edit needs.
    #[error("{found} at JSON pointer {pointer:?}, where {expected} is needed")]
    WrongKind {
        /// The pointer as given.
        pointer: String,
        /// What the edit needs.
        expected: Kind,
        /// What is there.
        found: Kind,
    },
    /// [`Document::remove`] was asked to remove the whole document.
    #[error("cannot remove the whole document")]
    Root,
    /// [`Document::retain`] was given a list of another length than the array's.
    #[error("{keep} decisions for the {elements} elements at JSON pointer {pointer:?}")]
    Length {
        /// The pointer as given.
        pointer: String,
        /// Elements in the array.
        elements: usize,
        /// Decisions given.
        keep: usize,
    },
}

impl Document {
    /// Puts `value` in place of the value at `pointer`; `""` replaces the whole.
    ///
    /// # Errors
    /// [`EditError::NotFound`].
    pub fn replace(&self, pointer: &str, value: &Document) -> Result<Document, EditError> {
        let place = self.locate(pointer)?;
        Ok(self.splice(&place.span(), value.as_str()))
    }

    /// Sets the member `key` of the object at `pointer`: replaces its value where it is, or adds it last.
    ///
    /// # Errors
    /// [`EditError::NotFound`], or [`EditError::WrongKind`] if no object is there.
    pub fn insert(&self, pointer: &str, key: &str, value: &Document) -> Result<Document, EditError> {
        let object = self.locate_kind(pointer, Kind::Object)?;
        if let Some(present) = object.get(key) {
            return Ok(self.splice(&present.span(), value.as_str()));
        }
        let comma = if object.members().next().is_some() { "," } else { "" };
        let end = object.span().end.saturating_sub(1);
        Ok(self.splice(&(end..end), &format!("{comma}{}:{value}", quote(key))))
    }

    /// Sets the value at `pointer`: replaces what is there, or adds the member that the last token names
    /// to an object that lacks it.
    ///
    /// # Errors
    /// [`EditError::NotFound`] if the holder is absent or an array without that index,
    /// [`EditError::WrongKind`] if the holder is a scalar.
    pub fn set(&self, pointer: &str, value: &Document) -> Result<Document, EditError> {
        if let Some(present) = self.pointer(pointer) {
            return Ok(self.splice(&present.span(), value.as_str()));
        }
        let (parent, key) = split_last(pointer).ok_or_else(|| not_found(pointer))?;
        match self.locate(parent)?.kind() {
            Kind::Array => Err(not_found(pointer)),
            _ => self.insert(parent, &key, value),
        }
    }

    /// Takes out the member or element at `pointer`.
    ///
    /// # Errors
    /// [`EditError::NotFound`], or [`EditError::Root`] for `""`.
    pub fn remove(&self, pointer: &str) -> Result<Document, EditError> {
        if pointer.is_empty() {
            return Err(EditError::Root);
        }
        let (parent, token) = split_last(pointer).ok_or_else(|| not_found(pointer))?;
        let holder = self.locate(parent)?;
        let span = match holder.kind() {
            Kind::Object => holder
                .member_spans()
                .find(|member| member.key() == token)
                .map(|member| member.key_start..member.value.span().end),
            _ => holder.step(&token).map(Value::span),
        };
        let span = span.ok_or_else(|| not_found(pointer))?;
        Ok(self.splice(&self.with_comma(span), ""))
    }

    /// Keeps those elements of the array at `pointer` for which `keep`, in the array's order, says so.
    /// An array that loses all becomes `[]`.
    ///
    /// # Errors
    /// [`EditError::NotFound`], [`EditError::WrongKind`] if no array is there, [`EditError::Length`] if
    /// `keep` has not one decision for each element.
    pub fn retain(&self, pointer: &str, keep: &[bool]) -> Result<Document, EditError> {
        let array = self.locate_kind(pointer, Kind::Array)?;
        let elements = array.elements().count();
        if elements != keep.len() {
            return Err(EditError::Length { pointer: pointer.to_owned(), elements, keep: keep.len() });
        }
        let kept: Vec<&str> = array
            .elements()
            .zip(keep)
            .filter(|(_, keep)| **keep)
            .map(|(element, _)| element.text())
            .collect();
        Ok(self.splice(&array.span(), &format!("[{}]", kept.join(","))))
    }

    fn locate(&self, pointer: &str) -> Result<Value<'_>, EditError> {
        self.pointer(pointer).ok_or_else(|| not_found(pointer))
    }

    fn locate_kind(&self, pointer: &str, expected: Kind) -> Result<Value<'_>, EditError> {
        let value = self.locate(pointer)?;
        let found = value.kind();
        if found == expected {
            Ok(value)
        } else {
            Err(EditError::WrongKind { pointer: pointer.to_owned(), expected, found })
        }
    }

    /// The range of a member or element together with the comma that goes with it.
    fn with_comma(&self, span: Range<usize>) -> Range<usize> {
        let comma_at = |at: usize| self.as_bytes().get(at) == Some(&b',');
        match span.start.checked_sub(1) {
            Some(before) if comma_at(before) => before..span.end,
            _ if comma_at(span.end) => span.start..span.end + 1,
            _ => span,
        }
    }

    /// Puts other text in place of several ranges, which must be in order and apart.
    pub(crate) fn splice_all(&self, edits: &[(Range<usize>, String)]) -> Document {
        if edits.is_empty() {
            return self.clone();
        }
        let mut text = String::with_capacity(self.as_str().len());
        let mut copied = 0;
        for (span, with) in edits {
            text.push_str(self.as_str().get(copied..span.start).unwrap_or_default());
            text.push_str(with);
            copied = span.end;
        }
        text.push_str(self.as_str().get(copied..).unwrap_or_default());
        Document::trusted(text)
    }

    pub(crate) fn splice(&self, span: &Range<usize>, with: &str) -> Document {
        let before = self.as_str().get(..span.start).unwrap_or_default();
        let after = self.as_str().get(span.end..).unwrap_or_default();
        Document::trusted([before, with, after].concat())
    }
}

fn not_found(pointer: &str) -> EditError {
    EditError::NotFound { pointer: pointer.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    fn document(text: &str) -> Document {
        Document::parse(text.as_bytes(), &Limits::default()).unwrap()
    }

    const TEXT: &str = r#"{"a":1.10,"b":[{"x":1},2,"\u0041"],"c\u0064":{},"e":null}"#;

    #[test]
    fn replaces_one_place() {
        let cases = [
            ("", "7"),
            ("/a", r#"{"a":7,"b":[{"x":1},2,"\u0041"],"c\u0064":{},"e":null}"#),
            ("/b/0/x", r#"{"a":1.10,"b":[{"x":7},2,"\u0041"],"c\u0064":{},"e":null}"#),
            ("/b/2", r#"{"a":1.10,"b":[{"x":1},2,7],"c\u0064":{},"e":null}"#),
            ("/cd", r#"{"a":1.10,"b":[{"x":1},2,"\u0041"],"c\u0064":7,"e":null}"#),
        ];
        for (pointer, expected) in cases {
            assert_eq!(document(TEXT).replace(pointer, &document("7")).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn inserts_or_replaces_a_member() {
        let cases = [
            ("{}", "", "k\n", r#"{"k\n":7}"#),
            (r#"{"a":{}}"#, "/a", "k", r#"{"a":{"k":7}}"#),
            (r#"{"a":1}"#, "", "k", r#"{"a":1,"k":7}"#),
            (r#"{"\u006b":1,"b":2}"#, "", "k", r#"{"\u006b":7,"b":2}"#),
        ];
        for (text, pointer, key, expected) in cases {
            assert_eq!(document(text).insert(pointer, key, &document("7")).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn sets_what_is_there_and_what_is_not() {
        let cases = [
            ("", Some("7")),
            ("/a", Some(r#"{"a":7,"b":[0]}"#)),
            ("/b/0", Some(r#"{"a":1,"b":[7]}"#)),
            ("/x~1y", Some(r#"{"a":1,"b":[0],"x/y":7}"#)),
            ("/b/1", None),
            ("/a/x", None),
            ("/x/y", None),
            ("x", None),
        ];
        for (pointer, expected) in cases {
            let edited = document(r#"{"a":1,"b":[0]}"#).set(pointer, &document("7")).ok();
            assert_eq!(edited.as_ref().map(Document::as_str), expected, "{pointer}");
        }
    }

    #[test]
    fn removes_with_its_comma() {
        let cases = [
            (r#"{"a":1,"b":2,"c":3}"#, "/a", r#"{"b":2,"c":3}"#),
            (r#"{"a":1,"b":2,"c":3}"#, "/b", r#"{"a":1,"c":3}"#),
            (r#"{"a":1,"b":2,"c":3}"#, "/c", r#"{"a":1,"b":2}"#),
            (r#"{"a":1}"#, "/a", "{}"),
            ("[1,[2],3]", "/0", "[[2],3]"),
            ("[1,[2],3]", "/1", "[1,3]"),
            ("[1,[2],3]", "/1/0", "[1,[],3]"),
            ("[1,[2],3]", "/2", "[1,[2]]"),
        ];
        for (text, pointer, expected) in cases {
            assert_eq!(document(text).remove(pointer).unwrap().as_str(), expected, "{pointer} of {text}");
        }
    }

    #[test]
    fn retains_in_order() {
        let text = r#"{"l":["a",{"b":"],["},3],"n":"\u006e"}"#;
        let cases = [
            ([true, true, true], text),
            ([false, true, false], r#"{"l":[{"b":"],["}],"n":"\u006e"}"#),
            ([true, false, true], r#"{"l":["a",3],"n":"\u006e"}"#),
            ([false, false, false], r#"{"l":[],"n":"\u006e"}"#),
        ];
        for (keep, expected) in cases {
            assert_eq!(document(text).retain("/l", &keep).unwrap().as_str(), expected);
        }
        assert_eq!(document("[]").retain("", &[]).unwrap().as_str(), "[]");
    }

    #[test]
    fn refuses_impossible_edits() {
        let it = document(TEXT);
        let seven = document("7");
        let not_found = |pointer: &str| EditError::NotFound { pointer: pointer.to_owned() };
        let cases = [
            (it.replace("/z", &seven), not_found("/z")),
            (it.remove("/b/3"), not_found("/b/3")),
            (it.remove("/z"), not_found("/z")),
            (it.remove("z"), not_found("z")),
            (it.remove(""), EditError::Root),
            (it.insert("/z", "k", &seven), not_found("/z")),
            (
                it.insert("/b", "k", &seven),
                EditError::WrongKind { pointer: "/b".into(), expected: Kind::Object, found: Kind::Array },
            ),
            (
                it.retain("/a", &[]),
                EditError::WrongKind { pointer: "/a".into(), expected: Kind::Array, found: Kind::Number },
            ),
            (it.retain("/b", &[true]), EditError::Length { pointer: "/b".into(), elements: 3, keep: 1 }),
        ];
        for (outcome, error) in cases {
            assert_eq!(outcome, Err(error));
        }
    }
}
