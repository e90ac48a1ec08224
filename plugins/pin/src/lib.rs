//! Built-in rule: tools exist only as they were when they were accepted.
//!
//! The lock says which definitions of which tools were accepted, by digest. Any other is not visible: it is
//! gone from lists, and a call to it is answered as if it did not exist. So a definition that a server
//! changed, a tool that it added, and one that it gave another name all wait for someone to accept them.
//!
//! Prompts and resources are not pinned.

use std::collections::{HashMap, HashSet};

use bartizan_guest::prelude::*;

/// The accepted definitions.
pub struct Pin {
    tools: HashMap<String, HashSet<String>>,
}

/// What the lock file of a policy's `pin` compiles to.
#[settings]
pub struct Settings {
    /// Tools by name, with the digests of their accepted definitions: SHA-256 in lower-case hex. There may
    /// be several, since a server may define a tool differently in each version of the protocol.
    tools: HashMap<String, HashSet<String>>,
    /// The rule's id.
    #[expect(dead_code, reason = "what is not visible is refused by the host, under a rule of its own")]
    rule: String,
}

impl Policy for Pin {
    type Settings = Settings;
    const NAME: &'static str = "pin";
    const SUMMARY: &'static str = "Hides tools whose definition was not accepted.";

    fn interests() -> Vec<Interest> {
        vec![Interest::methods(["tools/list", "tools/call"])]
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        for (name, digests) in &settings.tools {
            let is_digest = |digest: &String| {
                digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            };
            if let Some(digest) = digests.iter().find(|digest| !is_digest(digest)) {
                return Err(format!(
                    "`tools`, `{name}`: `{digest}` is no digest: write SHA-256 as 64 lower-case hex digits, or make the lock file again"
                ));
            }
        }
        Ok(Self { tools: settings.tools })
    }
}

impl ListingPolicy for Pin {
    fn is_visible(&self, call: &Call, entry: &Entry) -> bool {
        if !matches!(call.method().as_str(), "tools/list" | "tools/call") {
            return true;
        }
        self.tools.get(&entry.name).is_some_and(|digests| digests.contains(&entry.digest))
    }
}

bartizan_guest::export!(Pin: listings);

#[cfg(test)]
mod tests {
    use super::Pin;
    use bartizan_guest::testing::{configure, is_entry_visible};
    use serde_json::json;

    #[test]
    fn a_tool_is_visible_with_an_accepted_definition_only() {
        let (old, new, other) = ("0".repeat(64), "1a".repeat(32), "f".repeat(64));
        let settings = json!({"tools": {"get_run": [old, new], "gone": []}, "rule": "/pin"});
        let policy: Pin = configure(&settings.to_string()).unwrap();
        for (case, method, name, digest, expected) in [
            ("accepted", "tools/list", "get_run", &old, true),
            ("accepted in another era", "tools/list", "get_run", &new, true),
            ("changed", "tools/list", "get_run", &other, false),
            ("new", "tools/list", "delete_run", &other, false),
            ("renamed", "tools/list", "get_runs", &old, false),
            ("in other case", "tools/list", "Get_run", &old, false),
            ("nothing accepted", "tools/list", "gone", &old, false),
            ("changed and called", "tools/call", "get_run", &other, false),
            ("a prompt", "prompts/list", "get_run", &other, true),
            ("a resource", "resources/list", "file:///x", &other, true),
            ("a template", "resources/templates/list", "file:///{x}", &other, true),
        ] {
            assert_eq!(is_entry_visible(&policy, method, name, digest), expected, "{case}");
        }
    }

    #[test]
    fn settings_are_strict() {
        for (settings, expected) in [
            (json!({"rule": "/pin"}), "missing field `tools`"),
            (json!({"tools": {}}), "missing field `rule`"),
            (json!({"tools": {}, "rule": "/pin", "x": 1}), "unknown field `x`"),
            (json!({"tools": {"a": ["abc"]}, "rule": "/pin"}), "`tools`, `a`: `abc` is no digest"),
            (json!({"tools": {"a": ["A".repeat(64)]}, "rule": "/pin"}), "is no digest"),
        ] {
            let error = configure::<Pin>(&settings.to_string()).err().unwrap();
            assert!(error.contains(expected), "{error}");
        }
    }
}
