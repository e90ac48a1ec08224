//! Requests that something else may read differently, as bytes.

use bartizan_tests::connection::Raw;
use serde_json::json;

use crate::serving_under;

/// A request, HOST being the gateway's address, and the status it gets. 405 is that of a request of which
/// nothing is wrong but the method.
const CASES: &[(&str, &str, u16)] = &[
    ("one length", "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}", 405),
    (
        "chunks",
        "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        405,
    ),
    (
        "both",
        "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
    ),
    (
        "both, the other way round",
        "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        400,
    ),
    (
        "both, in capitals",
        "PUT /mcp/fake HTTP/1.1\r\nTRANSFER-ENCODING: chunked\r\nHost: HOST\r\nCONTENT-LENGTH:2\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "both, and a length that is none",
        "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "both, and bare line feeds",
        "PUT /mcp/fake HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\nContent-Length: 2\n\n0\r\n\r\n",
        400,
    ),
    (
        "two lengths",
        "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        400,
    ),
    ("two lengths in one", "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2, 2\r\n\r\n{}", 400),
    ("a length with a sign", "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nContent-Length: +2\r\n\r\n{}", 400),
    ("a space before the colon", "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nContent-Length : 2\r\n\r\n{}", 400),
    ("a folded header", "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nX: a\r\n b\r\n\r\n", 400),
    (
        "chunks that are not last",
        "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "something like chunks",
        "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunks in HTTP/1.0",
        "PUT /mcp/fake HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("no host", "PUT /mcp/fake HTTP/1.1\r\n\r\n", 403),
    ("two hosts", "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n", 400),
    ("a host twice", "PUT /mcp/fake HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n", 400),
    ("a whole URL", "PUT http://HOST/mcp/fake HTTP/1.1\r\nHost: HOST\r\n\r\n", 405),
    ("a whole URL of another host", "PUT http://evil.example/mcp/fake HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    ("a whole URL and another host", "PUT http://HOST/mcp/fake HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    ("a whole URL with a user", "PUT http://HOST@evil.example/mcp/fake HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
];

#[tokio::test]
async fn what_is_ambiguous_is_refused() {
    let serving = serving_under(json!({})).await;
    let host = serving.address().to_string();
    for (case, request, expected) in CASES {
        let mut raw = Raw::open(serving.address()).await;
        assert!(raw.send(request.replace("HOST", &host)).await, "{case}");
        let head = raw.until("\r\n\r\n").await;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        assert_eq!(status, Some(*expected), "{case}: {head}");
    }
}

#[tokio::test]
async fn nothing_is_read_after_an_ambiguous_request() {
    let serving = serving_under(json!({})).await;
    let host = serving.address();
    for first in
        ["Content-Length: 2\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 2"]
    {
        let mut raw = Raw::open(host).await;
        // The header is found also when it comes in pieces, and behind a request that is fine.
        let fine = format!("PUT /mcp/fake HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n{{}}");
        assert!(raw.send(&fine).await);
        let answer = raw.until("}}").await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        let (left, right) = first.split_at(7);
        assert!(raw.send(format!("PUT /mcp/fake HTTP/1.1\r\nHost: {host}\r\n{left}")).await);
        assert!(
            raw.send(format!("{right}\r\n\r\n0\r\n\r\nPUT /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n")).await
        );
        let rest = String::from_utf8(raw.rest().await).unwrap();
        assert!(rest.starts_with("HTTP/1.1 400 "), "{rest}");
        assert_eq!(rest.matches("HTTP/1.1").count(), 1, "{rest}");
    }
}

#[tokio::test]
async fn headers_have_a_limit() {
    let serving = serving_under(json!({"headers": 20, "header_bytes": 8192})).await;
    let host = serving.address();
    let many = |count: usize| "X: 1\r\n".repeat(count);
    for (case, headers, expected) in [
        ("as many as may be", many(19), 405),
        ("one more", many(20), 431),
        ("large ones", format!("X: {}\r\n", "x".repeat(6_000)), 405),
        ("larger ones", format!("X: {}\r\n", "x".repeat(9_000)), 431),
    ] {
        let mut raw = Raw::open(host).await;
        raw.send(format!("PUT /mcp/fake HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")).await;
        let head = raw.until("\r\n\r\n").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{case}: {head}");
    }
}
