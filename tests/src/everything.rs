//! `@modelcontextprotocol/server-everything`, made with the official TypeScript SDK of the legacy era.

use tokio::process::Command;

use crate::environment;

const PROGRAM: &str = "mcp-server-everything";

/// The command that serves it on its pipes.
pub fn on_pipes() -> Command {
    let mut command = Command::new(environment::node());
    command.arg(environment::node_program(PROGRAM)).arg("stdio");
    command
}

/// The command that serves it over HTTP and prints the port.
pub fn over_http() -> Command {
    let mut command = Command::new(environment::node());
    command.arg(environment::repository("tests/servers/everything.mjs"));
    command.arg(environment::node_program(PROGRAM));
    command
}
