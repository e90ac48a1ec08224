//! JSON-RPC messages and what tests ask of them.

use serde_json::{Value, json};

/// The revision that the clients of tests ask for.
pub const REVISION: &str = "2025-11-25";

/// A request.
pub fn request(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

/// A `tools/call`.
pub fn call(id: impl Into<Value>, tool: &str, arguments: &Value) -> Value {
    request(id, "tools/call", &json!({"name": tool, "arguments": arguments}))
}

/// A notification.
pub fn notification(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

/// The first request of a session.
pub fn initialize(id: impl Into<Value>) -> Value {
    let params = json!({
        "protocolVersion": REVISION,
        "capabilities": {"sampling": {}},
        "clientInfo": {"name": "bartizan-tests", "version": "1"},
    });
    request(id, "initialize", &params)
}

/// The text of a tool's result, which must be one.
#[track_caller]
pub fn text(response: &Value) -> &str {
    response["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {response}"))
}

/// The code and message of an error, which it must be.
#[track_caller]
pub fn error(response: &Value) -> (i64, &str) {
    let error = &response["error"];
    match (error["code"].as_i64(), error["message"].as_str()) {
        (Some(code), Some(message)) => (code, message),
        _ => panic!("no error in {response}"),
    }
}

/// The names in a `tools/list` result, which it must be.
#[track_caller]
pub fn tools(response: &Value) -> Vec<&str> {
    let tools = response["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools in {response}"));
    tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
}

/// Asserts that a response refuses a tool as one that does not exist.
#[track_caller]
pub fn assert_unknown_tool(response: &Value, tool: &str) {
    assert_eq!(response["error"], json!({"code": -32602, "message": format!("Unknown tool: {tool}")}));
}

/// Asserts that a response is a policy's refusal of a tool call, and answers with its text.
#[track_caller]
pub fn assert_denied(response: &Value) -> &str {
    assert_eq!(response["result"]["isError"], true, "{response}");
    let text = text(response);
    assert!(text.starts_with("[POLICY DENIED] "), "{text}");
    text
}
