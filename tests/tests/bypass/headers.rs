//! Classes 5 and 20: headers that say another thing than the body, and headers of the server's.

use bartizan_tests::gateway::Serving;
use bartizan_tests::hostile_http::{Content, HostileHttp, reply, text};
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::rpc;
use bartizan_tests::workshop::Workshop;
use serde_json::{Value, json};

use crate::modern::Modern;
use crate::{allow, hide};

/// Catches: headers that decide instead of the body, or that need not agree with it (`stateless::check`). A real
/// server behind it, which looks at the headers as well.
#[tokio::test]
async fn headers_have_to_say_what_the_body_says() {
    let workshop = Workshop::new();
    let served = workshop.serve().await;
    let policy = json!({"version": "1", "default": "allow", "hide": ["secret"]});
    let serving = Serving::start(&json!({"workshop": {"url": served.url(), "policy": policy}})).await;
    let client = Modern::new(serving.url("workshop"));
    let version = ("mcp-protocol-version", "2026-07-28");
    let method = ("mcp-method", "tools/call");
    let stamp = client.message("tools/call", &json!({"name": "stamp", "arguments": {"key": "k"}}));
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("another name", &[version, method, ("mcp-name", "quick")]),
        ("no name", &[version, method]),
        ("an empty name", &[version, method, ("mcp-name", "")]),
        ("another case", &[version, method, ("mcp-name", "Stamp")]),
        ("two names", &[version, method, ("mcp-name", "stamp"), ("mcp-name", "quick")]),
        ("the same name twice", &[version, method, ("mcp-name", "stamp"), ("mcp-name", "stamp")]),
        ("joined names", &[version, method, ("mcp-name", "stamp, quick")]),
        ("another name in base64", &[version, method, ("mcp-name", "=?base64?cXVpY2s=?=")]),
        ("bad base64", &[version, method, ("mcp-name", "=?base64?c3RhbXA?=")]),
        ("the marker in capitals", &[version, method, ("mcp-name", "=?BASE64?c3RhbXA=?=x")]),
        ("another method", &[version, ("mcp-method", "tools/list"), ("mcp-name", "stamp")]),
        ("no method", &[version, ("mcp-name", "stamp")]),
        ("two methods", &[version, method, ("mcp-method", "ping"), ("mcp-name", "stamp")]),
        ("no version", &[method, ("mcp-name", "stamp")]),
        ("another version", &[("mcp-protocol-version", "2025-11-25"), method, ("mcp-name", "stamp")]),
        ("an unknown version", &[("mcp-protocol-version", "2099-01-01"), method, ("mcp-name", "stamp")]),
        ("two versions", &[version, ("mcp-protocol-version", "2025-11-25"), method, ("mcp-name", "stamp")]),
    ];
    for (case, headers) in cases {
        let answer = client.post_as(&stamp, headers).await;
        assert_eq!(answer.status, 400, "{case}: {answer:?}");
    }
    assert_eq!(workshop.notes("k"), [""; 0]);
    // The body says what is done: a hidden tool stays so whatever the headers say.
    let secret = client.message("tools/call", &json!({"name": "secret", "arguments": {"key": "k"}}));
    for name in ["secret", "=?base64?c2VjcmV0?="] {
        let answer = client.post_as(&secret, &[version, method, ("mcp-name", name)]).await.json();
        rpc::assert_unknown_tool(&answer, "secret");
    }
    let encoded = client.post_as(&stamp, &[version, method, ("mcp-name", "=?base64?c3RhbXA=?=")]).await;
    assert_eq!(encoded.status, 200, "{encoded:?}");
    assert_eq!(workshop.notes("k"), ["stamp"]);
}

/// Catches: a way around the rules of one era through the other (`Front::post`): both have the same policy.
#[tokio::test]
async fn no_era_is_a_way_around_the_other() {
    let workshop = Workshop::new();
    let served = workshop.serve().await;
    let policy = json!({"version": "1", "default": "allow", "hide": ["secret"]});
    let serving = Serving::start(&json!({"workshop": {"url": served.url(), "policy": policy}})).await;
    let url = serving.url("workshop");
    let (session, modern) = (Session::begin(url).await, Modern::new(url));
    let params = json!({"name": "secret", "arguments": {"key": "k"}});
    rpc::assert_unknown_tool(&session.request("tools/call", &params).await, "secret");
    rpc::assert_unknown_tool(&modern.request("tools/call", &params).await, "secret");
    let modern_body = modern.message("tools/call", &params);
    let legacy_body = rpc::request(1, "tools/call", &params);
    let own = session.headers();
    let modern_headers = Modern::headers(&modern_body);
    let modern_headers: Vec<(&str, &str)> =
        modern_headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (case, body, headers) in [
        ("a body of the new era in a session", &modern_body, own.to_vec()),
        ("a body of the old era with the new headers", &legacy_body, modern_headers.clone()),
        ("all headers, the old body", &legacy_body, [&own[..1], &modern_headers].concat()),
        ("all headers, the new body", &modern_body, [&own[..1], &modern_headers].concat()),
        ("no version, a session", &legacy_body, own[..1].to_vec()),
        ("no version, the new body, a session", &modern_body, own[..1].to_vec()),
        ("no header at all", &modern_body, Vec::new()),
        ("no header at all, the old body", &legacy_body, Vec::new()),
        // The real servers of the old era do not look at these.
        ("lies", &legacy_body, [&own[..], &[("mcp-name", "quick"), ("mcp-method", "ping")]].concat()),
    ] {
        let answer = modern.post_as(body, &headers).await;
        let said = answer.json();
        assert!(
            answer.status == 400 || said["error"]["message"] == "Unknown tool: secret",
            "{case}: {answer:?}"
        );
    }
    for method in ["server/discover", "subscriptions/listen", "tasks/update"] {
        assert_eq!(rpc::error(&session.request(method, &json!({})).await).0, -32601, "{method} in a session");
    }
    for method in ["initialize", "ping", "logging/setLevel", "tasks/result", "resources/subscribe"] {
        let params = json!({"uri": "test://a", "taskId": "t"});
        assert_eq!(rpc::error(&modern.request(method, &params).await).0, -32601, "{method} without one");
    }
    assert_eq!(workshop.notes("k"), [""; 0]);
}

