//! What HTTP says: statuses, and to whom the gateway listens.

use bartizan_tests::fake_http::{self, FakeHttp, Reply};
use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::{Headers, Http, POST, Session};
use bartizan_tests::rpc;
use serde_json::{Value, json};

use crate::FAKE;

const JSON: (&str, &str) = ("content-type", "application/json");
const BOTH: (&str, &str) = ("accept", "application/json, text/event-stream");
/// Stands for the session's id.
const THIS_SESSION: &str = "(this session)";
const SESSION: (&str, &str) = ("mcp-session-id", THIS_SESSION);

/// One HTTP request: its name, method, path after the server's URL, headers, and the status it gets.
type Case<'c> = (&'c str, &'c str, &'c str, &'c Headers<'c>, u16);

const CASES: &[Case<'static>] = &[
    ("all is well", "POST", "", &[JSON, BOTH, SESSION], 200),
    ("no session", "POST", "", &[JSON, BOTH], 400),
    ("an unknown session", "POST", "", &[JSON, BOTH, ("mcp-session-id", "unknown")], 404),
    ("two sessions", "POST", "", &[JSON, BOTH, SESSION, SESSION], 400),
    ("a local page", "POST", "", &[JSON, BOTH, SESSION, ("origin", "http://localhost:6274")], 200),
    ("a strange origin", "POST", "", &[JSON, BOTH, SESSION, ("origin", "http://evil.example")], 403),
    (
        "a lookalike origin",
        "POST",
        "",
        &[JSON, BOTH, SESSION, ("origin", "http://localhost.evil.example")],
        403,
    ),
    ("an opaque origin", "POST", "", &[JSON, BOTH, SESSION, ("origin", "null")], 403),
    ("a local host", "POST", "", &[JSON, BOTH, SESSION, ("host", "localhost:1")], 200),
    ("a strange host", "POST", "", &[JSON, BOTH, SESSION, ("host", "evil.example")], 403),
    ("a lookalike host", "POST", "", &[JSON, BOTH, SESSION, ("host", "127.0.0.1.evil.example")], 403),
    ("no content type", "POST", "", &[BOTH, SESSION], 415),
    ("plain text", "POST", "", &[("content-type", "text/plain"), BOTH, SESSION], 415),
    ("a form", "POST", "", &[("content-type", "application/x-www-form-urlencoded"), BOTH, SESSION], 415),
    ("a charset", "POST", "", &[("content-type", "application/json; charset=utf-8"), BOTH, SESSION], 200),
    (
        "another charset",
        "POST",
        "",
        &[("content-type", "application/json; charset=utf-16"), BOTH, SESSION],
        415,
    ),
    ("a compressed body", "POST", "", &[JSON, BOTH, SESSION, ("content-encoding", "gzip")], 415),
    ("JSON alone", "POST", "", &[JSON, ("accept", "application/json"), SESSION], 406),
    ("events alone", "POST", "", &[JSON, ("accept", "text/event-stream"), SESSION], 406),
    ("anything", "POST", "", &[JSON, ("accept", "*/*"), SESSION], 200),
    ("a known revision", "POST", "", &[JSON, BOTH, SESSION, ("mcp-protocol-version", "2025-06-18")], 200),
    ("an unknown revision", "POST", "", &[JSON, BOTH, SESSION, ("mcp-protocol-version", "1999-01-01")], 400),
    (
        "two revisions",
        "POST",
        "",
        &[
            JSON,
            BOTH,
            SESSION,
            ("mcp-protocol-version", "2025-06-18"),
            ("mcp-protocol-version", "2025-11-25"),
        ],
        400,
    ),
    ("a stream without a session", "GET", "", &[("accept", "text/event-stream")], 400),
    ("a stream of JSON", "GET", "", &[("accept", "application/json"), SESSION], 406),
    ("a strange page's stream", "GET", "", &[BOTH, SESSION, ("origin", "http://evil.example")], 403),
    ("the end of no session", "DELETE", "", &[], 400),
    ("the end of an unknown session", "DELETE", "", &[("mcp-session-id", "unknown")], 404),
    ("another method", "PUT", "", &[JSON, BOTH, SESSION], 405),
    ("a preflight", "OPTIONS", "", &[("origin", "http://evil.example")], 403),
    ("an unknown server", "POST", "2", &[JSON, BOTH, SESSION], 404),
    ("below a server", "POST", "/x", &[JSON, BOTH, SESSION], 404),
];

