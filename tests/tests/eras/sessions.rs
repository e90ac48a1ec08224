//! Sessions over HTTP: how long they last, how many there may be, and that servers hear of their end.

use bartizan_tests::fake_http::{FakeHttp, Reply, SESSION};
use bartizan_tests::gateway::Serving;
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::program::is_alive;
use bartizan_tests::rpc;
use bartizan_tests::waiting::until;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{NOTHING, allow, era};

async fn serve(limits: Value) -> Serving {
    let servers = json!({"era": era("legacy", &allow())});
    Serving::start_with(json!({"limits": limits, "mcpServers": servers})).await
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let serving = serve(json!({"session_idle": "1s"})).await;
    let idle = Session::begin(serving.url("era")).await;
    let listening = Session::begin(serving.url("era")).await;
    let _stream = listening.listen().await;
    let waiting = Session::begin(serving.url("era")).await;
    let token = json!({"name": "hold", "_meta": {"progressToken": 1}});
    let mut held = waiting.stream(&rpc::request("held", "tools/call", &token)).await;
    held.message().await;

    let pid = rpc::text(&idle.call("pid", &NOTHING).await).parse().expect("a process id");
    until("its server has ended", || !is_alive(pid)).await;
    let answer = idle.post(rpc::request(2, "ping", &json!({})).to_string()).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    Session::begin(serving.url("era")).await;
    listening.assert_usable("it only listened").await;
    assert_eq!(rpc::text(&waiting.call("release", &NOTHING).await), "released");
    assert_eq!(rpc::text(&held.message().await), "held");
}

#[tokio::test]
async fn servers_hear_that_a_session_is_over() {
    let ends = |server: &FakeHttp| {
        let received = server.received();
        let ends = received.iter().filter(|received| received.http_method == "DELETE");
        ends.map(|end| end.headers["mcp-session-id"].to_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let server = FakeHttp::start(|_| Reply::Usual).await;
    let serving = Serving::start(&json!({"fake": server.server(&allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    assert_eq!(session.delete().await.status, 204);
    until("the server knows", || ends(&server) == [SESSION]).await;

    let _session = Session::begin(serving.url("fake")).await;
    let program = serving.into_program();
    program.signal(Signal::TERM);
    let ended = program.end().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.log);
    assert_eq!(ends(&server).len(), 2, "before the gateway has ended");
}

#[tokio::test]
async fn there_are_as_many_as_may_be() {
    let limits = json!({"sessions_per_client": 2, "streams": 1, "in_flight": 2});
    let serving = serve(limits).await;
    let first = Session::begin(serving.url("era")).await;
    let second = Session::begin(serving.url("era")).await;
    let initialize = rpc::initialize(0).to_string();
    let third = Http::default().send("POST", serving.url("era"), POST, initialize).await;
    assert_eq!((third.status, third.header("mcp-session-id")), (503, None), "{third:?}");
    assert!(rpc::error(&third.json()).1.contains("2 sessions"), "{third:?}");
    second.delete().await;
    let second = Session::begin(serving.url("era")).await;

    let stream = first.listen().await;
    let headers = [&[("accept", "text/event-stream")], &second.headers()[..]].concat();
    let refused = Http::default().send("GET", serving.url("era"), &headers, "").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    drop(stream);
    // The place is free once the gateway has seen that the client is gone.
    loop {
        let answer = Http::default().open("GET", serving.url("era"), &headers, "").await;
        if answer.status() == 200 {
            break;
        }
        assert_eq!(answer.status(), 503);
    }

    let hold =
        |id: i64| rpc::request(id, "tools/call", &json!({"name": "hold", "_meta": {"progressToken": id}}));
    let mut held = first.stream(&hold(101)).await;
    held.message().await;
    let mut other = first.stream(&hold(102)).await;
    other.message().await;
    let crowded = first.call("echo", &NOTHING).await;
    let (code, text) = rpc::error(&crowded);
    assert_eq!(code, -32603);
    assert!(text.contains("Too many requests"), "{text}");
    second.assert_usable("another session is crowded").await;
    first.notify("notifications/cancelled", &json!({"requestId": 102})).await;
    first.call("release", &NOTHING).await;
    assert_eq!(rpc::text(&held.message().await), "held");
}
