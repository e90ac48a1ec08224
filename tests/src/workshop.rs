//! The server of `servers/workshop.py`, which speaks both eras and notes what it carries out.

use tempfile::TempDir;
use tokio::process::Command;

use crate::environment::{self, Sdk};
use crate::served::Served;

/// A workshop's file of notes, and how to start it.
#[derive(Debug)]
pub struct Workshop {
    directory: TempDir,
}

impl Workshop {
    /// One that has carried out nothing.
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory can be made") }
    }

    /// The command that serves it, on its pipes if there are no options.
    pub fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(Sdk::Mcp2.program("python"));
        command.arg(environment::repository("tests/servers/workshop.py")).args(options).arg(self.file());
        command
    }

    /// Serves it over HTTP on a free port.
    pub async fn serve(&self) -> Served {
        Served::start(self.command(&["--http"])).await
    }

    /// What it has carried out for those who named themselves with this key, in order.
    pub fn notes(&self, key: &str) -> Vec<String> {
        let notes = std::fs::read_to_string(self.file()).unwrap_or_default();
        let own = notes.lines().filter_map(|line| line.rsplit_once(' ').filter(|(_, of)| *of == key));
        own.map(|(what, _)| what.to_owned()).collect()
    }

    fn file(&self) -> std::path::PathBuf {
        self.directory.path().join("notes")
    }
}

impl Default for Workshop {
    fn default() -> Self {
        Self::new()
    }
}
