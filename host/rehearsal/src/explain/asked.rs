//! The call that is asked about.

use std::path::Path;

use bartizan_policy::decode::Object;
use bartizan_policy::diagnostics::{Diagnostics, Report};
use bartizan_policy::source::{Format, Node, Source};
use bartizan_runtime::Reply;
use bartizan_wire::json::Document;

use crate::call::{Changes, Circumstances, Message, read_object};

/// A call, who makes it and when, and what the server defines and answers.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What is called.
    pub message: Message,
    /// By whom, and when.
    pub circumstances: Circumstances,
    /// The server's definition of the target.
    pub definition: Option<Document>,
    /// What the server answers.
    pub result: Option<Reply>,
}

impl Asked {
    /// Reads a file: a call alone, or an object with `call` and what a case of a test suite may say besides.
    /// `circumstances` hold for whatever the file does not say.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn load(path: &Path, circumstances: &Circumstances) -> Result<Self, Diagnostics> {
        Self::read(&Source::read(path)?, circumstances)
    }

    /// Reads a text, in JSON or YAML: what begins with a brace is JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str, circumstances: &Circumstances) -> Result<Self, Diagnostics> {
        let format = if text.trim_start().starts_with('{') { Format::Json } else { Format::Yaml };
        Self::read(&Source::new(name, text, format), circumstances)
    }

    fn read(source: &Source, circumstances: &Circumstances) -> Result<Self, Diagnostics> {
        let mut report = Report::new(source);
        let asked = source.parse(&mut report).and_then(|node| asked(&node, circumstances, &mut report));
        match asked {
            Some(asked) if !report.has_errors() => Ok(asked),
            _ => Err(report.finish()),
        }
    }
}

fn asked(node: &Node, circumstances: &Circumstances, report: &mut Report) -> Option<Asked> {
    let mut circumstances = circumstances.clone();
    if node.get("call").is_none() {
        let message = Message::read(node, node.span, report)?;
        return Some(Asked { message, circumstances, definition: None, result: None });
    }
    let mut object = Object::read(node, node.span, "the question", report)?;
    let message = object.take("call").and_then(|member| Message::read(&member.node, member.key_span, report));
    Changes::read(&mut object, report).apply(&mut circumstances);
    let mut part = |key: &'static str, report: &mut Report| {
        object.take(key).and_then(|member| read_object(&member.node, &format!("`{key}`"), report))
    };
    let definition = part("definition", report);
    let result = part("result", report).map(|result| {
        let is_error = result.root().get("isError").and_then(bartizan_wire::json::Value::as_bool);
        Reply { is_error: is_error.unwrap_or(false), value: result.as_str().into() }
    });
    object.finish(&[], report);
    Some(Asked { message: message?, circumstances, definition, result })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_alone_or_with_its_circumstances() {
        let base = Circumstances { session: "s".into(), ..Circumstances::default() };
        for text in [
            r#"{"tool": "x", "arguments": {"a": 1.0}}"#,
            r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {"a": 1.0}}}"#,
            "tool: x\narguments: {a: 1.0}\n",
            "call: {tool: x, arguments: {a: 1.0}}\n",
        ] {
            let asked = Asked::parse("-", text, &base).unwrap();
            assert_eq!(asked.message.to_string(), "tools/call x", "{text}");
            assert_eq!(asked.message.arguments.as_deref(), Some(r#"{"a":1.0}"#), "{text}");
            assert_eq!(asked.circumstances, base, "{text}");
        }
        let text = r#"{"call": {"tool": "x"}, "principal": "bob", "definition": {"name": "x"}, "result": {"isError": true}}"#;
        let asked = Asked::parse("-", text, &base).unwrap();
        assert_eq!(asked.circumstances.principal.as_deref(), Some("bob"));
        assert_eq!(asked.definition.unwrap().as_str(), r#"{"name":"x"}"#);
        assert!(asked.result.unwrap().is_error);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            (r#"{"toll": "x"}"#, "-:1:1: error: the call does not say what is called"),
            (
                r#"{"call": {"tool": "x"}, "principle": "bob"}"#,
                "-:1:25: error: unknown key `principle` in the question",
            ),
            ("{", "-:1:"),
        ] {
            let problems = Asked::parse("-", text, &Circumstances::default()).unwrap_err().to_string();
            assert!(problems.starts_with(expected), "{text}: {problems}");
        }
    }
}
