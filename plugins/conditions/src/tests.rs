use bartizan_guest::testing::{TestCall, configure};
use bartizan_guest::{Decision, Verdict};
use serde_json::{Value, json};

use super::Conditions;

fn conditions(settings: &Value) -> Conditions {
    configure(&settings.to_string()).unwrap()
}

/// The rule, the reason and the note `paths` of a denial.
fn denial(decision: &Decision) -> Option<(&str, &str, Option<&str>)> {
    let Verdict::Deny(denial) = &decision.verdict else {
        assert!(decision.is_pass() && decision.notes.is_empty(), "{decision:?}");
        return None;
    };
    let note = decision.notes.iter().find(|note| note.key == "paths").map(|note| note.value.as_str());
    Some((denial.rule.as_deref()?, &denial.message, note))
}

fn compare(path: &str, operator: &str, value: impl Into<Value>) -> Value {
    json!({"path": path, "op": operator, "value": value.into()})
}

#[test]
fn requirements_come_first_then_objections_in_order() {
    let policy = conditions(&json!({"tools": [{
        "pattern": "promote",
        "require": [
            {"condition": compare("args.stage", "exists", json!(true)), "rule": "/tools/promote/require/0"},
            {"condition": compare("args.version", "gte", json!(2)), "message": "Too old.", "rule": "/tools/promote/require/1"},
        ],
        "deny_if": [
            {"conditions": [compare("args.stage", "eq", json!("Production")), compare("args.force", "neq", json!(true))],
             "rule": "/tools/promote/deny_if/0"},
            {"conditions": [compare("args.stage", "eq", json!("Archived"))], "message": "Ask ops.", "rule": "/tools/promote/deny_if/1"},
        ],
    }]}));
    for (arguments, expected) in [
        (json!({"stage": "Staging", "version": 2}), None),
        (json!({"stage": "Production", "version": "2.0", "force": "yes"}), None),
        (
            json!({"version": 2}),
            Some((
                "/tools/promote/require/0",
                "The policy requires args.stage exists true.",
                Some(r#"["args.stage"]"#),
            )),
        ),
        (
            json!({"stage": "Staging", "version": 1}),
            Some(("/tools/promote/require/1", "Too old.", Some(r#"["args.version"]"#))),
        ),
        (
            json!({"stage": "Staging", "version": "new"}),
            Some(("/tools/promote/require/1", "Too old.", Some(r#"["args.version"]"#))),
        ),
        (
            json!({"stage": "Production", "version": 2}),
            Some((
                "/tools/promote/deny_if/0",
                r#"The policy refuses calls where args.stage eq "Production" and args.force neq true."#,
                Some(r#"["args.stage","args.force"]"#),
            )),
        ),
        (
            json!({"stage": "Archived", "version": 2}),
            Some(("/tools/promote/deny_if/1", "Ask ops.", Some(r#"["args.stage"]"#))),
        ),
    ] {
        let decision = TestCall::tool("promote").arguments(arguments.clone()).check(&policy);
        assert_eq!(denial(&decision), expected, "{arguments}");
    }
}

#[test]
fn no_conditions_always_hold() {
    let policy = conditions(&json!({"prompts": [
        {"pattern": "x", "deny_if": [{"conditions": [], "rule": "/prompts/x/action"}]},
    ]}));
    let decision = TestCall::method("prompts/get").target("x").check(&policy);
    assert_eq!(denial(&decision), Some(("/prompts/x/action", "The policy refuses this call.", None)));
    assert_eq!(denial(&TestCall::tool("x").check(&policy)), None);
}

#[test]
fn several_values_are_judged_for_and_against_the_call() {
    let policy = conditions(&json!({"tools": [
        {"pattern": "all", "require": [{"condition": compare("args.to[*]", "glob", json!("*@example.com")), "rule": "r"}]},
        {"pattern": "none", "deny_if": [{"conditions": [compare("args.to[*]", "glob", json!("*@example.com"))], "rule": "d"}]},
    ]}));
    let inside = "a@example.com";
    for (tool, to, expected) in [
        ("all", json!([inside, inside]), None),
        ("all", json!([inside, "b@other.com"]), Some("r")),
        ("all", json!([inside, ["b@other.com"]]), Some("r")),
        ("all", json!([]), Some("r")),
        ("all", json!("[\"a@example.com\"]"), Some("r")),
        ("none", json!(["b@other.com"]), None),
        ("none", json!(["b@other.com", inside]), Some("d")),
        ("none", json!(["b@other.com", [inside]]), Some("d")),
        ("none", json!([]), None),
        ("none", json!("[\"b@other.com\"]"), Some("d")),
    ] {
        let decision = TestCall::tool(tool).arguments(json!({"to": to})).check(&policy);
        assert_eq!(denial(&decision).map(|(rule, ..)| rule), expected, "{tool} {to}");
    }
}

#[test]
fn every_entry_that_applies_counts() {
    let refuse = |rule: &str, path: &str| json!({"deny_if": [{"conditions": [compare(path, "exists", json!(true))], "rule": rule}]});
    let with = |pattern: &str, mut family: Value| {
        family["pattern"] = json!(pattern);
        family
    };
    let policy = conditions(&json!({
        "tools": [with("get_*", refuse("/tools/get_*/deny_if/0", "args.own")), {"pattern": "get_free"}],
        "methods": [with("tools/call", refuse("/methods/tools~1call/deny_if/0", "args.method"))],
        "all_tools": refuse("/all_tools/deny_if/0", "args.all"),
    }));
    for (tool, argument, expected) in [
        ("get_run", "own", Some("/tools/get_*/deny_if/0")),
        ("get_free", "own", None),
        ("get_free", "all", Some("/all_tools/deny_if/0")),
        ("get_run", "method", Some("/methods/tools~1call/deny_if/0")),
        ("health", "own", None),
    ] {
        let decision = TestCall::tool(tool).arguments(json!({argument: 1})).check(&policy);
        assert_eq!(denial(&decision).map(|(rule, ..)| rule), expected, "{tool} {argument}");
    }
}

#[test]
fn numbers_of_calls_and_settings_keep_their_literals() {
    let settings = r#"{"tools":[{"pattern":"pay","require":[
        {"condition":{"path":"args.amount","op":"lte","value":123456789012345678901234567890.10},"rule":"r"}]}]}"#;
    let policy: Conditions = configure(settings).unwrap();
    for (amount, passes) in
        [("123456789012345678901234567890.1", true), ("123456789012345678901234567890.11", false)]
    {
        let call = TestCall::tool("pay").arguments_text(format!(r#"{{"amount":{amount}}}"#));
        assert_eq!(call.check(&policy).is_pass(), passes, "{amount}");
    }
}

#[test]
fn mistakes_in_settings_are_named() {
    let condition = compare("args.x", "lt", json!("5"));
    for (settings, expected) in [
        (
            json!({"tools": [{"pattern": "a", "require": [{"condition": condition, "rule": "/tools/a/require/0"}]}]}),
            "`tools`, `a`: `/tools/a/require/0`: `value` of `lt` must be a number",
        ),
        (
            json!({"all_tools": {"deny_if": [{"conditions": [{"path": "x", "op": "eq", "value": 1}], "rule": "r"}]}}),
            "`all_tools`: `r`: `/0`: the path `x` is wrong",
        ),
        (json!({"tools": [{"pattern": "a", "requires": []}]}), "unknown field `requires`"),
        (json!({"tools": [{"pattern": "a", "deny_if": [{"conditions": []}]}]}), "missing field `rule`"),
        (json!({"tools": [{"require": []}]}), "missing field `pattern`"),
    ] {
        let error = configure::<Conditions>(&settings.to_string()).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}
