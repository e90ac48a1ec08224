//! HTTP/2: many requests on one connection, streams, and floods.

use bartizan_tests::connection::{Connection, Raw};
use bartizan_tests::rpc;
use bartizan_tests::waiting::{SOON, within};
use http::Version;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::serving_under;

#[tokio::test]
async fn requests_share_a_connection() {
    let serving = serving_under(json!({"connections": 1})).await;
    let mut connection = Connection::h2c(serving.url("fake"), serving.address()).await;
    let session = connection.begin().await;
    let held: Vec<_> = (0..50)
        .map(|id| {
            let (mut connection, session) = (connection.another(), session.clone());
            tokio::spawn(async move { connection.post(&session, &rpc::call(id, "hold", &json!({}))).await })
        })
        .collect();
    // Held calls are answered, the last first, by a call that overtakes all of them.
    let mut answered = 0;
    let mut released = 100;
    let all = async {
        while answered < held.len() {
            let release = rpc::call(released, "release", &json!({}));
            let (version, answer) = connection.post(&session, &release).await;
            assert_eq!((version, rpc::text(&answer.json())), (Version::HTTP_2, "released"));
            released += 1;
            answered = held.iter().filter(|held| held.is_finished()).count();
        }
    };
    within(SOON, "every call is answered", all).await;
    for (id, held) in held.into_iter().enumerate() {
        let (_, answer) = held.await.unwrap();
        let message = answer.json();
        assert_eq!((&message["id"], rpc::text(&message)), (&json!(id), "held"));
    }
}

#[tokio::test]
async fn a_stream_shares_it_too() {
    let serving = serving_under(json!({"connections": 1, "keep_alive": "1s"})).await;
    let mut connection = Connection::h2c(serving.url("fake"), serving.address()).await;
    let session = connection.begin().await;
    let headers = [("accept", "text/event-stream"), ("mcp-session-id", session.as_str())];
    let response = connection.another().open("GET", &headers, "").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (_, answer) = connection.post(&session, &rpc::request(1, "ping", &json!({}))).await;
    assert_eq!(answer.status, 200);
    let (_, answer) = connection.send("DELETE", &[("mcp-session-id", &session)], "").await;
    assert_eq!(answer.status, 204);
    within(SOON, "the stream ends with its session", response.into_body().collect()).await.unwrap();
}

#[tokio::test]
async fn headers_have_a_limit_here_as_well() {
    let serving = serving_under(json!({"headers": 20, "header_bytes": 8192})).await;
    let large = "x".repeat(9_000);
    // The client adds a length.
    let mut many = vec![("x", "1"); 19];
    for (case, headers, expected) in [
        ("as many as may be", many.clone(), 405),
        (
            "one more",
            {
                many.push(("x", "1"));
                many.clone()
            },
            431,
        ),
        ("large ones", vec![("x", large.as_str())], 431),
    ] {
        let mut connection = Connection::h2c(serving.url("fake"), serving.address()).await;
        let (_, answer) = connection.send("PUT", &headers, "").await;
        assert_eq!(answer.status, expected, "{case}");
    }
}

#[tokio::test]
async fn the_host_is_checked_here_as_well() {
    let serving = serving_under(json!({})).await;
    for (host, origin, expected) in [
        (None, None, 405),
        (Some("evil.example"), None, 400),
        (None, Some("https://evil.example"), 403),
        (None, Some("http://localhost:1"), 405),
    ] {
        let mut connection = Connection::h2c(serving.url("fake"), serving.address()).await;
        let headers: Vec<_> = [("host", host), ("origin", origin)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let (_, answer) = connection.send("PUT", &headers, "").await;
        assert_eq!(answer.status, expected, "{host:?} {origin:?}");
    }
}

/// CVE-2023-44487: requests that are taken back at once cost their sender nothing.
#[tokio::test]
async fn a_flood_of_resets_ends_the_connection() {
    const HEADERS: u8 = 1;
    const RESET: u8 = 3;
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;
    const CALM: u8 = 11;
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    };
    let serving = serving_under(json!({})).await;
    let mut raw = Raw::open(serving.address()).await;
    let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    flood.extend(frame(SETTINGS, 0, 0, &[]));
    for stream in (1..4_000).step_by(2) {
        // GET http://localhost/, in HPACK; the end of the headers and of the request.
        flood.extend(frame(HEADERS, 0b101, stream, b"\x82\x86\x84\x01\x09localhost"));
        flood.extend(frame(RESET, 0, stream, &8_u32.to_be_bytes()));
    }
    raw.send(flood).await;
    let said = raw.rest().await;
    let mut rest = said.as_slice();
    let mut reason = None;
    while let Some((head, after)) = rest.split_at_checked(9) {
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        let Some((payload, after)) = after.split_at_checked(length) else { break };
        if head[3] == GOAWAY {
            reason = payload.get(7).copied();
        }
        rest = after;
    }
    assert_eq!(reason, Some(CALM), "{said:?}");
    let mut connection = Connection::h2c(serving.url("fake"), serving.address()).await;
    connection.begin().await;
}
