//! Which arguments match, and what cannot be checked.

use std::time::{Duration, Instant};

use super::Schema;
use bartizan_guest::testing::{TestCall, configure};
use serde_json::{Value, json};

fn policy() -> Schema {
    configure(
        &json!({"tools": [{"pattern": "t", "schema": true, "rule": "/tools/t/schema"}, {"pattern": "*"}]})
            .to_string(),
    )
    .unwrap()
}

fn reason(schema: &Value, arguments: &str) -> Option<String> {
    let call = TestCall::tool("t")
        .definition(&json!({"name": "t", "inputSchema": schema}))
        .arguments_text(arguments);
    call.check(&policy()).reason().map(str::to_owned)
}

#[test]
fn arguments_match_or_the_agent_learns_where_they_do_not() {
    let run = json!({
        "type": "object",
        "properties": {"run_id": {"type": "string", "pattern": "^[0-9a-f]+$"}, "limit": {"type": "integer", "maximum": 10}},
        "required": ["run_id"],
        "additionalProperties": false,
    });
    let old = json!({"$schema": "http://json-schema.org/draft-04/schema#", "type": "object",
        "properties": {"n": {"maximum": 5, "exclusiveMaximum": true}}});
    let new = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {"p": {"type": "string"}},
        "properties": {"l": {"prefixItems": [{"$ref": "#/$defs/p"}]}}});
    for (name, schema, arguments, expected) in [
        ("they match", &run, r#"{"run_id":"0a","limit":10}"#, None),
        ("an integer with a point", &run, r#"{"run_id":"0a","limit":1.0}"#, None),
        ("one is missing", &run, "{}", Some(vec!["the whole: \"run_id\" is a required property"])),
        ("a pattern", &run, r#"{"run_id":"hunter2"}"#, Some(vec!["/run_id: value does not match"])),
        (
            "several",
            &run,
            r#"{"run_id":5,"limit":"x","b":1}"#,
            Some(vec!["/run_id: ", "/limit: ", "the whole: "]),
        ),
        ("draft 4", &old, r#"{"n":5}"#, Some(vec!["/n: "])),
        ("draft 4, right", &old, r#"{"n":4}"#, None),
        ("draft 2020-12", &new, r#"{"l":[1]}"#, Some(vec!["/l/0: "])),
        ("draft 2020-12, right", &new, r#"{"l":["x",1]}"#, None),
        ("a number out of range", &run, r#"{"limit":1e999}"#, Some(vec!["cannot be checked"])),
    ] {
        let reason = reason(schema, arguments);
        assert_eq!(reason.is_some(), expected.is_some(), "{name}: {reason:?}");
        for part in expected.into_iter().flatten() {
            assert!(reason.as_deref().is_some_and(|reason| reason.contains(part)), "{name}: {reason:?}");
        }
        assert!(!reason.is_some_and(|reason| reason.contains("hunter2")), "{name}");
    }
    let many = json!({"properties": {"a": false, "b": false, "c": false, "d": false}});
    let told = reason(&many, r#"{"a":1,"b":1,"c":1,"d":1}"#).unwrap();
    assert!(told.ends_with("; and more.") && told.matches("; ").count() == 3, "{told}");
}

#[test]
fn what_cannot_be_checked_is_refused() {
    for (name, schema, expected) in [
        ("a file", json!({"$ref": "file:///etc/passwd"}), "nothing is fetched"),
        ("a URL", json!({"properties": {"a": {"$ref": "https://example.com/s.json"}}}), "nothing is fetched"),
        ("a missing part", json!({"$ref": "#/$defs/none"}), "nothing is fetched"),
        ("another dialect", json!({"$schema": "https://example.com/dialect"}), "cannot be checked"),
        ("no schema", json!({"type": "strange"}), "its input schema is not valid"),
        ("a schema that is no object", json!(true), "has no `inputSchema`"),
        ("look-around", json!({"properties": {"a": {"pattern": "(?!x)y"}}}), "cannot be checked"),
    ] {
        let reason = reason(&schema, r#"{"a":"y"}"#).unwrap_or_default();
        assert!(reason.starts_with("The arguments of t ") && reason.contains(expected), "{name}: {reason}");
    }
    let undefined = TestCall::tool("t").check(&policy());
    assert!(undefined.reason().is_some_and(|reason| reason.contains("is not known")), "{undefined:?}");
    let bare = TestCall::tool("t").definition(&json!({"name": "t"})).check(&policy());
    assert!(bare.reason().is_some_and(|reason| reason.contains("no `inputSchema`")), "{bare:?}");
    for other in [TestCall::tool("u"), TestCall::method("prompts/get").target("t")] {
        assert!(other.check(&policy()).is_pass());
    }
}

#[test]
fn patterns_of_a_hostile_server_take_linear_time() {
    let arguments = format!("{{\"a\":\"{}!\"}}", "a".repeat(50_000));
    for pattern in ["^(a+)+$", "^(a|aa)*$", "(.*a){20}b", "^(([a-z])+.)+[A-Z]([a-z])+$"] {
        let begin = Instant::now();
        let _reason = reason(&json!({"properties": {"a": {"pattern": pattern}}}), &arguments);
        assert!(begin.elapsed() < Duration::from_secs(5), "{pattern}: {:?}", begin.elapsed());
    }
    let huge = reason(&json!({"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}), &arguments);
    assert!(huge.is_some_and(|reason| reason.contains("cannot be checked")));
}

#[test]
fn settings_are_strict() {
    for (settings, expected) in [
        (json!({"prompts": []}), "unknown field `prompts`"),
        (json!({"tools": [{"pattern": "t", "schema": 1}]}), "invalid type"),
        (json!({"all_tools": {"schemas": true}}), "unknown field `schemas`"),
    ] {
        let error = configure::<Schema>(&settings.to_string()).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}

/// Prints times: `cargo test --release -p bartizan-plugin-schema -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn measure() {
    let begin = Instant::now();
    let policy = policy();
    println!("configure: {:?}", begin.elapsed());
    let properties: serde_json::Map<String, Value> = (0..10)
        .map(|number| {
            (format!("p{number}"), json!({"type": "string", "description": "A parameter.", "maxLength": 100}))
        })
        .collect();
    let schema = json!({"type": "object", "properties": properties, "required": ["p0"], "additionalProperties": false});
    let call = TestCall::tool("t")
        .definition(&json!({"inputSchema": schema}))
        .arguments(json!({"p0": "x", "p1": "y"}));
    for round in 0..4 {
        let begin = Instant::now();
        let decision = call.check(&policy);
        println!("check {round}: {:?} {}", begin.elapsed(), decision.is_pass());
    }
}
