//! The answers a gateway gives itself, in the shapes that real clients understand.
//!
//! - What is *visible and denied* says so: a tool call gets a result with `isError`, which the model
//!   reads; other methods get a JSON-RPC error with a positive code (those below -32000 are taken).
//! - What is *hidden* answers exactly as what does not exist.
//! - Each answer carries its request's id: clients hang on `id: null`. Only [`malformed`] has none.

use std::fmt::Write as _;

use crate::era::{Era, Revision};
use crate::headers::MirrorError;
use crate::json::{Document, quote};
use crate::message::{Id, MessageError, Request};
use crate::method::{Noun, lookup};

/// What the text of every policy denial starts with.
pub const PREFIX: &str = "[POLICY DENIED] ";
/// The member of `_meta` (tool results) and of `error.data` (other methods) with the machine-readable part.
pub const DETAIL: &str = "bartizan/denial";
/// The JSON-RPC code of a denied method that is no tool call; outside the reserved -32768…-32000.
pub const DENIED: i64 = 403;
/// JSON-RPC: no such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC: invalid parameters; MCP's code for an unknown tool or prompt.
pub const INVALID_PARAMS: i64 = -32602;
/// JSON-RPC: internal error.
pub const INTERNAL_ERROR: i64 = -32603;
/// MCP 2026-07-28: a header differs from the body (HTTP status 400).
pub const HEADER_MISMATCH: i64 = -32020;
/// MCP 2026-07-28: the client has not declared what the answer needs (HTTP status 400).
pub const MISSING_CAPABILITY: i64 = -32021;
/// MCP 2026-07-28: a protocol version that is not served (HTTP status 400).
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// Why a call is denied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Denial {
    /// For the person or the model that called, without [`PREFIX`].
    pub reason: String,
    /// The rule that denied: a JSON Pointer into the policy, or a name in parentheses.
    pub rule: Option<String>,
    /// After how many seconds it makes sense to try again.
    pub retry_after: Option<u32>,
    /// The ticket under which a person's approval was asked for.
    pub ticket: Option<String>,
}

impl Denial {
    /// `{"rule":…,"retryAfter":…,"ticket":…}`, each only if known.
    fn detail(&self) -> String {
        let mut members = Vec::new();
        members.extend(self.rule.as_ref().map(|rule| format!("\"rule\":{}", quote(rule))));
        members.extend(self.retry_after.map(|seconds| format!("\"retryAfter\":{seconds}")));
        members.extend(self.ticket.as_ref().map(|ticket| format!("\"ticket\":{}", quote(ticket))));
        format!("{{{}:{{{}}}}}", quote(DETAIL), members.join(","))
    }

    fn text(&self) -> String {
        quote(&format!("{PREFIX}{}", self.reason))
    }
}

/// The answer to a denied request: a tool result for `tools/call`, an error for any other method (in
/// either direction).
pub fn denied(request: &Request, denial: &Denial, era: Era) -> Document {
    if request.method() == "tools/call" {
        tool_result(request.id(), denial, era)
    } else {
        error(request.id().as_json(), DENIED, &denial.text(), Some(&denial.detail()))
    }
}

/// The answer to a request for something hidden, the same as for something that does not exist: an
/// unknown tool, prompt, resource or task, or else an unknown method. A request that should name
/// something and does not gets [`INVALID_PARAMS`].
pub fn hidden(request: &Request, era: Era) -> Document {
    let Some(method) = lookup(request.method()).filter(|method| !method.places.is_empty()) else {
        return unknown_method(request.id());
    };
    let Some(target) = method.target(request.params()) else {
        return invalid_params(request.id(), "Invalid params");
    };
    let id = request.id().as_json();
    let named = |what: &str| quote(&format!("Unknown {what}: {}", target.name));
    match target.noun {
        Noun::Tool => error(id, INVALID_PARAMS, &named("tool"), None),
        Noun::Prompt => error(id, INVALID_PARAMS, &named("prompt"), None),
        Noun::Task => error(id, INVALID_PARAMS, &named("task"), None),
        Noun::Resource => {
            let data = format!("{{\"uri\":{}}}", quote(&target.name));
            error(id, era.resource_not_found(), &quote("Resource not found"), Some(&data))
        }
    }
}

/// The answer to a method that does not exist. (Over HTTP the modern era sends it with status 404.)
pub fn unknown_method(id: &Id) -> Document {
    error(id.as_json(), METHOD_NOT_FOUND, &quote("Method not found"), None)
}