#[tokio::test]
async fn every_status() {
    let policy = json!({"version": "1", "default": "allow"});
    let serving = Serving::start(&json!({"fake": gateway::server(FAKE, &[], &policy)})).await;
    let session = Session::begin(serving.url("fake")).await;
    let http = Http::default();
    let ping = rpc::request(1, "ping", &json!({})).to_string();
    for &(case, method, path, headers, status) in CASES {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|&(name, value)| (name, if value == THIS_SESSION { session.id() } else { value }))
            .collect();
        let url = format!("{}{path}", serving.url("fake"));
        let body = if method == "POST" { ping.clone() } else { String::new() };
        let answer = http.send(method, &url, &headers, body).await;
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        let message = answer.json();
        if status == 200 {
            assert_eq!(message, json!({"jsonrpc": "2.0", "id": 1, "result": {}}), "{case}");
        } else {
            assert_eq!(answer.header("content-type"), Some("application/json"), "{case}");
            assert_eq!(rpc::error(&message).0, -32600, "{case}: {message}");
        }
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("POST, GET, DELETE"), "{case}");
        }
    }
    session.assert_usable("all of them").await;
}

#[tokio::test]
async fn names_that_the_configuration_allows_are_let_in() {
    let policy = json!({"version": "1", "default": "allow"});
    let serving = Serving::start_with(json!({
        "allowed_hosts": ["gateway.example"],
        "allowed_origins": ["https://app.example"],
        "mcpServers": {"fake": gateway::server(FAKE, &[], &policy)},
    }))
    .await;
    let initialize = rpc::initialize(0).to_string();
    for (host, origin, status) in [
        ("gateway.example", "https://app.example", 200),
        ("gateway.example", "http://app.example", 403),
        ("app.example", "https://app.example", 403),
    ] {
        let headers = [POST, &[("host", host), ("origin", origin)]].concat();
        let answer = Http::default().send("POST", serving.url("fake"), &headers, initialize.clone()).await;
        assert_eq!(answer.status, status, "{host} {origin}: {answer:?}");
    }
}

#[tokio::test]
async fn the_modern_era_is_refused_for_a_server_that_does_not_speak_it() {
    let policy = json!({"version": "1", "default": "allow"});
    let serving = Serving::start(&json!({"fake": gateway::server(FAKE, &[], &policy)})).await;
    let modern = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }});
    let version = ("mcp-protocol-version", "2026-07-28");
    let method = ("mcp-method", "server/discover");
    let cases: [(&str, &Headers<'_>, Value, i64); 4] = [
        ("in the body only", &[method], modern.clone(), -32020),
        ("in the header only", &[version, method], json!({}), -32602),
        ("without the method", &[version], modern.clone(), -32020),
        ("as it must be", &[version, method], modern, -32601),
    ];
    for (case, headers, params, code) in cases {
        let body = rpc::request(3, "server/discover", &params).to_string();
        let headers = [POST, headers].concat();
        let answer = Http::default().send("POST", serving.url("fake"), &headers, body).await;
        assert_eq!(answer.status, 400, "{case}");
        let message = answer.json();
        assert_eq!((&message["id"], rpc::error(&message).0), (&json!(3), code), "{case}: {message}");
    }
}

/// What the gateway is to a server that is reached over HTTP.
#[tokio::test]
async fn a_server_over_http_gets_its_own_session_and_headers() {
    let server = FakeHttp::start(|received| match received.method() {
        "tools/list" => Reply::Result(json!({"tools": [{"name": "a"}]})),
        "tools/call" => Reply::Result(json!({"content": []})),
        _ => Reply::Usual,
    })
    .await;
    let policy = json!({"version": "1", "default": "allow"});
    let entry = json!({"url": server.url(), "headers": {"Authorization": "Bearer t"}, "policy": policy});
    let serving = Serving::start(&json!({"fake": entry})).await;
    let session = Session::begin(serving.url("fake")).await;
    session.call("a", &json!({})).await;
    let headers = [POST, &session.headers(), &[("cookie", "c=1"), ("x-client", "1")]].concat();
    let ping = rpc::request(9, "ping", &json!({})).to_string();
    Http::default().send("POST", serving.url("fake"), &headers, ping).await;
    assert_eq!(session.delete().await.status, 204);
    let ended = || server.received().iter().any(|received| received.http_method == "DELETE");
    bartizan_tests::waiting::until("the server's session is ended", ended).await;

    let received = server.received();
    let header = |index: usize, name: &str| -> Option<String> {
        received[index].headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    for (index, one) in received.iter().enumerate() {
        assert_eq!(header(index, "authorization").as_deref(), Some("Bearer t"), "{one:?}");
        for own in ["cookie", "x-client", "origin"] {
            assert_eq!(header(index, own), None, "{one:?}");
        }
        let expected = (one.method() != "initialize").then_some(fake_http::SESSION);
        assert_eq!(header(index, "mcp-session-id").as_deref(), expected, "{one:?}");
        let expected = (one.method() != "initialize").then_some(rpc::REVISION);
        assert_eq!(header(index, "mcp-protocol-version").as_deref(), expected, "{one:?}");
    }
}
