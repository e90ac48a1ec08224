//! What a server over HTTP sees of clients of the modern era, and arrays of messages that a server sends.

use std::sync::{Arc, Mutex};

use bartizan_tests::fake_http::{FakeHttp, Received, Reply, event};
use bartizan_tests::gateway::Serving;
use bartizan_tests::http::{Http, POST};
use bartizan_tests::modern::{self, Modern};
use bartizan_tests::rpc;
use bartizan_tests::waiting::{SOON, until, within};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{NOTHING, allow};

/// What a server of the modern era answers, unless it is a call.
fn usual(received: &Received) -> Option<Reply> {
    let tool = |name: &str| {
        let place = json!({"type": "string", "x-mcp-header": "Place"});
        json!({"name": name, "inputSchema": {"type": "object", "properties": {"place": place}}})
    };
    let result = match received.method() {
        "server/discover" => json!({
            "resultType": "complete", "supportedVersions": [modern::REVISION], "capabilities": {"tools": {}},
            "serverInfo": {"name": "far", "version": "1"}, "ttlMs": 0, "cacheScope": "private",
        }),
        "tools/list" => json!({
            "resultType": "complete", "tools": [tool("a"), tool("wait")], "ttlMs": 60_000, "cacheScope": "public",
        }),
        _ => return None,
    };
    Some(Reply::Result(result))
}

fn done() -> Reply {
    Reply::Result(json!({"resultType": "complete", "content": [{"type": "text", "text": "done"}]}))
}

#[tokio::test]
async fn headers_are_made_from_what_is_forwarded() {
    let server = FakeHttp::start(|received| usual(received).unwrap_or_else(done)).await;
    let serving = Serving::start(&json!({"far": server.server(&allow())})).await;
    let client = Modern::new(serving.url("far"));
    for (place, header, expected) in [
        ("here", "here", "here"),
        ("here", "=?base64?aGVyZQ==?=", "here"),
        ("Zürich", "=?base64?WsO8cmljaA==?=", "=?base64?WsO8cmljaA==?="),
        (" edge", "=?base64?IGVkZ2U=?=", "=?base64?IGVkZ2U=?="),
    ] {
        let request = modern::call(1, "a", &json!({"place": place}));
        let more = [("mcp-param-place", header), ("mcp-param-other", "as it is"), ("x-other", "no")];
        let answer = client.post_with(&request, &more).await;
        assert_eq!(rpc::text(&answer.json()), "done", "{place}");
        let received = server.received();
        let call =
            received.iter().rfind(|received| received.method() == "tools/call").expect("it was forwarded");
        let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("mcp-param-place"), Some(expected), "{place}");
        assert_eq!(header("mcp-param-other"), Some("as it is"), "unknown ones are passed on");
        assert_eq!(header("x-other"), None, "others are not");
        assert_eq!(header("mcp-method"), Some("tools/call"));
        assert_eq!(header("mcp-name"), Some("a"));
        assert_eq!(header("mcp-protocol-version"), Some(modern::REVISION));
        assert_eq!(header("mcp-session-id"), None);
    }
}

