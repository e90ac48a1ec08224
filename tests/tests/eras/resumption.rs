//! Streams that break off, or that a server closes on purpose, and go on: nothing is lost, nothing comes
//! twice.

use std::sync::{Arc, Mutex};

use bartizan_tests::events::{Event, RawEvents};
use bartizan_tests::fake_http::{FakeHttp, Received, Reply, event};
use bartizan_tests::gateway::Serving;
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use bartizan_tests::waiting::until;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::allow;

/// The streams of a server that a test writes to, as they are opened.
type Streams = Arc<Mutex<Vec<(Received, mpsc::Sender<Bytes>)>>>;

/// A server whose answers to calls, and whose own streams, are written by the test.
async fn server() -> (FakeHttp, Streams) {
    let streams = Streams::default();
    let opened = Arc::clone(&streams);
    let server = FakeHttp::start(move |received| match (received.http_method.as_str(), received.method()) {
        (_, "tools/list") => Reply::Result(json!({"tools": [{"name": "a"}]})),
        ("GET", _) | (_, "tools/call") => {
            let (sender, receiver) = mpsc::channel(100);
            opened.lock().expect("nobody panics with the list").push((received.clone(), sender));
            Reply::Stream(receiver)
        }
        _ => Reply::Usual,
    })
    .await;
    (server, streams)
}

/// Waits for the stream that is opened next.
async fn opened(streams: &Streams) -> (Received, mpsc::Sender<Bytes>) {
    until("a stream was opened", || !streams.lock().expect("nobody panics with the list").is_empty()).await;
    streams.lock().expect("nobody panics with the list").remove(0)
}

async fn write(stream: &mpsc::Sender<Bytes>, message: &Value) {
    stream.send(event(message)).await.expect("the gateway reads");
}

fn progress(number: &Value, step: i64) -> Value {
    rpc::notification("notifications/progress", &json!({"progressToken": number, "progress": step}))
}

fn logged(step: i64) -> Value {
    rpc::notification("notifications/message", &json!({"level": "info", "data": step}))
}

fn call() -> Value {
    rpc::request("mine", "tools/call", &json!({"name": "a", "_meta": {"progressToken": "token"}}))
}

fn answer(received: &Received) -> Value {
    json!({"jsonrpc": "2.0", "id": received.message["id"], "result": {"content": []}})
}

fn id(event: &Event) -> &str {
    event.id.as_deref().expect("every event has an id")
}

#[tokio::test]
async fn the_stream_of_a_request_goes_on_where_it_was_lost() {
    let (server, streams) = server().await;
    let serving = Serving::start(&json!({"fake": server.server(&allow())})).await;
    let url = serving.url("fake");
    let session = Session::begin(url).await;

    let posted = call();
    let (mut stream, (received, sender)) = tokio::join!(RawEvents::post(url, &session, &posted), async {
        let (received, sender) = opened(&streams).await;
        write(&sender, &progress(&received.message["id"], 1)).await;
        (received, sender)
    });
    let number = received.message["id"].clone();
    let priming = stream.event().await;
    assert_eq!((priming.data.as_str(), priming.retry), ("", Some(1000)), "the first event gives an id only");
    let first = stream.event().await;
    assert_eq!(first.message()["params"], json!({"progressToken": "token", "progress": 1}));
    drop(stream);

    for step in 2..=5 {
        write(&sender, &progress(&number, step)).await;
    }
    write(&sender, &answer(&received)).await;
    drop(sender);
    let all = |events: Vec<Event>| events.iter().map(Event::message).collect::<Vec<_>>();
    // It is taken up from wherever the client says, as often as it is lost.
    for (after, expected) in [(id(&first), 2..=5), (id(&priming), 1..=5)] {
        let messages = all(RawEvents::get(url, &session, Some(after)).await.rest().await);
        let steps: Vec<i64> =
            messages.iter().filter_map(|message| message["params"]["progress"].as_i64()).collect();
        assert_eq!(steps, expected.collect::<Vec<_>>(), "after {after}");
        let last = messages.last().expect("there is an answer");
        assert_eq!((&last["id"], &last["result"]), (&json!("mine"), &json!({"content": []})));
    }
    let last = RawEvents::get(url, &session, Some(id(&first))).await.rest().await;
    let end = RawEvents::get(url, &session, last.last().and_then(|event| event.id.as_deref())).await;
    assert_eq!(end.rest().await, [], "after the end nothing comes");

    let (stream, _) = id(&first).split_once('-').expect("a stream and a number");
    let beyond = format!("{stream}-99");
    for wrong in ["", "nonsense", "77-1", &beyond, "-1", "1-18446744073709551616", "1-18446744073709551615"] {
        let refused = RawEvents::try_get(url, &session, Some(wrong)).await;
        assert_eq!(refused.status(), 400, "{wrong}");
    }
    let other = Session::begin(url).await;
    let refused = RawEvents::try_get(url, &other, Some(id(&first))).await;
    assert_eq!(refused.status(), 400, "ids mean something in their own session only");
}

