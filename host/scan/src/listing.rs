//! Reading a saved `tools/list` result.

use serde_json::{Deserializer, Value};
use thiserror::Error;

use crate::ToolDefinition;

/// The tools of a server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// In the order of the listing; those of several pages one after the other.
    pub tools: Vec<ToolDefinition>,
    /// Whether the last page names a next one, which was not among the input.
    pub incomplete: bool,
}

/// Why a text is no list of tools.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Not JSON, and not lines of it.
    #[error(
        "not JSON at line {line}, column {column}: {problem}; save the answer to `tools/list` as it came"
    )]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What the parser says.
        problem: String,
    },
    /// JSON, but no list of tools anywhere in it.
    #[error(
        "no list of tools: expected `{{\"tools\": […]}}`, a JSON-RPC response with `result.tools`, a list of \
         tools, or several of these as a list or as lines"
    )]
    NoTools,
    /// The answer to `tools/list` was an error.
    #[error("the server answered `tools/list` with an error: {0}")]
    Refused(String),
    /// A member of the list is no tool.
    #[error("tool {number} of the list has no `name`: a tool is an object with a `name` that is not empty")]
    NotATool {
        /// From 1, over all pages.
        number: usize,
    },
}

/// Reads `{"tools": […]}`, a JSON-RPC response, a bare list of tools, or a list or lines of any of these.
///
/// # Errors
/// The text is not JSON, or there is no list of tools in it, or what is in the list is no tool.
pub fn parse(text: &str) -> Result<Listing, ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::default();
    for value in Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.map_err(|error| ParseError::Json {
            line: error.line(),
            column: error.column(),
            problem: problem(&error),
        })?;
        reader.page(&value)?;
    }
    if reader.found { Ok(reader.listing) } else { Err(ParseError::NoTools) }
}

/// serde_json's message without the place, which the error has as well.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

#[derive(Default)]
struct Reader {
    listing: Listing,
    found: bool,
}

impl Reader {
    fn page(&mut self, value: &Value) -> Result<(), ParseError> {
        match value {
            Value::Array(items) if items.iter().any(is_page) => {
                items.iter().try_for_each(|item| self.page(item))
            }
            Value::Array(items) => self.tools(items),
            Value::Object(members) => {
                if let Some(error) = members.get("error").filter(|error| !error.is_null()) {
                    let message = error.get("message").and_then(Value::as_str).unwrap_or("no message");
                    return Err(ParseError::Refused(message.escape_debug().to_string()));
                }
                let result = members.get("result").unwrap_or(value);
                // Other messages of a recorded conversation are no concern of ours.
                let Some(Value::Array(tools)) = result.get("tools") else { return Ok(()) };
                self.tools(tools)?;
                self.listing.incomplete = result.get("nextCursor").is_some_and(Value::is_string);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tools(&mut self, items: &[Value]) -> Result<(), ParseError> {
        self.found = true;
        for item in items {
            let number = self.listing.tools.len() + 1;
            self.listing.tools.push(ToolDefinition::read(item).ok_or(ParseError::NotATool { number })?);
        }
        Ok(())
    }
}

fn is_page(value: &Value) -> bool {
    value.is_array() || ["tools", "result", "error", "jsonrpc"].iter().any(|key| value.get(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        parse(text).unwrap().tools.into_iter().map(|tool| tool.name).collect()
    }

    #[test]
    fn every_form_of_a_saved_listing() {
        for (case, text, expected) in [
            ("a result", r#"{"tools":[{"name":"a"},{"name":"b"}]}"#, vec!["a", "b"]),
            ("a response", r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}]}}"#, vec!["a"]),
            ("a list", r#" [ {"name":"a"} , {"name":"b"} ] "#, vec!["a", "b"]),
            ("no tools", r#"{"tools":[]}"#, vec![]),
            ("an empty list", "[]", vec![]),
            (
                "a list of pages",
                r#"[{"tools":[{"name":"a"}]},{"result":{"tools":[{"name":"b"}]}}]"#,
                vec!["a", "b"],
            ),
            ("lines", "{\"tools\":[{\"name\":\"a\"}]}\n{\"tools\":[{\"name\":\"b\"}]}\n", vec!["a", "b"]),
            (
                "a conversation",
                "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"capabilities\":{}}}\n{\"id\":1,\"result\":{\"tools\":[{\"name\":\"a\"}]}}",
                vec!["a"],
            ),
            ("a byte order mark", "\u{feff}{\"tools\":[{\"name\":\"a\"}]}", vec!["a"]),
        ] {
            assert_eq!(names(text), expected, "{case}");
        }
    }

    #[test]
    fn what_is_no_listing() {
        for (case, text, expected) in [
            (
                "no JSON",
                "{\n  tools",
                "not JSON at line 2, column 3: key must be a string; save the answer to `tools/list` as it came",
            ),
            (
                "cut off",
                r#"{"tools":["#,
                "not JSON at line 1, column 10: EOF while parsing a list; save the answer to `tools/list` as it came",
            ),
            (
                "an error",
                r#"{"error":{"code":-1,"message":"no\n"}}"#,
                "the server answered `tools/list` with an error: no\\n",
            ),
            (
                "a tool without a name",
                r#"{"tools":[{"name":"a"},{"title":"b"}]}"#,
                "tool 2 of the list has no `name`: a tool is an object with a `name` that is not empty",
            ),
            (
                "an empty name",
                r#"[{"name":""}]"#,
                "tool 1 of the list has no `name`: a tool is an object with a `name` that is not empty",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected, "{case}");
        }
        for text in ["", "{}", "3", r#"{"result":{}}"#, r#"{"tools":{}}"#] {
            assert_eq!(parse(text), Err(ParseError::NoTools), "{text}");
        }
    }

    #[test]
    fn a_listing_that_goes_on_says_so() {
        assert!(parse(r#"{"tools":[],"nextCursor":"2"}"#).unwrap().incomplete);
        assert!(!parse(r#"[{"tools":[],"nextCursor":"2"},{"tools":[]}]"#).unwrap().incomplete);
    }

    #[test]
    fn what_has_the_wrong_type_is_as_if_absent() {
        let listing =
            parse(r#"[{"name":"a","description":3,"annotations":{"readOnlyHint":"true"},"inputSchema":[]}]"#)
                .unwrap();
        let tool = listing.tools.first().unwrap();
        assert_eq!((tool.description.as_deref(), tool.annotations.read_only), (None, None));
    }
}
