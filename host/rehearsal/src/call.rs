//! A message as people describe it.
//!
//! The short forms `{tool, arguments}`, `{prompt, arguments}` and `{resource}`; any method as
//! `{method, params, from}`; and a JSON-RPC request as it is on the wire. Numbers keep their literals.
//!
//! Invariant: a [`Message`] is one that the gateway would judge. One that does not say what it acts on is
//! refused by the gateway before any policy is asked, and is no description of a call.

mod circumstances;

use std::sync::Arc;

use bartizan_gateway::offline;
use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::{Problem, Report};
use bartizan_policy::source::{Member, Node, Span, Value};
use bartizan_runtime::{Call, Entry, Flow};
use bartizan_wire::json::{Document, Limits};
use bartizan_wire::method::{self, Direction, Noun};

pub use circumstances::{Changes, Circumstances};

/// What is asked of whom, without who asks.
#[derive(Clone, Debug)]
pub struct Message {
    /// The MCP method.
    pub method: Arc<str>,
    /// Which way it travels.
    pub direction: Flow,
    /// What it acts on: the kind, and its name or URI.
    pub target: Option<(Noun, Arc<str>)>,
    /// What plugins read as its arguments: JSON text.
    pub arguments: Option<Arc<str>>,
}

impl Message {
    /// Reads a description. `place` is where a missing key is reported.
    pub fn read(node: &Node, place: Span, report: &mut Report) -> Option<Self> {
        let members = decode::members(node, "the call", report)?;
        let has = |key: &str| members.iter().any(|member| member.key == key);
        let form = FORMS.iter().find(|form| has(form.key));
        let Some(form) = form else {
            let problem = Problem::error("missing-key", place.head(), "the call does not say what is called");
            report.push(
                problem.help(
                    "give it `tool`, `prompt`, `resource` or `method`, or write a whole JSON-RPC request",
                ),
            );
            return None;
        };
        let errors = report.errors();
        let mut object = Object::read(node, place, form.what, report)?;
        let described = (form.read)(&mut object, report);
        object.finish(&[], report);
        let described = described.filter(|_| report.errors() == errors)?;
        let place = node.get(form.key).map_or(place, |node| node.span);
        described.take_apart(place, report)
    }

    /// The list request of this method.
    pub fn list(method: &str) -> Self {
        Self { method: method.into(), direction: Flow::ClientToServer, target: None, arguments: None }
    }

    /// The call, made by somebody at some time. `entry` is the server's definition of its target.
    pub fn call(&self, circumstances: &Circumstances, entry: Option<Arc<Entry>>) -> Call {
        Call {
            method: Arc::clone(&self.method),
            direction: self.direction,
            server: Arc::clone(&circumstances.server),
            target: self.target.as_ref().map(|(_, name)| Arc::clone(name)),
            arguments: self.arguments.clone(),
            entry,
            session: Arc::clone(&circumstances.session),
            principal: circumstances.principal.clone(),
            claims: circumstances.claims.clone(),
            time: circumstances.time,
        }
    }

    /// The kind of its target.
    pub fn noun(&self) -> Option<Noun> {
        self.target.as_ref().map(|(noun, _)| *noun)
    }
}

