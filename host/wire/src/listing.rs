//! Reading and filtering a list result: tools, prompts, resources, templates, tasks.
//!
//! Elements are spliced out of the text; order, `nextCursor` and every other byte stay. Two entries of
//! one name are ambiguous (which definition does a call mean?) and an entry without a name cannot be
//! judged: neither is ever kept.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use crate::json::{Document, EditError, Kind, Value, quote};
use crate::message::Response;
use crate::method::{METHODS, Method, Shape};

/// A list result, read for filtering.
#[derive(Debug, Clone)]
pub struct Listing {
    document: Document,
    array: &'static str,
    list: Range<usize>,
    elements: Vec<Element>,
    next_cursor: Option<Range<usize>>,
    cache_scope: Option<Range<usize>>,
    ttl: Option<Range<usize>>,
}

#[derive(Debug, Clone)]
struct Element {
    span: Range<usize>,
    name: Result<String, Fault>,
}

/// One thing in a list that can be judged.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its name or URI, unescaped.
    pub name: &'a str,
    /// Its definition as the server wrote it.
    pub definition: Value<'a>,
}

/// Why an element of a list is never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No object, or its name is missing or no string.
    Nameless,
    /// Another element has the same name.
    Ambiguous {
        /// The name, unescaped.
        name: String,
    },
}

/// Why a response is no list result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// The response is an error, or its result lacks the list.
    #[error("the result has no array `{array}`")]
    Missing {
        /// The member where the list should be.
        array: &'static str,
    },
    /// The result has something else there.
    #[error("`{array}` in the result must be an array, found {found}")]
    NotAnArray {
        /// The member where the list should be.
        array: &'static str,
        /// What was there.
        found: Kind,
    },
}

/// The listing method whose result this response looks like, for one whose request is not known (a
/// resumed stream): what looks like a list is filtered as one.
pub fn recognise(response: &Response) -> Option<&'static Method> {
    let result = response.result()?;
    METHODS.iter().find(|method| method.shape().is_some_and(|shape| result.get(shape.array).is_some()))
}

impl Listing {
    /// Reads the response to a listing method. An error response has nothing to filter: pass it on
    /// instead.
    ///
    /// # Errors
    /// [`ListingError`] if there is no list where `shape` says; such a result should not be passed on.
    pub fn read(response: &Response, shape: &Shape) -> Result<Self, ListingError> {
        let array = shape.array;
        let (mut list, mut next_cursor, mut cache_scope, mut ttl) = (None, None, None, None);
        for (key, value) in response.result().into_iter().flat_map(Value::members) {
            match key.as_ref() {
                "nextCursor" => next_cursor = Some(value.span()),
                "cacheScope" => cache_scope = Some(value.span()),
                "ttlMs" => ttl = Some(value.span()),
                key if key == array => list = Some(value),
                _ => {}
            }
        }
        let list = list.ok_or(ListingError::Missing { array })?;
        if list.kind() != Kind::Array {
            return Err(ListingError::NotAnArray { array, found: list.kind() });
        }
        let names: Vec<(Range<usize>, Option<Cow<'_, str>>)> = list
            .elements()
            .map(|element| (element.span(), element.get(shape.name).and_then(Value::as_str)))
            .collect();
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for name in names.iter().filter_map(|(_, name)| name.as_deref()) {
            *uses.entry(name).or_default() += 1;
        }
        let elements = names
            .iter()
            .map(|(span, name)| {
                let name = match name.as_deref() {
                    None => Err(Fault::Nameless),
                    Some(name) if uses.get(name) == Some(&1) => Ok(name.to_owned()),
                    Some(name) => Err(Fault::Ambiguous { name: name.to_owned() }),
                };
                Element { span: span.clone(), name }
            })
            .collect();
        let (document, list) = (response.document().clone(), list.span());
        Ok(Self { document, array, list, elements, next_cursor, cache_scope, ttl })
    }

    /// What can be judged, in the server's order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.elements.iter().filter_map(|element| {
            let name = element.name.as_deref().ok()?;
            Some(Entry { name, definition: Value::at(&self.document, &element.span) })
        })
    }

    /// What cannot be judged and is never kept, in the server's order.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.elements.iter().filter_map(|element| element.name.as_ref().err())
    }

    /// Where the next page starts, if the server says so. An empty string is a valid cursor.
    pub fn next_cursor(&self) -> Option<Cow<'_, str>> {
        Value::at(&self.document, self.next_cursor.as_ref()?).as_str()
    }

    /// The response with only those entries for which `keep` says so, one decision for each of
    /// [`Listing::entries`] in order.
    ///
    /// A filtered list is one principal's: `cacheScope`, where present, becomes `private`, and `ttlMs`,
    /// where present, at most `longest` (it must not outlive the policy it was filtered by).
    ///
    /// # Errors
    /// [`EditError::Length`] if `keep` has another length.
    pub fn filter(&self, keep: &[bool], longest: Duration) -> Result<Document, EditError> {
        let entries = self.entries().count();
        if keep.len() != entries {
            return Err(EditError::Length {
                pointer: format!("/result/{}", self.array),
                elements: entries,
                keep: keep.len(),
            });
        }
        let mut edits = Vec::with_capacity(3);
        if entries < self.elements.len() || keep.contains(&false) {
            let mut decisions = keep.iter();
            let kept: Vec<&str> = self
                .elements
                .iter()
                .filter(|element| element.name.is_ok() && decisions.next() == Some(&true))
                .map(|element| Value::at(&self.document, &element.span).text())
                .collect();
            edits.push((self.list.clone(), format!("[{}]", kept.join(","))));
        }
        edits.extend(self.cache_scope.clone().map(|span| (span, quote("private"))));
        if let Some(span) = &self.ttl {
            let cap = capped(Value::at(&self.document, span), longest);
            edits.extend(cap.map(|milliseconds| (span.clone(), milliseconds.to_string())));
        }
        edits.sort_by_key(|(span, _)| span.start);
        Ok(self.document.splice_all(&edits))
    }
}

