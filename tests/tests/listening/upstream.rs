//! What servers get of a client's request, and by which protocol.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bartizan_tests::certificates::Authority;
use bartizan_tests::fake_http::FakeHttp;
use bartizan_tests::fake_http::Reply;
use bartizan_tests::gateway::Serving;
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::rpc;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::allow_all;

/// All that the gateway says to a server, in the names of headers.
const OWN: [&str; 6] =
    ["accept", "content-length", "content-type", "host", "mcp-protocol-version", "mcp-session-id"];

#[tokio::test]
async fn servers_get_none_of_the_clients_headers() {
    let server = FakeHttp::start(|_| Reply::Usual).await;
    let serving = Serving::start(&json!({"fake": server.server(&allow_all())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let foreign = [
        ("connection", "keep-alive, x-hop"),
        ("keep-alive", "timeout=5"),
        ("x-hop", "1"),
        ("te", "trailers"),
        ("trailer", "x-trailer"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "Basic YTpi"),
        ("proxy-connection", "keep-alive"),
        ("authorization", "Bearer of-the-client"),
        ("cookie", "a=1"),
        ("origin", "http://localhost:1"),
        ("forwarded", "for=192.0.2.1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("user-agent", "client/1"),
        ("accept-encoding", "gzip"),
        ("expect", "100-continue"),
    ];
    let headers = [POST, &session.headers(), &foreign].concat();
    let ping = rpc::request(9, "ping", &json!({})).to_string();
    let answer = Http::default().send("POST", serving.url("fake"), &headers, ping).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let received = server.received();
    assert!(received.iter().any(|received| received.method() == "ping"), "{received:?}");
    for one in &received {
        let names: BTreeSet<&str> = one.headers.keys().map(http::HeaderName::as_str).collect();
        let strange: Vec<_> = names.iter().filter(|name| !OWN.contains(name)).collect();
        assert!(strange.is_empty(), "{strange:?}: {one:?}");
        assert_ne!(one.headers["host"], serving.address().to_string(), "{one:?}");
    }
}

/// A server at an https address is spoken to by the protocol that it prefers.
#[tokio::test]
async fn servers_choose_their_protocol() {
    let authority = Authority::default();
    let folder = tempfile::tempdir().unwrap();
    let trusted = authority.write(folder.path());
    for (protocols, expected) in [
        (&["h2", "http/1.1"][..], http::Version::HTTP_2),
        (&["http/1.1"], http::Version::HTTP_11),
        (&[], http::Version::HTTP_11),
    ] {
        let acceptor = TlsAcceptor::from(Arc::new(authority.certify().server(protocols)));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("https://{}/mcp", listener.local_addr().unwrap());
        let versions = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&versions);
        let mut serving_it = tokio::task::JoinSet::new();
        serving_it.spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let stream = acceptor.accept(stream).await.unwrap();
                let seen = Arc::clone(&seen);
                let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
                connections.spawn(async move {
                    let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    // That the gateway closes a connection is no news.
                    let _closed = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        let configuration = json!({"mcpServers": {"far": {"url": url, "policy": allow_all()}}});
        let serving = Serving::start_in(configuration, &[("SSL_CERT_FILE", &trusted)]).await;
        let answer =
            Http::default().send("POST", serving.url("far"), POST, rpc::initialize(0).to_string()).await;
        assert_eq!(answer.json()["result"]["serverInfo"]["name"], "far", "{answer:?} {}", serving.log());
        let versions = versions.lock().unwrap().clone();
        assert!(!versions.is_empty() && versions.iter().all(|version| *version == expected), "{versions:?}");
    }
}

async fn answer(
    request: http::Request<hyper::body::Incoming>,
    seen: Arc<Mutex<Vec<http::Version>>>,
) -> Result<http::Response<http_body_util::Full<bytes::Bytes>>, hyper::Error> {
    use http_body_util::BodyExt as _;

    seen.lock().expect("nobody panics with the list").push(request.version());
    let body = request.into_body().collect().await?.to_bytes();
    let asked: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = json!({
        "protocolVersion": rpc::REVISION,
        "capabilities": {},
        "serverInfo": {"name": "far", "version": "1"},
    });
    let text = json!({"jsonrpc": "2.0", "id": asked.get("id"), "result": result}).to_string();
    let mut response = http::Response::new(http_body_util::Full::new(text.into()));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    Ok(response)
}
