//! What is asked of a server again and again.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// The revision of the legacy era.
pub(crate) const REVISION: &str = "2025-11-25";
/// The revision of the modern era.
const MODERN: &str = "2026-07-28";
pub(crate) const SESSION_ID: &str = "mcp-session-id";
/// The tool that is called: the one with a rate limit in [`crate::policies::mlflow`].
pub(crate) const TOOL: &str = "set_run_tag";

/// Numbers of questions have ten digits, so that all bodies are of one length.
pub(crate) const FIRST: u64 = 1_000_000_000;
/// Stands for the number in a body.
const NUMBER: &str = "@number@";

/// What is asked. Each time with another number, which is the request's id and in a call's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// A call that is answered with JSON.
    Call,
    /// The same in the modern era.
    ModernCall,
    /// A call that is answered with an event stream.
    Stream,
    /// The list of tools.
    List,
}

impl Question {
    /// The headers of a request besides those that every POST has.
    pub(crate) fn headers(self, session: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::ModernCall => vec![
                ("mcp-protocol-version", MODERN.to_owned()),
                ("mcp-method", "tools/call".to_owned()),
                ("mcp-name", TOOL.to_owned()),
            ],
            Self::Call | Self::Stream | Self::List => {
                vec![(SESSION_ID, session.to_owned()), ("mcp-protocol-version", REVISION.to_owned())]
            }
        }
    }

    /// A request with this number.
    pub(crate) fn body(self, number: u64) -> String {
        self.pieces().join(&number.to_string())
    }

    /// A request's text between the places where its number is.
    pub(crate) fn pieces(self) -> Vec<String> {
        let body = self.template().to_string().replace(&format!("\"{NUMBER}\""), NUMBER);
        body.split(NUMBER).map(str::to_owned).collect()
    }

    fn template(self) -> Value {
        let arguments = json!({
            "run_id": "ca1db40c006947ac8854439deac4e14b",
            "key": "stage",
            "value": format!("candidate {NUMBER}"),
        });
        let (method, params) = match self {
            Self::Call => ("tools/call", json!({"name": TOOL, "arguments": arguments})),
            Self::ModernCall => {
                let meta = json!({
                    "io.modelcontextprotocol/protocolVersion": MODERN,
                    "io.modelcontextprotocol/clientCapabilities": {},
                    "io.modelcontextprotocol/clientInfo": {"name": "bartizan-bench", "version": "1"},
                });
                ("tools/call", json!({"name": TOOL, "arguments": arguments, "_meta": meta}))
            }
            Self::Stream => {
                let mut arguments = arguments;
                if let Some(keys) = arguments.as_object_mut() {
                    keys.insert("stream".to_owned(), json!(true));
                }
                let meta = json!({"progressToken": NUMBER});
                ("tools/call", json!({"name": TOOL, "arguments": arguments, "_meta": meta}))
            }
            Self::List => ("tools/list", json!({})),
        };
        json!({"jsonrpc": "2.0", "id": NUMBER, "method": method, "params": params})
    }

    /// A request's head, for a body of the length that those with ten digits have.
    pub(crate) fn head(self, path: &str, authority: &str, session: &str) -> String {
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\n"
        );
        for (name, value) in self.headers(session) {
            // A text can be written to.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n", self.body(FIRST).len());
        head
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, Question};
    use serde_json::{Value, json};

    #[test]
    fn every_request_is_json_with_its_number_as_its_id() {
        for question in [Question::Call, Question::ModernCall, Question::Stream, Question::List] {
            let body: Value = serde_json::from_str(&question.body(7)).unwrap();
            assert_eq!(body["id"], 7, "{question:?}");
        }
        let stream: Value = serde_json::from_str(&Question::Stream.body(7)).unwrap();
        assert_eq!(stream["params"]["_meta"], json!({"progressToken": 7}));
        assert_eq!(stream["params"]["arguments"]["value"], "candidate 7");
    }

    #[test]
    fn a_head_says_the_length_of_the_bodies_that_follow() {
        let head = Question::List.head("/mcp", "127.0.0.1:1", "a");
        assert!(head.contains("mcp-session-id: a\r\n"), "{head}");
        let length = Question::List.body(FIRST + 123).len();
        assert!(head.ends_with(&format!("Content-Length: {length}\r\n\r\n")), "{head}");
    }
}