/// The cap in milliseconds, unless `ttl` is a number below it.
fn capped(ttl: Value<'_>, longest: Duration) -> Option<u64> {
    let milliseconds = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    let short = match (ttl.as_u64(), ttl.as_f64()) {
        (Some(whole), _) => whole <= milliseconds,
        (None, Some(number)) => number <= longest.as_secs_f64() * 1000.0,
        (None, None) => false,
    };
    (!short).then_some(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;
    use crate::message::Message;
    use crate::method::lookup;

    const SECOND: Duration = Duration::from_secs(1);

    fn response(text: &str) -> Response {
        match Message::parse(text.as_bytes(), &Limits::default()).unwrap() {
            Message::Response(response) => response,
            other => panic!("{other:?} is no response"),
        }
    }

    fn read(text: &str, method: &str) -> Result<Listing, ListingError> {
        Listing::read(&response(text), lookup(method).unwrap().shape().unwrap())
    }

    #[test]
    fn entries_in_order_without_what_cannot_be_judged() {
        let text = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"b"},{"name":"twice"},{"x":1},7,
            {"name":"a","execution":{"taskSupport":"optional"}},{"name":"tw\u0069ce","y":2},{"name":3}]}}"#;
        let listing = read(text, "tools/list").unwrap();
        let entries: Vec<_> = listing.entries().map(|e| (e.name, e.definition.text())).collect();
        let second = r#"{"name":"a","execution":{"taskSupport":"optional"}}"#;
        assert_eq!(entries, [("b", r#"{"name":"b"}"#), ("a", second)]);
        let twice = Fault::Ambiguous { name: "twice".into() };
        let faults: Vec<_> = listing.faults().cloned().collect();
        assert_eq!(faults, [twice.clone(), Fault::Nameless, Fault::Nameless, twice, Fault::Nameless]);
        let kept = listing.filter(&[true, true], SECOND).unwrap();
        let expected =
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{{"name":"b"}},{second}]}}}}"#);
        assert_eq!(kept.as_str(), expected);
    }

    #[test]
    fn filtering_keeps_every_other_byte() {
        let cases: &[(&str, &str, &[bool], &str)] = &[
            (
                "cursor kept when a page becomes empty",
                r#"{"tools":[{"name":"a"}],"nextCursor":""}"#,
                &[false],
                r#"{"tools":[],"nextCursor":""}"#,
            ),
            (
                "cache made private and short",
                r#"{"cacheScope":"public","tools":[{"name":"a"},{"name":"b","n":1.10}],"ttlMs":60000,"x":"\u0041"}"#,
                &[false, true],
                r#"{"cacheScope":"private","tools":[{"name":"b","n":1.10}],"ttlMs":1000,"x":"\u0041"}"#,
            ),
            ("short time kept", r#"{"tools":[],"ttlMs":1e2}"#, &[], r#"{"tools":[],"ttlMs":1e2}"#),
            ("infinite time capped", r#"{"tools":[],"ttlMs":1e400}"#, &[], r#"{"tools":[],"ttlMs":1000}"#),
            ("time that is no number", r#"{"tools":[],"ttlMs":"9"}"#, &[], r#"{"tools":[],"ttlMs":1000}"#),
            (
                "nothing to do",
                r#"{"_meta":{"ttlMs":9},"tools":[]}"#,
                &[],
                r#"{"_meta":{"ttlMs":9},"tools":[]}"#,
            ),
        ];
        for (name, result, keep, expected) in cases {
            let envelope = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":"x","result":{result}}}"#);
            let listing = read(&envelope(result), "tools/list").unwrap();
            assert_eq!(listing.filter(keep, SECOND).unwrap().as_str(), envelope(expected), "{name}");
        }
    }

    #[test]
    fn each_listing_has_its_key() {
        let cases = [
            ("prompts/list", r#"{"prompts":[{"name":"k"}]}"#),
            ("resources/list", r#"{"resources":[{"uri":"k","name":"n"}]}"#),
            ("resources/templates/list", r#"{"resourceTemplates":[{"uriTemplate":"k","name":"n"}]}"#),
            ("tasks/list", r#"{"tasks":[{"taskId":"k"}],"nextCursor":"c"}"#),
        ];
        for (method, result) in cases {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
            let listing = read(&text, method).unwrap();
            assert_eq!(listing.entries().map(|e| e.name).collect::<Vec<_>>(), ["k"], "{method}");
            assert_eq!(recognise(&response(&text)).unwrap().name, method);
        }
        let listing =
            read(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"nextCursor":"c"}}"#, "tools/list");
        assert_eq!(listing.unwrap().next_cursor().as_deref(), Some("c"));
    }

    #[test]
    fn refuses_what_is_no_list() {
        let missing = ListingError::Missing { array: "tools" };
        let cases = [
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#, missing.clone()),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, missing.clone()),
            (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, missing),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"tools":{}}}"#,
                ListingError::NotAnArray { array: "tools", found: Kind::Object },
            ),
        ];
        for (text, error) in cases {
            assert_eq!(read(text, "tools/list").unwrap_err(), error, "{text}");
        }
        assert!(recognise(&response(r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#)).is_none());
        let listing =
            read(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}]}}"#, "tools/list").unwrap();
        assert!(matches!(listing.filter(&[], SECOND), Err(EditError::Length { elements: 1, keep: 0, .. })));
    }
}