/// The answer to a request whose parameters make no sense, such as a `tools/call` without a name.
pub fn invalid_params(id: &Id, problem: &str) -> Document {
    error(id.as_json(), INVALID_PARAMS, &quote(problem), None)
}

/// The answer when the upstream server could not be asked or gave no usable answer. `problem` is for
/// the caller: no addresses, no credentials.
pub fn unavailable(id: &Id, problem: &str) -> Document {
    error(id.as_json(), INTERNAL_ERROR, &quote(problem), None)
}

/// The answer to a modern request whose headers do not repeat its body; status 400.
pub fn header_mismatch(id: &Id, problem: &MirrorError) -> Document {
    error(id.as_json(), HEADER_MISMATCH, &quote(&problem.to_string()), None)
}

/// The answer to a modern request in a revision that is not served; status 400. The client picks one of
/// `supported`.
pub fn unsupported_version(id: &Id, requested: &str, supported: &[Revision]) -> Document {
    let supported: Vec<_> = supported.iter().map(|revision| quote(revision.as_str())).collect();
    let data = format!("{{\"supported\":[{}],\"requested\":{}}}", supported.join(","), quote(requested));
    error(id.as_json(), UNSUPPORTED_VERSION, &quote("Unsupported protocol version"), Some(&data))
}

/// The answer instead of a question to a client that has not declared that it can be asked; status 400.
/// `capability` is the path within the client's capabilities.
pub fn missing_capability(id: &Id, capability: &[&str]) -> Document {
    let needed =
        capability.iter().rev().fold("{}".to_owned(), |inner, key| format!("{{{}:{inner}}}", quote(key)));
    let problem = format!("The client has not declared the capability `{}`", capability.join("."));
    let data = format!("{{\"requiredCapabilities\":{needed}}}");
    error(id.as_json(), MISSING_CAPABILITY, &quote(&problem), Some(&data))
}

/// The answer that ends a subscription in good order (2026-07-28).
pub fn end_of_subscription(id: &Id) -> Document {
    Document::trusted(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{0},\"result\":{{\"resultType\":\"complete\",\"_meta\":{{{1}:{0}}}}}}}",
        id.as_json(),
        quote(crate::meta::SUBSCRIPTION_ID),
    ))
}

/// The HTTP status that an answer of the modern era goes with: errors of the transport have their own,
/// everything else is told by the body.
pub fn http_status(code: Option<i64>) -> u16 {
    match code {
        Some(METHOD_NOT_FOUND) => 404,
        Some(HEADER_MISMATCH | MISSING_CAPABILITY | UNSUPPORTED_VERSION) => 400,
        _ => 200,
    }
}

/// The answer to bytes that are no message: `id` is null, since none could be read.
pub fn malformed(problem: &MessageError) -> Document {
    error("null", problem.code(), &quote(&problem.to_string()), None)
}

fn tool_result(id: &Id, denial: &Denial, era: Era) -> Document {
    let result_type = match era {
        Era::Legacy => "",
        Era::Modern => "\"resultType\":\"complete\",",
    };
    Document::trusted(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{{result_type}\"content\":[{{\"type\":\"text\",\
         \"text\":{}}}],\"isError\":true,\"_meta\":{}}}}}",
        denial.text(),
        denial.detail(),
    ))
}

