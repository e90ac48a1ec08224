//! A real server over Streamable HTTP, as a child process that prints the port it has bound.

use tokio::process::Command;

use crate::program::Program;

/// A running server; it ends when it is dropped.
#[derive(Debug)]
pub struct Served {
    _program: Program,
    url: String,
}

impl Served {
    /// Starts a command whose first line of output is a port of 127.0.0.1 that already takes connections.
    pub async fn start(command: Command) -> Self {
        let mut program = Program::start(command);
        let Some(port) = program.line().await else { panic!("the server ends:\n{}", program.log()) };
        let port: u16 = port.trim().parse().unwrap_or_else(|_| panic!("{port} is no port"));
        Self { _program: program, url: format!("http://127.0.0.1:{port}/mcp") }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}