#[tokio::test]
async fn who_goes_away_closes_his_own_stream_at_the_server() {
    let streams: Arc<Mutex<Vec<mpsc::Sender<Bytes>>>> = Arc::default();
    let opened = Arc::clone(&streams);
    let server = FakeHttp::start(move |received| {
        usual(received).unwrap_or_else(|| {
            let (sender, receiver) = mpsc::channel(8);
            let token = &received.message["params"]["_meta"]["progressToken"];
            let progress = json!({"progressToken": token, "progress": 1});
            let begun = event(&rpc::notification("notifications/progress", &progress));
            sender.try_send(begun).expect("there is room");
            opened.lock().expect("nobody panics with the list").push(sender);
            Reply::Stream(receiver)
        })
    })
    .await;
    let serving = Serving::start(&json!({"far": server.server(&allow())})).await;
    let client = Modern::new(serving.url("far"));
    let request = modern::call_with_progress("same", "wait", &json!("token"));
    let mut one = client.stream(&request).await;
    assert_eq!(one.message().await["params"]["progressToken"], "token");
    let mut other = client.stream(&request).await;
    assert_eq!(other.message().await["params"]["progressToken"], "token");
    drop(one);
    let (first, second) = {
        let mut streams = streams.lock().expect("nobody panics with the list");
        (streams.remove(0), streams.remove(0))
    };
    within(SOON, "the server sees it", first.closed()).await;
    assert!(!second.is_closed(), "the other is not touched");
    let received = server.received();
    assert!(received.iter().all(|received| received.method() != "notifications/cancelled"));
    let call = received.iter().rfind(|received| received.method() == "tools/call").expect("it was forwarded");
    let answer = json!({"jsonrpc": "2.0", "id": call.message["id"], "result": {"resultType": "complete", "content": []}});
    second.send(event(&answer)).await.expect("the gateway reads");
    let answer = other.message().await;
    assert_eq!((&answer["id"], &answer["result"]["content"]), (&json!("same"), &json!([])));
}

/// A server's array counts in the revision that has arrays; elsewhere it is no message.
#[tokio::test]
async fn arrays_of_a_server_are_taken_where_there_are_arrays() {
    for (revision, is_taken) in [("2025-03-26", true), ("2025-06-18", false)] {
        let server = FakeHttp::start(move |received| match received.method() {
            "tools/list" => Reply::Result(json!({"tools": [{"name": "a"}]})),
            "tools/call" => {
                let progress = json!({"progressToken": received.message["id"], "progress": 1});
                let result = json!({"content": [{"type": "text", "text": "in an array"}]});
                Reply::Events(event(&json!([
                    rpc::notification("notifications/progress", &progress),
                    {"jsonrpc": "2.0", "id": received.message["id"], "result": result},
                ])))
            }
            "initialize" => Reply::Result(json!({
                "protocolVersion": revision, "capabilities": {}, "serverInfo": {"name": "far", "version": "1"},
            })),
            _ => Reply::Usual,
        })
        .await;
        let serving = Serving::start(&json!({"far": server.server(&allow())})).await;
        let mut initialize = rpc::initialize(0);
        initialize["params"]["protocolVersion"] = json!(revision);
        let post = async |message: Value, session: &str| {
            let headers = [POST, &[("mcp-session-id", session)][usize::from(session.is_empty())..]].concat();
            Http::default().send("POST", serving.url("far"), &headers, message.to_string()).await
        };
        let agreed = post(initialize, "").await;
        let session = agreed.header("mcp-session-id").expect("the handshake succeeds");
        let answer = post(rpc::call(1, "a", &NOTHING), session).await.json();
        assert_eq!(answer["id"], 1, "{revision}: {answer}");
        if is_taken {
            assert_eq!(rpc::text(&answer), "in an array", "{revision}");
        } else {
            assert_eq!(rpc::error(&answer).0, -32603, "{revision}: {answer}");
        }
    }
}

/// A stream that a server ends at once, with no pause, is not asked for without a break.
#[tokio::test]
async fn a_server_that_wants_no_pause_gets_one() {
    let server = FakeHttp::start(|received| match received.http_method.as_str() {
        "GET" => Reply::Events("id: 1\nretry: 0\ndata: \n\n".into()),
        _ => Reply::Usual,
    })
    .await;
    let serving = Serving::start(&json!({"far": server.server(&allow())})).await;
    let session = bartizan_tests::http::Session::begin(serving.url("far")).await;
    let _stream = session.listen().await;
    let gets = || server.received().iter().filter(|received| received.http_method == "GET").count();
    until("the stream was taken up", || gets() >= 2).await;
    let (before, begin) = (gets(), std::time::Instant::now());
    until("and again", || gets() >= before + 5).await;
    assert!(begin.elapsed() >= std::time::Duration::from_millis(350), "{:?}", begin.elapsed());
}
