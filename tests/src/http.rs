//! An HTTP client that sends what it is told, and an MCP session on top of it.

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::rpc;
use crate::waiting::{SOON, START, within};

/// Header names and values.
pub type Headers<'h> = [(&'h str, &'h str)];

/// The headers that every POST of an MCP client has.
pub const POST: &Headers<'static> =
    &[("content-type", "application/json"), ("accept", "application/json, text/event-stream")];

/// A whole response.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON: the whole of it, or the last message of an event stream. Null if it is empty.
    pub fn json(&self) -> Value {
        let body = std::str::from_utf8(&self.body).expect("bodies are text");
        let data = body.lines().filter_map(|line| line.strip_prefix("data: ")).next_back();
        match data.unwrap_or(body) {
            "" => Value::Null,
            text => {
                serde_json::from_str(text).unwrap_or_else(|error| panic!("{text:?} is not JSON: {error}"))
            }
        }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An HTTP client.
#[derive(Clone, Debug)]
pub struct Http(Client<HttpConnector, Full<Bytes>>);

impl Default for Http {
    fn default() -> Self {
        Self(Client::builder(TokioExecutor::new()).build(HttpConnector::new()))
    }
}

impl Http {
    /// Sends a request with exactly these headers (and `Host`, if it is not among them).
    pub async fn open(
        &self,
        method: &str,
        url: &str,
        headers: &Headers<'_>,
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method's name");
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request that can be sent");
        match within(START, "an HTTP response", self.0.request(request)).await {
            Ok(response) => response,
            Err(error) => panic!("{url} does not answer: {error:?}"),
        }
    }

    /// Sends a request and waits for the whole response.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &Headers<'_>,
        body: impl Into<Bytes>,
    ) -> Answer {
        let (parts, body) = self.open(method, url, headers, body).await.into_parts();
        let body = within(START, "the end of an HTTP response", body.collect()).await;
        let body = body.expect("a response is whole").to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// An MCP session over Streamable HTTP.
#[derive(Debug)]
pub struct Session {
    http: Http,
    url: String,
    id: String,
    last_id: AtomicI64,
}

impl Session {
    /// Shakes hands.
    pub async fn begin(url: &str) -> Self {
        let http = Http::default();
        let answer = http.send("POST", url, POST, rpc::initialize(0).to_string()).await;
        assert_eq!(answer.status, 200, "the handshake fails: {answer:?}");
        let id =
            answer.header("mcp-session-id").unwrap_or_else(|| panic!("no session: {answer:?}")).to_owned();
        let session = Self { http, url: url.to_owned(), id, last_id: AtomicI64::new(0) };
        session.notify("notifications/initialized", &json!({})).await;
        session
    }

    /// The session's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The headers of a request of this session, besides [`POST`].
    pub fn headers(&self) -> [(&str, &str); 2] {
        [("mcp-session-id", &self.id), ("mcp-protocol-version", rpc::REVISION)]
    }

    /// Posts a body.
    pub async fn post(&self, body: impl Into<Bytes>) -> Answer {
        self.http.send("POST", &self.url, &[POST, &self.headers()].concat(), body).await
    }

    /// Posts a message and reads the events of the response one by one.
    pub async fn stream(&self, message: &Value) -> Events {
        let headers = [POST, &self.headers()].concat();
        Events::new(self.http.open("POST", &self.url, &headers, message.to_string()).await)
    }

    /// Opens the stream for messages that belong to no request.
    pub async fn listen(&self) -> Events {
        let headers = [&[("accept", "text/event-stream")], &self.headers()[..]].concat();
        Events::new(self.http.open("GET", &self.url, &headers, Bytes::new()).await)
    }

    /// Sends a notification, or an answer to a request of the server.
    pub async fn notify(&self, method: &str, params: &Value) {
        self.answer(&rpc::notification(method, params)).await;
    }

    /// Sends a message that gets no answer.
    pub async fn answer(&self, message: &Value) {
        let answer = self.post(message.to_string()).await;
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{message}: {answer:?}");
    }

    /// Sends a request; its answer.
    pub async fn request(&self, method: &str, params: &Value) -> Value {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = self.post(rpc::request(id, method, params).to_string()).await;
        assert_eq!(answer.status, 200, "{method}: {answer:?}");
        let message = answer.json();
        assert_eq!(message["id"], id, "not the answer to {method}: {message}");
        message
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.request("tools/call", &json!({"name": tool, "arguments": arguments})).await
    }

    /// Ends the session.
    pub async fn delete(&self) -> Answer {
        self.http.send("DELETE", &self.url, &self.headers(), Bytes::new()).await
    }

    /// Asserts that the session still works.
    pub async fn assert_usable(&self, after: &str) {
        let answer = self.request("ping", &json!({})).await;
        assert_eq!(answer["result"], json!({}), "ping after {after}");
    }
}

/// The events of a response, as they come.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    text: String,
}

impl Events {
    /// The events of a response, which must be a stream of them.
    pub fn new(response: Response<Incoming>) -> Self {
        let media = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        assert_eq!((response.status().as_u16(), media), (200, Some("text/event-stream")));
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next message; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Value> {
        // As a whole: a stream that only says that it is alive does not count as one that goes on.
        within(SOON, "an event", self.read()).await
    }

    async fn read(&mut self) -> Option<Value> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.text = rest.to_owned();
                // An event without data gives an id to come back with, and says nothing.
                if let Some(data) = data.filter(|data| !data.is_empty()) {
                    let message = serde_json::from_str(&data);
                    return Some(message.unwrap_or_else(|error| panic!("{data} is not JSON: {error}")));
                }
            }
            let frame = self.body.frame().await?.expect("the stream does not break off");
            if let Some(data) = frame.data_ref() {
                self.text.push_str(std::str::from_utf8(data).expect("the gateway writes whole events"));
            }
        }
    }

    /// The next message, which there must be.
    pub async fn message(&mut self) -> Value {
        self.next().await.expect("the stream goes on")
    }

    /// All that still comes.
    pub async fn rest(mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }
}
