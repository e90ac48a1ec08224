//! Class 18: more calls than the policy allows.

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::hostile_http::{HostileHttp, message, status, text};
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::rpc;
use serde_json::{Value, json};

use crate::modern::{Modern, TASKS};
use crate::{FAKE, HOSTILE, Record};

/// No arguments.
const NOTHING: Value = Value::Null;

/// Two calls of a tool in an hour.
fn two() -> Value {
    limited(&["echo"])
}

fn limited(tools: &[&str]) -> Value {
    let limit = json!({"rate_limit": {"max": 2, "window": 3600}});
    let tools: serde_json::Map<String, Value> =
        tools.iter().map(|tool| ((*tool).to_owned(), limit.clone())).collect();
    json!({"version": "1", "default": "allow", "tools": tools})
}

fn is_denied(answer: &Value) -> bool {
    answer["result"]["isError"] == true && rpc::text(answer).starts_with("[POLICY DENIED]")
}

/// Catches: `Session::end` giving back the quota of a session that its clients share (`session.rs`).
#[tokio::test]
async fn bringing_the_server_down_gives_no_new_quota() {
    let record = Record::new();
    let serving = Serving::start(&json!({"hostile": record.server(HOSTILE, &two())})).await;
    let client = Modern::new(serving.url("hostile"));
    for _ in 0..2 {
        assert_eq!(rpc::text(&client.call("echo", &NOTHING).await), "echo");
    }
    assert!(is_denied(&client.call("echo", &NOTHING).await));
    let gone = client.call("half", &NOTHING).await;
    assert_eq!(rpc::error(&gone).0, -32603, "{gone}");
    assert!(is_denied(&client.call("echo", &NOTHING).await), "the quota is as it was");
    assert_eq!(record.calls("echo"), 2);
}

/// Catches: one name for the shared sessions of all servers (`Front::try_modern`): their quotas were one, and
/// to ask a server that is not there gave back those of the others.
#[tokio::test]
async fn the_quota_of_one_server_is_none_of_another() {
    let (first, second) = (Record::new(), Record::new());
    let gone = {
        let server = HostileHttp::start(&["echo"], |_| None).await;
        server.server(&two())
    };
    let serving = Serving::start(&json!({
        "first": first.server(HOSTILE, &two()),
        "second": second.server(HOSTILE, &two()),
        "legacy": gateway::server(FAKE, &[], &two()),
        "gone": gone,
    }))
    .await;
    let client = Modern::new(serving.url("first"));
    for _ in 0..2 {
        assert_eq!(rpc::text(&client.call("echo", &NOTHING).await), "echo");
    }
    assert!(is_denied(&client.call("echo", &NOTHING).await));
    let other = Modern::new(serving.url("second"));
    assert_eq!(rpc::text(&other.call("echo", &NOTHING).await), "echo", "it is another server");
    for server in ["gone", "legacy"] {
        let answer = Modern::new(serving.url(server)).call("echo", &NOTHING).await;
        assert!(answer["error"].is_object(), "{server}: {answer}");
        assert!(is_denied(&client.call("echo", &NOTHING).await), "after a call of {server}");
    }
    assert_eq!((first.calls("echo"), second.calls("echo")), (2, 1));
}

/// Catches: charges of a batch taken once (`Front::batch`, `stdio::take_batch`).
#[tokio::test]
async fn each_call_of_a_batch_counts() {
    let record = Record::new();
    let serving = Serving::start(&json!({"fake": record.server(FAKE, &two())})).await;
    let http = Http::default();
    let url = serving.url("fake");
    let params = json!({"protocolVersion": "2025-03-26", "capabilities": {},
        "clientInfo": {"name": "bartizan-tests", "version": "1"}});
    let answer = http.send("POST", url, POST, rpc::request(0, "initialize", &params).to_string()).await;
    let id = answer.header("mcp-session-id").expect("there is a session").to_owned();
    let headers = [POST, &[("mcp-session-id", id.as_str())]].concat();
    let calls: Vec<Value> = (1..=5).map(|id| rpc::call(id, "echo", &json!({}))).collect();
    let answers = http.send("POST", url, &headers, json!(calls).to_string()).await.json();
    let answers = answers.as_array().expect("a batch is answered by a batch");
    assert_eq!(
        (answers.len(), answers.iter().filter(|answer| is_denied(answer)).count()),
        (5, 3),
        "{answers:?}"
    );
    assert_eq!(record.calls("echo"), 2);
}

/// Catches: a cancelled call given back (`Session::hang_up`): it may have been carried out.
#[tokio::test]
async fn a_cancelled_call_counts() {
    let record = Record::new();
    let serving = Serving::start(&json!({"hostile": record.server(HOSTILE, &limited(&["hold"]))})).await;
    let session = Session::begin(serving.url("hostile")).await;
    for round in 1..=2 {
        let held = rpc::call(format!("h{round}"), "hold", &json!({})).to_string();
        let cancel = async {
            record.until("\"hold\"", round).await;
            session.notify("notifications/cancelled", &json!({"requestId": format!("h{round}")})).await;
        };
        tokio::join!(session.post(held), cancel);
    }
    assert!(is_denied(&session.call("hold", &NOTHING).await));
    assert_eq!(record.calls("hold"), 2);
}

