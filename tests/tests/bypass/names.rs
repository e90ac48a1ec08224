//! Classes 1, 6, 7, 8 and 9: the same effect under another name, or without one.

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::hostile_http::{HostileHttp, message, text};
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use bartizan_tests::workshop::Workshop;
use serde_json::{Value, json};

use crate::modern::Modern;
use crate::{HOSTILE, Record};

/// Class 1. Catches: a policy that filters lists only (`Session::judge_request`, `Access::check`). The server
/// is a real one, which carries the call out where the gateway is not in between.
#[tokio::test]
async fn a_hidden_tool_cannot_be_called_by_those_who_know_its_name() {
    let workshop = Workshop::new();
    let served = workshop.serve().await;
    let direct = Modern::new(served.url());
    for key in ["modern", "other"] {
        assert!(direct.call("secret", &json!({"key": key})).await["result"].is_object(), "it works without");
    }
    assert_eq!(workshop.notes("modern"), ["secret"], "else this proves nothing");
    let policy = json!({"version": "1", "default": "deny", "hide": ["secret"], "tools": {"*": {"action": "deny"},
        "secret": {}, "quick": {}}});
    let serving = Serving::start(&json!({
        "http": {"url": served.url(), "policy": policy},
        "pipes": gateway::server(
            workshop.command(&[]).as_std().get_program().to_str().expect("paths are text"),
            &workshop.command(&[]).as_std().get_args().map(|word| word.to_str().expect("text")).collect::<Vec<_>>(),
            &policy,
        ),
    }))
    .await;
    for name in ["http", "pipes"] {
        let (modern, session) = (Modern::new(serving.url(name)), Session::begin(serving.url(name)).await);
        let arguments = json!({"key": "through"});
        // Class 6: however it is spelled.
        for tool in [
            "secret",
            "Secret",
            "SECRET",
            " secret",
            "secret ",
            "sec\u{200b}ret",
            "\u{ff53}ecret",
            "secret\u{0}",
            "workshop.secret",
            "workshop__secret",
            "se\u{301}cret",
            "secret/",
            "./secret",
            "",
        ] {
            rpc::assert_unknown_tool(&modern.call(tool, &arguments).await, tool);
            rpc::assert_unknown_tool(&session.call(tool, &arguments).await, tool);
        }
        for tool in ["stamp", "erase", "unlisted"] {
            // Class 9: what does the same under a name of its own is not allowed either, since nothing is.
            rpc::assert_denied(&modern.call(tool, &arguments).await);
            rpc::assert_denied(&session.call(tool, &arguments).await);
        }
        assert_eq!(rpc::text(&modern.call("quick", &json!({"text": "a"})).await), "quick: a");
        assert_eq!(rpc::text(&session.call("quick", &json!({"text": "a"})).await), "quick: a");
    }
    assert_eq!(workshop.notes("through"), [""; 0]);
}