/// `message` and `data` are JSON already.
fn error(id: &str, code: i64, message: &str, data: Option<&str>) -> Document {
    let mut text =
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}");
    if let Some(data) = data {
        // Writing to a String cannot fail.
        let _ = write!(text, ",\"data\":{data}");
    }
    text.push_str("}}");
    Document::trusted(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;
    use crate::message::Message;

    fn request(method: &str, params: &str) -> Request {
        let text = format!(r#"{{"jsonrpc":"2.0","id":"\u0061","method":"{method}","params":{params}}}"#);
        match Message::parse(text.as_bytes(), &Limits::default()).unwrap() {
            Message::Request(request) => request,
            other => panic!("{other:?} is no request"),
        }
    }

    /// Every answer must itself be a strict, compact message.
    fn checked(document: &Document) -> &str {
        let parsed = Message::parse(document.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(parsed.document(), document);
        assert!(matches!(parsed, Message::Response(_)));
        document.as_str()
    }

    #[test]
    fn a_denied_tool_call_is_a_result_for_the_model() {
        let denial = Denial {
            reason: "Ask \"Ops\"\nfirst".into(),
            rule: Some("/tools/x".into()),
            retry_after: Some(30),
            ..Denial::default()
        };
        let call = request("tools/call", r#"{"name":"x"}"#);
        assert_eq!(
            checked(&denied(&call, &denial, Era::Legacy)),
            r#"{"jsonrpc":"2.0","id":"\u0061","result":{"content":[{"type":"text","text":"[POLICY DENIED] Ask \"Ops\"\nfirst"}],"isError":true,"_meta":{"bartizan/denial":{"rule":"/tools/x","retryAfter":30}}}}"#
        );
        let bare = Denial { reason: "no".into(), ..Denial::default() };
        assert_eq!(
            checked(&denied(&call, &bare, Era::Modern)),
            r#"{"jsonrpc":"2.0","id":"\u0061","result":{"resultType":"complete","content":[{"type":"text","text":"[POLICY DENIED] no"}],"isError":true,"_meta":{"bartizan/denial":{}}}}"#
        );
    }

    #[test]
    fn any_other_denied_method_is_an_error() {
        let denial = Denial {
            reason: "no".into(),
            rule: Some("(default)".into()),
            retry_after: None,
            ..Denial::default()
        };
        for era in [Era::Legacy, Era::Modern] {
            assert_eq!(
                checked(&denied(&request("resources/read", r#"{"uri":"x"}"#), &denial, era)),
                r#"{"jsonrpc":"2.0","id":"\u0061","error":{"code":403,"message":"[POLICY DENIED] no","data":{"bartizan/denial":{"rule":"(default)"}}}}"#
            );
        }
    }

    #[test]
    fn what_is_hidden_does_not_exist() {
        use Era::{Legacy, Modern};
        let not_found =
            |code: i64| format!(r#"{{"code":{code},"message":"Resource not found","data":{{"uri":"u"}}}}"#);
        let cases = [
            (
                "tools/call",
                r#"{"name":"a\"b"}"#,
                Legacy,
                r#"{"code":-32602,"message":"Unknown tool: a\"b"}"#.to_owned(),
            ),
            (
                "prompts/get",
                r#"{"name":"p"}"#,
                Modern,
                r#"{"code":-32602,"message":"Unknown prompt: p"}"#.to_owned(),
            ),
            (
                "completion/complete",
                r#"{"ref":{"name":"p"}}"#,
                Legacy,
                r#"{"code":-32602,"message":"Unknown prompt: p"}"#.to_owned(),
            ),
            (
                "tasks/get",
                r#"{"taskId":"t"}"#,
                Legacy,
                r#"{"code":-32602,"message":"Unknown task: t"}"#.to_owned(),
            ),
            ("resources/read", r#"{"uri":"u"}"#, Legacy, not_found(-32002)),
            ("resources/read", r#"{"uri":"u"}"#, Modern, not_found(-32602)),
            ("tools/call", "{}", Legacy, r#"{"code":-32602,"message":"Invalid params"}"#.to_owned()),
            ("x/y", "{}", Modern, r#"{"code":-32601,"message":"Method not found"}"#.to_owned()),
        ];
        for (method, params, era, error) in cases {
            let expected = format!(r#"{{"jsonrpc":"2.0","id":"\u0061","error":{error}}}"#);
            assert_eq!(checked(&hidden(&request(method, params), era)), expected, "{method}");
        }
    }

    #[test]
    fn failures_that_are_no_denials() {
        let id = Id::from(7);
        let cases = [
            (
                unknown_method(&id),
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"Method not found"}}"#,
            ),
            (
                invalid_params(&id, "no name"),
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"no name"}}"#,
            ),
            (
                unavailable(&id, "timed out"),
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"timed out"}}"#,
            ),
            (
                header_mismatch(&id, &MirrorError::Missing { header: "Mcp-Name".to_owned() }),
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32020,"message":"Mcp-Name header is missing"}}"#,
            ),
            (
                unsupported_version(&id, "2099-01-01", &[Revision::LATEST]),
                r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32022,"message":"Unsupported protocol version","data":{"supported":["2026-07-28"],"requested":"2099-01-01"}}}"#,
            ),
            (
                malformed(&MessageError::Version),
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"`jsonrpc` must be \"2.0\""}}"#,
            ),
        ];
        for (answer, expected) in &cases {
            assert_eq!(checked(answer), *expected);
        }
        let error = Message::parse(b"{]", &Limits::default()).unwrap_err();
        assert!(checked(&malformed(&error)).contains("-32700"));
    }
}
