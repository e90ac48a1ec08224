//! Class 17: more than the gateway can take, from either side, and without end.

use bartizan_tests::connection::Raw;
use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::hostile_http::{
    Content, HostileHttp, events, framed, message, reply, status, stream, text,
};
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::rpc;
use bartizan_tests::waiting::until;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::modern::Modern;
use crate::{FAKE, HOSTILE, Record, allow};

/// No arguments.
const NOTHING: Value = Value::Null;

async fn serve(limits: Value, server: Value) -> Serving {
    Serving::start_with(json!({"limits": limits, "mcpServers": {"hostile": server}})).await
}

/// Catches: a limit of the configuration that nothing holds (`limits` in `Front::read`, `Document::parse`).
#[tokio::test]
async fn what_is_too_much_does_not_reach_the_server() {
    let record = Record::new();
    let limits = json!({"body": 4096, "depth": 8, "entries": 100});
    let serving = serve(limits, record.server(HOSTILE, &allow())).await;
    let session = Session::begin(serving.url("hostile")).await;
    let modern = Modern::new(serving.url("hostile"));
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let many: Vec<Value> = (0..101).map(|_| json!(1)).collect();
    let members: serde_json::Map<String, Value> = (0..101).map(|key| (key.to_string(), json!(1))).collect();
    for (case, arguments, status) in [
        ("long", json!({"x": "a".repeat(4096)}), 413),
        ("deep", json!({"x": nested(8)}), 400),
        ("a long list", json!({"x": many}), 400),
        ("a large object", json!(members), 400),
        ("many bytes of nothing", json!({"x": " ".repeat(3900)}), 413),
    ] {
        let legacy = session.post(rpc::call(1, "echo", &arguments).to_string()).await;
        let call = modern.message("tools/call", &json!({"name": "echo", "arguments": arguments}));
        let stateless = modern.post(&call, &[]).await;
        if case != "many bytes of nothing" {
            assert_eq!((legacy.status, stateless.status), (status, status), "{case}: {legacy:?}");
        }
    }
    let padded = format!("{}{}", rpc::call(1, "echo", &json!({"padded": 1})), " ".repeat(4096));
    assert_eq!(session.post(padded).await.status, 413, "white space counts");
    assert_eq!(record.count("\"x\"") + record.count("padded"), 1, "{}", record.text());
    session.assert_usable("all of it").await;
}

/// Catches: `limits.sessions`, `sessions_per_client`, `streams` and `in_flight` without effect.
#[tokio::test]
async fn there_are_only_so_many_of_each() {
    let record = Record::new();
    let server = record.server(FAKE, &allow());
    let serving = serve(json!({"sessions": 3, "sessions_per_client": 2}), server.clone()).await;
    let url = serving.url("hostile");
    let (first, _second) = (Session::begin(url).await, Session::begin(url).await);
    let initialize = rpc::initialize(0).to_string();
    assert_eq!(Http::default().send("POST", url, POST, initialize.clone()).await.status, 503);
    let pair = url.replace("/mcp/", "/sse/");
    let accept = [("accept", "text/event-stream")];
    assert_eq!(
        Http::default().send("GET", &pair, &accept, Bytes::new()).await.status,
        503,
        "over both transports"
    );
    first.delete().await;
    assert_eq!(Http::default().send("POST", url, POST, initialize).await.status, 200, "one has ended");

    let serving = serve(json!({"streams": 1, "in_flight": 2}), server).await;
    let session = Session::begin(serving.url("hostile")).await;
    let other = Session::begin(serving.url("hostile")).await;
    let stream = session.listen().await;
    let headers = [&accept[..], &other.headers()].concat();
    let refused = Http::default().send("GET", serving.url("hostile"), &headers, Bytes::new()).await;
    assert_eq!(refused.status, 503, "one client's stream is all there is");
    drop(stream);
    // What the gateway itself asks for is counted as well, so it is asked for before.
    session.request("tools/list", &json!({})).await;
    let held = |id: u32| rpc::call(id, "hold", &NOTHING).to_string();
    let third = async {
        record.until("\"hold\"", 2).await;
        let crowded = session.post(held(3)).await.json();
        assert!(rpc::error(&crowded).1.contains("Too many requests"), "{crowded}");
        for id in [1, 2] {
            session.notify("notifications/cancelled", &json!({"requestId": id})).await;
        }
    };
    tokio::join!(session.post(held(1)), session.post(held(2)), third);
    session.assert_usable("a crowd").await;
    assert_eq!(record.count("\"hold\""), 2);
}