/// The method and target, for people: `tools/call delete_run`.
impl std::fmt::Display for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.method)?;
        match &self.target {
            Some((_, name)) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

/// A way to describe a message, known by one of its keys.
struct Form {
    key: &'static str,
    what: &'static str,
    read: fn(&mut Object<'_>, &mut Report) -> Option<Described>,
}

/// In the order in which they are tried: a request has a `method` as well.
const FORMS: [Form; 5] = [
    Form { key: "jsonrpc", what: "a JSON-RPC request", read: request },
    Form { key: "tool", what: "a call of a tool", read: tool },
    Form { key: "prompt", what: "a call of a prompt", read: prompt },
    Form { key: "resource", what: "a call of a resource", read: resource },
    Form { key: "method", what: "a call by method", read: by_method },
];

const FROM: [(&str, Flow); 2] = [("client", Flow::ClientToServer), ("server", Flow::ServerToClient)];

/// A method with its params as JSON text.
struct Described {
    method: String,
    from: Option<Flow>,
    params: Option<String>,
}

fn tool(object: &mut Object<'_>, report: &mut Report) -> Option<Described> {
    named("tools/call", "tool", object, report)
}

fn prompt(object: &mut Object<'_>, report: &mut Report) -> Option<Described> {
    named("prompts/get", "prompt", object, report)
}

fn named(method: &str, key: &'static str, object: &mut Object<'_>, report: &mut Report) -> Option<Described> {
    let name = text(object.take(key), key, report);
    let arguments = match object.take("arguments") {
        None => None,
        Some(member) => Some(structure(&member.node, "`arguments`", report)?),
    };
    let name = bartizan_wire::json::quote(&name?);
    let params = match arguments {
        Some(arguments) => format!(r#"{{"name":{name},"arguments":{arguments}}}"#),
        None => format!(r#"{{"name":{name}}}"#),
    };
    Some(Described { method: method.to_owned(), from: None, params: Some(params) })
}

fn resource(object: &mut Object<'_>, report: &mut Report) -> Option<Described> {
    let uri = bartizan_wire::json::quote(&text(object.take("resource"), "resource", report)?);
    let params = Some(format!(r#"{{"uri":{uri}}}"#));
    Some(Described { method: "resources/read".to_owned(), from: None, params })
}

fn by_method(object: &mut Object<'_>, report: &mut Report) -> Option<Described> {
    let from = object.take("from").map(|member| decode::word(&member.node, "`from`", &FROM, &[], report));
    Some(Described { from: from.flatten(), ..method_and_params(object, report)? })
}

fn request(object: &mut Object<'_>, report: &mut Report) -> Option<Described> {
    if let Some(member) = object.take("jsonrpc") {
        decode::word(&member.node, "`jsonrpc`", &[("2.0", ())], &[], report);
    }
    object.take("id");
    object.require("method", "\"tools/call\"", report);
    method_and_params(object, report)
}

fn method_and_params(object: &mut Object<'_>, report: &mut Report) -> Option<Described> {
    let params = match object.take("params") {
        None => None,
        Some(member) => Some(structure(&member.node, "`params`", report)?),
    };
    let method = text(object.take("method"), "method", report)?;
    Some(Described { method, from: None, params })
}

fn text(member: Option<&Member>, key: &str, report: &mut Report) -> Option<String> {
    decode::string(&member?.node, &format!("`{key}`"), report).map(str::to_owned)
}

/// The JSON text of an object.
fn structure(node: &Node, name: &str, report: &mut Report) -> Option<String> {
    decode::members(node, name, report).map(|_| node.to_json())
}

impl Described {
    fn take_apart(self, place: Span, report: &mut Report) -> Option<Message> {
        let params = match self.params.as_deref().map(strict) {
            None => None,
            Some(Ok(params)) => Some(params),
            Some(Err(error)) => {
                report.push(Problem::error(
                    "not-json",
                    place,
                    format!("the call is no acceptable JSON: {error}"),
                ));
                return None;
            }
        };
        let known = method::lookup(&self.method);
        let parts = offline::parts(&self.method, params.as_ref());
        if parts.target.is_none() && known.is_some_and(|method| !method.places.is_empty()) {
            let places: Vec<String> = known
                .into_iter()
                .flat_map(|method| method.places)
                .map(|place| format!("`params{}`", place.pointer.replace('/', ".")))
                .collect();
            let message = format!("`{}` does not say what it acts on", self.method);
            let help = format!("give it {}, a string", places.join(" or "));
            report.push(Problem::error("no-target", place, message).help(help));
            return None;
        }
        let direction = self.from.unwrap_or(match known.map(|method| method.direction) {
            Some(Direction::ServerToClient) => Flow::ServerToClient,
            _ => Flow::ClientToServer,
        });
        Some(Message {
            method: self.method.into(),
            direction,
            target: parts.target.map(|(noun, name)| (noun, name.into())),
            arguments: parts.arguments.map(Into::into),
        })
    }
}

/// JSON text as the gateway reads it.
pub(crate) fn strict(text: &str) -> Result<Document, bartizan_wire::json::JsonError> {
    Document::parse(text.as_bytes(), &Limits::default())
}

/// Reads any JSON value as the gateway would.
pub(crate) fn read_json(node: &Node, name: &str, report: &mut Report) -> Option<Document> {
    strict(&node.to_json())
        .map_err(|error| {
            report.push(Problem::error(
                "not-json",
                node.span,
                format!("{name} is no acceptable JSON: {error}"),
            ));
        })
        .ok()
}

/// Reads a JSON object as the gateway would.
pub(crate) fn read_object(node: &Node, name: &str, report: &mut Report) -> Option<Document> {
    decode::members(node, name, report)?;
    read_json(node, name, report)
}

/// Whether a value is `null`: said to be absent.
pub(crate) fn is_null(node: &Node) -> bool {
    node.value == Value::Null
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_policy::source::{Format, Source};

    fn read(text: &str, format: Format) -> Result<Message, String> {
        let source = Source::new("call", text, format);
        let mut report = Report::new(&source);
        let message = source.parse(&mut report).and_then(|node| Message::read(&node, node.span, &mut report));
        match message {
            Some(message) if !report.has_errors() => Ok(message),
            _ => Err(report.finish().to_string()),
        }
    }

    #[test]
    fn every_form_is_a_message() {
        let tool = |name: &str| Some((Noun::Tool, Arc::from(name)));
        for (text, method, target, arguments) in [
            ("{tool: x}", "tools/call", tool("x"), None),
            (
                "{tool: x, arguments: {a: 1.10, b: 12345678901234567890, c: \"é\"}}",
                "tools/call",
                tool("x"),
                Some(r#"{"a":1.10,"b":12345678901234567890,"c":"é"}"#),
            ),
            (
                "{prompt: p, arguments: {who: me}}",
                "prompts/get",
                Some((Noun::Prompt, "p".into())),
                Some(r#"{"who":"me"}"#),
            ),
            (
                "{resource: 'file:///a'}",
                "resources/read",
                Some((Noun::Resource, "file:///a".into())),
                Some(r#"{"uri":"file:///a"}"#),
            ),
            ("{method: ping}", "ping", None, None),
            (
                "{jsonrpc: '2.0', id: 7, method: tools/call, params: {name: x, arguments: {a: 1}}}",
                "tools/call",
                tool("x"),
                Some(r#"{"a":1}"#),
            ),
        ] {
            let message = read(text, Format::Yaml).unwrap();
            assert_eq!(
                (&*message.method, message.target.clone(), message.arguments.as_deref()),
                (method, target, arguments),
                "{text}"
            );
            assert_eq!(message.direction, Flow::ClientToServer, "{text}");
        }
    }

    #[test]
    fn messages_come_from_whom_the_method_says_unless_told() {
        for (text, expected) in [
            ("{method: sampling/createMessage, params: {}}", Flow::ServerToClient),
            ("{method: sampling/createMessage, from: client}", Flow::ClientToServer),
            ("{method: ping}", Flow::ClientToServer),
            ("{method: ping, from: server}", Flow::ServerToClient),
            ("{method: vendor/unknown}", Flow::ClientToServer),
        ] {
            assert_eq!(read(text, Format::Yaml).unwrap().direction, expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            ("{}", "call:1:1: error: the call does not say what is called"),
            ("{\"tool\": 7}", "call:1:10: error: `tool` must be a string, not the number 7"),
            ("{\"tool\": \"x\", \"args\": {}}", "call:1:15: error: unknown key `args` in a call of a tool"),
            (
                "{\"tool\": \"x\", \"arguments\": []}",
                "call:1:28: error: `arguments` must be an object, not a list",
            ),
            ("{\"jsonrpc\": \"2.0\"}", "call:1:1: error: a JSON-RPC request must have the key `method`"),
            ("{\"jsonrpc\": 2, \"method\": \"ping\"}", "call:1:13: error: `jsonrpc` must be \"2.0\""),
            (
                "{\"method\": \"tools/call\", \"params\": {\"arguments\": {}}}",
                "call:1:12: error: `tools/call` does not say what it acts on\n  help: give it `params.name`, a string",
            ),
            (
                "{\"method\": \"ping\", \"from\": \"me\"}",
                "call:1:28: error: `from` must be \"client\" or \"server\"",
            ),
        ] {
            let problems = read(text, Format::Json).unwrap_err();
            assert!(problems.starts_with(expected), "{text}: {problems}");
        }
    }
}