#[tokio::test]
async fn the_stream_of_a_session_goes_on_where_it_was_lost() {
    let (server, streams) = server().await;
    let serving = Serving::start(&json!({"fake": server.server(&allow())})).await;
    let url = serving.url("fake");
    let session = Session::begin(url).await;
    let mut stream = RawEvents::get(url, &session, None).await;
    let priming = stream.event().await;
    assert_eq!(priming.data, "");
    let (received, sender) = opened(&streams).await;
    assert_eq!(received.headers["mcp-session-id"], "upstream-session");
    for step in 1..=3 {
        write(&sender, &logged(step)).await;
    }
    let first = stream.event().await;
    assert_eq!(first.message()["params"]["data"], 1);
    // Whether the others were sent already is not for the client to know.
    drop(stream);
    for step in 4..=5 {
        write(&sender, &logged(step)).await;
    }
    let mut again = RawEvents::get(url, &session, Some(id(&first))).await;
    for step in 2..=5 {
        let mut event = again.event().await;
        if event.data.is_empty() {
            event = again.event().await;
        }
        assert_eq!(event.message()["params"]["data"], step, "nothing lost, nothing twice");
    }
    assert_eq!(
        server.received().iter().filter(|received| received.http_method == "GET").count(),
        1,
        "the server's stream was not lost"
    );
    // A second stream takes the place of the first.
    let mut second = RawEvents::get(url, &session, None).await;
    let priming = second.event().await;
    drop(second);
    let mut second = RawEvents::get(url, &session, Some(id(&priming))).await;
    write(&sender, &logged(6)).await;
    assert_eq!(second.event().await.data, "", "what the first has read does not come again");
    assert_eq!(second.event().await.message()["params"]["data"], 6);
    assert_eq!(again.rest().await, []);
    let refused = RawEvents::try_get(url, &session, Some("0-99")).await;
    assert_eq!(refused.status(), 400, "there was no such event");
}

#[tokio::test]
async fn a_stream_that_the_server_closes_is_taken_up_there() {
    let (server, streams) = server().await;
    let serving = Serving::start(&json!({"fake": server.server(&allow())})).await;
    let url = serving.url("fake");
    let session = Session::begin(url).await;
    let posted = call();
    let (mut stream, received) = tokio::join!(RawEvents::post(url, &session, &posted), async {
        let (received, sender) = opened(&streams).await;
        sender.send("id: there-1\nretry: 150\ndata: \n\n".into()).await.expect("the gateway reads");
        received
    });
    let priming = stream.event().await;
    assert_eq!(priming.data, "");
    // The client of this revision is let go as well, for as long.
    let pause = stream.event().await;
    assert_eq!((pause.retry, pause.data.as_str()), (Some(150), ""));
    assert_eq!(stream.rest().await, []);

    let (resumed, sender) = opened(&streams).await;
    assert_eq!(resumed.http_method, "GET");
    assert_eq!(resumed.headers["last-event-id"], "there-1");
    let number = &received.message["id"];
    let text = format!("id: there-2\ndata: {}\n\n", progress(number, 1));
    sender.send(text.into()).await.expect("the gateway reads");
    drop(sender);
    // It breaks off again, and goes on after the newest event.
    let (resumed, sender) = opened(&streams).await;
    assert_eq!(resumed.headers["last-event-id"], "there-2");
    write(&sender, &answer(&received)).await;
    let events = RawEvents::get(url, &session, Some(id(&priming))).await.rest().await;
    let messages: Vec<Value> = events.iter().map(Event::message).collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0]["params"]["progressToken"], "token");
    assert_eq!(messages[1]["id"], "mine");
}