/// Catches: a server of several clients that waits for one who does not read (`Session::pass_on`,
/// `Session::conclude`).
#[tokio::test]
async fn a_client_that_does_not_read_holds_up_no_other() {
    let record = Record::new();
    let serving = Serving::start(&json!({"hostile": record.server(HOSTILE, &allow())})).await;
    let client = Modern::new(serving.url("hostile"));
    assert_eq!(rpc::text(&client.call("echo", &NOTHING).await), "echo");
    let mut idle = Vec::new();
    for _ in 0..3 {
        // 64 MiB is more than all buffers on the way.
        let arguments = json!({"count": 1024, "bytes": 65536});
        let call = client.message(
            "tools/call",
            &json!({"name": "chatter", "arguments": arguments, "_meta": {"progressToken": 1}}),
        );
        let mut raw = Raw::open(serving.address()).await;
        let headers: String =
            Modern::headers(&call).iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let body = call.to_string();
        let request = format!(
            "POST /mcp/hostile HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        assert!(raw.send(request).await);
        idle.push(raw);
    }
    record.until("chatter", 3).await;
    for _ in 0..3 {
        assert_eq!(rpc::text(&client.call("echo", &NOTHING).await), "echo");
    }
    // And who reads gets it all.
    let call = client.message(
        "tools/call",
        &json!({"name": "chatter", "arguments": {"count": 20, "bytes": 10}, "_meta": {"progressToken": 1}}),
    );
    let mut stream = client.stream(&call).await;
    for count in 1..=20 {
        assert_eq!(stream.next().await.expect("the stream goes on")["params"]["progress"], count);
    }
    assert_eq!(rpc::text(&stream.next().await.expect("there is an answer")), "chatter");
}

/// Catches: messages that wait for a client without a bound (`Mailbox::put`).
#[tokio::test]
async fn news_that_nobody_reads_is_dropped_and_the_newest_stays() {
    let serving = Serving::start(&json!({"hostile": gateway::server(HOSTILE, &[], &allow())})).await;
    let session = Session::begin(serving.url("hostile")).await;
    // 40 MiB in few messages, of which no more than 16 MiB wait.
    let arguments = json!({"count": 40, "bytes": 1 << 20});
    let mut call = session.stream(&rpc::call("other", "hold", &NOTHING)).await;
    assert_eq!(rpc::text(&session.call("news", &arguments).await), "news");
    session.notify("notifications/cancelled", &json!({"requestId": "other"})).await;
    while call.next().await.is_some() {}
    let mut stream = session.listen().await;
    let mut numbers = Vec::new();
    while numbers.last() != Some(&40) {
        let news = stream.message().await;
        let data = news["params"]["data"].as_str().unwrap_or_default();
        numbers.push(data.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0));
    }
    let expected: Vec<u32> = (41 - u32::try_from(numbers.len()).expect("few")..=40).collect();
    assert!(numbers.len() < 17 && numbers == expected, "{numbers:?}");
}

