//! Clients of the modern era share one process of a server, and see nothing of each other.

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::{Http, POST};
use bartizan_tests::modern::{self, Modern, borrowed, repeated};
use bartizan_tests::rpc;
use bartizan_tests::waiting::{SOON, until, within};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ERA, NOTHING, allow, era};

/// The era server, keeping what it gets.
fn recorded(directory: &TempDir) -> Value {
    let record = directory.path().join("record");
    gateway::server(ERA, &["--record", record.to_str().expect("paths are text")], &allow())
}

fn record(directory: &TempDir) -> String {
    std::fs::read_to_string(directory.path().join("record")).unwrap_or_default()
}

fn with_log(mut request: Value) -> Value {
    request["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = json!("debug");
    request
}

#[tokio::test]
async fn equal_ids_and_tokens_are_told_apart() {
    let serving = Serving::start(&json!({"era": era("both", &allow())})).await;
    let (first, second) = (Modern::new(serving.url("era")), Modern::new(serving.url("era")));
    let request = modern::call_with_progress("same", "hold", &json!("token"));
    let (mut one, mut other) = (first.stream(&request).await, second.stream(&request).await);
    for stream in [&mut one, &mut other] {
        let progress = stream.message().await;
        assert_eq!(progress["params"]["progressToken"], "token", "{progress}");
    }
    first.call("release", &NOTHING).await;
    for stream in [one, other] {
        let rest = stream.rest().await;
        assert_eq!(rest.len(), 1, "{rest:?}");
        assert_eq!((&rest[0]["id"], rpc::text(&rest[0])), (&json!("same"), "held"));
    }
}

#[tokio::test]
async fn who_goes_away_cancels_his_own_request_only() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let serving = Serving::start(&json!({"era": recorded(&directory)})).await;
    let (first, second) = (Modern::new(serving.url("era")), Modern::new(serving.url("era")));
    let request = |who: &str| {
        let mut request = modern::call_with_progress("same", "hold", &json!("token"));
        request["params"]["arguments"] = json!({"who": who});
        request
    };
    let mut one = first.stream(&request("first")).await;
    one.message().await;
    let mut other = second.stream(&request("second")).await;
    other.message().await;
    drop(one);
    until("the server is told", || record(&directory).contains("notifications/cancelled")).await;
    let record = record(&directory);
    let messages: Vec<Value> =
        record.lines().map(|line| serde_json::from_str(line).expect("the gateway sends JSON")).collect();
    let held = messages.iter().find(|message| message["params"]["arguments"]["who"] == "first");
    let cancelled: Vec<&Value> =
        messages.iter().filter(|message| message["method"] == "notifications/cancelled").collect();
    assert_eq!(cancelled.len(), 1, "{cancelled:?}");
    assert_eq!(cancelled[0]["params"]["requestId"], held.expect("it was forwarded")["id"]);
    second.call("release", &NOTHING).await;
    assert_eq!(rpc::text(&other.message().await), "held");
}

#[tokio::test]
async fn a_log_is_for_who_asked_for_it() {
    let serving = Serving::start(&json!({"era": era("both", &allow())})).await;
    let (first, second) = (Modern::new(serving.url("era")), Modern::new(serving.url("era")));
    let arguments = json!({"text": "of the first"});
    let answer = first.post(&with_log(modern::call(1, "log", &arguments))).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("of the first"), "who asked and is alone gets it: {text}");
    let unasked = first.post(&modern::call(2, "log", &arguments)).await;
    let text = String::from_utf8_lossy(&unasked.body).into_owned();
    assert!(!text.contains("of the first") && text.contains("logged"), "nobody asked: {text}");

    // Two wait: it could be for either.
    let held = with_log(modern::call_with_progress(3, "hold", &json!(1)));
    let mut waiting = second.stream(&held).await;
    waiting.message().await;
    let answer = first.post(&with_log(modern::call(4, "log", &arguments))).await;
    assert_eq!(rpc::text(&answer.json()), "logged");
    first.call("release", &NOTHING).await;
    let rest = waiting.rest().await;
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(rpc::text(&rest[0]), "held");
}

#[tokio::test]
async fn the_log_of_what_was_given_up_is_for_nobody() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let serving = Serving::start(&json!({"era": recorded(&directory)})).await;
    let (first, second) = (Modern::new(serving.url("era")), Modern::new(serving.url("era")));
    let mut given_up = first.stream(&with_log(modern::call_with_progress(1, "hold", &json!(1)))).await;
    given_up.message().await;
    drop(given_up);
    until("the server is told", || record(&directory).contains("notifications/cancelled")).await;
    let arguments = json!({"text": "perhaps of the first"});
    let answer = second.post(&with_log(modern::call(2, "log", &arguments))).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!text.contains("perhaps of the first"), "the server may still work for the first: {text}");
    // Once it has answered, it does not any more.
    second.call("release", &NOTHING).await;
    let answer = second.post(&with_log(modern::call(3, "log", &json!({"text": "of the second"})))).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains("of the second"), "{text}");
}

#[tokio::test]
async fn who_does_not_read_holds_nobody_up() {
    let serving = Serving::start(&json!({"era": era("both", &allow())})).await;
    let request = modern::call_with_progress("flood", "flood", &json!(1));
    let repeated = repeated(&request);
    let headers = [POST, &borrowed(&repeated)].concat();
    // The head of the response is read, and nothing of its body.
    let unread = Http::default().open("POST", serving.url("era"), &headers, request.to_string()).await;
    assert_eq!(unread.status(), 200);
    let other = Modern::new(serving.url("era"));
    let echoed = within(SOON, "the other client is answered", other.call("echo", &NOTHING)).await;
    assert!(rpc::text(&echoed).contains("echo"));
    drop(unread);
}

#[tokio::test]
async fn the_clients_of_one_server_use_up_nothing_of_another() {
    let policy = json!({
        "version": "1", "default": "allow",
        "tools": {"echo": {"rate_limit": {"max": 1, "window": 3600}}},
    });
    let serving = Serving::start(&json!({"a": era("both", &policy), "b": era("both", &policy)})).await;
    let (a, b) = (Modern::new(serving.url("a")), Modern::new(serving.url("b")));
    assert!(rpc::text(&a.call("echo", &NOTHING).await).contains("echo"));
    rpc::assert_denied(&a.call("echo", &NOTHING).await);
    assert!(rpc::text(&b.call("echo", &NOTHING).await).contains("echo"));
    // The end of one server's process sets nothing back at the other.
    b.call("die", &NOTHING).await;
    b.call("pid", &NOTHING).await;
    rpc::assert_denied(&a.call("echo", &NOTHING).await);
}
