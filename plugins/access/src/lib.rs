//! Built-in rule: which targets exist for the caller, and which may be called.
//!
//! Precedence: `hide`, then the most specific entry of the target and that of the method, then `default`.
//! A denial of either entry denies; either allows what `default` alone would deny. What `hide` names is
//! gone from lists and answered as unknown; what is denied stays visible and is refused with a reason.

use bartizan_guest::prelude::*;
use bartizan_rules::{Applicable, Entries, Listed, Lists, shortened};

/// Names in messages have at most so many characters: URIs may be long.
const NAME: usize = 200;

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
    entries: Entries<Rule>,
}

/// What the policy document's `default`, `hide` and entries compile to.
#[settings]
pub struct Settings {
    /// What happens to a target that no entry names.
    default: Action,
    /// Names and globs that do not exist for the caller.
    #[serde(default)]
    hide: Vec<String>,
    /// What happens to tools by name; the most specific pattern counts.
    #[serde(default)]
    tools: Vec<Listed<Rule>>,
    /// What happens to prompts by name.
    #[serde(default)]
    prompts: Vec<Listed<Rule>>,
    /// What happens to resources by URI.
    #[serde(default)]
    resources: Vec<Listed<Rule>>,
    /// What happens to messages by method, in addition.
    #[serde(default)]
    methods: Vec<Listed<Rule>>,
}

#[settings]
#[derive(Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Action {
    Allow,
    Deny,
}

#[settings]
struct Rule {
    action: Action,
    /// What the agent is told.
    reason: Option<String>,
    /// The rule's id.
    rule: String,
}

impl Policy for Access {
    type Settings = Settings;
    const NAME: &'static str = "access";
    const SUMMARY: &'static str = "Allows, denies and hides tools, prompts and resources by name.";

