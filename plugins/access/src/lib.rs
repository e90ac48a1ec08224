//! Built-in rule: which targets exist for the caller, and which may be called.
//!
//! Precedence: `hide`, then the most specific entry of `tools`, then `default`. What `hide` names is
//! gone from lists and answered as unknown; what is denied stays visible and is refused with a reason.

use bartizan_guest::prelude::*;

/// Methods that belong to the session and reach nothing by themselves: `default` does not speak of
/// them. Lists are filtered by `listings`.
const SESSION_METHODS: [&str; 20] = [
    "initialize",
    "server/discover",
    "subscriptions/listen",
    "ping",
    "logging/setLevel",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "tasks/list",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/message",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/roots/list_changed",
    "notifications/elicitation/complete",
    "notifications/subscriptions/acknowledged",
];

/// Methods that follow a call: a task is as allowed as the call that began it. Nobody gets here with a task
/// whose call the gateway has not let through.
const FOLLOWING_METHODS: [&str; 6] = [
    "tasks/get",
    "tasks/result",
    "tasks/update",
    "tasks/cancel",
    "notifications/tasks",
    "notifications/tasks/status",
];

/// Access by name.
pub struct Access {
    default: Action,
    hide: PatternMap<()>,
    tools: PatternMap<Rule>,
}

/// What the policy document's `default`, `hide` and `tools` compile to.
#[settings]
pub struct Settings {
    /// What happens to a target that no entry names.
    default: Action,
    /// Names and globs that do not exist for the caller.
    #[serde(default)]
    hide: Vec<String>,
    /// What happens to tools by name; the most specific pattern counts.
    #[serde(default)]
    tools: Vec<Entry>,
}

#[settings]
struct Entry {
    /// A tool's name, or a glob.
    pattern: String,
    action: Action,
    /// What the agent is told.
    reason: Option<String>,
    /// The rule's id.
    rule: String,
}

#[settings]
#[derive(Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Action {
    Allow,
    Deny,
}

struct Rule {
    action: Action,
    reason: Option<String>,
    rule: String,
}

impl Policy for Access {
    type Settings = Settings;
    const NAME: &'static str = "access";
    const SUMMARY: &'static str = "Allows, denies and hides tools, prompts and resources by name.";

    fn configure(settings: Settings) -> Result<Self, String> {
        Ok(Self {
            default: settings.default,
            hide: settings.hide.into_iter().map(|pattern| (pattern, ())).collect(),
            tools: settings
                .tools
                .into_iter()
                .map(|Entry { pattern, action, reason, rule }| (pattern, Rule { action, reason, rule }))
                .collect(),
        })
    }
}

impl ListingPolicy for Access {
    fn is_visible(&self, _call: &Call, entry: &bartizan_guest::Entry) -> bool {
        self.hide.get(&entry.name).is_none()
    }
}

impl CallPolicy for Access {
    fn check(&self, call: &Call) -> Decision {
        let method = call.method();
        let Some(target) = call.target() else {
            let belongs_to_session = SESSION_METHODS.contains(&method.as_str());
            return if belongs_to_session { Decision::pass() } else { self.by_default(&method) };
        };
        if FOLLOWING_METHODS.contains(&method.as_str()) {
            return Decision::pass();
        }
        // `tools` speaks of tools: a prompt of the same name is another thing.
        let entry = if method == "tools/call" { self.tools.get(&target) } else { None };
        match entry {
            None => self.by_default(&target),
            Some(Rule { action: Action::Allow, .. }) => Decision::pass(),
            Some(Rule { action: Action::Deny, reason, rule }) => {
                let reason = reason.clone().unwrap_or_else(|| format!("{target} is denied by the policy."));
                Decision::deny(reason).rule(rule)
            }
        }
    }
}

impl Access {
    fn by_default(&self, what: &str) -> Decision {
        match self.default {
            Action::Allow => Decision::pass(),
            Action::Deny => Decision::deny(format!("The policy does not allow {what}.")).rule("(default)"),
        }
    }
}

bartizan_guest::export!(Access: calls, listings);

#[cfg(test)]
mod tests {
    use super::Access;
    use bartizan_guest::testing::{TestCall, configure, is_visible};
    use bartizan_guest::{Decision, Verdict};
    use serde_json::json;

    fn access(settings: &serde_json::Value) -> Access {
        configure(&settings.to_string()).unwrap()
    }

    fn rule(decision: &Decision) -> Option<&str> {
        match &decision.verdict {
            Verdict::Deny(denial) => denial.rule.as_deref(),
            _ => None,
        }
    }

    #[test]
    fn the_most_specific_entry_decides_then_the_default() {
        let policy = access(&json!({
            "default": "deny",
            "tools": [
                {"pattern": "get_*", "action": "allow", "rule": "/tools/get_*"},
                {"pattern": "get_secret", "action": "deny", "reason": "Secrets stay.", "rule": "/tools/get_secret/action"},
                {"pattern": "delete_*", "action": "deny", "rule": "/tools/delete_*/action"},
            ],
        }));
        for (tool, expected) in [
            ("get_run", None),
            ("get_secret", Some("/tools/get_secret/action")),
            ("delete_run", Some("/tools/delete_*/action")),
            ("health", Some("(default)")),
        ] {
            let decision = TestCall::tool(tool).check(&policy);
            assert_eq!(rule(&decision), expected, "{tool}");
            assert_eq!(decision.is_pass(), expected.is_none(), "{tool}");
        }
        assert_eq!(TestCall::tool("get_secret").check(&policy).reason(), Some("Secrets stay."));
    }

    #[test]
    fn the_default_speaks_of_everything_and_tools_of_tools_only() {
        let policy = access(&json!({
            "default": "deny",
            "tools": [{"pattern": "*", "action": "allow", "rule": "/tools/*"}],
        }));
        assert!(TestCall::tool("anything").check(&policy).is_pass());
        let prompt = TestCall::method("prompts/get").target("anything");
        assert_eq!(rule(&prompt.check(&policy)), Some("(default)"));
        for method in ["vendor/x", "notifications/vendor", "tools/listing", "sampling/createMessage", ""] {
            assert_eq!(rule(&TestCall::method(method).check(&policy)), Some("(default)"), "{method}");
        }
        for method in ["initialize", "ping", "tools/list", "notifications/initialized"] {
            assert!(TestCall::method(method).check(&policy).is_pass(), "{method}");
        }
    }

    #[test]
    fn what_follows_a_call_is_as_allowed_as_the_call() {
        let policy = access(&json!({"default": "deny"}));
        for method in super::FOLLOWING_METHODS {
            assert!(TestCall::method(method).target("task-1").check(&policy).is_pass(), "{method}");
        }
        assert!(!TestCall::method("tasks/steal").target("task-1").check(&policy).is_pass());
    }

    #[test]
    fn what_is_hidden_is_not_visible() {
        let policy = access(&json!({"default": "allow", "hide": ["delete_run", "purge_*"]}));
        for (tool, expected) in [("delete_run", false), ("purge_all", false), ("delete_runs", true)] {
            assert_eq!(is_visible(&policy, &json!({"name": tool})), expected, "{tool}");
        }
    }

    #[test]
    fn settings_are_strict() {
        for (settings, expected) in [
            (json!({}), "missing field `default`"),
            (json!({"default": "maybe"}), "unknown variant `maybe`"),
            (json!({"default": "allow", "hidden": []}), "unknown field `hidden`"),
        ] {
            let error = configure::<Access>(&settings.to_string()).err().unwrap();
            assert!(error.contains(expected), "{error}");
        }
    }
}
