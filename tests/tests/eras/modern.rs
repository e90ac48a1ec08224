//! What is particular to 2026-07-28 over HTTP: headers, statuses, rounds, subscriptions, tasks.

use bartizan_tests::environment;
use bartizan_tests::gateway::Serving;
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::modern::{self, Modern, borrowed, repeated};
use bartizan_tests::rpc;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{NOTHING, allow, era};

#[tokio::test]
async fn a_server_of_the_other_era_is_told_by_status_and_code() {
    let serving = Serving::start(&json!({"legacy": era("legacy", &allow())})).await;
    let client = Modern::new(serving.url("legacy"));
    for method in ["server/discover", "tools/list"] {
        let answer = client.post(&modern::request(1, method, &json!({}))).await;
        // An error of the modern era would say that the server is of it (basic/versioning): its clients
        // would not go on with `initialize`.
        assert_eq!((answer.status, rpc::error(&answer.json()).0), (400, -32601), "{method}: {answer:?}");
    }
    Session::begin(serving.url("legacy")).await.assert_usable("a modern client came by").await;

    let serving = Serving::start(&json!({"modern": era("modern", &allow())})).await;
    let answer =
        Http::default().send("POST", serving.url("modern"), POST, rpc::initialize(1).to_string()).await;
    assert_eq!((answer.header("mcp-session-id"), &answer.json()["id"]), (None, &json!(1)));
    assert!(!rpc::error(&answer.json()).1.is_empty());
}