/// Catches: headers of the client that reach the server as they are (`describe`), and what the server says of
/// cross-origin requests, cookies and authentication passed on (`Front::answer`).
#[tokio::test]
async fn headers_end_at_the_gateway_in_both_directions() {
    let server = HostileHttp::start(&["a"], |received| {
        let headers = [
            ("content-type", "application/json"),
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
            ("set-cookie", "a=b"),
            ("www-authenticate", "Bearer realm=\"upstream\""),
            ("location", "https://evil.example/"),
            ("mcp-session-id", "the-servers-own"),
        ];
        let body = received.answer(&text("a")).to_string();
        received.calls("a").then(|| reply(200, &headers, Content::Whole(Some(body.into()))))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&hide())})).await;
    let url = serving.url("hostile");
    let (session, modern) = (Session::begin(url).await, Modern::new(url));
    let lies = [
        ("authorization", "Bearer client"),
        ("cookie", "c=1"),
        ("x-forwarded-for", "1.2.3.4"),
        ("proxy-authorization", "Basic eA=="),
        ("last-event-id", "1"),
        ("origin", "http://localhost:1"),
    ];
    let legacy = rpc::call(1, "a", &json!({})).to_string();
    let own = [("mcp-name", "delete_run"), ("mcp-method", "ping")];
    let headers = [POST, &session.headers(), &lies, &own].concat();
    let first = Http::default().send("POST", url, &headers, legacy).await;
    let call = modern.message("tools/call", &json!({"name": "a", "arguments": {}}));
    let second = modern.post(&call, &lies).await;
    for answer in [first, second] {
        assert_eq!(rpc::text(&answer.json()), "a");
        for name in [
            "access-control-allow-credentials",
            "set-cookie",
            "www-authenticate",
            "location",
            "mcp-session-id",
        ] {
            assert_eq!(answer.header(name), None, "{name}");
        }
        assert_ne!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let calls: Vec<_> = server.received().into_iter().filter(|received| received.calls("a")).collect();
    assert_eq!(calls.len(), 2);
    for received in &calls {
        let header = |name: &str| received.headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("authorization"), Some("Bearer secret"));
        for name in ["cookie", "x-forwarded-for", "proxy-authorization", "last-event-id", "origin"] {
            assert_eq!(header(name), None, "{name}");
        }
        assert_ne!(header("mcp-name"), Some("delete_run"));
        assert_ne!(header("mcp-method"), Some("ping"));
    }
}

/// Catches: `Mcp-Param-…` headers that need not agree with the arguments (`parameters::headers`).
#[tokio::test]
async fn arguments_in_headers_have_to_be_the_arguments() {
    let schema = json!({"type": "object", "properties": {"run": {"type": "string", "x-mcp-header": "Run"}}});
    let server = HostileHttp::start(&[], move |received| {
        let result = json!({"resultType": "complete", "tools": [{"name": "a", "inputSchema": schema}], "ttlMs": 0,
            "cacheScope": "public"});
        (received.method() == "tools/list").then(|| bartizan_tests::hostile_http::message(&received.answer(&result)))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let client = Modern::new(serving.url("hostile"));
    let call = client.message("tools/call", &json!({"name": "a", "arguments": {"run": "one"}}));
    for (case, headers) in [
        ("another", &[("mcp-param-run", "two")][..]),
        ("none", &[][..]),
        ("two", &[("mcp-param-run", "one"), ("mcp-param-run", "two")][..]),
    ] {
        let answer = client.post(&call, headers).await;
        assert_eq!((answer.status, rpc::error(&answer.json()).0), (400, -32020), "{case}");
    }
    assert_eq!(server.calls("a"), 0);
    let answer = client.post(&call, &[("mcp-param-run", "one"), ("mcp-param-other", "x")]).await;
    assert_eq!(answer.status, 200);
    let sent: Vec<Value> = server
        .received()
        .iter()
        .filter(|received| received.calls("a"))
        .map(|received| json!(received.headers.get("mcp-param-run").and_then(|value| value.to_str().ok())))
        .collect();
    assert_eq!(sent, [json!("one")]);
}
