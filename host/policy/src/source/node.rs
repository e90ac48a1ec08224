//! The tree that every format parses to.

use crate::json::Json;
use crate::source::Span;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value stands. For a block in YAML and a table in TOML this may be its head only.
    pub span: Span,
    /// The value.
    pub value: Value,
}

/// What a [`Node`] holds: the values of JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// The number's literal, in JSON syntax: `1.10` stays `1.10`. What YAML and TOML write in other
    /// ways (`0x1f`, `1_000`, `+1`) has become JSON.
    Number(String),
    /// Text, with escapes resolved.
    String(String),
    /// A list.
    Array(Vec<Node>),
    /// Members in the order of the document, each key once.
    Object(Vec<Member>),
}

/// One key of an object with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key, with escapes resolved.
    pub key: String,
    /// Where the key stands, with its quotes.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

impl Node {
    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&[Member]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_object()?.iter().find(|member| member.key == key).map(|member| &member.node)
    }

    /// The value as compact JSON text: members in the order of the document, numbers with their
    /// literal.
    pub fn to_json(&self) -> String {
        Json::from(self).to_string()
    }

    /// What this is, for "must be …, not …".
    pub(crate) fn description(&self) -> String {
        const LONGEST: usize = 40;
        match &self.value {
            Value::Null => "null".into(),
            Value::Bool(value) => value.to_string(),
            Value::Number(literal) => format!("the number {literal}"),
            Value::String(text) if text.chars().count() > LONGEST => {
                format!("\"{}…\"", text.chars().take(LONGEST).collect::<String>().escape_debug())
            }
            Value::String(text) => format!("\"{}\"", text.escape_debug()),
            Value::Array(_) => "a list".into(),
            Value::Object(_) => "an object".into(),
        }
    }
}

impl From<&Node> for Json {
    fn from(node: &Node) -> Self {
        match &node.value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(literal) => Self::Number(literal.clone()),
            Value::String(text) => Self::String(text.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members.iter().map(|member| (member.key.clone(), Self::from(&member.node))).collect(),
            ),
        }
    }
}
