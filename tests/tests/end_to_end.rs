//! The main job: the real MLflow MCP server behind a policy, seen by the official Python SDKs.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

use std::collections::BTreeSet;

use bartizan_tests::clients::Server;
use bartizan_tests::environment::{Sdk, repository};
use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::mlflow::{self, Store};
use bartizan_tests::python;
use bartizan_tests::rpc;
use bartizan_tests::served::Served;
use serde_json::{Value, json};
use tokio::process::Command;

/// The document that has to work as it is.
const POLICY: &str = r#"{"version":"1","default":"deny","hide":["delete_run"]}"#;

/// What a client does in each of the tests below.
fn steps(store: &Store) -> Value {
    json!([
        {"list": "tools"},
        {"list": "prompts"},
        {"call": "delete_run", "arguments": {"run_id": store.run()}},
        {"call": "delete_runs", "arguments": {"run_id": store.run()}},
        {"call": "get_run", "arguments": {"run_id": store.run()}},
    ])
}

/// What a client is to see through the gateway, given what it sees directly.
fn assert_protected(direct: &[Value], through: &[Value]) {
    let names = |seen: &Value| -> BTreeSet<String> {
        let names = seen.as_array().unwrap_or_else(|| panic!("no list: {seen}"));
        names.iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect()
    };
    let (all, visible) = (names(&direct[0]), names(&through[0]));
    assert_eq!((all.len(), visible.len()), (mlflow::TOOLS, mlflow::TOOLS - 1));
    let gone: Vec<&String> = all.difference(&visible).collect();
    assert_eq!(gone, ["delete_run"]);
    assert_eq!(names(&direct[1]).len(), 4, "prompts: {}", direct[1]);
    assert_eq!(direct[1], through[1], "prompts are not touched");
    for (seen, tool) in [(&through[2], "delete_run"), (&through[3], "delete_runs")] {
        assert_eq!(*seen, json!({"code": -32602, "message": format!("Unknown tool: {tool}")}));
    }
    assert_eq!(through[4]["is_error"], true, "{}", through[4]);
    let text = through[4]["text"].as_str().unwrap_or_default();
    assert!(text.starts_with("[POLICY DENIED] ") && text.contains("get_run"), "{text}");
}

/// What the client sees of the server itself: the lists only.
async fn direct(sdk: Sdk, store: &Store, server: &Server) -> Vec<Value> {
    let lists = json!([{"list": "tools"}, {"list": "prompts"}]);
    python::converse(sdk, server, &store.variables(), &lists).await
}

async fn over_stdio(sdk: Sdk) {
    let store = Store::new().await;
    let policy = Document::new("policy.json", POLICY);
    let command = gateway::run(&policy.path(), [mlflow::program()]);
    let through = python::converse(sdk, &Server::of(&command), &store.variables(), &steps(&store)).await;
    let direct = direct(sdk, &store, &Server::Command(vec![mlflow::program()])).await;
    assert_protected(&direct, &through);
    assert_eq!(store.stage().await, "active");
}

async fn over_http(sdk: Sdk) {
    let store = Store::new().await;
    let policy: Value = serde_json::from_str(POLICY).expect("the policy is JSON");
    let serving = Serving::start(&json!({"mlflow": store.server(&policy)})).await;
    let url = serving.url("mlflow").to_owned();
    let through = python::converse(sdk, &Server::Url(url), &[], &steps(&store)).await;
    let direct = direct(sdk, &store, &Server::Command(vec![mlflow::program()])).await;
    assert_protected(&direct, &through);
    assert_eq!(store.stage().await, "active");
}

#[tokio::test]
async fn mcp_1_over_stdio() {
    over_stdio(Sdk::Mcp1).await;
}

#[tokio::test]
async fn mcp_2_over_stdio() {
    over_stdio(Sdk::Mcp2).await;
}

#[tokio::test]
async fn mcp_1_over_http() {
    over_http(Sdk::Mcp1).await;
}

#[tokio::test]
async fn mcp_2_over_http() {
    over_http(Sdk::Mcp2).await;
}

#[tokio::test]
async fn both_clients_with_a_server_that_is_reached_over_http() {
    let store = Store::new().await;
    let mut command = Command::new(Sdk::Mcp1.program("python"));
    command.arg(repository("tests/servers/mlflow_http.py"));
    store.give(&mut command);
    let server = Served::start(command).await;
    let policy: Value = serde_json::from_str(POLICY).unwrap();
    let serving =
        Serving::start(&json!({"mlflow": {"type": "http", "url": server.url(), "policy": policy}})).await;
    for sdk in [Sdk::Mcp1, Sdk::Mcp2] {
        let direct = direct(sdk, &store, &Server::Url(server.url().to_owned())).await;
        let gateway = Server::Url(serving.url("mlflow").to_owned());
        let through = python::converse(sdk, &gateway, &[], &steps(&store)).await;
        assert_protected(&direct, &through);
    }
    assert_eq!(store.stage().await, "active");
}

#[tokio::test]
async fn without_the_gateway_the_same_call_deletes_the_run() {
    let store = Store::new().await;
    assert_eq!(store.stage().await, "active");
    let delete = json!([{"call": "delete_run", "arguments": {"run_id": store.run()}}]);
    let server = Server::Command(vec![mlflow::program()]);
    let seen = python::converse(Sdk::Mcp1, &server, &store.variables(), &delete).await;
    assert_eq!(seen[0]["is_error"], false, "{}", seen[0]);
    assert_eq!(store.stage().await, "deleted", "else no other test here could fail");
}

#[tokio::test]
async fn the_example_policy() {
    let store = Store::new().await;
    let example = repository("examples/mlflow/policy.json");
    let serving = Serving::start(&json!({"mlflow": store.server(&json!(example))})).await;
    let run = json!({"run_id": store.run()});
    let tag = json!({"run_id": store.run(), "key": "reviewed", "value": "yes"});
    let (first, second) =
        tokio::join!(Session::begin(serving.url("mlflow")), Session::begin(serving.url("mlflow")));

    let read = first.call("get_run", &run).await;
    assert!(rpc::text(&read).contains(store.run()), "an allowed read: {read}");
    assert_ne!(read["result"]["isError"], true, "{read}");

    let denied = first.call("delete_experiment", &json!({"experiment_id": store.experiment()})).await;
    assert_eq!(rpc::assert_denied(&denied), "[POLICY DENIED] Experiments are kept for audit.");
    let rule = &denied["result"]["_meta"]["bartizan/denial"]["rule"];
    assert_eq!(rule, "/tools/delete_experiment/action");

    for number in 1..=10 {
        let written = first.call("set_run_tag", &tag).await;
        assert_ne!(written["result"]["isError"], true, "call {number}: {written}");
    }
    let refused = first.call("set_run_tag", &tag).await;
    rpc::assert_denied(&refused);
    let detail = &refused["result"]["_meta"]["bartizan/denial"];
    assert_eq!(detail["rule"], "/tools/set_run_tag/rate_limit");
    let retry_after = detail["retryAfter"].as_u64().unwrap();
    assert!((1..=60).contains(&retry_after), "{retry_after}");

    let other = second.call("set_run_tag", &tag).await;
    assert_ne!(other["result"]["isError"], true, "another session has its own counter: {other}");
    rpc::assert_unknown_tool(&second.call("delete_run", &run).await, "delete_run");
    assert_eq!(store.stage().await, "active");
}