/// Catches: a response that is read on for ever after its answer (`unwanted` in `upstream/http`).
#[tokio::test]
async fn a_stream_that_goes_on_after_its_answer_is_dropped() {
    let (closed, was_closed) = tokio::sync::watch::channel(0);
    let server = HostileHttp::start(&["chatty", "silent", "document"], move |received| {
        let name = received.message["params"]["name"].as_str()?.to_owned();
        if name == "document" {
            // An answer that begins and does not end.
            let (sender, receiver) = tokio::sync::mpsc::channel(1);
            sender.try_send(Bytes::from_static(b"{")).ok()?;
            let closed = closed.clone();
            tokio::spawn(async move {
                sender.closed().await;
                closed.send_modify(|closed| *closed += 1);
            });
            return Some(reply(200, &[("content-type", "application/json")], Content::Pieces(receiver)));
        }
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let answer = framed(&[received.answer(&text(&name))]);
        let closed = closed.clone();
        tokio::spawn(async move {
            let mut open = sender.send(answer.into()).await.is_ok();
            if name == "silent" {
                sender.closed().await;
                open = false;
            }
            while open {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                let news = rpc::notification("notifications/message", &json!({"level": "info", "data": 1}));
                open = sender.send(framed(&[news]).into()).await.is_ok();
            }
            closed.send_modify(|closed| *closed += 1);
        });
        Some(stream(receiver))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let (session, modern) =
        (Session::begin(serving.url("hostile")).await, Modern::new(serving.url("hostile")));
    for name in ["chatty", "silent"] {
        assert_eq!(rpc::text(&session.call(name, &NOTHING).await), name);
        assert_eq!(rpc::text(&modern.call(name, &NOTHING).await), name);
    }
    let waiting = rpc::call("w", "document", &NOTHING).to_string();
    let cancel = async {
        until("the call came", || server.calls("document") == 1).await;
        session.notify("notifications/cancelled", &json!({"requestId": "w"})).await;
    };
    tokio::join!(session.post(waiting), cancel);
    until("all responses are closed", || *was_closed.borrow() == 5).await;
    session.assert_usable("it").await;
}

/// Catches: a server that has the gateway come back at once, for ever (`SHORTEST_PAUSE`).
#[tokio::test]
async fn a_server_cannot_have_its_stream_taken_up_without_pause() {
    let ids = std::sync::atomic::AtomicU64::new(0);
    let begin = std::time::Instant::now();
    let server = HostileHttp::start(&["a"], move |received| {
        let id = ids.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let again = || events(format!("id: {id}\nretry: 0\ndata: \n\n"));
        (received.http_method == "GET" || received.calls("a")).then(again)
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let session = Session::begin(serving.url("hostile")).await;
    let _stream = session.listen().await;
    let gets = || server.count(|received| received.http_method == "GET");
    until("the stream is taken up again and again", || gets() >= 5).await;
    let most = 2 + begin.elapsed().as_millis() / 100;
    assert!(gets() as u128 <= most, "{} in {:?}", gets(), begin.elapsed());
}

/// Catches: a catalogue without bounds: of pages, of entries, of pages that go round (`catalogue::read`).
#[tokio::test]
async fn a_list_without_end_is_given_up() {
    for (case, length) in [("itself", 1), ("a circle", 3)] {
        let server = HostileHttp::start(&[], move |received| {
            if received.method() != "tools/list" {
                return None;
            }
            let page: usize =
                received.message["params"]["cursor"].as_str().and_then(|page| page.parse().ok()).unwrap_or(0);
            let next = if page == length { 1 } else { page + 1 };
            let tools = json!([{"name": format!("t{page}"), "inputSchema": {"type": "object"}}]);
            let result = json!({"resultType": "complete", "tools": tools, "nextCursor": next.to_string()});
            Some(message(&received.answer(&result)))
        })
        .await;
        let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
        let session = Session::begin(serving.url("hostile")).await;
        let answer = session.call("t1", &NOTHING).await;
        assert!(rpc::error(&answer).1.contains("circles"), "{case}: {answer}");
        let pages = server.count(|received| received.method() == "tools/list");
        assert_eq!(pages, length + 1, "{case}");
        assert_eq!(server.calls("t1"), 0);
        // The client's own way through the pages is its own.
        assert_eq!(rpc::tools(&session.request("tools/list", &json!({"cursor": "1"})).await), ["t1"]);
    }
}

/// Catches: a compressed answer that is unpacked, whatever its size, and one that is read as it is.
#[tokio::test]
async fn nothing_is_unpacked() {
    // The beginning of a gzip stream, as an answer and as a message.
    let packed = Bytes::from_static(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xc1\x01\x0d\x00\x00\x00");
    let answer = packed.clone();
    let server = HostileHttp::start(&["a", "b"], move |received| {
        let media = match received.message["params"]["name"].as_str()? {
            "a" => "application/json",
            _ => "text/event-stream",
        };
        let headers = [("content-type", media), ("content-encoding", "gzip")];
        Some(reply(200, &headers, Content::Whole(Some(answer.clone()))))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let (session, modern) =
        (Session::begin(serving.url("hostile")).await, Modern::new(serving.url("hostile")));
    for tool in ["a", "b"] {
        for answer in [session.call(tool, &NOTHING).await, modern.call(tool, &NOTHING).await] {
            assert_eq!(rpc::error(&answer).0, -32603, "{answer}");
        }
    }
    assert!(server.received().iter().all(|received| !received.headers.contains_key("accept-encoding")));
    let headers = [POST, &session.headers(), &[("content-encoding", "gzip")]].concat();
    let refused = Http::default().send("POST", serving.url("hostile"), &headers, packed).await;
    assert_eq!(refused.status, 415);
}

/// Catches: a result that is longer than it may be, in one piece or in events (`Limited`, `sse::Parser`).
#[tokio::test]
async fn a_long_answer_is_an_error_of_its_own_call() {
    let server = HostileHttp::start(&["a", "b", "c"], |received| {
        let answer = received.answer(&text(&"a".repeat(100_000)));
        match received.message["params"]["name"].as_str()? {
            "a" => Some(message(&answer)),
            "b" => Some(events(framed(&[answer]))),
            _ => Some(status(500)),
        }
    })
    .await;
    let serving = serve(json!({"response": 65536}), server.server(&allow())).await;
    let (session, modern) =
        (Session::begin(serving.url("hostile")).await, Modern::new(serving.url("hostile")));
    for tool in ["a", "b", "c"] {
        for answer in [session.call(tool, &NOTHING).await, modern.call(tool, &NOTHING).await] {
            assert_eq!(rpc::error(&answer).0, -32603, "{tool}: {answer}");
        }
    }
    session.assert_usable("long answers").await;
}
