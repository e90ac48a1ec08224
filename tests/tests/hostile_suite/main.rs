//! Every plugin of `tests/hostile`: each is contained in time, with the right error, without harm to others.
//!
//! What must hold of each is one row of [`rows`]; a plugin without a row fails [`every_plugin_has_a_row`].
//!
//! | what must hold | where |
//! |---|---|
//! | it is refused in time, in few and harmless words | [`refused`] |
//! | it ends within its deadline, in the gateway as it is shipped, and costs nobody else anything | [`served`] |
//! | what it took is given back: memory, threads, descriptors | [`resources`] |
//! | its compilation ends, in bounded memory | [`heavy`] |
//! | settings and names that are hostile | [`settings`] |
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

mod heavy;
mod process;
mod refused;
mod resources;
mod rows;
mod served;
mod settings;

use std::time::{Duration, Instant};

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::{hostile, rpc};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The server that all of them guard.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");
/// A server of the same gateway that none of them guards.
const CALM: &str = "calm";
/// Far more than the deadline of an evaluation (100 ms), far less than a client's patience.
const AT_MOST: Duration = Duration::from_secs(3);

/// No capability is granted.
const UNGRANTED: &[&str] = &[];

#[test]
fn every_plugin_has_a_row() {
    let mut rows: Vec<&str> = rows::ROWS.iter().map(|(name, _)| *name).collect();
    rows.sort_unstable();
    let plugins = hostile::all();
    let without: Vec<&String> = plugins.iter().filter(|name| !rows.contains(&name.as_str())).collect();
    assert!(without.is_empty(), "without a row in rows.rs: {without:?}");
    assert_eq!(rows, plugins, "each plugin has one row");
}

/// A policy that allows everything, with plugins in it that have no settings.
fn policy(plugins: &[&str]) -> Value {
    let plugins: Vec<Value> = plugins.iter().map(|name| json!({"use": name})).collect();
    json!({"version": "1", "default": "allow", "plugins": plugins})
}

/// A gateway that serves one server for each of these plugins, guarded by it with these grants, and a calm one.
async fn serve(plugins: &[(&str, &[&str])]) -> (Serving, TempDir) {
    let folder = hostile::plugins(plugins.iter().map(|(plugin, _)| *plugin));
    let mut servers = json!({CALM: gateway::server(FAKE, &[], &policy(&[]))});
    for (plugin, grants) in plugins {
        let mut policy = policy(&[plugin]);
        if !grants.is_empty() {
            policy["plugins"][0]["grants"] = json!(grants);
        }
        servers[plugin] = gateway::server(FAKE, &[], &policy);
    }
    let configuration = json!({"plugins": {"dir": folder.path()}, "mcpServers": servers});
    (Serving::start_with(configuration).await, folder)
}

/// Calls `echo`, and asserts that the answer comes in good time.
async fn call(session: &Session, number: u32) -> Value {
    let begin = Instant::now();
    let answer = session.call("echo", &json!({"n": number})).await;
    assert!(begin.elapsed() < AT_MOST, "a call took {:?}", begin.elapsed());
    answer
}

fn assert_passed(case: &str, number: u32, answer: &Value) {
    let echoed: Value = serde_json::from_str(rpc::text(answer)).unwrap_or_default();
    assert_eq!(echoed, json!({"tool": "echo", "arguments": {"n": number}}), "{case}: {answer}");
}
