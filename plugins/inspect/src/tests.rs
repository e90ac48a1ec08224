//! Which results are withheld.

use super::Inspect;
use bartizan_guest::testing::{TestCall, configure};
use serde_json::{Value, json};

fn policy(rule: &Value) -> Inspect {
    let mut full = json!({"at": [], "detect": [], "rule": "/tools/t/inspect/0"});
    full.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
    configure(&json!({"tools": [{"pattern": "t", "inspect": [full]}, {"pattern": "*"}]}).to_string()).unwrap()
}

#[test]
fn results_that_match_are_withheld() {
    let text = |text: &str| json!({"content": [{"type": "text", "text": text}]});
    for (name, rule, result, expected) in [
        ("a pattern", json!({"pattern": "(?i)ignore previous"}), text("Ignore previous orders"), true),
        ("no match", json!({"pattern": "(?i)ignore previous"}), text("All is well"), false),
        ("a detector", json!({"detect": ["email"]}), text("a@example.com"), true),
        (
            "structured",
            json!({"detect": ["email"]}),
            json!({"structuredContent": {"x": ["a@example.com"]}}),
            true,
        ),
        ("at a pointer", json!({"at": ["/x"], "detect": ["email"]}), text("{\"x\":\"a@example.com\"}"), true),
        ("elsewhere", json!({"at": ["/y"], "detect": ["email"]}), text("{\"x\":\"a@example.com\"}"), false),
        ("whatever is there", json!({"at": ["/secret"]}), text("{\"secret\":null}"), true),
        ("nothing there", json!({"at": ["/secret"]}), text("{\"x\":1}"), false),
        (
            "an error",
            json!({"pattern": "stack trace"}),
            json!({"code": -1, "message": "a stack trace"}),
            true,
        ),
        ("an empty text", json!({"at": ["/secret"]}), text("{\"secret\":\"\"}"), true),
    ] {
        let call = TestCall::tool("t").reply(result);
        assert_eq!(call.check_reply(&policy(&rule)).is_denied(), expected, "{name}");
    }
    let other = TestCall::tool("other").reply(text("a@example.com"));
    assert!(other.check_reply(&policy(&json!({"detect": ["email"]}))).is_pass());
}

#[test]
fn the_agent_and_the_record_learn_the_rule_and_not_the_content() {
    let call = TestCall::tool("t").reply(json!({"structuredContent": {"to": "a@example.com"}}));
    let decision = call.check_reply(&policy(&json!({"detect": ["email", "ip"]})));
    assert_eq!(decision.reason(), Some("The result of t is withheld: it matches a rule of the policy."));
    let [note] = decision.notes.as_slice() else { unreachable!("{decision:?}") };
    assert_eq!(note.key, "matched");
    assert_eq!(note.value, r#"{"rule":"/tools/t/inspect/0","detectors":["email"]}"#);
    let told = call.check_reply(&policy(&json!({"detect": ["email"], "message": "No addresses."})));
    assert_eq!(told.reason(), Some("No addresses."));
}

#[test]
fn settings_are_strict() {
    for (rule, expected) in [
        (json!({}), "write `at`, `pattern` or `detect`"),
        (json!({"detect": ["mail"]}), "there is no detector `mail`; there are `secret`"),
        (json!({"at": ["x"]}), "`x` is no JSON Pointer"),
        (json!({"pattern": "("}), "`pattern`: regex parse error"),
        (json!({"pattern": "x", "replace": "y"}), "unknown field `replace`"),
    ] {
        let mut full = json!({"at": [], "detect": [], "rule": "/r"});
        full.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        let error =
            configure::<Inspect>(&json!({"all_tools": {"inspect": [full]}}).to_string()).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}