/// Catches: what a client that hangs up had taken given back (`Call::drop`, `Session::hang_up`).
#[tokio::test]
async fn a_call_whose_client_goes_away_counts() {
    let record = Record::new();
    let serving = Serving::start(&json!({"hostile": record.server(HOSTILE, &limited(&["hold"]))})).await;
    let url = serving.url("hostile");
    let client = Modern::new(url);
    for round in 1..=2 {
        let held = client.message("tools/call", &json!({"name": "hold", "arguments": {}}));
        let headers = Modern::headers(&held);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let http = Http::default();
        let headers = [POST, &headers].concat();
        tokio::select! {
            _ = http.send("POST", url, &headers, held.to_string()) => panic!("it is not answered"),
            () = record.until("\"hold\"", round) => {}
        }
        record.until("notifications/cancelled", round).await;
    }
    assert!(is_denied(&client.call("hold", &NOTHING).await));
    assert_eq!(record.calls("hold"), 2);
}

/// Catches: a task that costs nothing because its call has no result yet (`Session::conclude`).
#[tokio::test]
async fn a_task_counts_like_a_call() {
    let tasks = std::sync::atomic::AtomicU32::new(0);
    let server = HostileHttp::start(&["echo"], move |received| {
        let task = tasks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let result = json!({"resultType": "task", "taskId": format!("t{task}"), "status": "working",
            "createdAt": "2026-07-28T00:00:00Z", "lastUpdatedAt": "2026-07-28T00:00:00Z", "ttlMs": 60000});
        received.calls("echo").then(|| message(&received.answer(&result)))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&two())})).await;
    let client = Modern::able(serving.url("hostile"), json!({"extensions": {TASKS: {}}}));
    for _ in 0..2 {
        assert_eq!(client.call("echo", &NOTHING).await["result"]["resultType"], "task");
    }
    assert!(is_denied(&client.call("echo", &NOTHING).await));
    assert_eq!(server.calls("echo"), 2);
}

/// Catches: a seal that shows more than once that its call was counted (`Rounds::spend`), and a failed first
/// round that later ones take for counted (`Session::conclude`).
#[tokio::test]
async fn further_rounds_are_free_once_for_each_call() {
    for fails in [false, true] {
        let server = HostileHttp::start(&["echo"], move |received| {
            if !received.calls("echo") {
                return None;
            }
            let answer = match received.message["params"].get("requestState") {
                Some(_) => text("done"),
                None if fails => {
                    json!({"resultType": "input_required", "requestState": "s", "isError": true})
                }
                None => json!({"resultType": "input_required", "requestState": "s"}),
            };
            Some(message(&received.answer(&answer)))
        })
        .await;
        let serving = Serving::start(&json!({"hostile": server.server(&two())})).await;
        let client = Modern::new(serving.url("hostile"));
        let first = client.call("echo", &json!({})).await;
        let state = &first["result"]["requestState"];
        let next = json!({"name": "echo", "arguments": {}, "requestState": state});
        for (round, denied) in [("the second", false), ("the second again", false), ("and again", true)] {
            let answer = client.request("tools/call", &next).await;
            assert_eq!(is_denied(&answer), denied, "fails: {fails}; {round}: {answer}");
        }
        assert!(is_denied(&client.call("echo", &json!({})).await));
        assert_eq!(server.calls("echo"), 3, "fails: {fails}");
    }
}

/// By design until there are principals: a session has a quota of its own, whatever its transport, and the
/// clients of the modern era, who have none, share one.
#[tokio::test]
async fn a_session_has_one_quota_over_every_transport() {
    let record = Record::new();
    let serving = Serving::start(&json!({"hostile": record.server(HOSTILE, &two())})).await;
    let url = serving.url("hostile");
    let (one, another) = (Modern::new(url), Modern::new(url));
    let answers = [
        one.call("echo", &NOTHING).await,
        another.call("echo", &NOTHING).await,
        one.call("echo", &NOTHING).await,
        another.call("echo", &NOTHING).await,
    ];
    assert_eq!(answers.map(|answer| is_denied(&answer)), [false, false, true, true]);
    let session = Session::begin(url).await;
    for denied in [false, false, true] {
        assert_eq!(is_denied(&session.call("echo", &NOTHING).await), denied);
    }
    // The names of tools are exact: another spelling is another tool, which there is not.
    for name in ["Echo", "echo ", "ECHO", "ｅｃｈｏ"] {
        rpc::assert_unknown_tool(&session.call(name, &NOTHING).await, name);
    }
    assert_eq!(record.calls("echo"), 4);
}

/// A server that answers with an error costs nothing, since it says that nothing was done; one that does not
/// answer at all costs: it may have acted.
#[tokio::test]
async fn a_call_of_unknown_fate_counts() {
    let server = HostileHttp::start(&["echo"], |received| received.calls("echo").then(|| status(502))).await;
    let serving = Serving::start(&json!({"hostile": server.server(&two())})).await;
    let client = Modern::new(serving.url("hostile"));
    for _ in 0..2 {
        let answer = client.call("echo", &NOTHING).await;
        assert_eq!(rpc::error(&answer).0, -32603, "{answer}");
    }
    assert!(is_denied(&client.call("echo", &NOTHING).await));
    assert_eq!(server.calls("echo"), 2);
}
