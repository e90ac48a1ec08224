//! Servers that answer what nobody asked, and lists in every shape that the wire allows.

use bartizan_tests::fake_http::{FakeHttp, Reply};
use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use bartizan_tests::stdio::StdioClient;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::FAKE;

fn policy() -> Value {
    json!({"version": "1", "default": "allow", "hide": ["delete_run"]})
}

async fn client(options: &[&str]) -> (StdioClient, Document) {
    let policy = Document::policy(&policy());
    let command = gateway::run(&policy.path(), std::iter::once(&FAKE).chain(options));
    (StdioClient::start(command).await, policy)
}

#[tokio::test]
async fn an_answer_to_nothing_is_dropped() {
    let (mut client, _policy) = client(&[]).await;
    let answer = client.call("stray", &json!({})).await;
    assert_eq!(rpc::text(&answer), "not stray");
    client.assert_usable("a stray response").await;
}

#[tokio::test]
async fn the_second_answer_is_dropped() {
    let (mut client, _policy) = client(&[]).await;
    let answer = client.call("twice", &json!({})).await;
    assert_eq!(rpc::text(&answer), "first");
    client.assert_usable("a second answer").await;
}

#[tokio::test]
async fn a_hidden_tool_is_gone_from_every_page() {
    let (mut client, _policy) = client(&["--tools", "a,b,delete_run,c,d", "--page", "2"]).await;
    let mut pages = Vec::new();
    let mut params = json!({});
    loop {
        let page = client.request("tools/list", &params).await;
        pages.push(rpc::tools(&page).join(" "));
        match page["result"].get("nextCursor") {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => break,
        }
    }
    assert_eq!(pages, ["a b", "c", "d"]);
    rpc::assert_unknown_tool(&client.call("delete_run", &json!({})).await, "delete_run");
    assert!(rpc::text(&client.call("d", &json!({})).await).contains(r#""tool":"d""#));
}

#[tokio::test]
async fn two_tools_of_one_name_are_no_tool() {
    for (case, options, listed) in [
        ("on one page", &["--tools", "a,twin,b,twin"][..], Some("a b")),
        ("on two pages", &["--tools", "a,twin,b,twin", "--page", "2"][..], None),
    ] {
        let (mut client, _policy) = client(options).await;
        if let Some(listed) = listed {
            let tools = client.request("tools/list", &json!({})).await;
            assert_eq!(rpc::tools(&tools).join(" "), listed, "{case}");
        }
        rpc::assert_unknown_tool(&client.call("twin", &json!({})).await, "twin");
        assert!(rpc::text(&client.call("a", &json!({})).await).contains(r#""tool":"a""#), "{case}");
    }
}

/// `tools/list` answered as an event stream, in the ways that the SSE specification allows.
#[tokio::test]
async fn a_list_is_filtered_however_its_events_are_framed() {
    type Framing = fn(&str) -> String;
    let framings: [(&str, Framing); 7] = [
        ("line feeds", |message| format!("event: message\ndata: {message}\n\n")),
        ("carriage returns", |message| format!("event: message\rdata: {message}\r\r")),
        ("both", |message| format!("event: message\r\ndata: {message}\r\n\r\n")),
        ("a byte order mark", |message| format!("\u{feff}data: {message}\r\r")),
        ("no space", |message| format!("data:{message}\n\n")),
        ("many lines", |message| format!("data: {}\n\n", message.replace(',', ",\ndata: "))),
        ("a comment and an empty event", |message| {
            format!(": hello\r\rid: 1\rretry: 10\rdata: \r\rid: 2\rdata: {message}\r\r")
        }),
    ];
    for (case, framing) in framings {
        let server = FakeHttp::start(move |received| match received.method() {
            "tools/list" => {
                let tools = json!({"tools": [{"name": "é"}, {"name": "delete_run"}, {"name": "b"}]});
                let message = json!({"jsonrpc": "2.0", "id": received.message["id"], "result": tools});
                Reply::Events(framing(&message.to_string()).into())
            }
            _ => Reply::Usual,
        })
        .await;
        let serving = Serving::start(&json!({"fake": server.server(&policy())})).await;
        let session = Session::begin(serving.url("fake")).await;
        let tools = session.request("tools/list", &json!({})).await;
        assert_eq!(rpc::tools(&tools), ["é", "b"], "{case}");
        rpc::assert_unknown_tool(&session.call("delete_run", &json!({})).await, "delete_run");
        assert!(
            !server.received().iter().any(|received| received.method() == "tools/call"),
            "{case}: the call reached the server"
        );
    }
}

#[tokio::test]
async fn a_list_is_filtered_when_it_comes_byte_by_byte() {
    let server = FakeHttp::start(|received| match received.method() {
        "tools/list" => {
            let tools = json!({"tools": [{"name": "é"}, {"name": "delete_run"}]});
            let message = json!({"jsonrpc": "2.0", "id": received.message["id"], "result": tools});
            let bytes = format!("data: {message}\r\r").into_bytes();
            let (sender, receiver) = tokio::sync::mpsc::channel(bytes.len());
            for byte in bytes {
                sender.try_send(Bytes::copy_from_slice(&[byte])).expect("there is room for every byte");
            }
            Reply::Stream(receiver)
        }
        _ => Reply::Usual,
    })
    .await;
    let serving = Serving::start(&json!({"fake": server.server(&policy())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let tools = session.request("tools/list", &json!({})).await;
    assert_eq!(rpc::tools(&tools), ["é"]);
}

/// What an HTTP server sends besides the answer, or instead of it.
#[tokio::test]
async fn only_the_answer_to_a_request_answers_it() {
    let result = |id: Value, text: &str| json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": text}]}});
    let server = FakeHttp::start(move |received| match received.method() {
        "tools/list" => Reply::Result(json!({"tools": [{"name": "a"}]})),
        "tools/call" => {
            let id = received.message["id"].clone();
            let messages = [
                result(json!("nobody"), "stray"),
                // The same digits, another type.
                result(json!(id.to_string()), "other"),
                result(id.clone(), "first"),
                result(id, "second"),
            ];
            Reply::Events(messages.map(|message| format!("data: {message}\n\n")).concat().into())
        }
        _ => Reply::Usual,
    })
    .await;
    let serving = Serving::start(&json!({"fake": server.server(&policy())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let answer = session.post(rpc::call(7, "a", &json!({})).to_string()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(rpc::text(&answer.json()), "first");
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    for dropped in ["stray", "other", "second"] {
        assert!(!body.contains(dropped), "{body}");
    }
}

#[tokio::test]
async fn an_http_server_that_fails_is_an_error_for_its_own_call_only() {
    for (case, status) in [("server error", 500), ("unauthorized", 401), ("redirect", 302)] {
        let server = FakeHttp::start(move |received| match received.method() {
            "tools/list" => Reply::Result(json!({"tools": [{"name": "a"}]})),
            "tools/call" => Reply::Status(status),
            _ => Reply::Usual,
        })
        .await;
        let serving = Serving::start(&json!({"fake": server.server(&policy())})).await;
        let session = Session::begin(serving.url("fake")).await;
        let answer = session.call("a", &json!({})).await;
        let (code, message) = rpc::error(&answer);
        assert_eq!(code, -32603, "{case}: {message}");
        assert!(message.contains(&status.to_string()), "{case}: {message}");
        session.assert_usable(case).await;
    }
}
