//! The end: what is under way is answered, or cancelled; nothing is left behind.

use std::sync::Mutex;
use std::time::Duration;

use bartizan_tests::connection::{Connection, Raw};
use bartizan_tests::fake_http::{FakeHttp, Reply, event};
use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::program::is_alive;
use bartizan_tests::rpc;
use bartizan_tests::waiting::{self, SOON, within};
use bytes::Bytes;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::{FAKE, allow_all, serving_under};

/// Waits until nobody accepts connections any more.
async fn closed(serving: &Serving) {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let refused = async {
        while TcpStream::connect(serving.address()).await.is_ok() {
            look.tick().await;
        }
    };
    within(SOON, "the port is closed", refused).await;
}

/// The fake server, which keeps what it got, behind a gateway.
struct Recorded {
    serving: Serving,
    directory: tempfile::TempDir,
}

impl Recorded {
    async fn start(limits: Value) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let record = directory.path().join("record");
        let record = record.to_str().expect("paths of temporary files are text");
        let server = gateway::server(FAKE, &["--record", record], &allow_all());
        let configuration = json!({"limits": limits, "mcpServers": {"fake": server}});
        Self { serving: Serving::start_with(configuration).await, directory }
    }

    /// Waits until the server has got this.
    async fn until(&self, part: &str) {
        let record = self.directory.path().join("record");
        let got = || std::fs::read_to_string(&record).unwrap_or_default().contains(part);
        waiting::until(&format!("the server got {part}"), got).await;
    }
}

async fn pid(session: &Session) -> i32 {
    let answer = session.call("pid", &json!({})).await;
    rpc::text(&answer).parse().expect("a process id is a number")
}

#[tokio::test]
async fn a_call_under_way_is_answered() {
    for signal in [Signal::TERM, Signal::INT] {
        let (sender, receiver) = mpsc::channel::<Bytes>(2);
        let slow = Mutex::new(Some(receiver));
        let server = FakeHttp::start(move |received| match received.method() {
            "tools/list" => Reply::Result(json!({"tools": [{"name": "slow"}]})),
            "tools/call" => Reply::Stream(slow.lock().expect("nobody panics").take().expect("one call")),
            _ => Reply::Usual,
        })
        .await;
        let serving = Serving::start_with(json!({
            "limits": {"shutdown": "1h"},
            "mcpServers": {"fake": server.server(&allow_all())},
        }))
        .await;
        let session = Session::begin(serving.url("fake")).await;
        let mut events = session.listen().await;
        let mut idle = Raw::open(serving.address()).await;
        idle.send(format!("PUT /mcp/fake HTTP/1.1\r\nHost: {}\r\n\r\n", serving.address())).await;
        idle.until("}}").await;

        let called = async { session.call("slow", &json!({})).await };
        let ended = async {
            let call = || server.received().into_iter().find(|received| received.method() == "tools/call");
            waiting::until("the server has the call", || call().is_some()).await;
            serving.signal(signal);
            closed(&serving).await;
            assert_eq!(events.next().await, None, "a stream ends cleanly");
            idle.rest().await;
            let id = call().expect("it was there").message["id"].clone();
            let result = json!({"content": [{"type": "text", "text": "at last"}]});
            let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
            sender.send(event(&answer)).await.expect("the gateway still listens");
        };
        let (answer, ()) = tokio::join!(called, ended);
        assert_eq!(rpc::text(&answer), "at last");
        let ended = serving.into_program().end().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
        assert!(!ended.log.contains("WARN"), "{}", ended.log);
    }
}

#[tokio::test]
async fn a_call_that_hangs_is_cancelled() {
    for is_http2 in [false, true] {
        let recorded = Recorded::start(json!({"shutdown": "300ms"})).await;
        let serving = &recorded.serving;
        let session = Session::begin(serving.url("fake")).await;
        let pid = pid(&session).await;
        let (url, address) = (serving.url("fake").to_owned(), serving.address());
        let mut connection = match is_http2 {
            true => Connection::h2c(&url, address).await,
            false => Connection::plain(&url, address).await,
        };
        let call = rpc::call(7, "hold", &json!({}));
        let called = async { connection.post(session.id(), &call).await.1 };
        let ended = async {
            recorded.until("hold").await;
            serving.signal(Signal::TERM);
        };
        let (answer, ()) = tokio::join!(called, ended);
        let message = answer.json();
        assert_eq!(message["id"], 7, "{message}");
        let text = message.to_string();
        assert!(text.contains("the gateway is shutting down"), "{text}");
        let ended = recorded.serving.into_program().end().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
        assert!(ended.log.contains("they are cancelled"), "{}", ended.log);
        assert!(!is_alive(pid), "the server's process is left behind");
    }
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    for (second, status) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let recorded = Recorded::start(json!({"shutdown": "1h"})).await;
        let serving = &recorded.serving;
        let session = Session::begin(serving.url("fake")).await;
        let pid = pid(&session).await;
        let hanging = {
            let call: Value = rpc::call(7, "hold", &json!({}));
            let mut connection = Connection::plain(serving.url("fake"), serving.address()).await;
            let id = session.id().to_owned();
            tokio::spawn(async move {
                let headers = [bartizan_tests::http::POST, &[("mcp-session-id", id.as_str())]].concat();
                // It may well be cut off.
                let _answer = connection.open("POST", &headers, call.to_string()).await;
            })
        };
        recorded.until("hold").await;
        serving.signal(Signal::TERM);
        closed(serving).await;
        serving.signal(second);
        let ended = recorded.serving.into_program().end().await;
        assert_eq!(ended.status.code(), Some(status), "{}", ended.log);
        waiting::until("the server's process has ended", || !is_alive(pid)).await;
        hanging.abort();
    }
}

#[tokio::test]
async fn nobody_there_is_no_reason_to_wait() {
    let serving = serving_under(json!({"shutdown": "1h"})).await;
    let session = Session::begin(serving.url("fake")).await;
    let pid = pid(&session).await;
    serving.signal(Signal::TERM);
    let ended = serving.into_program().end().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
    assert!(!is_alive(pid), "the server's process is left behind");
}
