//! The digest that says which policy decided.
//!
//! Taken of the document and not of the steps, so that a version of Bartizan that compiles the same
//! policy to other steps does not make it another policy.

use std::fmt::Write as _;

use bartizan_pattern::Pattern;
use sha2::{Digest as _, Sha256};

use crate::document::{Instructions, PluginEntry, PolicyDocument, Spanned, ToolEntry};
use crate::json::Json;

pub(super) fn of(document: &PolicyDocument) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(canonical(document).to_string()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Defaults written out, keys sorted, order kept only where it matters: among plugins. A key that came later
/// is there only if it says something else than its default: it must not make other policies of old ones.
fn canonical(document: &PolicyDocument) -> Json {
    let tools = document.tools.iter().map(|tool| (tool.pattern.value.as_str(), entry(tool)));
    let instructions = (document.instructions != Instructions::default())
        .then(|| ("instructions", Json::from(document.instructions.as_str())));
    let members = [
        ("version", Json::from("1")),
        ("default", Json::from(document.default.value.as_str())),
        ("hide", set(&document.hide)),
        ("tools", Json::object(tools)),
        ("plugins", Json::Array(document.plugins.iter().map(plugin).collect())),
    ];
    Json::object(members.into_iter().chain(instructions)).sorted()
}

fn entry(entry: &ToolEntry) -> Json {
    let reason = entry.reason.as_ref().map(|reason| ("reason", Json::from(reason.value.as_str())));
    let rate_limit = entry.rate_limit.map(|limit| {
        let limit = [("max", Json::from(limit.value.max)), ("window", Json::from(limit.value.window))];
        ("rate_limit", Json::object(limit))
    });
    let action = ("action", Json::from(entry.effective_action().as_str()));
    Json::object([Some(action), reason, rate_limit].into_iter().flatten())
}

fn plugin(entry: &PluginEntry) -> Json {
    let scope = |patterns: &Option<Vec<_>>| patterns.as_deref().map_or(Json::Null, set);
    Json::object([
        ("use", Json::from(entry.name.value.as_str())),
        ("settings", entry.settings.as_ref().map_or_else(|| Json::object([]), Json::from)),
        ("tools", scope(&entry.tools)),
        ("methods", scope(&entry.methods)),
        ("mode", Json::from(entry.mode.as_str())),
        ("on_error", Json::from(entry.on_error.as_str())),
        ("grants", Json::strings(entry.grants.iter().map(|grant| grant.as_str()))),
    ])
}

fn set(patterns: &[Spanned<Pattern>]) -> Json {
    let mut patterns: Vec<_> = patterns.iter().map(|pattern| pattern.value.as_str()).collect();
    patterns.sort_unstable();
    Json::strings(patterns)
}
