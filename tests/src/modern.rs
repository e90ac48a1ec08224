//! A client of the modern era (2026-07-28) over HTTP: every request stands for itself.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use crate::http::{Answer, Events, Headers, Http, POST};
use crate::rpc;

/// The era's revision.
pub const REVISION: &str = "2026-07-28";

/// A request that says of itself what it must, and that its client can do everything.
pub fn request(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    let capabilities = json!({
        "elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {},
        "extensions": {"io.modelcontextprotocol/tasks": {}},
    });
    request_of(&capabilities, id, method, params)
}

/// A request of a client that can do just this.
pub fn request_of(capabilities: &Value, id: impl Into<Value>, method: &str, params: &Value) -> Value {
    let mut request = rpc::request(id, method, params);
    if !request["params"].is_object() {
        request["params"] = json!({});
    }
    let meta = &mut request["params"]["_meta"];
    meta["io.modelcontextprotocol/protocolVersion"] = json!(REVISION);
    meta["io.modelcontextprotocol/clientCapabilities"] = capabilities.clone();
    meta["io.modelcontextprotocol/clientInfo"] = json!({"name": "bartizan-tests", "version": "1"});
    request
}

/// A `tools/call`.
pub fn call(id: impl Into<Value>, tool: &str, arguments: &Value) -> Value {
    request(id, "tools/call", &json!({"name": tool, "arguments": arguments}))
}

/// The same with a token of progress.
pub fn call_with_progress(id: impl Into<Value>, tool: &str, token: &Value) -> Value {
    let params = json!({"name": tool, "arguments": {}, "_meta": {"progressToken": token}});
    request(id, "tools/call", &params)
}

/// A client of one server.
#[derive(Debug)]
pub struct Modern {
    http: Http,
    url: String,
    last_id: AtomicI64,
}

impl Modern {
    /// A client of the server at a URL; nothing is sent yet.
    pub fn new(url: &str) -> Self {
        Self { http: Http::default(), url: url.to_owned(), last_id: AtomicI64::new(0) }
    }

    /// Posts a request with the headers that repeat it.
    pub async fn post(&self, request: &Value) -> Answer {
        self.post_with(request, &[]).await
    }

    /// The same with more headers.
    pub async fn post_with(&self, request: &Value, more: &Headers<'_>) -> Answer {
        let repeated = repeated(request);
        let headers = [POST, &borrowed(&repeated), more].concat();
        self.post_as(request, &headers).await
    }

    /// Posts a request with exactly these headers.
    pub async fn post_as(&self, request: &Value, headers: &Headers<'_>) -> Answer {
        self.http.send("POST", &self.url, headers, request.to_string()).await
    }

    /// Posts a request and reads the events of the response one by one.
    pub async fn stream(&self, request: &Value) -> Events {
        let repeated = repeated(request);
        let headers = [POST, &borrowed(&repeated)].concat();
        Events::new(self.http.open("POST", &self.url, &headers, request.to_string()).await)
    }

    /// Sends a request; its answer.
    pub async fn request(&self, method: &str, params: &Value) -> Value {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = self.post(&request(id, method, params)).await;
        assert_eq!(answer.status, 200, "{method}: {answer:?}");
        let message = answer.json();
        assert_eq!(message["id"], id, "not the answer to {method}: {message}");
        message
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.request("tools/call", &json!({"name": tool, "arguments": arguments})).await
    }
}

/// The headers that repeat a part of a request.
pub fn repeated(request: &Value) -> Vec<(&'static str, String)> {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let name = match request["method"].as_str() {
        Some("tools/call" | "prompts/get") => text("/params/name"),
        Some("resources/read") => text("/params/uri"),
        Some("tasks/get" | "tasks/update" | "tasks/cancel") => text("/params/taskId"),
        _ => None,
    };
    let version = text("/params/_meta/io.modelcontextprotocol~1protocolVersion");
    [("mcp-protocol-version", version), ("mcp-method", text("/method")), ("mcp-name", name)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Headers as a client takes them.
pub fn borrowed<'h>(headers: &'h [(&'static str, String)]) -> Vec<(&'h str, &'h str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
