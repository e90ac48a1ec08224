//! The policies that are measured.

use serde_json::{Map, Value, json};

use crate::question::TOOL;

/// What [`mlflow`] hides.
pub(crate) const HIDDEN: &str = "delete_run";

/// Everything is allowed.
pub(crate) fn allow() -> Value {
    json!({"version": "1", "default": "allow"})
}

/// A policy for the MLflow server: hides, allows, denies and limits.
pub(crate) fn mlflow() -> Value {
    json!({
        "version": "1",
        "default": "deny",
        "hide": [HIDDEN],
        "tools": {
            "get_*": {},
            "search_*": {},
            "list_*": {},
            TOOL: {"rate_limit": {"max": 100_000_000, "window": 60}},
            "delete_experiment": {"action": "deny"},
        },
    })
}

/// A policy with so many rules, one of which is for the tool that is called.
pub(crate) fn with_rules(count: usize) -> Value {
    let mut tools: Map<String, Value> =
        (1..count).map(|number| (format!("tool_{number}"), json!({}))).collect();
    tools.insert(TOOL.to_owned(), json!({"rate_limit": {"max": 100_000_000, "window": 60}}));
    json!({"version": "1", "default": "deny", "tools": tools})
}

/// A server of a configuration.
pub(crate) fn server(upstream: &str, policy: &Value) -> Value {
    json!({"url": upstream, "policy": policy})
}
