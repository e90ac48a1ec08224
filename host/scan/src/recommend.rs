//! A policy to begin with.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::{Class, ScannedTool};

/// Calls a minute that are recommended for a tool that writes.
const WRITES_A_MINUTE: u32 = 30;

/// What a class becomes in the policy, with the heading over it.
const RECOMMENDED: &[(Class, &str)] = &[
    (Class::Read, "Read: allowed."),
    (Class::Write, "Write: allowed so many times a minute."),
    (Class::Execute, "Execute: a person approves each call."),
    (Class::Financial, "Financial: a person approves each call."),
];

/// Writes a policy for the tools of one server: JSON with comments, that denies what it does not name.
/// Destructive tools are hidden, Financial and Execute ones need approval, Write ones are limited, Read
/// ones allowed. Of several tools with one name the worst counts. A tool that no entry can name is left to
/// the default, and told in a comment.
pub fn recommend(tools: &[ScannedTool]) -> String {
    let of = |class: Class| -> BTreeSet<&str> {
        let worse = |name: &str| tools.iter().any(|tool| tool.name == name && tool.class > class);
        let named = tools.iter().filter(|tool| tool.class == class && is_exact(&tool.name));
        named.map(|tool| tool.name.as_str()).filter(|name| !worse(name)).collect()
    };
    let mut text = String::from("{\n  \"version\": \"1\",\n");
    for tool in tools.iter().filter(|tool| !is_exact(&tool.name)) {
        let _ = writeln!(text, "  // Denied, since no entry can name it: {}", quoted(&tool.name));
    }
    text.push_str("  \"default\": \"deny\"");
    let hidden = of(Class::Destructive);
    if !hidden.is_empty() {
        text.push_str(",\n  // Destructive: agents neither see nor call them.\n  \"hide\": [");
        for (index, name) in hidden.iter().enumerate() {
            let _ = write!(text, "{}\n    {}", comma(index), quoted(name));
        }
        text.push_str("\n  ]");
    }
    text.push_str(",\n  \"tools\": {");
    let mut entries = 0;
    for &(class, heading) in RECOMMENDED {
        let names = of(class);
        for (index, name) in names.iter().enumerate() {
            text.push_str(comma(entries));
            if index == 0 {
                let _ = write!(text, "{}    // {heading}", if entries == 0 { "\n" } else { "\n\n" });
            }
            let _ = write!(text, "\n    {}: {}", quoted(name), entry(class));
            entries += 1;
        }
    }
    text.push_str(if entries == 0 { "}\n}\n" } else { "\n  }\n}\n" });
    text
}

fn entry(class: Class) -> String {
    match class {
        Class::Read => "{}".into(),
        Class::Write => format!("{{ \"rate_limit\": {{ \"max\": {WRITES_A_MINUTE}, \"window\": 60 }} }}"),
        Class::Execute | Class::Financial | Class::Destructive => {
            "{ \"action\": \"require_approval\" }".into()
        }
    }
}

/// Whether a policy can name a tool and no other: `*` and `?` would make a glob of it, white space is
/// refused.
fn is_exact(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|c: char| matches!(c, '*' | '?') || c.is_whitespace() || c.is_control())
}

/// A name as a JSON string.
fn quoted(name: &str) -> Value {
    Value::from(name)
}

fn comma(index: usize) -> &'static str {
    if index == 0 { "" } else { "," }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, class: Class) -> ScannedTool {
        ScannedTool {
            server: "s".into(),
            name: name.into(),
            class,
            risk: class.risk(),
            reason: String::new(),
        }
    }

    #[test]
    fn every_class_has_its_part() {
        let text = recommend(&[
            tool("run", Class::Execute),
            tool("get", Class::Read),
            tool("set", Class::Write),
            tool("pay", Class::Financial),
            tool("drop", Class::Destructive),
            tool("delete_\"x\"", Class::Destructive),
            tool("a", Class::Read),
        ]);
        let expected = r#"{
  "version": "1",
  "default": "deny",
  // Destructive: agents neither see nor call them.
  "hide": [
    "delete_\"x\"",
    "drop"
  ],
  "tools": {
    // Read: allowed.
    "a": {},
    "get": {},

    // Write: allowed so many times a minute.
    "set": { "rate_limit": { "max": 30, "window": 60 } },

    // Execute: a person approves each call.
    "run": { "action": "require_approval" },

    // Financial: a person approves each call.
    "pay": { "action": "require_approval" }
  }
}
"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn a_server_without_tools_is_denied() {
        assert_eq!(
            recommend(&[]),
            "{\n  \"version\": \"1\",\n  \"default\": \"deny\",\n  \"tools\": {}\n}\n"
        );
    }

    #[test]
    fn names_that_would_be_globs_are_left_to_the_default() {
        let text = recommend(&[
            tool("get_*", Class::Read),
            tool("a\nb", Class::Read),
            tool("*", Class::Destructive),
        ]);
        let expected = r#"{
  "version": "1",
  // Denied, since no entry can name it: "get_*"
  // Denied, since no entry can name it: "a\nb"
  // Denied, since no entry can name it: "*"
  "default": "deny",
  "tools": {}
}
"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn of_two_tools_with_one_name_the_worse_counts() {
        let text = recommend(&[tool("x", Class::Read), tool("x", Class::Destructive)]);
        assert!(text.contains("\"hide\"") && text.contains("\"tools\": {}"), "{text}");
    }
}