#[tokio::test]
async fn headers_have_to_repeat_the_body() {
    let serving = Serving::start(&json!({"era": era("both", &allow())})).await;
    let client = Modern::new(serving.url("era"));
    let request = modern::call(1, "echo", &json!({"place": "here"}));
    let repeated = repeated(&request);
    let good = [&borrowed(&repeated)[..], &[("mcp-param-place", "here")]].concat();
    let answer = client.post_as(&request, &[POST, &good].concat()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for name in ["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-param-place"] {
        for instead in [None, Some("other"), Some("=?base64?!?=")] {
            let mut headers = good.clone();
            headers.retain(|(header, _)| *header != name);
            headers.extend(instead.map(|value| (name, value)));
            let answer = client.post_as(&request, &[POST, &headers].concat()).await;
            let case = format!("{name}: {instead:?}: {answer:?}");
            assert_eq!((answer.status, rpc::error(&answer.json()).0), (400, -32020), "{case}");
            assert_eq!(answer.json()["id"], 1, "{case}");
        }
    }
    let encoded: Vec<_> = good
        .iter()
        .map(|(name, value)| match *name {
            "mcp-name" => (*name, "=?base64?ZWNobw==?="),
            "mcp-param-place" => (*name, "=?base64?aGVyZQ==?="),
            _ => (*name, *value),
        })
        .collect();
    let answer = client.post_as(&request, &[POST, &encoded].concat()).await;
    assert_eq!(answer.status, 200, "the encoded form says the same: {answer:?}");

    let mut unsupported = modern::request(2, "tools/list", &json!({}));
    unsupported["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2099-01-01");
    let answer = client.post(&unsupported).await;
    let message = answer.json();
    assert_eq!((answer.status, rpc::error(&message).0), (400, -32022), "{message}");
    assert_eq!(message["error"]["data"], json!({"supported": ["2026-07-28"], "requested": "2099-01-01"}));
    let unknown = client.post(&modern::request(3, "no/such", &json!({}))).await;
    assert_eq!((unknown.status, rpc::error(&unknown.json()).0), (404, -32601), "{unknown:?}");
    for method in ["GET", "DELETE"] {
        let headers = [("mcp-protocol-version", modern::REVISION), ("accept", "text/event-stream")];
        let answer = Http::default().send(method, serving.url("era"), &headers, "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
}

fn answered(request: &Value, id: i64, state: &Value) -> Value {
    let mut next = request.clone();
    next["id"] = json!(id);
    next["params"]["inputResponses"] = json!({"name": {"action": "accept", "content": {"name": "Ada"}}});
    next["params"]["requestState"] = state.clone();
    next
}

#[tokio::test]
async fn a_call_of_two_rounds_is_one_call() {
    let policy = json!({
        "version": "1", "default": "allow",
        "tools": {"ask": {"rate_limit": {"max": 2, "window": 3600}}},
    });
    let serving = Serving::start(&json!({"era": era("both", &policy)})).await;
    let client = Modern::new(serving.url("era"));
    let request = modern::call(1, "ask", &json!({"n": 1}));
    let asked = client.post(&request).await.json();
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let state = &asked["result"]["requestState"];
    assert_ne!(*state, json!("the server's own"), "it is sealed");

    let mut swapped = answered(&request, 2, state);
    swapped["params"]["arguments"]["n"] = json!(2);
    let mut forged = answered(&request, 3, &json!("the server's own"));
    forged["params"]["requestState"] = json!("the server's own");
    for refused in [swapped, forged] {
        let answer = client.post(&refused).await.json();
        assert_eq!(rpc::error(&answer).0, -32602, "{answer}");
    }
    let text = |answer: &Value| serde_json::from_str::<Value>(rpc::text(answer)).expect("it tells JSON");
    let answer = client.post(&answered(&request, 4, state)).await.json();
    assert_eq!(text(&answer)["state"], "the server's own", "the server gets what it gave");
    assert_eq!(text(&answer)["responses"]["name"]["content"]["name"], "Ada");
    // Used again, the state shows nothing any more: this is the second call, and the third is too many.
    let again = client.post(&answered(&request, 5, state)).await.json();
    assert_eq!(text(&again)["state"], "the server's own");
    rpc::assert_denied(&client.post(&answered(&request, 6, state)).await.json());

    let unable = modern::request_of(&json!({}), 7, "tools/call", &json!({"name": "echo", "arguments": {}}));
    assert_eq!(client.post(&unable).await.status, 200);
}

#[tokio::test]
async fn who_cannot_be_asked_is_not_asked() {
    let serving = Serving::start(&json!({"era": era("both", &allow())})).await;
    let client = Modern::new(serving.url("era"));
    let params = json!({"name": "ask", "arguments": {}});
    let answer = client.post(&modern::request_of(&json!({}), 1, "tools/call", &params)).await;
    let message = answer.json();
    assert_eq!((answer.status, rpc::error(&message).0), (400, -32021), "{message}");
    assert_eq!(message["error"]["data"], json!({"requiredCapabilities": {"elicitation": {}}}));
}

fn listen(id: &Value, wanted: &Value) -> Value {
    modern::request(id.clone(), "subscriptions/listen", &json!({"notifications": wanted}))
}

#[tokio::test]
async fn subscriptions_get_what_they_asked_for_under_their_own_ids() {
    let serving = Serving::start(&json!({"era": era("both", &allow())})).await;
    let client = Modern::new(serving.url("era"));
    let mut streams = Vec::new();
    for (id, wanted, expected) in [
        (json!("x"), json!({"toolsListChanged": true}), &["tools"][..]),
        (json!("x"), json!({"promptsListChanged": true}), &["prompts"]),
        (json!(7), json!({"toolsListChanged": true, "promptsListChanged": true}), &["tools", "prompts"]),
    ] {
        let mut stream = client.stream(&listen(&id, &wanted)).await;
        let first = stream.message().await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        streams.push((id, expected, stream));
    }
    client.call("log", &json!({"text": "it changed"})).await;
    let own =
        |message: &Value| message.pointer("/params/_meta/io.modelcontextprotocol~1subscriptionId").cloned();
    for (id, expected, stream) in &mut streams {
        for kind in *expected {
            let message = stream.message().await;
            assert_eq!(message["method"], format!("notifications/{kind}/list_changed"), "{message}");
            assert_eq!(own(&message).as_ref(), Some(&*id), "{message}");
        }
    }
    let program = serving.into_program();
    program.signal(Signal::TERM);
    for (id, _, stream) in streams {
        let rest = stream.rest().await;
        assert_eq!(rest.len(), 1, "nothing that was not asked for, and an end: {rest:?}");
        assert_eq!((&rest[0]["id"], &rest[0]["result"]["resultType"]), (&id, &json!("complete")), "{rest:?}");
    }
    assert!(program.end().await.status.success());
}

#[tokio::test]
async fn subscriptions_to_resources_are_judged() {
    let plain = json!({"version": "1", "default": "deny", "tools": {"echo": {}}});
    let serving = Serving::start(&json!({"era": era("both", &plain)})).await;
    let client = Modern::new(serving.url("era"));
    let answer = client.post(&listen(&json!(1), &json!({"resourceSubscriptions": ["file:///a"]}))).await;
    assert_eq!(rpc::error(&answer.json()).0, 403, "{answer:?}");
    let answer = client.post(&listen(&json!(2), &json!({"taskIds": ["unknown"]}))).await;
    assert_eq!(rpc::error(&answer.json()).0, 403, "{answer:?}");
}

#[tokio::test]
async fn what_a_task_brings_is_judged_as_the_call_that_began_it() {
    let plugins = environment::plugins(&["hostile"]);
    let policy = json!({
        "version": "1", "default": "allow",
        "plugins": [{"use": "hostile", "settings": {"behaviour": "reply-deny"}, "tools": ["task"]}],
    });
    let configuration = |policy: &Value| json!({"plugins": {"dir": plugins.path()}, "mcpServers": {"era": era("both", policy)}});
    let get = |task: &str| modern::request(2, "tasks/get", &json!({"taskId": task}));

    let open = json!({"version": "1", "default": "allow", "plugins": [
        {"use": "hostile", "settings": {"behaviour": "pass"}}]});
    let serving = Serving::start_with(configuration(&open)).await;
    let client = Modern::new(serving.url("era"));
    let unknown = client.post(&get("one")).await.json();
    assert_eq!(rpc::error(&unknown).0, -32602, "{unknown}");
    let created = client.call("task", &json!({"id": "one"})).await;
    assert_eq!(
        (&created["result"]["resultType"], &created["result"]["taskId"]),
        (&json!("task"), &json!("one"))
    );
    let got = client.post(&get("one")).await.json();
    assert_eq!(got["result"]["result"]["content"][0]["text"], "the task's own", "{got}");
    let twice = client.call("task", &json!({"id": "one"})).await;
    assert_eq!(rpc::error(&twice).0, -32603, "one id, two tasks: {twice}");

    let serving = Serving::start_with(configuration(&policy)).await;
    let client = Modern::new(serving.url("era"));
    // The plugin judges the first answer as well; the server has begun the task nevertheless.
    rpc::assert_denied(&client.call("task", &json!({"id": "one"})).await);
    let got = client.post(&get("one")).await.json();
    assert!(!got.to_string().contains("the task's own"), "{got}");
    assert!(got.to_string().contains("not to its taste"), "{got}");
    client.call("echo", &NOTHING).await;
}