/// Class 7. Catches: a method that passes since nothing speaks of it (`unserved`, `Access::by_default`), or
/// since the policy names a tool as its target is named.
#[tokio::test]
async fn no_other_method_reaches_the_server() {
    let server = HostileHttp::start(&["echo", "secret"], |received| {
        let prompts = json!({"prompts": [{"name": "echo"}, {"name": "p"}], "resultType": "complete"});
        (received.method() == "prompts/list").then(|| message(&received.answer(&prompts)))
    })
    .await;
    let record = Record::new();
    let policy = json!({"version": "1", "default": "deny", "tools": {"echo": {}}});
    let serving = Serving::start(&json!({
        "http": server.server(&policy),
        "pipes": record.server(HOSTILE, &policy),
    }))
    .await;
    let secret = json!({"name": "secret", "arguments": {}});
    let cases = [
        ("prompts/get", json!({"name": "echo"})),
        ("prompts/get", json!({"name": "p"})),
        ("resources/read", json!({"uri": "echo"})),
        ("resources/read", json!({"uri": "tool://secret"})),
        ("resources/subscribe", json!({"uri": "echo"})),
        ("completion/complete", json!({"ref": {"type": "ref/prompt", "name": "echo"}})),
        ("completion/complete", json!({"ref": {"type": "ref/resource", "uri": "echo"}})),
        ("completion/complete", json!({"ref": {"type": "ref/tool", "name": "echo", "uri": "echo"}})),
        ("tasks/get", json!({"taskId": "echo"})),
        ("tasks/result", json!({"taskId": "echo"})),
        ("tasks/update", json!({"taskId": "echo"})),
        ("tasks/cancel", json!({"taskId": "echo"})),
        ("sampling/createMessage", json!({"messages": [], "maxTokens": 1, "tools": [{"name": "secret"}]})),
        ("elicitation/create", json!({"message": "m"})),
        ("roots/list", json!({})),
        ("x/call_tool", secret.clone()),
        ("tools/call/", secret.clone()),
        ("Tools/Call", secret.clone()),
        ("tools/call ", secret.clone()),
        ("tools\u{2044}call", secret.clone()),
        ("ui/open", secret.clone()),
        ("echo", secret.clone()),
        ("", secret.clone()),
        ("notifications/tools/call", secret.clone()),
        ("notifications/initialized", secret.clone()),
        ("tools/call", json!({"Name": "secret", "arguments": {}})),
        ("tools/call", json!({"name": ["echo"], "arguments": {}})),
        ("tools/call", json!({"uri": "echo"})),
        ("tools/call", Value::Null),
        ("subscriptions/listen", json!({"notifications": {"resourceSubscriptions": ["test://a"]}})),
        ("subscriptions/listen", json!({"notifications": {"taskIds": ["t"]}})),
    ];
    for name in ["http", "pipes"] {
        let (modern, session) = (Modern::new(serving.url(name)), Session::begin(serving.url(name)).await);
        for (number, (method, params)) in cases.iter().enumerate() {
            let legacy = session.post(rpc::request(1000 + number, method, params).to_string()).await;
            let mut message = modern.message(method, params);
            message["id"] = json!(1000 + number);
            for answer in [legacy, modern.post(&message, &[]).await] {
                let said = answer.json();
                let is_refused = said["error"].is_object() || said["result"]["isError"] == true;
                assert!(is_refused, "{name}: {method} {params}: {said}");
            }
            // Without an id, as what wants no answer.
            let told = rpc::notification(method, params).to_string();
            if !method.starts_with("notifications/") {
                let status = session.post(told).await.status;
                assert!(matches!(status, 202 | 400), "{method} {params}: {status}");
            }
        }
        assert_eq!(rpc::text(&session.call("echo", &json!({})).await), "echo");
        assert_eq!(rpc::text(&modern.call("echo", &json!({})).await), "echo");
    }
    let seen = |method: &str| match method {
        "initialize"
        | "notifications/initialized"
        | "server/discover"
        | "tools/list"
        | "prompts/list"
        | "tools/call"
        | "" => 0,
        _ => 1,
    };
    assert_eq!(server.received().iter().map(|received| seen(received.method())).sum::<usize>(), 0);
    assert_eq!(
        (server.calls("secret"), server.calls("echo"), record.calls("secret"), record.calls("echo")),
        (0, 2, 0, 2)
    );
    for part in
        ["prompts/get", "resources/", "completion", "tasks/", "x/call_tool", "Tools", "ui/open", "secret"]
    {
        assert_eq!(record.count(part), 0, "{part}:\n{}", record.text());
    }
}

/// Class 7, for resources. Catches: a URI that is judged by one of its spellings (`other_spellings`).
#[tokio::test]
async fn a_hidden_resource_is_hidden_however_it_is_spelled() {
    let server = HostileHttp::start(&[], |received| match received.method() {
        "resources/read" => Some(message(&received.answer(&text("read")))),
        _ => None,
    })
    .await;
    let policy =
        json!({"version": "1", "default": "allow", "hide": ["file:///srv/secret*", "test://secret*"]});
    let serving = Serving::start(&json!({"hostile": server.server(&policy)})).await;
    let (modern, session) =
        (Modern::new(serving.url("hostile")), Session::begin(serving.url("hostile")).await);
    for uri in [
        "file:///srv/secret/a",
        "FILE:///srv/secret/a",
        "file:/srv/secret/a",
        "file:///srv/./secret/a",
        "file:///srv/open/../secret/a",
        "file:///srv/open/%2e%2e/secret/a",
        "file://localhost/srv/secret/a",
        "file:///srv/%73ecret/a",
        "file:///srv%2Fsecret/a",
        "file:///srv/open%2F..%2Fsecret/a",
        "file:///srv/open/%2E%2e%2fsecret/a",
        "test://%73ecret",
        "test://secre%74/a",
        "\ttest://secret",
        "te\nst://secret",
    ] {
        for answer in [
            modern.request("resources/read", &json!({"uri": uri})).await,
            session.request("resources/read", &json!({"uri": uri})).await,
        ] {
            assert_eq!(rpc::error(&answer).1, "Resource not found", "{uri:?}");
        }
    }
    assert_eq!(server.count(|received| received.method() == "resources/read"), 0);
    for uri in ["file:///srv/open/a", "file:///srv/open/100%", "test://open/%zz", "test://a b", "urn:x"] {
        assert!(session.request("resources/read", &json!({"uri": uri})).await["result"].is_object(), "{uri}");
    }
}
