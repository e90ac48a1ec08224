//! The everything server, which is of the legacy era and made with another SDK than the workshop, over HTTP.
//! It has a tool that takes its time, but notes nothing: its answers alone tell what was carried out.

use bartizan_tests::clients::{Client, Server};
use bartizan_tests::everything;
use bartizan_tests::gateway::Serving;
use bartizan_tests::served::Served;
use serde_json::{Value, json};

use crate::{
    LEGACY, Seen, Steps, assert_denied, assert_ran, assert_unknown, mcp1, mcp2, rmcp, typescript1,
    typescript2,
};

const LONG: &str = "trigger-long-running-operation";

fn policy() -> Value {
    json!({
        "version": "1",
        "default": "allow",
        "hide": ["get-env"],
        "tools": {"get-sum": {"action": "deny", "reason": "Sums are for people."}},
    })
}

fn steps() -> Steps {
    let mut steps = Steps::default();
    let echo = |steps: &mut Steps, when: &str| {
        steps.step(when, json!({"call": "echo", "arguments": {"message": when}}));
    };
    steps.step("revision", json!({"tell": "revision"}));
    steps.step("list", json!({"list": "tools"}));
    steps.step("prompts", json!({"list": "prompts"}));
    echo(&mut steps, "echo at first");
    steps.call("get-sum", &json!({"a": 2, "b": 3}));
    echo(&mut steps, "echo after get-sum");
    steps.call("get-env", &json!({}));
    echo(&mut steps, "echo after get-env");
    steps.call("absent", &json!({}));
    steps.call("get-structured-content", &json!({"location": "Chicago"}));
    steps.call(LONG, &json!({"duration": 1, "steps": 4}));
    // Progress after a tenth of a second, an end after an hour.
    steps.step("cancel", json!({"cancel": LONG, "arguments": {"duration": 3600, "steps": 36_000}}));
    echo(&mut steps, "echo at last");
    steps
}

/// What is the same with the gateway and without it.
fn assert_in_order(seen: &Seen) {
    assert_eq!(seen["revision"], LEGACY);
    for (name, shown) in seen.iter().filter(|(name, _)| name.starts_with("echo")) {
        assert_eq!(*shown, json!({"is_error": false, "text": format!("Echo: {name}")}), "{name}");
    }
    assert!(seen["get-structured-content"]["structured"].is_object(), "{}", seen["get-structured-content"]);
    assert_ran(seen, LONG);
    // A client may drop progress that comes together with the result, and this server sends the last so.
    let progress = seen[LONG]["progress"].as_array().expect("it was seen");
    let progress: Vec<f64> = progress.iter().filter_map(Value::as_f64).collect();
    assert!(!progress.is_empty() && [1.0, 2.0, 3.0, 4.0].starts_with(&progress), "{progress:?}");
    assert_eq!(seen["cancel"], json!({"cancelled": true}));
}

async fn over_http(client: &Client) {
    let server = Served::start(everything::over_http()).await;
    let directly = steps().take(client, &Server::Url(server.url().to_owned())).await;
    assert_in_order(&directly);
    assert!(directly["get-sum"]["text"].as_str().is_some_and(|text| text.contains('5')), "{directly:?}");
    assert!(directly["get-env"]["text"].as_str().is_some_and(|text| text.contains("PATH")), "{directly:?}");

    let servers = json!({"everything": {"type": "http", "url": server.url(), "policy": policy()}});
    let serving = Serving::start(&servers).await;
    let gateway = Server::Url(serving.url("everything").to_owned());
    let through = steps().take(client, &gateway).await;
    assert_in_order(&through);
    let mut visible = directly["list"].as_array().expect("a list").clone();
    visible.retain(|name| name != "get-env");
    assert_eq!(through["list"], Value::from(visible));
    assert_eq!(through["prompts"], directly["prompts"]);
    assert_denied(&through, "get-sum", "Sums are for people.");
    assert_unknown(&through, "get-env", "absent");
}

#[tokio::test]
async fn python_mcp_1() {
    over_http(&mcp1()).await;
}

#[tokio::test]
async fn python_mcp_2() {
    over_http(&mcp2("auto")).await;
}

#[tokio::test]
async fn fastmcp() {
    over_http(&Client::fastmcp()).await;
}

#[tokio::test]
async fn typescript_1() {
    over_http(&typescript1()).await;
}

#[tokio::test]
async fn typescript_2() {
    over_http(&typescript2("auto")).await;
}

#[tokio::test]
async fn rmcp_legacy() {
    over_http(&rmcp("legacy")).await;
}
