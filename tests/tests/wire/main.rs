//! The wire: what is read in one way only, whom messages reach, and what HTTP says about it.
#![expect(clippy::expect_used, reason = "a test's helper that cannot go on fails the test")]

mod exchanges;
mod http_rules;
mod servers;
mod sessions;
mod smuggling;

use bartizan_tests::{gateway, waiting};
use serde_json::Value;

/// The server whose tools misbehave.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");

/// What the fake server keeps of what it got.
struct Record {
    directory: tempfile::TempDir,
}

impl Record {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a temporary directory can be made") }
    }

    fn path(&self) -> String {
        let path = self.directory.path().join("record");
        path.to_str().expect("paths of temporary files are text").to_owned()
    }

    /// How many lines the server got that contain this.
    fn count(&self, part: &str) -> usize {
        let record = std::fs::read_to_string(self.path()).unwrap_or_default();
        record.lines().filter(|line| line.contains(part)).count()
    }

    /// The id of the first request that contains this, as the server knows it.
    fn id_of(&self, part: &str) -> Value {
        let record = std::fs::read_to_string(self.path()).unwrap_or_default();
        let line = record.lines().find(|line| line.contains(part)).expect("the server got it");
        let message: Value = serde_json::from_str(line).expect("the gateway sends JSON");
        message.get("id").cloned().unwrap_or_default()
    }

    /// Waits until the server has got so many of them.
    async fn until(&self, part: &str, number: usize) {
        waiting::until(&format!("the server got {part}"), || self.count(part) >= number).await;
    }

    /// The server as an entry of a configuration.
    fn server(&self, policy: &Value) -> Value {
        gateway::server(FAKE, &["--record", &self.path()], policy)
    }
}
