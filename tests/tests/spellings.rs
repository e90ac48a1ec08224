//! One resource by several spellings of its URI: what a policy takes for it, it takes by whatever spelling.
#![expect(clippy::expect_used, reason = "a test's helper that cannot go on fails the test")]

use bartizan_tests::environment::{node, node_program};
use bartizan_tests::gateway::{Serving, server};
use bartizan_tests::http::Session;
use serde_json::{Value, json};

const PLAIN: &str = "demo://resource/static/document/features.md";
const ESCAPED: &str = "demo://resource/%73tatic/document/features.md";

async fn read(policy: &Value, uris: &[&str]) -> Vec<Value> {
    let (node, script) = (node(), node_program("mcp-server-everything"));
    let word = |path: &std::path::Path| path.to_str().expect("paths of tests are text").to_owned();
    let arguments = [word(&script), "stdio".to_owned()];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let serving = Serving::start(&json!({"everything": server(&word(&node), &arguments, policy)})).await;
    let session = Session::begin(serving.url("everything")).await;
    let mut answers = Vec::new();
    for uri in uris {
        answers.push(session.request("resources/read", &json!({"uri": uri})).await);
    }
    answers
}

#[tokio::test]
async fn a_limit_counts_every_spelling() {
    let limits = json!([{"counter": "reads", "window": "day", "max": 1, "scope": "session"}]);
    let entry = json!({"demo://*": {}, "demo://resource/static/*": {"limits": limits}});
    let policy = json!({"version": "1", "default": "deny", "resources": entry});
    let [first, second] = read(&policy, &[PLAIN, ESCAPED]).await.try_into().expect("two answers");
    assert!(first["result"]["contents"].is_array(), "{first}");
    let rule = &second["error"]["data"]["bartizan/denial"]["rule"];
    assert_eq!(rule, "/resources/demo:~1~1resource~1static~1*/limits/0", "{second}");
}

#[tokio::test]
async fn a_condition_on_the_uri_meets_every_spelling() {
    let condition = json!({"path": "args.uri", "op": "starts_with", "value": "demo://resource/static/"});
    let rule = json!({"resources/read": {"deny_if": [{"conditions": [condition]}]}});
    let policy = json!({"version": "1", "default": "allow", "methods": rule});
    for answer in read(&policy, &[PLAIN, ESCAPED]).await {
        let rule = &answer["error"]["data"]["bartizan/denial"]["rule"];
        assert_eq!(rule, "/methods/resources~1read/deny_if/0", "{answer}");
    }
}
