//! A tool's definition, as far as it is read here.

use serde_json::Value;

/// A tool, as its server defines it. What has the wrong type in the definition is as if it were absent;
/// only a name there must be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolDefinition {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What its server says it does.
    pub description: Option<String>,
    /// The JSON Schema of its arguments; null if there is none.
    pub input_schema: Value,
    /// What its server claims about it.
    pub annotations: Annotations,
}

/// The claims that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// `readOnlyHint`.
    pub read_only: Option<bool>,
    /// `destructiveHint`.
    pub destructive: Option<bool>,
}

impl ToolDefinition {
    /// Reads a definition. None if it is not an object with a name.
    pub fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let hint = |key: &str| value.get("annotations").and_then(|all| all.get(key)).and_then(Value::as_bool);
        Some(Self {
            name: text("name").filter(|name| !name.is_empty())?,
            title: text("title"),
            description: text("description"),
            input_schema: value.get("inputSchema").cloned().unwrap_or_default(),
            annotations: Annotations {
                read_only: hint("readOnlyHint"),
                destructive: hint("destructiveHint"),
            },
        })
    }
}
