//! Clients that do not send, do not read, or are too many.

use bartizan_tests::connection::{Connection, Raw};
use bartizan_tests::gateway::Serving;
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use bartizan_tests::waiting::{self, SOON};
use serde_json::json;

use crate::serving_under;

fn request(serving: &Serving) -> String {
    format!("PUT /mcp/fake HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", serving.address())
}

#[tokio::test]
async fn a_request_has_to_come_in_time() {
    let serving = serving_under(json!({"header_timeout": "300ms", "idle_connection": "1h"})).await;
    for (case, sent) in [
        ("nothing", ""),
        ("half a line", "POST /mcp"),
        ("half a head", "POST /mcp/fake HTTP/1.1\r\nHost: localhost\r\n"),
        ("half a preface", "PRI * HTTP/2.0\r\n"),
        ("only a preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0"),
    ] {
        let mut raw = Raw::open(serving.address()).await;
        assert!(raw.send(sent).await, "{case}");
        let said = raw.rest().await;
        assert!(!said.starts_with(b"HTTP/1.1 2"), "{case}: {said:?}");
    }
    // A byte now and then gains nothing, neither in the first request nor in the second.
    let mut raw = Raw::open(serving.address()).await;
    raw.send("POST /mcp/fake HTTP/1.1\r\nX: ").await;
    raw.trickle(b'x').await;
    let mut raw = Raw::open(serving.address()).await;
    raw.send(request(&serving)).await;
    raw.until("}}").await;
    raw.trickle(b'x').await;
}

#[tokio::test]
async fn a_body_has_to_come_in_time() {
    let serving = serving_under(json!({"body_timeout": "300ms", "idle_connection": "1h"})).await;
    let head = |length: &str| {
        format!(
            "POST /mcp/fake HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: */*\r\n{length}\r\n\r\n",
            serving.address()
        )
    };
    for (case, head, byte) in [
        ("a length", head("Content-Length: 4000000"), b' '),
        ("chunks", head("Transfer-Encoding: chunked") + "f4240\r\n", b' '),
        ("half a chunk's length", head("Transfer-Encoding: chunked"), b'0'),
    ] {
        let mut raw = Raw::open(serving.address()).await;
        assert!(raw.send(head).await, "{case}");
        let said = String::from_utf8(raw.trickle(byte).await).unwrap();
        let refused =
            said.starts_with("HTTP/1.1 408 ") && said.contains("the body did not come within 0.3 s");
        assert!(refused || (case.starts_with("half") && said.starts_with("HTTP/1.1 400 ")), "{case}: {said}");
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_much_too_long_is_not_waited_for() {
    let serving = serving_under(json!({"body": 1024, "body_timeout": "1h"})).await;
    let mut raw = Raw::open(serving.address()).await;
    let head = format!(
        "POST /mcp/fake HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 2049\r\n\r\n",
        serving.address()
    );
    assert!(raw.send(head).await);
    let head = raw.until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
}

#[tokio::test]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let serving = serving_under(json!({"header_timeout": "200ms", "idle_connection": "300ms"})).await;
    let session = Session::begin(serving.url("fake")).await;
    let mut events = session.listen().await;
    let held = async { session.call("hold", &json!({})).await };
    let released = async {
        // Three lives of an idle connection, one after the other, in both protocols.
        for _ in 0..3 {
            let mut raw = Raw::open(serving.address()).await;
            raw.send(request(&serving)).await;
            raw.until("}}").await;
            assert_eq!(raw.rest().await, b"", "an idle connection is closed without a word");
            let mut h2c = Connection::h2c(serving.url("fake"), serving.address()).await;
            assert_eq!(h2c.send("PUT", &[], "").await.1.status, 405);
            assert!(h2c.closed().await, "HTTP/2 says goodbye");
        }
        session.call("release", &json!({})).await
    };
    let (held, _) = tokio::join!(held, released);
    assert_eq!(rpc::text(&held), "held");
    // The stream was silent all the time, and is still there.
    assert_eq!(session.delete().await.status, 204);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_client_has_to_read() {
    let serving = serving_under(json!({"idle_connection": "300ms"})).await;
    let session = Session::begin(serving.url("fake")).await;
    let text = "x".repeat(3 << 20);
    let body = rpc::call(1, "echo", &json!({"text": text})).to_string();
    let request = format!(
        "POST /mcp/fake HTTP/1.1\r\nHost: {}\r\nMcp-Session-Id: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        serving.address(),
        session.id(),
        body.len()
    );
    let mut raw = Raw::open(serving.address()).await;
    // More answers than the buffers on the way can hold; none is read.
    let mut gone = false;
    let writing = async {
        while !gone {
            gone = !raw.send(&request).await;
        }
    };
    waiting::within(SOON, "the gateway gives the client up", writing).await;
    session.assert_usable("a client that does not read").await;
}

#[tokio::test]
async fn there_are_only_so_many_connections() {
    let serving = serving_under(json!({"connections": 2, "idle_connection": "1h"})).await;
    let open = async || {
        let mut raw = Raw::open(serving.address()).await;
        raw.send(request(&serving)).await;
        raw
    };
    let (mut one, mut two) = (open().await, open().await);
    one.until("}}").await;
    two.until("}}").await;
    for _ in 0..20 {
        assert_eq!(open().await.rest().await, b"", "one too many is closed at once");
    }
    let log = serving.log();
    assert_eq!(log.matches("too many connections").count(), 1, "{log}");
    // Whoever was there stays, and a place that comes free is given away.
    one.send(request(&serving)).await;
    one.until("}}").await;
    drop(two);
    let again = async {
        loop {
            if !open().await.answer().await.is_empty() {
                break;
            }
        }
    };
    waiting::within(SOON, "there is a place again", again).await;
}
