//! The gateway as a child process.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::environment;
use crate::program::Program;

/// The `bartizan` command with these arguments.
pub fn bartizan(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(environment::gateway());
    command
        .args(arguments)
        .env("BARTIZAN_CACHE_DIR", environment::compiled())
        .env("BARTIZAN_STATE_DIR", environment::state())
        .env_remove("BARTIZAN_LOG");
    command
}

/// A file in a directory of its own.
#[derive(Debug)]
pub struct Document {
    directory: TempDir,
    name: &'static str,
}

impl Document {
    /// Writes it.
    pub fn new(name: &'static str, text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        std::fs::write(directory.path().join(name), text).expect("a temporary file can be written");
        Self { directory, name }
    }

    /// A policy.
    pub fn policy(policy: &Value) -> Self {
        Self::new("policy.json", &policy.to_string())
    }

    /// Where it is.
    pub fn path(&self) -> std::path::PathBuf {
        self.directory.path().join(self.name)
    }
}

/// `bartizan run` with a policy in front of a command.
pub fn run(policy: &Path, server: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    // By arguments: the clients of the SDKs do not pass on the environment.
    let mut command = bartizan(["run", "--state-dir"]);
    command.arg(environment::state()).arg("--policy").arg(policy).arg("--").args(server);
    command
}

/// A server of a configuration: a command with arguments, behind a policy.
pub fn server(command: &str, arguments: &[&str], policy: &Value) -> Value {
    json!({"command": command, "args": arguments, "policy": policy})
}

/// A running `bartizan serve`.
#[derive(Debug)]
pub struct Serving {
    program: Program,
    urls: BTreeMap<String, String>,
    configuration: Document,
}

impl Serving {
    /// Serves these servers on a free port, without a plugins folder.
    pub async fn start(servers: &Value) -> Self {
        Self::start_with(json!({"mcpServers": servers})).await
    }

    /// Serves a configuration on a free port.
    pub async fn start_with(configuration: Value) -> Self {
        Self::start_in(configuration, &[]).await
    }

    /// Serves a configuration on a free port, with variables added to the gateway's environment.
    pub async fn start_in(configuration: Value, variables: &[(&str, &Path)]) -> Self {
        let names: Vec<String> = configuration["mcpServers"]
            .as_object()
            .map(|servers| servers.keys().cloned().collect())
            .unwrap_or_default();
        let configuration = Document::new("bartizan.json", &configuration.to_string());
        let mut command = bartizan(["serve", "--listen", "127.0.0.1:0", "--config"]);
        // Tests look for what was allowed as well.
        command.arg(configuration.path()).args(["--log", "info,bartizan::decision=debug"]);
        command.envs(variables.iter().copied());
        let mut program = Program::start(command);
        let mut urls = BTreeMap::new();
        for _ in &names {
            let Some(line) = program.line().await else {
                panic!("the gateway does not serve:\n{}", program.end().await.log);
            };
            let (name, url) = line.split_once(' ').expect("a line has a name and a URL");
            urls.insert(name.to_owned(), url.trim().to_owned());
        }
        assert!(urls.keys().eq(&names), "it serves {urls:?} instead of {names:?}");
        Self { program, urls, configuration }
    }

    /// The file that it serves.
    pub fn configuration(&self) -> std::path::PathBuf {
        self.configuration.path()
    }

    /// Where a server is.
    pub fn url(&self, server: &str) -> &str {
        &self.urls[server]
    }

    /// The address that all of them are at.
    pub fn address(&self) -> SocketAddr {
        let url = self.urls.values().next().expect("a configuration has servers");
        let address = url.split('/').nth(2).and_then(|address| address.parse().ok());
        address.expect("a URL has an address and a port")
    }

    /// Sends the gateway a signal.
    pub fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// The log until now.
    pub fn log(&self) -> String {
        self.program.log()
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        u32::try_from(self.program.pid().as_raw_nonzero().get())
            .expect("the ids of processes are not negative")
    }

    /// The process.
    pub fn into_program(self) -> Program {
        self.program
    }
}
