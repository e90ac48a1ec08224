//! An MCP server over HTTP whose answers a test writes itself, heads included. It speaks both eras, on one
//! port and at any path, and remembers what it was sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::rpc;

/// A request that the server got.
#[derive(Clone, Debug)]
pub struct Received {
    /// The HTTP method.
    pub http_method: String,
    /// The path of its URL.
    pub path: String,
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

    /// Whether it calls this tool.
    pub fn calls(&self, tool: &str) -> bool {
        self.method() == "tools/call" && self.message["params"]["name"] == tool
    }

    /// A response to it.
    pub fn answer(&self, result: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": self.message["id"], "result": result})
    }
}

/// What the server answers.
pub type Reply = Response<Content>;

/// A body that is there, or comes.
#[derive(Debug)]
pub enum Content {
    /// All of it.
    Whole(Option<Bytes>),
    /// Pieces, until the sender is dropped.
    Pieces(mpsc::Receiver<Bytes>),
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(more) => {
                more.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }
}

/// Any response.
pub fn reply(status: u16, headers: &[(&str, &str)], content: Content) -> Reply {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(content).expect("a test writes headers that can be sent")
}

/// Nothing but a status.
pub fn status(status: u16) -> Reply {
    reply(status, &[], Content::Whole(None))
}

/// A JSON response.
pub fn message(message: &Value) -> Reply {
    let bytes = Bytes::from(message.to_string());
    reply(200, &[("content-type", "application/json")], Content::Whole(Some(bytes)))
}

/// An event stream of exactly these bytes.
pub fn events(bytes: impl Into<Bytes>) -> Reply {
    reply(200, &[("content-type", "text/event-stream")], Content::Whole(Some(bytes.into())))
}

/// An event stream of these pieces, as they come.
pub fn stream(pieces: mpsc::Receiver<Bytes>) -> Reply {
    reply(200, &[("content-type", "text/event-stream")], Content::Pieces(pieces))
}

/// Messages as the events of a stream.
pub fn framed(messages: &[Value]) -> String {
    messages.iter().map(|message| format!("data: {message}\n\n")).collect()
}

/// A tool's result, right in both eras.
pub fn text(text: &str) -> Value {
    json!({"resultType": "complete", "content": [{"type": "text", "text": text}]})
}

/// A list of tools without anything but their names, right in both eras.
pub fn list(names: &[&str]) -> Value {
    let tools: Vec<Value> =
        names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect();
    json!({"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "public"})
}

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub struct HostileHttp {
    origin: String,
    received: Arc<Mutex<Vec<Received>>>,
    _serving: JoinSet<()>,
}

impl HostileHttp {
    /// Serves on a free port: as the test says, or as a server with these tools that mean well.
    pub async fn start(
        tools: &[&str],
        act: impl Fn(&Received) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, act) = (Arc::clone(&received), Arc::new(act));
        let tools = Arc::new(list(tools));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, act, tools) = (Arc::clone(&kept), Arc::clone(&act), Arc::clone(&tools));
                let service = service_fn(move |request| {
                    let (kept, act, tools) = (Arc::clone(&kept), Arc::clone(&act), Arc::clone(&tools));
                    async move {
                        let received = read(request).await;
                        kept.lock().expect("nobody panics with the list").push(received.clone());
                        Ok::<_, Infallible>(act(&received).unwrap_or_else(|| usual(&received, &tools)))
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                connections.spawn(async move {
                    // That the gateway closes a connection is no news.
                    let _closed = connection.await;
                });
            }
        });
        Self { origin: format!("http://{address}"), received, _serving: serving }
    }

    /// Its scheme, address and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What it got until now.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("nobody panics with the list").clone()
    }

    /// How many of those are such.
    pub fn count(&self, is_such: impl Fn(&Received) -> bool) -> usize {
        self.received().iter().filter(|received| is_such(received)).count()
    }

    /// How often this tool was called.
    pub fn calls(&self, tool: &str) -> usize {
        self.count(|received| received.calls(tool))
    }

    /// The server as an entry of a configuration, with a secret of its own.
    pub fn server(&self, policy: &Value) -> Value {
        let headers = json!({"Authorization": "Bearer secret"});
        json!({"url": format!("{}/mcp", self.origin), "headers": headers, "policy": policy})
    }

    /// The same, reached over HTTP+SSE.
    pub fn pair(&self, policy: &Value) -> Value {
        let headers = json!({"Authorization": "Bearer secret"});
        json!({"url": format!("{}/sse", self.origin), "type": "sse", "headers": headers, "policy": policy})
    }
}

async fn read(request: Request<Incoming>) -> Received {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let message = match &*body {
        [] => Value::Null,
        body => serde_json::from_slice(body).expect("the gateway sends JSON"),
    };
    Received {
        http_method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        message,
    }
}

fn usual(received: &Received, tools: &Value) -> Reply {
    match (received.http_method.as_str(), received.method()) {
        ("GET", _) => status(405),
        ("DELETE", _) => status(200),
        (_, "initialize") => {
            let result = json!({
                "protocolVersion": received.message["params"]["protocolVersion"],
                "capabilities": {"tools": {"listChanged": true}},
                "serverInfo": {"name": "hostile", "version": "1"},
            });
            let mut response = message(&received.answer(&result));
            response.headers_mut().insert("mcp-session-id", http::HeaderValue::from_static("upstream"));
            response
        }
        (_, "server/discover") => message(&received.answer(&discovered(&json!({})))),
        (_, "ping") => message(&received.answer(&json!({}))),
        (_, "tools/list") => message(&received.answer(tools)),
        (_, "tools/call") => {
            message(&received.answer(&text(received.message["params"]["name"].as_str().unwrap_or_default())))
        }
        _ if received.message["id"].is_null() || received.method().is_empty() => status(202),
        _ => message(&json!({
            "jsonrpc": "2.0",
            "id": received.message["id"],
            "error": {"code": -32601, "message": "Method not found"},
        })),
    }
}

/// What a server of the modern era says of itself, and these members besides.
pub fn discovered(more: &Value) -> Value {
    let mut result = json!({
        "resultType": "complete",
        "supportedVersions": ["2026-07-28", rpc::REVISION],
        "capabilities": {"tools": {"listChanged": true}},
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "hostile", "version": "1"}},
        "ttlMs": 0,
        "cacheScope": "public",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        result[key] = value.clone();
    }
    result
}
