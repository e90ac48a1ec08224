//! An MCP server over Streamable HTTP that answers as a test tells it, byte for byte, and remembers
//! what it was sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::rpc;

/// The id that the server gives its sessions.
pub const SESSION: &str = "upstream-session";

/// A request that the server got.
#[derive(Clone, Debug)]
pub struct Received {
    /// The HTTP method.
    pub http_method: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null if it is empty.
    pub message: Value,
}

impl Received {
    /// The MCP method, or nothing.
    pub fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }
}

/// What the server answers.
#[derive(Debug)]
pub enum Reply {
    /// As a well-behaved server without tools would.
    Usual,
    /// A JSON response with this result.
    Result(Value),
    /// An HTTP error.
    Status(u16),
    /// An event stream of exactly these bytes.
    Events(Bytes),
    /// An event stream of these chunks, as they come.
    Stream(mpsc::Receiver<Bytes>),
}

/// One message as an event.
pub fn event(message: &Value) -> Bytes {
    format!("data: {message}\n\n").into()
}

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub struct FakeHttp {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
    _serving: JoinSet<()>,
}

impl FakeHttp {
    /// Serves on a free port.
    pub async fn start(reply: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, reply) = (Arc::clone(&received), Arc::new(reply));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, reply) = (Arc::clone(&kept), Arc::clone(&reply));
                let service = service_fn(move |request| {
                    let (kept, reply) = (Arc::clone(&kept), Arc::clone(&reply));
                    async move { Ok::<_, Infallible>(answer(request, &kept, &*reply).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                connections.spawn(async move {
                    // That the gateway closes a connection is no news.
                    let _closed = connection.await;
                });
            }
        });
        Self { url: format!("http://{address}/mcp"), received, _serving: serving }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it got until now.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("nobody panics with the list").clone()
    }

    /// The server as an entry of a configuration.
    pub fn server(&self, policy: &Value) -> Value {
        json!({"url": self.url, "policy": policy})
    }
}

async fn answer(
    request: Request<Incoming>,
    kept: &Mutex<Vec<Received>>,
    reply: &(dyn Fn(&Received) -> Reply + Send + Sync),
) -> Response<Chunks> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("the gateway sends whole bodies").to_bytes();
    let message = match &*body {
        [] => Value::Null,
        body => serde_json::from_slice(body).expect("the gateway sends JSON"),
    };
    let received = Received { http_method: parts.method.to_string(), headers: parts.headers, message };
    kept.lock().expect("nobody panics with the list").push(received.clone());
    match reply(&received) {
        Reply::Usual => usual(&received),
        Reply::Result(result) => json_response(&received, "result", &result),
        Reply::Status(code) => status(code),
        Reply::Events(bytes) => events(Chunks { whole: Some(bytes), more: None }),
        Reply::Stream(more) => events(Chunks { whole: None, more: Some(more) }),
    }
}

fn usual(received: &Received) -> Response<Chunks> {
    match (received.http_method.as_str(), received.method()) {
        ("GET", _) => status(405),
        ("DELETE", _) => status(200),
        (_, "initialize") => {
            let result = json!({
                "protocolVersion": rpc::REVISION,
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "fake", "version": "1"},
            });
            let mut response = json_response(received, "result", &result);
            response.headers_mut().insert("mcp-session-id", http::HeaderValue::from_static(SESSION));
            response
        }
        (_, "ping") => json_response(received, "result", &json!({})),
        (_, "tools/list") => json_response(received, "result", &json!({"tools": []})),
        _ if received.message["id"].is_null() || received.method().is_empty() => status(202),
        _ => json_response(received, "error", &json!({"code": -32601, "message": "Method not found"})),
    }
}

fn json_response(received: &Received, member: &str, value: &Value) -> Response<Chunks> {
    let text = json!({"jsonrpc": "2.0", "id": received.message["id"], member: value}).to_string();
    let mut response = Response::new(Chunks { whole: Some(text.into()), more: None });
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn events(body: Chunks) -> Response<Chunks> {
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
    response
}

fn status(code: u16) -> Response<Chunks> {
    let mut response = Response::new(Chunks { whole: None, more: None });
    *response.status_mut() = StatusCode::from_u16(code).expect("a status code");
    response
}

/// A body that is there, or comes.
#[derive(Debug)]
struct Chunks {
    whole: Option<Bytes>,
    more: Option<mpsc::Receiver<Bytes>>,
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(bytes) = self.whole.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.more {
            None => Poll::Ready(None),
            Some(more) => more.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }
}
