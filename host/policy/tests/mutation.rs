//! Policies with parts exchanged for anything at all: no panic, and errors lie within the text.
#![allow(clippy::unwrap_used, reason = "tests, and what they share")]

use std::path::Path;

use bartizan_policy::from_source;
use bartizan_policy::source::{Format, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value};

const EVERYTHING: &str = include_str!("documents/everything.json");

/// Words that mean something somewhere, so that a part gets past the first check.
const WORDS: &[&str] = &[
    "",
    "/",
    "~",
    "*",
    "a*",
    "args",
    "args.a",
    "args[*].b",
    "args[\"",
    "args[",
    "(",
    "(a|b)*",
    "deny",
    "allow",
    "require_approval",
    "eq",
    "in",
    "regex",
    "exists",
    "day",
    "both",
    "replace",
    "email",
    "none.lock.json",
    "1",
    "5",
    "é\u{1f512}",
    "\u{0}",
    "a b",
];

fn any_value() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        proptest::sample::select(WORDS).prop_map(str::to_owned),
        proptest::sample::select(
            &[
                "path",
                "op",
                "value",
                "any",
                "all",
                "not",
                "conditions",
                "action",
                "at",
                "pattern",
                "detect",
                "counter",
                "window",
                "max",
                "cost",
                "require",
                "limits",
                "redact",
                "reason",
                "timeout",
            ][..]
        )
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(WORDS).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((keys.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// The part of a tree with this number, counted from the root.
fn part(value: &mut Value, mut number: usize) -> Option<&mut Value> {
    if number == 0 {
        return Some(value);
    }
    number -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => return None,
    };
    for child in children {
        let size = count(child);
        if number < size {
            return part(child, number);
        }
        number -= size;
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_document_is_read_or_refused(changes in vec((any::<Index>(), any_value()), 1..5)) {
        let mut document: Value = serde_json::from_str(EVERYTHING).unwrap();
        for (place, value) in changes {
            let number = place.index(count(&document));
            *part(&mut document, number).unwrap() = value;
        }
        let text = serde_json::to_string_pretty(&document).unwrap();
        let source = Source::new("policy.json", &text, Format::Json).in_directory(Path::new("tests/locks"));
        let found = match from_source(&source) {
            Ok(policy) => {
                for step in &policy.plan.steps {
                    prop_assert!(serde_json::from_str::<Value>(&step.settings).is_ok(), "{}", step.settings);
                }
                policy.warnings
            }
            Err(found) => {
                prop_assert!(found.has_errors());
                found
            }
        };
        for diagnostic in &found {
            if let Some(span) = diagnostic.span() {
                prop_assert!(diagnostic.source().text().get(span.start..span.end).is_some(), "{}", diagnostic);
            }
        }
    }
}
