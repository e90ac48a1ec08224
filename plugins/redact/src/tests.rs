//! What is replaced, what is refused, and what stays.

use super::Redact;
use bartizan_detect::Detector;
use bartizan_guest::testing::{TestCall, configure};
use bartizan_guest::{Decision, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

fn policy(rules: &[Value]) -> Redact {
    let rules: Vec<_> = rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let mut full = json!({
                "in": "both", "at": [], "detect": [], "action": "replace", "replace": "[REDACTED]",
                "rule": format!("/tools/t/redact/{index}"),
            });
            full.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
            full
        })
        .collect();
    configure(&json!({"tools": [{"pattern": "t", "redact": rules}, {"pattern": "*"}]}).to_string()).unwrap()
}

fn rewritten(decision: &Decision) -> Option<&str> {
    match &decision.verdict {
        Verdict::Pass => None,
        Verdict::Rewrite(text) => Some(text),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn arguments_keep_what_does_not_match() {
    let email = || json!({"detect": ["email"]});
    let card = || json!({"detect": ["card"]});
    for (name, rule, arguments, expected) in [
        ("a string", email(), r#"{"a":"x a@b.org y","n":1.10}"#, Some(r#"{"a":"x [REDACTED] y","n":1.10}"#)),
        ("nothing", email(), r#"{"a":"x","n":1.10}"#, None),
        (
            "a card as a number",
            card(),
            r#"{"n":4111111111111111,"m":1e400}"#,
            Some(r#"{"n":"[REDACTED]","m":1e400}"#),
        ),
        ("an escape", email(), r#"{"a":"\u0061@b.org\u00e9"}"#, Some(r#"{"a":"[REDACTED]"}"#)),
        (
            "escapes around",
            email(),
            r#"{"a":"\u4e2d\n a@b.org \/"}"#,
            Some(r#"{"a":"\u4e2d\n [REDACTED] \/"}"#),
        ),
        (
            "JSON in a string",
            email(),
            r#"{"a":"{\"b\":\"\\u0061@b.org\"}"}"#,
            Some(r#"{"a":"{\"b\":\"[REDACTED]\"}"}"#),
        ),
        (
            "a part of no JSON",
            email(),
            r#"{"a":"x {\"b\":\"\\u0061@b.org\"}"}"#,
            Some(r#"{"a":"x {\"b\":\"[REDACTED]\"}"}"#),
        ),
        ("a pointer", json!({"at": ["/p"]}), r#"{"p":{"x":[1]},"q":1}"#, Some(r#"{"p":"[REDACTED]","q":1}"#)),
        ("a number at a pointer", json!({"at": ["/p"]}), r#"{"p":5}"#, Some(r#"{"p":"[REDACTED]"}"#)),
        ("no such place", json!({"at": ["/p"]}), r#"{"q":5}"#, None),
        ("already replaced", json!({"at": ["/p"]}), r#"{"p":"[REDACTED]"}"#, None),
        (
            "every element",
            json!({"at": ["/l/*/p"]}),
            r#"{"l":[{"p":1},{"q":2},{"p":3}]}"#,
            Some(r#"{"l":[{"p":"[REDACTED]"},{"q":2},{"p":"[REDACTED]"}]}"#),
        ),
        (
            "pointers one in the other",
            json!({"at": ["/l", "/l/0", ""]}),
            r#"{"l":[1]}"#,
            Some(r#""[REDACTED]""#),
        ),
        (
            "a pointer into a string of JSON",
            json!({"at": ["/a/p"]}),
            r#"{"a":"{\"p\":1,\"q\":1.0}"}"#,
            Some(r#"{"a":"{\"p\":\"[REDACTED]\",\"q\":1.0}"}"#),
        ),
        (
            "a pattern below a pointer",
            json!({"at": ["/a"], "pattern": "x+"}),
            r#"{"a":["axxb",{"c":"x"}],"b":"x"}"#,
            Some(r#"{"a":["a[REDACTED]b",{"c":"[REDACTED]"}],"b":"x"}"#),
        ),
        (
            "a replacement to escape",
            json!({"pattern": "x", "replace": "\"$0\\\n"}),
            r#"{"a":"x"}"#,
            Some(r#"{"a":"\"$0\\\n"}"#),
        ),
        (
            "keys",
            email(),
            r#"{"a@b.org":1,"c@b.org":2,"[REDACTED]":3}"#,
            Some(r#"{"[REDACTED] (2)":1,"[REDACTED] (3)":2,"[REDACTED]":3}"#),
        ),
        (
            "a name that tells",
            json!({"detect": ["secret"]}),
            r#"{"password":"hunter2","hint":"hunter2"}"#,
            Some(r#"{"password":"[REDACTED]","hint":"hunter2"}"#),
        ),
        ("digits of an escape", json!({"pattern": "[0-9]{4}"}), r#"{"a":"\u2019"}"#, None),
        (
            "digits of an escape in JSON in a string",
            json!({"pattern": "[0-9]{4}"}),
            r#"{"a":"{\"b\":\"\\u2019\"}"}"#,
            None,
        ),
        ("in results only", json!({"in": "result", "detect": ["email"]}), r#"{"a":"a@b.org"}"#, None),
    ] {
        let decision = TestCall::tool("t").arguments_text(arguments).check(&policy(&[rule]));
        assert_eq!(rewritten(&decision), expected, "{name}");
    }
    let other = TestCall::tool("u").arguments(json!({"a": "a@b.org"})).check(&policy(&[email()]));
    assert!(other.is_pass());
}

#[test]
fn results_are_searched_where_the_data_is() {
    let email = || json!({"detect": ["email"]});
    let at = |pointer: &str| json!({"at": [pointer]});
    for (name, rule, result, expected) in [
        (
            "text and structure",
            email(),
            r#"{"content":[{"type":"text","text":"{\"to\": \"a@b.org\", \"n\": 1.10}"}],"structuredContent":{"to":"a@b.org","n":1.10},"isError":false}"#,
            Some(
                r#"{"content":[{"type":"text","text":"{\"to\": \"[REDACTED]\", \"n\": 1.10}"}],"structuredContent":{"to":"[REDACTED]","n":1.10},"isError":false}"#,
            ),
        ),
        (
            "a pointer into both",
            at("/to"),
            r#"{"content":[{"type":"text","text":"{\"to\":1}"}],"structuredContent":{"to":1}}"#,
            Some(
                r#"{"content":[{"type":"text","text":"{\"to\":\"[REDACTED]\"}"}],"structuredContent":{"to":"[REDACTED]"}}"#,
            ),
        ),
        (
            "wrapped, pointer with result",
            at("/result/to"),
            r#"{"content":[{"type":"text","text":"{\"to\":1}"}],"structuredContent":{"result":{"to":1}}}"#,
            Some(
                r#"{"content":[{"type":"text","text":"{\"to\":\"[REDACTED]\"}"}],"structuredContent":{"result":{"to":"[REDACTED]"}}}"#,
            ),
        ),
        (
            "wrapped, bare pointer",
            at("/to"),
            r#"{"content":[{"type":"text","text":"{\"to\":1}"}],"structuredContent":{"result":"{\"to\":1}"}}"#,
            Some(
                r#"{"content":[{"type":"text","text":"{\"to\":\"[REDACTED]\"}"}],"structuredContent":{"result":"{\"to\":\"[REDACTED]\"}"}}"#,
            ),
        ),
        (
            "a wrapped list, a text for each element",
            at("/result/*/to"),
            r#"{"content":[{"type":"text","text":"{\"to\":1}"},{"type":"text","text":"{\"to\":2}"}],"structuredContent":{"result":[{"to":1},{"to":2}]}}"#,
            Some(
                r#"{"content":[{"type":"text","text":"{\"to\":\"[REDACTED]\"}"},{"type":"text","text":"{\"to\":\"[REDACTED]\"}"}],"structuredContent":{"result":[{"to":"[REDACTED]"},{"to":"[REDACTED]"}]}}"#,
            ),
        ),
        (
            "one element of a wrapped list",
            at("/result/1/to"),
            r#"{"content":[{"type":"text","text":"{\"to\":1}"},{"type":"text","text":"{\"to\":2}"}],"structuredContent":{"result":[{"to":1},{"to":2}]}}"#,
            Some(
                r#"{"content":[{"type":"text","text":"{\"to\":1}"},{"type":"text","text":"{\"to\":\"[REDACTED]\"}"}],"structuredContent":{"result":[{"to":1},{"to":"[REDACTED]"}]}}"#,
            ),
        ),
        (
            "a wrapped text",
            at("/result"),
            r#"{"content":[{"type":"text","text":"plain"}],"structuredContent":{"result":"plain"}}"#,
            Some(
                r#"{"content":[{"type":"text","text":"[REDACTED]"}],"structuredContent":{"result":"[REDACTED]"}}"#,
            ),
        ),
        (
            "a resource",
            email(),
            r#"{"contents":[{"uri":"db://x","mimeType":"text/plain","text":"a@b.org"}]}"#,
            Some(r#"{"contents":[{"uri":"db://x","mimeType":"text/plain","text":"[REDACTED]"}]}"#),
        ),
        (
            "a pointer into a resource",
            at("/k"),
            r#"{"contents":[{"uri":"db://x","text":"{\"k\":[]}"}]}"#,
            Some(r#"{"contents":[{"uri":"db://x","text":"{\"k\":\"[REDACTED]\"}"}]}"#),
        ),
        (
            "an embedded resource",
            email(),
            r#"{"content":[{"type":"resource","resource":{"uri":"x:","text":"a@b.org"}}]}"#,
            Some(r#"{"content":[{"type":"resource","resource":{"uri":"x:","text":"[REDACTED]"}}]}"#),
        ),
        (
            "a prompt",
            email(),
            r#"{"messages":[{"role":"user","content":{"type":"text","text":"a@b.org"}}]}"#,
            Some(r#"{"messages":[{"role":"user","content":{"type":"text","text":"[REDACTED]"}}]}"#),
        ),
        (
            "an error",
            email(),
            r#"{"code":-32000,"message":"no a@b.org","data":{"x":"c@d.org"}}"#,
            Some(r#"{"code":-32000,"message":"no [REDACTED]","data":{"x":"[REDACTED]"}}"#),
        ),
        (
            "a pointer into an error's data",
            at("/x"),
            r#"{"code":1,"message":"m","data":{"x":1}}"#,
            Some(r#"{"code":1,"message":"m","data":{"x":"[REDACTED]"}}"#),
        ),
        (
            "words of the protocol",
            json!({"pattern": "text|image|user|content|type|1"}),
            r#"{"content":[{"type":"image","mimeType":"image/png","data":"text1"}],"nextCursor":"1"}"#,
            None,
        ),
        (
            "a name of data like one of the protocol",
            json!({"pattern": "user"}),
            r#"{"structuredContent":{"type":"user"}}"#,
            Some(r#"{"structuredContent":{"type":"[REDACTED]"}}"#),
        ),
        (
            "a pattern over the text of JSON",
            json!({"pattern": "\"a\":\\s*1,"}),
            r#"{"content":[{"type":"text","text":"{\"a\": 1,\"b\":2}"}]}"#,
            Some(r#"{"content":[{"type":"text","text":"{[REDACTED]\"b\":2}"}]}"#),
        ),
        (
            "a link",
            email(),
            r#"{"content":[{"type":"resource_link","uri":"mailto:a@b.org","name":"n"}]}"#,
            Some(r#"{"content":[{"type":"resource_link","uri":"mailto:[REDACTED]","name":"n"}]}"#),
        ),
        (
            "in arguments only",
            json!({"in": "arguments", "detect": ["email"]}),
            r#"{"structuredContent":{"a":"a@b.org"}}"#,
            None,
        ),
    ] {
        let decision = TestCall::tool("t").reply_text(result).check_reply(&policy(&[rule]));
        assert_eq!(rewritten(&decision), expected, "{name}");
    }
}

#[test]
fn rules_follow_each_other_and_refusals_come_first() {
    let call = TestCall::tool("t").arguments_text(r#"{"a":"x y y"}"#);
    let decision = call.check(&policy(&[
        json!({"pattern": "x", "replace": "z"}),
        json!({"pattern": "y"}),
        json!({"pattern": "z", "replace": "end"}),
        json!({"pattern": "none"}),
    ]));
    assert_eq!(rewritten(&decision), Some(r#"{"a":"end [REDACTED] [REDACTED]"}"#));
    let [note] = decision.notes.as_slice() else { unreachable!("{decision:?}") };
    assert_eq!(note.key, "redacted");
    assert_eq!(note.value, r#"{"/tools/t/redact/0":1,"/tools/t/redact/1":2,"/tools/t/redact/2":1}"#);

    let deny = policy(&[json!({"pattern": "x"}), json!({"pattern": "x", "action": "deny"})]);
    assert_eq!(
        call.check(&deny).reason(),
        Some("The arguments of t hold what the policy does not let through.")
    );
    let reply = TestCall::tool("t").reply(json!({"structuredContent": {"a": "x"}})).check_reply(&deny);
    assert_eq!(
        reply.reason(),
        Some("The result of t is withheld: it holds what the policy does not let through.")
    );
    assert_eq!(reply.notes.len(), 1);
    let told = policy(&[json!({"at": ["/a"], "action": "deny", "message": "No."})]);
    for text in ["[REDACTED]", ""] {
        let call = TestCall::tool("t").arguments(json!({"a": text}));
        assert_eq!(call.check(&told).reason(), Some("No."), "{text:?}");
    }
}

#[test]
fn settings_are_strict() {
    for (rule, expected) in [
        (json!({}), "`/r`: says nothing of what to redact"),
        (json!({"detect": ["phone"]}), "there is no detector `phone`"),
        (json!({"at": ["a"]}), "`a` is no JSON Pointer"),
        (json!({"pattern": "(?<x"}), "`pattern`: regex parse error"),
        (json!({"in": "header"}), "unknown variant `header`"),
        (json!({"patterns": "x"}), "unknown field `patterns`"),
    ] {
        let mut full =
            json!({"in": "both", "at": [], "detect": [], "action": "replace", "replace": "", "rule": "/r"});
        full.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        let error = configure::<Redact>(&json!({"all_tools": {"redact": [full]}}).to_string()).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
}

/// Text with things to find in it, and things that are nearly that.
fn text() -> impl Strategy<Value = String> {
    let token = ["gh", "p_", "0123456789abcdefghijABCDEFGHIJ012345"].concat();
    let pieces = vec![
        "a@example.com".to_owned(),
        "4111 1111 1111 1111".to_owned(),
        "10.0.0.1".to_owned(),
        "2001:db8::1".to_owned(),
        "DE89370400440532013000".to_owned(),
        token,
        "password=hunter2".to_owned(),
        "é".to_owned(),
        "\"".to_owned(),
        "\\".to_owned(),
        "\\u0061".to_owned(),
        "\n".to_owned(),
        "\u{1f600}".to_owned(),
        "中".to_owned(),
        " ".to_owned(),
        ".".to_owned(),
        "-".to_owned(),
        ":".to_owned(),
        "x".to_owned(),
        "12".to_owned(),
        "{".to_owned(),
        "[".to_owned(),
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(4111111111111111_u64)),
        Just(Value::Null),
        text().prop_map(|text| json!(json!({"inner": text}).to_string())),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(text(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Every string and number, also in strings of JSON.
fn leaves(value: &Value, leaves_found: &mut Vec<String>) {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => leaves(&inner, leaves_found),
            _ => leaves_found.push(text.clone()),
        },
        Value::Number(number) => leaves_found.push(number.to_string()),
        Value::Array(list) => list.iter().for_each(|value| leaves(value, leaves_found)),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            leaves_found.push(key.clone());
            leaves(value, leaves_found);
        }),
        Value::Bool(_) | Value::Null => {}
    }
}

proptest! {
    #[test]
    fn nothing_is_found_in_what_was_redacted(data in data()) {
        let all = policy(&[json!({"detect": Detector::ALL.map(Detector::name), "replace": "¤"})]);
        let result = json!({
            "content": [{"type": "text", "text": data.to_string()}],
            "structuredContent": {"value": data},
        });
        let call = TestCall::tool("t").reply(result);
        let decision = call.check_reply(&all);
        if let Some(redacted) = rewritten(&decision) {
            let value: Value = serde_json::from_str(redacted).unwrap();
            let mut found = Vec::new();
            leaves(&value["structuredContent"], &mut found);
            leaves(&value["content"][0]["text"], &mut found);
            for leaf in found {
                for detector in Detector::ALL {
                    for range in detector.find(&leaf) {
                        // A new neighbour, the replacement, may be taken for a part of a value.
                        prop_assert!(leaf[range].contains('¤'), "{}: {leaf:?}", detector.name());
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_replaced_keeps_its_bytes(data in data()) {
        let policy = policy(&[json!({"pattern": "@", "replace": "@@"})]);
        let text = data.to_string();
        let arguments = format!("{{ \"a\" : {text}, \"n\" : 1.10e+5 }}");
        let decision = TestCall::tool("t").arguments_text(&arguments).check(&policy);
        // Keys that become equal cannot: `@` becomes `@@` in each of them.
        let expected = arguments.replace('@', "@@");
        prop_assert_eq!(rewritten(&decision).unwrap_or(&arguments), expected);
    }
}
