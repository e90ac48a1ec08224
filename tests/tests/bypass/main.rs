//! Ways around a policy, each tried on the gateway as it is shipped.
#![expect(clippy::expect_used, clippy::panic, reason = "a test's helper that cannot go on fails the test")]

mod answers;
mod floods;
mod leaks;
mod modern;
mod quotas;
mod rounds;

use bartizan_tests::{gateway, waiting};
use serde_json::{Value, json};

/// The server on its pipes whose tools misbehave.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");
/// The server on its pipes that means harm.
const HOSTILE: &str = env!("CARGO_BIN_EXE_bartizan-hostile-server");

/// Allows everything.
fn allow() -> Value {
    json!({"version": "1", "default": "allow"})
}

/// Allows everything but what is named `delete_run`, which does not exist.
fn hide() -> Value {
    json!({"version": "1", "default": "allow", "hide": ["delete_run"]})
}

/// What a server on its pipes keeps of what it got.
struct Record(tempfile::TempDir);

impl Record {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory can be made"))
    }

    fn path(&self) -> String {
        let path = self.0.path().join("record");
        path.to_str().expect("paths of temporary files are text").to_owned()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap_or_default()
    }

    /// How many lines contain this.
    fn count(&self, part: &str) -> usize {
        self.text().lines().filter(|line| line.contains(part)).count()
    }

    /// How often a tool was called.
    fn calls(&self, tool: &str) -> usize {
        let calls =
            |line: &&str| line.contains("\"tools/call\"") && line.contains(&format!("\"name\":\"{tool}\""));
        self.text().lines().filter(calls).count()
    }

    /// Waits until so many lines contain this.
    async fn until(&self, part: &str, number: usize) {
        waiting::until(&format!("the server got {part}"), || self.count(part) >= number).await;
    }

    /// A server that records, as an entry of a configuration.
    fn server(&self, program: &str, policy: &Value) -> Value {
        gateway::server(program, &["--record", &self.path()], policy)
    }
}
