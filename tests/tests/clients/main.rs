//! Real clients in front of the gateway. Each takes the same steps twice: directly at the server, where every
//! tool is there and runs, and through the gateway, where a policy stands. So nothing here passes because a
//! tool does not work, and the server's own notes tell what was carried out.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test's helper that cannot go on fails the test"
)]

mod everything;
mod workshop;

use std::collections::BTreeMap;

use bartizan_tests::clients::{Client, Server};
use bartizan_tests::environment::Sdk;
use serde_json::{Value, json};

/// The revision that the two eras end and begin with.
const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// What the steps of a conversation showed, by their names.
type Seen = BTreeMap<String, Value>;

/// The steps of a conversation, with a name each.
#[derive(Default)]
struct Steps(Vec<(String, Value)>);

impl Steps {
    fn step(&mut self, name: &str, step: Value) {
        self.0.push((name.to_owned(), step));
    }

    fn call(&mut self, tool: &str, arguments: &Value) {
        self.step(tool, json!({"call": tool, "arguments": arguments}));
    }

    async fn take(&self, client: &Client, server: &Server) -> Seen {
        let steps: Vec<Value> = self.0.iter().map(|(_, step)| step.clone()).collect();
        let seen = client.converse(server, &[], &steps).await;
        self.0.iter().map(|(name, _)| name.clone()).zip(seen).collect()
    }
}

fn mcp1() -> Client {
    Client::python(Sdk::Mcp1, None)
}

fn mcp2(mode: &'static str) -> Client {
    Client::python(Sdk::Mcp2, Some(mode))
}

fn typescript1() -> Client {
    Client::node("typescript1.mjs", None)
}

fn typescript2(mode: &'static str) -> Client {
    Client::node("typescript2.mjs", Some(mode))
}

fn inspector(mode: &'static str) -> Client {
    Client::node("inspector.mjs", Some(mode))
}

fn rmcp(mode: &'static str) -> Client {
    Client::rmcp(Some(mode))
}

#[track_caller]
fn assert_ran(seen: &Seen, step: &str) {
    assert_eq!(seen[step]["is_error"], false, "{step}: {}", seen[step]);
}

#[track_caller]
fn assert_denied(seen: &Seen, step: &str, reason: &str) {
    let text = seen[step]["text"].as_str().unwrap_or_default();
    assert!(seen[step]["is_error"] == true && text.contains(reason), "{step}: {}", seen[step]);
    assert!(text.starts_with("[POLICY DENIED] "), "{step}: {text}");
}

/// Asserts that a hidden tool was answered for as one that does not exist, apart from its name.
#[track_caller]
fn assert_unknown(seen: &Seen, hidden: &str, absent: &str) {
    let (code, message) = (&seen[hidden]["code"], seen[hidden]["message"].as_str().unwrap_or_default());
    assert!(message.contains(hidden), "{}", seen[hidden]);
    assert_eq!(json!({"code": code, "message": message.replace(hidden, absent)}), seen[absent]);
}
