//! The MCP server behind what is measured: Streamable HTTP, both eras, and nothing behind its tools.
//!
//! `bartizan-bench-upstream [--tools NUMBER]` prints its URL once it serves. It has the 40 tools of mlflow-mcp, or
//! so many with definitions like those. A call is answered at once; with `"stream": true` in its arguments by an
//! event stream that reports progress three times before.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SESSION_ID: &str = "mcp-session-id";
const MODERN: &str = "2026-07-28";
const TOOLS: &str = include_str!("../../../corpus/mlflow-mcp-0.4.1.tools_list.json");
const PROGRESS_REPORTS: u32 = 3;

/// What is read of a message.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: &'a str,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

/// What is read of a call.
#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    arguments: Arguments,
    #[serde(default, rename = "_meta")]
    meta: Value,
}

#[derive(Default, Deserialize)]
struct Arguments {
    #[serde(default)]
    stream: bool,
}

struct Server {
    begun: AtomicU64,
    /// The list of tools: JSON text of an array.
    tools: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => None,
        (Some("--tools"), Some(count)) => Some(count.parse()?),
        (Some(option), _) => return Err(format!("unknown option {option}, or it has no value").into()),
    };
    let server = Arc::new(Server { begun: AtomicU64::new(0), tools: tools(count)? });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("http://{}/mcp", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, Infallible>(server.answer(request).await) }
            });
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // That a client closes a connection is no news.
            let _closed = connection.await;
        });
    }
}

/// The tools of MLflow, or so many: copies have a number behind their names.
fn tools(count: Option<usize>) -> Result<String, Box<dyn Error>> {
    let recorded: Value = serde_json::from_str(TOOLS)?;
    let tools = recorded.pointer("/result/tools").and_then(Value::as_array).ok_or("no tools are recorded")?;
    let copies = (0..).flat_map(|copy| tools.iter().map(move |tool| (copy, tool)));
    let made: Vec<Value> = copies
        .take(count.unwrap_or(tools.len()))
        .map(|(copy, tool)| {
            let mut tool = tool.clone();
            if copy > 0
                && let Some(name) = tool.get_mut("name")
            {
                *name = format!("{}_{copy}", name.as_str().unwrap_or_default()).into();
            }
            tool
        })
        .collect();
    Ok(serde_json::to_string(&made)?)
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::DELETE {
            return status(StatusCode::OK);
        }
        if parts.method != Method::POST {
            return status(StatusCode::METHOD_NOT_ALLOWED);
        }
        let Ok(body) = body.collect().await else { return status(StatusCode::BAD_REQUEST) };
        match serde_json::from_slice(&body.to_bytes()) {
            Ok(message) => self.take(&parts.headers, &message),
            Err(_) => status(StatusCode::BAD_REQUEST),
        }
    }

    fn take(&self, headers: &HeaderMap, message: &Message<'_>) -> Response<Full<Bytes>> {
        let Some(id) = message.id else { return status(StatusCode::ACCEPTED) };
        let is_modern = headers.get("mcp-protocol-version").is_some_and(|version| version == MODERN);
        // Members that results have in the modern era only.
        let (complete, cached) = if is_modern {
            (r#""resultType":"complete","#, r#""ttlMs":60000,"cacheScope":"public","#)
        } else {
            ("", "")
        };
        match message.method {
            "initialize" => self.initialize(id, message.params),
            "server/discover" => json(response(
                id,
                &format!(
                    r#"{{{complete}{cached}"supportedVersions":["{MODERN}"],"capabilities":{{"tools":{{}}}}}}"#
                ),
            )),
            "ping" => json(response(id, "{}")),
            "tools/list" => json(response(id, &format!(r#"{{{complete}{cached}"tools":{}}}"#, self.tools))),
            "tools/call" => {
                let call = message.params.and_then(|params| serde_json::from_str::<Call>(params.get()).ok());
                let result = format!(r#"{{{complete}"content":[{{"type":"text","text":"Done."}}]}}"#);
                match call {
                    Some(Call { arguments: Arguments { stream: true }, meta }) => {
                        events(meta.get("progressToken"), &response(id, &result))
                    }
                    _ => json(response(id, &result)),
                }
            }
            _ => json(format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32601,"message":"Method not found"}}}}"#
            )),
        }
    }

    fn initialize(&self, id: &RawValue, params: Option<&RawValue>) -> Response<Full<Bytes>> {
        let params: Value =
            params.and_then(|params| serde_json::from_str(params.get()).ok()).unwrap_or_default();
        let result = json!({
            "protocolVersion": params.get("protocolVersion"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "bench", "version": "1"},
        });
        let mut answer = json(response(id, &result.to_string()));
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        if let Ok(session) = HeaderValue::from_str(&format!("bench-{number}")) {
            answer.headers_mut().insert(SESSION_ID, session);
        }
        answer
    }
}

fn response(id: &RawValue, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// Progress, and then the response.
fn events(token: Option<&Value>, response: &str) -> Response<Full<Bytes>> {
    let mut body = String::new();
    for progress in 1..=PROGRESS_REPORTS {
        let params = json!({"progressToken": token, "progress": progress, "total": PROGRESS_REPORTS});
        let report = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
        body.push_str(&format!("event: message\ndata: {report}\n\n"));
    }
    body.push_str(&format!("event: message\ndata: {response}\n\n"));
    answer("text/event-stream", body)
}

fn json(text: String) -> Response<Full<Bytes>> {
    answer("application/json", text)
}

fn answer(media: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    answer
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
