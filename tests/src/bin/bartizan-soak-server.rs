//! The MCP server behind the gateway of `cargo xtask soak`: over Streamable HTTP, in both eras, and so cheap
//! that what is measured is the gateway.
//!
//! `bartizan-soak-server [--close-idle]` prints its URL once it serves. With `--close-idle` it closes the
//! connections on which nothing goes on when it was asked nothing for a while, which saves waiting for the
//! gateway's pool to do so.
//!
//! | tool | what a call does |
//! |---|---|
//! | `count` | reports progress three times on an event stream, then says its `text` |
//! | `hold` | begins an event stream with nothing on it; ends when it is cancelled, or nobody reads |
//! | any other | says its `text` |
//!
//! Streams that listen get a numbered notification every three seconds, without a gap.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, interval_at};

const SESSION_ID: &str = "mcp-session-id";
const MODERN: &str = "2026-07-28";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// How often a stream that listens is told something.
const NOTICES: Duration = Duration::from_secs(3);
/// How long lies between two reports of progress.
const PROGRESS: Duration = Duration::from_millis(50);
const PROGRESS_REPORTS: u32 = 3;
/// After how long without a request idle connections are closed, and how often that is looked for.
const QUIET: Duration = Duration::from_secs(6);
const LOOK: Duration = Duration::from_millis(250);

/// How many tools are listed besides those that the clients call.
const OTHER_TOOLS: usize = 20;

type Answer = Response<Either<Full<Bytes>, Chunks>>;

struct Server {
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    begun: AtomicU64,
    asked: Mutex<Instant>,
    /// The list of tools, as the members of a result.
    tools: String,
}

/// A session of the legacy era.
struct Session {
    /// The number of the next notification.
    next: AtomicU64,
    /// What keeps calls of `hold` up, by the JSON of their ids.
    held: Mutex<HashMap<String, oneshot::Sender<()>>>,
    /// Its streams end when it is dropped.
    alive: watch::Sender<()>,
}

/// The messages of an event stream, as they come.
struct Chunks(mpsc::Receiver<Bytes>);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let closes_idle = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--close-idle") => true,
        Some(option) => return Err(format!("unknown option {option}").into()),
    };
    let server = Arc::new(Server {
        sessions: Mutex::default(),
        begun: AtomicU64::new(0),
        asked: Mutex::new(Instant::now()),
        tools: tools(),
    });
    let quiet = watch::Sender::new(());
    if closes_idle {
        let (server, quiet) = (Arc::clone(&server), quiet.clone());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                if locked(&server.asked).elapsed() >= QUIET {
                    quiet.send_replace(());
                }
            }
        });
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}/mcp", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream, Arc::clone(&server), quiet.subscribe()));
    }
}

