//! Real MCP clients, driven by the programs in `clients/`: they take the same steps and show the same.

use std::ffi::OsString;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::environment::{self, Sdk};
use crate::waiting::{START, within};

/// What a client connects to.
#[derive(Clone, Debug)]
pub enum Server {
    /// A command, on its pipes.
    Command(Vec<String>),
    /// An address.
    Url(String),
}

impl Server {
    /// The program that a command would start.
    pub fn of(command: &Command) -> Self {
        let command = command.as_std();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        Self::Command(
            words.map(|word| word.to_str().expect("the words of tests are text").to_owned()).collect(),
        )
    }
}

/// A client in one of its modes.
#[derive(Clone, Debug)]
pub struct Client {
    words: Vec<OsString>,
    mode: Option<&'static str>,
}

impl Client {
    fn new(interpreter: impl Into<OsString>, script: &str, mode: Option<&'static str>) -> Self {
        let script = environment::repository("tests/clients").join(script);
        Self { words: vec![interpreter.into(), script.into()], mode }
    }

    /// The official Python SDK.
    pub fn python(sdk: Sdk, mode: Option<&'static str>) -> Self {
        let script = match sdk {
            Sdk::Mcp1 | Sdk::Sqlite => "mcp1.py",
            Sdk::Mcp2 => "mcp2.py",
        };
        Self::new(sdk.program("python"), script, mode)
    }

    /// FastMCP.
    pub fn fastmcp() -> Self {
        Self::new(Sdk::Mcp2.program("python"), "fastmcp_client.py", None)
    }

    /// A script for Node, such as `typescript1.mjs`.
    pub fn node(script: &str, mode: Option<&'static str>) -> Self {
        Self::new(environment::node(), script, mode)
    }

    /// The official Rust SDK.
    pub fn rmcp(mode: Option<&'static str>) -> Self {
        Self { words: vec![environment::rmcp_client().into()], mode }
    }

    /// Connects and takes the steps that `clients/mcp1.py` describes; what each of them showed.
    pub async fn converse(
        &self,
        server: &Server,
        variables: &[(&str, String)],
        steps: &[Value],
    ) -> Vec<Value> {
        let mut task = match server {
            Server::Command(command) => json!({"command": command, "steps": steps}),
            Server::Url(url) => json!({"url": url, "steps": steps}),
        };
        if let Some(mode) = self.mode {
            task["mode"] = mode.into();
        }
        let (program, arguments) = self.words.split_first().expect("a client has a program");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(task.to_string())
            .envs(variables.iter().map(|(name, value)| (name, value)));
        match printed(command).await {
            Value::Array(seen) if seen.len() == steps.len() => seen,
            other => panic!("{self:?} printed {other}"),
        }
    }
}

/// Runs a program and reads the JSON that it prints.
pub async fn printed(mut command: Command) -> Value {
    command
        .env("BARTIZAN_CACHE_DIR", environment::compiled())
        .env("BARTIZAN_STATE_DIR", environment::state())
        .kill_on_drop(true);
    let output = match within(START, &format!("{command:?}"), command.output()).await {
        Ok(output) => output,
        Err(error) => panic!("{command:?} does not start: {error}"),
    };
    let (printed, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} fails:\n{printed}\n{log}");
    serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("{command:?} printed no JSON: {error}:\n{printed}\n{log}"))
}