    fn configure(settings: Settings) -> Result<Self, String> {
        let Settings { default, hide, tools, prompts, resources, methods } = settings;
        Ok(Self {
            default,
            hide: hide.into_iter().map(|pattern| (pattern, ())).collect(),
            entries: Lists { tools, prompts, resources, methods, all_tools: None }.into(),
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
        let (method, target) = (call.method(), call.target());
        let name = target.as_deref().unwrap_or(&method);
        let Applicable { own, method: of_method, .. } = self.entries.applicable(call);
        let denial =
            own.and_then(|rule| rule.deny(name)).or_else(|| of_method.and_then(|rule| rule.deny(&method)));
        if let Some(denial) = denial {
            return denial;
        }
        let is_allowed = own.is_some() || of_method.is_some();
        let needs_no_entry = match target {
            None => SESSION_METHODS.contains(&method.as_str()),
            Some(_) => FOLLOWING_METHODS.contains(&method.as_str()),
        };
        if is_allowed || needs_no_entry { Decision::pass() } else { self.by_default(name) }
    }
}

impl Rule {
    fn deny(&self, name: &str) -> Option<Decision> {
        match self.action {
            Action::Allow => None,
            Action::Deny => {
                let reason = self.reason.clone();
                let reason =
                    reason.unwrap_or_else(|| format!("{} is denied by the policy.", shortened(name, NAME)));
                Some(Decision::deny(reason).rule(&self.rule))
            }
        }
    }
}

impl Access {
    fn by_default(&self, name: &str) -> Decision {
        match self.default {
            Action::Allow => Decision::pass(),
            Action::Deny => Decision::deny(format!("The policy does not allow {}.", shortened(name, NAME)))
                .rule("(default)"),
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

    #[test]
    fn entries_of_targets_and_of_methods_count_together() {
        let policy = access(&json!({
            "default": "deny",
            "tools": [
                {"pattern": "get_*", "action": "allow", "rule": "/tools/get_*/action"},
                {"pattern": "x", "action": "deny", "rule": "/tools/x/action"},
            ],
            "prompts": [
                {"pattern": "greet", "action": "allow", "rule": "/prompts/greet/action"},
                {"pattern": "x", "action": "deny", "rule": "/prompts/x/action"},
            ],
            "resources": [
                {"pattern": "file:*", "action": "allow", "rule": "/resources/file:*/action"},
                {"pattern": "file:///etc/*", "action": "deny", "rule": "/resources/etc/action"},
            ],
            "methods": [
                {"pattern": "sampling/*", "action": "allow", "rule": "/methods/sampling~1*/action"},
                {"pattern": "elicitation/create", "action": "deny", "rule": "/methods/elicit/action"},
                {"pattern": "resources/subscribe", "action": "deny", "reason": "Poll.", "rule": "/methods/subscribe/action"},
                {"pattern": "resources/read", "action": "allow", "rule": "/methods/read/action"},
                {"pattern": "tasks/cancel", "action": "deny", "rule": "/methods/cancel/action"},
                {"pattern": "logging/setLevel", "action": "deny", "rule": "/methods/level/action"},
            ],
        }));
        let prompt = |name: &str| TestCall::method("prompts/get").target(name);
        let resource = |method: &str, uri: &str| TestCall::method(method).target(uri);
        let completion = |kind: &str, name: &str| {
            TestCall::method("completion/complete").target(name).arguments(json!({"ref": {"type": kind}}))
        };
        for (name, call, expected) in [
            ("a prompt", prompt("greet"), None),
            ("a prompt that is named like a tool", prompt("get_run"), Some("(default)")),
            ("a denied prompt", prompt("x"), Some("/prompts/x/action")),
            ("its completion", completion("ref/prompt", "x"), Some("/prompts/x/action")),
            ("a completion", completion("ref/prompt", "greet"), None),
            ("a completion of a resource", completion("ref/resource", "greet"), Some("(default)")),
            ("a resource", resource("resources/read", "file:///a"), None),
            ("one that only the method allows", resource("resources/read", "db:///a"), None),
            (
                "one that its entry denies",
                resource("resources/read", "file:///etc/x"),
                Some("/resources/etc/action"),
            ),
            (
                "one that the method denies",
                resource("resources/subscribe", "file:///a"),
                Some("/methods/subscribe/action"),
            ),
            ("both deny", resource("resources/subscribe", "file:///etc/x"), Some("/resources/etc/action")),
            ("neither", resource("resources/unsubscribe", "db:///a"), Some("(default)")),
            ("an end of a subscription", resource("resources/unsubscribe", "file:///a"), None),
            ("an allowed question", TestCall::method("sampling/createMessage"), None),
            ("a denied question", TestCall::method("elicitation/create"), Some("/methods/elicit/action")),
            ("another", TestCall::method("roots/list"), Some("(default)")),
            ("a method of the session", TestCall::method("logging/setLevel"), Some("/methods/level/action")),
            ("another of them", TestCall::method("ping"), None),
            (
                "what follows a call",
                TestCall::method("tasks/cancel").target("t"),
                Some("/methods/cancel/action"),
            ),
            ("more of it", TestCall::method("tasks/get").target("t"), None),
            ("a tool", TestCall::tool("get_run"), None),
            ("a denied tool", TestCall::tool("x"), Some("/tools/x/action")),
        ] {
            assert_eq!(rule(&call.check(&policy)), expected, "{name}");
            assert_eq!(call.check(&policy).is_pass(), expected.is_none(), "{name}");
        }
        let subscribed = resource("resources/subscribe", "file:///a").check(&policy);
        assert_eq!(subscribed.reason(), Some("Poll."));
    }

    #[test]
    fn a_method_that_is_denied_denies_what_an_entry_allows() {
        let policy = access(&json!({
            "default": "allow",
            "tools": [{"pattern": "*", "action": "allow", "rule": "/tools/*/action"}],
            "methods": [{"pattern": "tools/call", "action": "deny", "rule": "/methods/call/action"}],
        }));
        let decision = TestCall::tool("a").check(&policy);
        assert_eq!(rule(&decision), Some("/methods/call/action"));
        assert_eq!(decision.reason(), Some("tools/call is denied by the policy."));
    }

    #[test]
    fn long_names_make_no_long_messages() {
        let policy = access(&json!({"default": "deny"}));
        let call = TestCall::method("resources/read").target(format!("file:///{}", "é".repeat(10_000)));
        assert!(call.check(&policy).reason().unwrap().len() < 1_000);
    }
}
