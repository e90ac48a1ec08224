//! A client of the modern era, 2026-07-28: each request says what it is, in its body and in its headers.

use std::sync::atomic::{AtomicU64, Ordering};

use bartizan_tests::http::{Answer, Http, POST};
use bartizan_tests::rpc;
use bartizan_tests::waiting::{SOON, within};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};

/// The extension for tasks.
pub(crate) const TASKS: &str = "io.modelcontextprotocol/tasks";
/// Where a notification says which subscription it belongs to.
pub(crate) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// A client that can do certain things.
pub(crate) struct Modern {
    http: Http,
    url: String,
    capabilities: Value,
    last_id: AtomicU64,
}

impl Modern {
    /// One that can do nothing.
    pub(crate) fn new(url: &str) -> Self {
        Self::able(url, json!({}))
    }

    /// One with these capabilities.
    pub(crate) fn able(url: &str, capabilities: Value) -> Self {
        Self { http: Http::default(), url: url.to_owned(), capabilities, last_id: AtomicU64::new(0) }
    }

    /// A request as it has to be.
    pub(crate) fn message(&self, method: &str, params: &Value) -> Value {
        let mut params = if params.is_null() { json!({}) } else { params.clone() };
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        rpc::request(id, method, &params)
    }

    /// The headers that go with it, besides [`POST`].
    pub(crate) fn headers(message: &Value) -> Vec<(&'static str, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut headers =
            vec![("mcp-protocol-version", "2026-07-28".to_owned()), ("mcp-method", text(&message["method"]))];
        let params = &message["params"];
        let name = match message["method"].as_str().unwrap_or_default() {
            "tools/call" | "prompts/get" => text(&params["name"]),
            "resources/read" => text(&params["uri"]),
            method if method.starts_with("tasks/") => text(&params["taskId"]),
            _ => return headers,
        };
        headers.push(("mcp-name", encoded(&name)));
        headers
    }

    /// Posts a message with the headers that it ought to have, and these.
    pub(crate) async fn post(&self, message: &Value, more: &[(&str, &str)]) -> Answer {
        let own = Self::headers(message);
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.http.send("POST", &self.url, &[POST, &own, more].concat(), message.to_string()).await
    }

    /// Posts a body with exactly these headers besides [`POST`].
    pub(crate) async fn post_as(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        self.http.send("POST", &self.url, &[POST, headers].concat(), body.to_string()).await
    }

    /// Sends a request; its answer.
    pub(crate) async fn request(&self, method: &str, params: &Value) -> Value {
        let message = self.message(method, params);
        let answer = self.post(&message, &[]).await.json();
        assert_eq!(answer["id"], message["id"], "not the answer to {method}: {answer}");
        answer
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.request("tools/call", &json!({"name": tool, "arguments": arguments})).await
    }

    /// Posts a message and reads the answer's events one by one.
    pub(crate) async fn stream(&self, message: &Value) -> Stream {
        let own = Self::headers(message);
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = self.http.open("POST", &self.url, &[POST, &own].concat(), message.to_string()).await;
        assert_eq!(response.status().as_u16(), 200);
        Stream { body: response.into_body(), text: String::new() }
    }
}

/// A name as a header holds it: in base64 unless it is plain.
fn encoded(name: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return name.to_owned();
    }
    let mut text = String::new();
    for chunk in name.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let digits = [18, 12, 6, 0].map(|shift| DIGITS.get((bits >> shift & 63) as usize).copied());
        let kept = digits.into_iter().flatten().take(chunk.len() + 1).map(char::from);
        text.extend(kept.chain(std::iter::repeat_n('=', 3 - chunk.len())));
    }
    format!("=?base64?{text}?=")
}

/// The events of an answer.
pub(crate) struct Stream {
    body: Incoming,
    text: String,
}

impl Stream {
    /// The next message; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        within(SOON, "an event", self.read()).await
    }

    async fn read(&mut self) -> Option<Value> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                self.text = rest.to_owned();
                if let Some(data) = data.filter(|data| !data.is_empty()) {
                    return serde_json::from_str(&data).ok();
                }
            }
            let frame = self.body.frame().await?.expect("the stream does not break off");
            if let Some(data) = frame.data_ref() {
                self.text.push_str(std::str::from_utf8(data).expect("the gateway writes whole events"));
            }
        }
    }
}
