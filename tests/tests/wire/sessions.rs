//! The life of sessions: each has a server process of its own, and they end together.

use bartizan_tests::fake_http::{FakeHttp, Reply};
use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::program::is_alive;
use bartizan_tests::rpc;
use bartizan_tests::waiting::until;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{FAKE, Record};

/// No arguments.
const NOTHING: Value = Value::Null;

fn allow() -> Value {
    json!({"version": "1", "default": "allow"})
}

async fn pid(session: &Session) -> i32 {
    let answer = session.call("pid", &NOTHING).await;
    rpc::text(&answer).parse().expect("the server tells its process id")
}

async fn assert_gone(session: &Session) {
    let answer = session.post(rpc::request(1, "ping", &json!({})).to_string()).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    let refusal = answer.json();
    let (_, message) = rpc::error(&refusal);
    assert!(message.contains("initialize"), "it says what to do: {message}");
}

#[tokio::test]
async fn ending_a_session_ends_its_process_and_no_other() {
    let serving = Serving::start(&json!({"fake": gateway::server(FAKE, &[], &allow())})).await;
    let (first, second) =
        tokio::join!(Session::begin(serving.url("fake")), Session::begin(serving.url("fake")));
    let (first_pid, second_pid) = (pid(&first).await, pid(&second).await);
    assert_ne!(first_pid, second_pid, "each session has a process");
    assert_ne!(first.id(), second.id());

    assert_eq!(first.delete().await.status, 204);
    until("the process has ended", || !is_alive(first_pid)).await;
    assert_gone(&first).await;
    assert_eq!(first.delete().await.status, 404, "a session ends once");
    assert!(is_alive(second_pid));
    assert_eq!(pid(&second).await, second_pid);
}

#[tokio::test]
async fn a_session_of_one_server_is_none_of_another() {
    let server = gateway::server(FAKE, &[], &allow());
    let serving = Serving::start(&json!({"a": server, "b": server})).await;
    let session = Session::begin(serving.url("a")).await;
    let headers = [POST, &session.headers()].concat();
    let ping = rpc::request(1, "ping", &json!({})).to_string();
    let answer = Http::default().send("POST", serving.url("b"), &headers, ping).await;
    assert_eq!(answer.status, 404, "{answer:?}");
    session.assert_usable("its use elsewhere").await;
}

#[tokio::test]
async fn a_server_that_dies_fails_its_calls_and_nothing_else() {
    let record = Record::new();
    let serving = Serving::start(&json!({
        "mortal": record.server(&allow()),
        "other": gateway::server(FAKE, &[], &allow()),
    }))
    .await;
    let mortal = Session::begin(serving.url("mortal")).await;
    let other = Session::begin(serving.url("other")).await;
    let other_pid = pid(&other).await;

    let waiting = rpc::call("waiting", "hold", &NOTHING).to_string();
    let deadly = rpc::call("deadly", "die", &NOTHING).to_string();
    let die = async {
        record.until(r#""name":"hold""#, 1).await;
        mortal.post(deadly).await
    };
    let (waiting, deadly) = tokio::join!(mortal.post(waiting), die);
    for (answer, id) in [(waiting, "waiting"), (deadly, "deadly")] {
        let message = answer.json();
        assert_eq!((answer.status, &message["id"]), (200, &json!(id)), "{message}");
        let (code, text) = rpc::error(&message);
        assert_eq!(code, -32603, "{text}");
        assert!(text.contains("`mortal`") && text.contains("process has ended (exit status: 9)"), "{text}");
    }
    assert_gone(&mortal).await;

    let again = Session::begin(serving.url("mortal")).await;
    assert!(rpc::text(&again.call("echo", &NOTHING).await).contains("echo"));
    assert_eq!(pid(&other).await, other_pid, "the other server was not touched");
}

#[tokio::test]
async fn a_server_over_http_that_forgets_the_session_ends_it() {
    let server = FakeHttp::start(|received| match received.method() {
        "tools/list" => Reply::Result(json!({"tools": [{"name": "a"}]})),
        "tools/call" => Reply::Status(404),
        _ => Reply::Usual,
    })
    .await;
    let serving = Serving::start(&json!({"fake": server.server(&allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let answer = session.call("a", &NOTHING).await;
    assert_eq!(rpc::error(&answer).0, -32603, "{answer}");
    assert_gone(&session).await;
}

#[tokio::test]
async fn a_server_over_http_that_is_not_there_is_an_error_of_the_handshake() {
    let gone = FakeHttp::start(|_| Reply::Usual).await;
    let entry = gone.server(&allow());
    drop(gone);
    let serving =
        Serving::start(&json!({"gone": entry, "other": gateway::server(FAKE, &[], &allow())})).await;
    let initialize = rpc::initialize(0).to_string();
    let answer = Http::default().send("POST", serving.url("gone"), POST, initialize).await;
    assert_eq!((answer.status, answer.header("mcp-session-id")), (200, None));
    let message = answer.json();
    assert_eq!((rpc::error(&message).0, &message["id"]), (-32603, &json!(0)), "{message}");
    Session::begin(serving.url("other")).await;
}

#[tokio::test]
async fn the_gateways_end_is_the_end_of_its_servers() {
    let serving = Serving::start(&json!({"fake": gateway::server(FAKE, &[], &allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let pid = pid(&session).await;
    let program = serving.into_program();
    program.signal(Signal::TERM);
    let ended = program.end().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.log);
    assert!(!is_alive(pid), "the server still runs");
}
