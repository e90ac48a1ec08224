use bartizan_guest::testing::{TestCall, configure};
use bartizan_guest::{Decision, Verdict};
use serde_json::{Value, json};

use super::Approvals;

fn approvals(settings: &Value) -> Approvals {
    configure(&settings.to_string()).unwrap()
}

fn ask(decision: &Decision) -> Option<(&str, &str, Option<u32>)> {
    match &decision.verdict {
        Verdict::Ask(approval) => {
            Some((approval.rule.as_deref()?, &approval.message, approval.expires_after))
        }
        other => {
            assert_eq!(other, &Verdict::Pass);
            None
        }
    }
}

#[test]
fn asks_where_the_most_specific_entry_says_so() {
    let policy = approvals(&json!({
        "tools": [
            {"pattern": "delete_*", "approval": {"conditions": [], "rule": "/tools/delete_*/action"}},
            {"pattern": "delete_tag"},
            {"pattern": "delete_run", "approval":
                {"conditions": [], "message": "Ask the owner.", "expires_after": 60, "rule": "/tools/delete_run/action"}},
        ],
        "methods": [
            {"pattern": "sampling/*", "approval": {"conditions": [], "rule": "/methods/sampling~1*/action"}},
        ],
    }));
    for (call, expected) in [
        (
            TestCall::tool("delete_experiment"),
            Some(("/tools/delete_*/action", "delete_experiment needs approval.", None)),
        ),
        (TestCall::tool("delete_run"), Some(("/tools/delete_run/action", "Ask the owner.", Some(60)))),
        (TestCall::tool("delete_tag"), None),
        (TestCall::tool("get_run"), None),
        (TestCall::method("prompts/get").target("delete_run"), None),
        (
            TestCall::method("sampling/createMessage"),
            Some(("/methods/sampling~1*/action", "sampling/createMessage needs approval.", None)),
        ),
    ] {
        let decision = call.check(&policy);
        assert_eq!(ask(&decision), expected);
        assert!(decision.notes.is_empty(), "{decision:?}");
    }
}

#[test]
fn asks_if_all_conditions_hold_or_cannot_be_told() {
    let policy = approvals(&json!({"tools": [{"pattern": "pay", "approval": {
        "conditions": [
            {"path": "args.amount", "op": "gt", "value": 100},
            {"path": "args.to", "op": "neq", "value": "us"},
        ],
        "rule": "/tools/pay/action",
    }}]}));
    for (arguments, expected) in [
        (json!({"amount": 101, "to": "them"}), true),
        (json!({"amount": "1e3", "to": "them"}), true),
        (json!({"amount": 100, "to": "them"}), false),
        (json!({"amount": 101, "to": "us"}), false),
        (json!({"amount": "a lot", "to": "them"}), true),
        (json!({"amount": 101}), true),
        (json!({}), false),
    ] {
        let decision = TestCall::tool("pay").arguments(arguments.clone()).check(&policy);
        assert_eq!(ask(&decision).is_some(), expected, "{arguments}");
        let notes: Vec<_> =
            decision.notes.iter().map(|note| (note.key.as_str(), note.value.as_str())).collect();
        let paths = ("paths", r#"["args.amount","args.to"]"#);
        assert_eq!(notes, if expected { vec![paths] } else { vec![] }, "{arguments}");
    }
}

#[test]
fn asks_for_the_entry_whose_conditions_hold() {
    let policy = approvals(&json!({
        "tools": [{"pattern": "pay", "approval":
            {"conditions": [{"path": "args.a", "op": "exists", "value": true}], "rule": "own"}}],
        "methods": [{"pattern": "tools/call", "approval":
            {"conditions": [{"path": "args.b", "op": "exists", "value": true}], "rule": "method"}}],
    }));
    for (arguments, expected) in
        [(json!({"a": 1, "b": 1}), Some("own")), (json!({"b": 1}), Some("method")), (json!({}), None)]
    {
        let decision = TestCall::tool("pay").arguments(arguments).check(&policy);
        assert_eq!(ask(&decision).map(|(rule, ..)| rule), expected);
    }
}

#[test]
fn mistakes_in_settings_are_named() {
    for (approval, expected) in [
        (
            json!({"conditions": [], "expires_after": 0, "rule": "r"}),
            "`tools`, `a`: `r`: `expires_after` is at least 1",
        ),
        (json!({"conditions": [{"path": "args.x"}], "rule": "r"}), "`r`: `/0`: `op` is missing"),
        (json!({"conditions": []}), "missing field `rule`"),
        (json!({"conditions": [], "rule": "r", "expires": 1}), "unknown field `expires`"),
    ] {
        let settings = json!({"tools": [{"pattern": "a", "approval": approval}]});
        let error = configure::<Approvals>(&settings.to_string()).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_long_name_makes_no_long_message() {
    let policy =
        approvals(&json!({"resources": [{"pattern": "*", "approval": {"conditions": [], "rule": "r"}}]}));
    let decision = TestCall::method("resources/read").target("é".repeat(10_000)).check(&policy);
    let (_, message, _) = ask(&decision).unwrap();
    assert!(message.len() < 1_000 && message.ends_with("… needs approval."), "{message}");
}
