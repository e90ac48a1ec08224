//! TLS: what is agreed on, whom it turns away, and a certificate that changes.

use bartizan_tests::certificates::{Authority, Files};
use bartizan_tests::connection::{self, Connection, Raw, shake_hands};
use bartizan_tests::gateway::{self, Serving, bartizan};
use bartizan_tests::program::Program;
use bartizan_tests::rpc;
use bartizan_tests::waiting::{self, SOON};
use http::Version;
use serde_json::{Value, json};

use crate::{FAKE, allow_all};

async fn serving(files: &Files, limits: Value) -> Serving {
    let servers = json!({"fake": gateway::server(FAKE, &[], &allow_all())});
    let serving =
        Serving::start_with(json!({"tls": files.configuration(), "limits": limits, "mcpServers": servers}))
            .await;
    assert!(serving.url("fake").starts_with("https://127.0.0.1:"), "{}", serving.url("fake"));
    serving
}

#[tokio::test]
async fn the_protocol_is_agreed_on() {
    let authority = Authority::default();
    let files = Files::new(&authority.certify());
    let serving = serving(&files, json!({})).await;
    let ping = rpc::request(1, "ping", &json!({}));
    for (offered, expected) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        let stream = shake_hands(serving.address(), authority.client(offered)).await.unwrap();
        assert_eq!(connection::protocol(&stream), expected.map(str::as_bytes), "{offered:?}");
        let url = serving.url("fake");
        let (mut connection, version) = match expected {
            Some("h2") => (Connection::http2(url, stream).await, Version::HTTP_2),
            _ => (Connection::http1(url, stream).await, Version::HTTP_11),
        };
        let session = connection.begin().await;
        let (found, answer) = connection.post(&session, &ping).await;
        assert_eq!((found, answer.json()), (version, json!({"jsonrpc": "2.0", "id": 1, "result": {}})));
    }
    let refused = shake_hands(serving.address(), authority.client(&["spdy/3"])).await;
    assert!(refused.is_err(), "there is no protocol that both know");
    let stranger = Authority::default();
    assert!(shake_hands(serving.address(), stranger.client(&["h2"])).await.is_err(), "not its certificate");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_turned_away() {
    let authority = Authority::default();
    let files = Files::new(&authority.certify());
    let serving = serving(&files, json!({"header_timeout": "300ms"})).await;
    let http = format!("GET /mcp/fake HTTP/1.1\r\nHost: {}\r\n\r\n", serving.address());
    for (case, sent, expected) in [
        ("HTTP", http.as_str(), "HTTP/1.1 400 Bad Request"),
        (
            "a large request",
            &format!("POST / HTTP/1.1\r\n\r\n{}", "x".repeat(50_000)),
            "HTTP/1.1 400 Bad Request",
        ),
        ("something else", "\0\u{1}\u{2}", ""),
        ("nothing", "", ""),
        ("half a handshake", "\u{16}\u{3}\u{1}", ""),
    ] {
        let mut raw = Raw::open(serving.address()).await;
        assert!(raw.send(sent).await, "{case}");
        let said = String::from_utf8_lossy(&raw.rest().await).into_owned();
        assert!(said.starts_with(expected) && said.is_empty() == expected.is_empty(), "{case}: {said}");
        assert!(said.is_empty() || said.contains("https"), "{case}: {said}");
    }
    // Nobody else has to wait for them.
    assert!(shake_hands(serving.address(), authority.client(&["h2"])).await.is_ok());
}

#[tokio::test]
async fn a_certificate_is_renewed_without_a_restart() {
    let authority = Authority::default();
    let (first, second) = (authority.certify(), authority.certify());
    let files = Files::new(&first);
    let serving = serving(&files, json!({})).await;
    let shown = async || {
        let stream = shake_hands(serving.address(), authority.client(&["http/1.1"])).await;
        let stream = stream.expect("the gateway shakes hands");
        (connection::certificate(&stream), stream)
    };
    let (certificate, stream) = shown().await;
    assert_eq!(certificate, first.der);
    let mut old = Connection::http1(serving.url("fake"), stream).await;
    let session = old.begin().await;

    files.replace(&second);
    let renewed = async { while shown().await.0 != second.der {} };
    waiting::within(SOON, "the new certificate is shown", renewed).await;
    // A connection goes on with the one it began with.
    let (_, answer) = old.post(&session, &rpc::request(1, "ping", &json!({}))).await;
    assert_eq!(answer.status, 200);

    for (broken, reason) in [("not a key", "has no PEM block"), ("", "has no PEM block")] {
        files.replace_key(broken);
        let told = || {
            let log = serving.log();
            log.contains("the new certificate cannot be used: the old one stays") && log.contains(reason)
        };
        waiting::until("the broken key is in the log", told).await;
        assert_eq!(shown().await.0, second.der);
    }
    files.replace(&first);
    let renewed = async { while shown().await.0 != first.der {} };
    waiting::within(SOON, "the repaired certificate is shown", renewed).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_keeps_the_gateway_from_starting() {
    let authority = Authority::default();
    let files = Files::new(&authority.certify());
    files.replace_key("not a key");
    let servers = json!({"fake": gateway::server(FAKE, &[], &allow_all())});
    let configuration = json!({"tls": files.configuration(), "mcpServers": servers}).to_string();
    let document = gateway::Document::new("bartizan.json", &configuration);
    for verb in ["serve", "check"] {
        let mut command = bartizan([verb, "--config"]);
        command.arg(document.path());
        let ended = Program::start(command).end().await;
        assert_eq!(ended.status.code(), Some(1), "{verb}: {}", ended.log);
        assert!(
            ended.log.contains("has no PEM block") && ended.log.contains("bartizan.json:1:"),
            "{}",
            ended.log
        );
    }
}