async fn serve(stream: TcpStream, server: Arc<Server>, mut quiet: watch::Receiver<()>) {
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // That the gateway closes a connection is no news.
        _closed = connection.as_mut() => return,
        Ok(()) = quiet.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _closed = connection.await;
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        *locked(&self.asked) = Instant::now();
        let (parts, body) = request.into_parts();
        match parts.method {
            Method::GET => match self.session(&parts.headers) {
                Some(session) => session.listen(),
                None => status(StatusCode::NOT_FOUND),
            },
            Method::DELETE => {
                let id = parts.headers.get(SESSION_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
                let found = locked(&self.sessions).remove(id);
                status(if found.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND })
            }
            Method::POST => {
                let Ok(body) = body.collect().await else { return status(StatusCode::BAD_REQUEST) };
                match serde_json::from_slice(&body.to_bytes()) {
                    Ok(message) => self.take(&parts.headers, &message),
                    Err(_) => status(StatusCode::BAD_REQUEST),
                }
            }
            _ => status(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    fn session(&self, headers: &HeaderMap) -> Option<Arc<Session>> {
        locked(&self.sessions).get(headers.get(SESSION_ID)?.to_str().ok()?).cloned()
    }

    fn take(&self, headers: &HeaderMap, message: &Value) -> Answer {
        let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
        let params = message.get("params").unwrap_or(&Value::Null);
        let is_modern = headers.get("mcp-protocol-version").is_some_and(|version| version == MODERN);
        if method == "initialize" {
            return self.initialize(message, params);
        }
        let session = match (is_modern, self.session(headers)) {
            (true, _) => None,
            (false, Some(session)) => Some(session),
            (false, None) => return status(StatusCode::NOT_FOUND),
        };
        let Some(id) = message.get("id") else {
            if let (Some(session), "notifications/cancelled", Some(id)) =
                (session, method, params.get("requestId"))
            {
                locked(&session.held).remove(&id.to_string());
            }
            return status(StatusCode::ACCEPTED);
        };
        // Members that results have in the modern era only.
        let (complete, cached) = if is_modern {
            (r#""resultType":"complete","#, r#""ttlMs":60000,"cacheScope":"public","#)
        } else {
            ("", "")
        };
        match method {
            "ping" => json_result(id, "{}"),
            "server/discover" => json_result(
                id,
                &format!(
                    r#"{{{complete}{cached}"supportedVersions":["{MODERN}"],"capabilities":{{"tools":{{}},"resources":{{"subscribe":true}}}}}}"#
                ),
            ),
            "tools/list" => json_result(id, &format!("{{{complete}{cached}{}}}", self.tools)),
            "tools/call" => call(session.as_deref(), id, params, complete),
            "subscriptions/listen" => subscription(id),
            _ => {
                let error = json!({"code": -32601, "message": "Method not found"});
                json_response(&json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string())
            }
        }
    }

    fn initialize(&self, message: &Value, params: &Value) -> Answer {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let name = format!("soak-{number}");
        let session =
            Session { next: AtomicU64::new(1), held: Mutex::default(), alive: watch::Sender::new(()) };
        locked(&self.sessions).insert(name.clone(), Arc::new(session));
        let result = json!({
            "protocolVersion": params.get("protocolVersion"),
            "capabilities": {"tools": {}, "logging": {}},
            "serverInfo": {"name": "soak", "version": "1"},
        });
        let mut answer = json_result(message.get("id").unwrap_or(&Value::Null), &result.to_string());
        if let Ok(name) = HeaderValue::from_str(&name) {
            answer.headers_mut().insert(SESSION_ID, name);
        }
        answer
    }
}

impl Session {
    /// The stream of messages that belong to no request.
    fn listen(self: Arc<Self>) -> Answer {
        let (chunks, answer) = events();
        let mut alive = self.alive.subscribe();
        let session = Arc::downgrade(&self);
        tokio::spawn(async move {
            let mut notices = interval_at(Instant::now() + NOTICES, NOTICES);
            loop {
                tokio::select! {
                    _ = notices.tick() => {}
                    _dropped = alive.changed() => return,
                    () = chunks.closed() => return,
                }
                let Some(session) = session.upgrade() else { return };
                let number = session.next.fetch_add(1, Ordering::Relaxed);
                let params = json!({"level": "info", "logger": "soak", "data": {"number": number}});
                let notice = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params});
                if chunks.send(event(&notice.to_string())).await.is_err() {
                    return;
                }
            }
        });
        answer
    }
}

fn call(session: Option<&Session>, id: &Value, params: &Value, complete: &str) -> Answer {
    let text = params.pointer("/arguments/text").and_then(Value::as_str).unwrap_or_default();
    let said = json!([{"type": "text", "text": text}]);
    let result = format!(r#"{{{complete}"content":{said}}}"#);
    match params.get("name").and_then(Value::as_str).unwrap_or_default() {
        "count" => {
            let (chunks, answer) = events();
            let token = params.pointer("/_meta/progressToken").cloned();
            let response = response(id, &result);
            tokio::spawn(async move {
                for progress in 1..=PROGRESS_REPORTS {
                    tokio::time::sleep(PROGRESS).await;
                    let params =
                        json!({"progressToken": token, "progress": progress, "total": PROGRESS_REPORTS});
                    let report =
                        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
                    if chunks.send(event(&report.to_string())).await.is_err() {
                        return;
                    }
                }
                // Who gave up is not told.
                let _gone = chunks.send(event(&response)).await;
            });
            answer
        }
        "hold" => {
            let (chunks, answer) = events();
            let (cancel, cancelled) = oneshot::channel();
            let kept = match session {
                Some(session) => {
                    locked(&session.held).insert(id.to_string(), cancel);
                    None
                }
                // Only closing the stream ends it.
                None => Some(cancel),
            };
            tokio::spawn(async move {
                tokio::select! {
                    _dropped = cancelled => {}
                    () = chunks.closed() => {}
                }
                drop(kept);
            });
            answer
        }
        _ => json_result(id, &result),
    }
}

/// A stream of the modern era that listens.
fn subscription(id: &Value) -> Answer {
    let (chunks, answer) = events();
    let meta = json!({SUBSCRIPTION: id});
    tokio::spawn(async move {
        let message = |method: &str, params: Value| {
            event(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string())
        };
        let agreed = json!({"_meta": meta, "notifications": {"resourceSubscriptions": ["soak:///"]}});
        let mut next = message("notifications/subscriptions/acknowledged", agreed);
        let mut notices = interval_at(Instant::now() + NOTICES, NOTICES);
        for number in 1_u64.. {
            if chunks.send(next).await.is_err() {
                return;
            }
            tokio::select! {
                _ = notices.tick() => {}
                () = chunks.closed() => return,
            }
            let params = json!({"_meta": meta, "uri": format!("soak:///{number}")});
            next = message("notifications/resources/updated", params);
        }
    });
    answer
}

/// The tools, as a member of a result.
fn tools() -> String {
    let called = ["echo", "count", "hold", "limited", "secret"].map(str::to_owned);
    let others = (1..=OTHER_TOOLS).map(|number| format!("tool_{number}"));
    let schema = json!({"type": "object", "properties": {"text": {"type": "string"}}});
    let tools: Vec<Value> = called
        .into_iter()
        .chain(others)
        .map(|name| json!({"name": name, "description": "Says what it is told.", "inputSchema": schema}))
        .collect();
    format!(r#""tools":{}"#, Value::Array(tools))
}

fn response(id: &Value, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn json_result(id: &Value, result: &str) -> Answer {
    json_response(&response(id, result))
}

fn json_response(text: &str) -> Answer {
    let mut answer = Response::new(Either::Left(Full::from(text.to_owned())));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn events() -> (mpsc::Sender<Bytes>, Answer) {
    let (sender, chunks) = mpsc::channel(4);
    let mut answer = Response::new(Either::Right(Chunks(chunks)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    (sender, answer)
}

fn event(text: &str) -> Bytes {
    format!("data: {text}\n\n").into()
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
