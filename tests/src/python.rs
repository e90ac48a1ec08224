//! Conversations of the official Python SDKs, by the scripts in `clients/`.

use std::ffi::OsStr;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::environment::{self, Sdk};
use crate::waiting::{START, within};

/// What an SDK's client connects to.
#[derive(Clone, Debug)]
pub enum Server {
    /// A command, on its pipes.
    Command(Vec<String>),
    /// An address.
    Url(String),
}

/// Lets a client of the SDK connect and take some steps, each `{"list": "tools" | "prompts"}` or
/// `{"call": NAME, "arguments": {…}}`. Answers with what each showed: a list of names, or
/// `{"code", "message"}`, or `{"is_error", "text"}`.
pub async fn converse(sdk: Sdk, server: &Server, variables: &[(&str, String)], steps: &Value) -> Vec<Value> {
    let script = environment::repository(match sdk {
        Sdk::Mcp1 => "tests/clients/mcp1.py",
        Sdk::Mcp2 => "tests/clients/mcp2.py",
    });
    let task = match server {
        Server::Command(command) => json!({"command": command, "steps": steps}),
        Server::Url(url) => json!({"url": url, "steps": steps}),
    };
    let task = task.to_string();
    let seen = json(sdk, &[script.as_os_str(), task.as_ref()], variables).await;
    match seen {
        Value::Array(seen) => seen,
        other => panic!("the client printed {other}"),
    }
}

/// Runs a script that prints JSON.
pub async fn json(sdk: Sdk, arguments: &[&OsStr], variables: &[(&str, String)]) -> Value {
    let mut command = Command::new(sdk.program("python"));
    command
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("BARTIZAN_CACHE_DIR", environment::compiled())
        .kill_on_drop(true);
    let output = within(START, "a Python script", command.output()).await;
    let output = output.expect("Python starts");
    assert!(
        output.status.success(),
        "{arguments:?} fails:\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{arguments:?} printed no JSON: {error}:\n{}", String::from_utf8_lossy(&output.stdout))
    })
}
