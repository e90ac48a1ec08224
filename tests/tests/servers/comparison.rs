//! What two answers to the same request have in common, and what may set them apart.

use std::collections::BTreeMap;

use bartizan_tests::rpc;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::{Ends, LISTS, Step};

/// The members of a response, as they were written but for white space.
#[derive(Clone, Debug)]
pub(crate) struct Answer(BTreeMap<String, String>);

impl Answer {
    pub(crate) fn new(text: &str) -> Self {
        Self(members(&compact(text)))
    }

    fn value(&self) -> Value {
        let members = self.0.iter().map(|(name, text)| {
            (name.clone(), serde_json::from_str(text).expect("members of JSON are JSON"))
        });
        Value::Object(members.collect())
    }

    fn is_error(&self) -> bool {
        let message = self.value();
        message["error"].is_object() || message["result"]["isError"] == true
    }

    /// Changes the text of the result, if there is one.
    fn edit(&mut self, edit: impl FnOnce(&str) -> String) {
        if let Some(result) = self.0.get_mut("result") {
            *result = edit(result);
        }
    }
}

/// Asserts that the gateway changed nothing that the policy does not change. If a tool is hidden, it is called
/// at the end.
pub(crate) fn assert_same(
    steady: fn(&str) -> String,
    hidden: Option<&str>,
    steps: &[Step],
    direct: &[Answer],
    through: &[Answer],
) {
    assert_eq!((direct.len(), through.len()), (steps.len(), steps.len()));
    for (step, direct) in steps.iter().zip(direct) {
        let failed = direct.is_error();
        match step.ends {
            Ends::Well => assert!(!failed, "{step:?} fails at the server itself: {}", direct.value()),
            Ends::InError | Ends::Unlisted => {
                assert!(failed, "{step:?} does not fail: {}", direct.value());
            }
            Ends::Anyhow => {}
        }
    }
    for (number, ((step, direct), through)) in steps.iter().zip(direct).zip(through).enumerate() {
        if step.ends == Ends::Unlisted {
            let name = step.params["name"].as_str().unwrap_or_default();
            let error = json!({"code": -32602, "message": format!("Unknown prompt: {name}")});
            assert_eq!(through.value()["error"], error, "{step:?}");
            continue;
        }
        let (mut expected, mut seen) = (direct.clone(), through.clone());
        if let Some(hidden) = hidden {
            if step.method == "tools/list" {
                expected.edit(|result| without(result, hidden));
            }
            if number + 1 == steps.len() {
                rpc::assert_unknown_tool(&through.value(), hidden);
                break;
            }
        }
        if LISTS.contains(&step.method) || step.method == "server/discover" {
            assert_no_staler(&expected, &seen, step);
            for answer in [&mut expected, &mut seen] {
                answer.edit(without_caching);
            }
        }
        for answer in [&mut expected, &mut seen] {
            // The gateway may promise to tell of a list that changes: its policy can.
            if matches!(step.method, "initialize" | "server/discover") {
                answer.edit(without_promise);
            }
            if step.method == "tools/call" {
                answer.edit(steady);
            }
        }
        assert_eq!(expected.0, seen.0, "{step:?}");
    }
}

/// A list of tools without one of them, every other byte kept.
fn without(result: &str, hidden: &str) -> String {
    let tools = members(result).remove("tools").expect("a list of tools");
    let all: Vec<Box<RawValue>> = serde_json::from_str(&tools).expect("it is a list");
    let named = |tool: &RawValue| {
        let tool: Value = serde_json::from_str(tool.get()).expect("a tool is JSON");
        tool["name"] == hidden
    };
    let kept: Vec<&str> = all.iter().filter(|tool| !named(tool)).map(|tool| tool.get()).collect();
    assert_eq!(kept.len() + 1, all.len(), "the server has one tool {hidden}");
    result.replacen(&tools, &format!("[{}]", kept.join(",")), 1)
}

/// What a policy decides may differ from caller to caller and end at any time, so the gateway makes what a
/// server says of caching stricter: never weaker.
fn assert_no_staler(direct: &Answer, through: &Answer, step: &Step) {
    let (direct, through) = (direct.value(), through.value());
    if through["result"].is_null() {
        return;
    }
    let (before, after) = (direct["result"]["ttlMs"].as_f64(), through["result"]["ttlMs"].as_f64());
    assert!(after.is_none() || after <= before, "{step:?}: {before:?} became {after:?}");
    let (before, after) = (&direct["result"]["cacheScope"], &through["result"]["cacheScope"]);
    assert!(before == after || after == "private", "{step:?}: {before} became {after}");
}

/// A result without what it says of caching.
fn without_caching(result: &str) -> String {
    let mut result = result.to_owned();
    for (name, text) in members(&result) {
        if ["ttlMs", "cacheScope"].contains(&name.as_str()) {
            result = result.replacen(&format!("\"{name}\":{text}"), &format!("\"{name}\":0"), 1);
        }
    }
    result
}

fn without_promise(result: &str) -> String {
    [r#""tools":{"listChanged":true}"#, r#""tools":{"listChanged":false}"#]
        .iter()
        .fold(result.to_owned(), |result, promise| result.replacen(promise, r#""tools":{}"#, 1))
}

fn members(object: &str) -> BTreeMap<String, String> {
    let members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(object).unwrap_or_else(|error| panic!("{object} is no object: {error}"));
    members.into_iter().map(|(name, text)| (name, text.get().to_owned())).collect()
}

/// JSON without the white space between its tokens.
fn compact(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let significant = |character: &char| {
        let kept = quoted || !character.is_ascii_whitespace();
        match *character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        kept
    };
    text.chars().filter(significant).collect()
}

#[test]
fn only_white_space_between_tokens_is_dropped() {
    let text = " {\"a \\\" b\" : [ 1.10 , \"\\\\\" , true ]\t}\r\n";
    assert_eq!(compact(text), r#"{"a \" b":[1.10,"\\",true]}"#);
}

#[test]
fn a_tool_is_taken_out_of_a_list_and_nothing_else() {
    let list = r#"{"x":1.0,"tools":[{"name":"a","z":1e2},{"name":"b"},{"name":"c"}],"ttlMs":5}"#;
    assert_eq!(without(list, "b"), r#"{"x":1.0,"tools":[{"name":"a","z":1e2},{"name":"c"}],"ttlMs":5}"#);
    assert_eq!(without_caching(r#"{"tools":[],"ttlMs":5}"#), r#"{"tools":[],"ttlMs":0}"#);
}
