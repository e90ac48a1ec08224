//! Both eras, every transport, sessions and processes.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

mod batches;
mod far;
mod link;
mod matrix;
mod modern;
mod processes;
mod resumption;
mod sessions;
mod shared;

use bartizan_tests::gateway;
use serde_json::{Value, json};

/// The server that speaks one era or both.
const ERA: &str = env!("CARGO_BIN_EXE_bartizan-era-server");

/// No arguments.
const NOTHING: Value = Value::Null;

fn allow() -> Value {
    json!({"version": "1", "default": "allow"})
}

/// The server of an era as an entry of a configuration.
fn era(era: &str, policy: &Value) -> Value {
    gateway::server(ERA, &["--era", era], policy)
}
