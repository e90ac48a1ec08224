//! What the end-to-end tests share: the gateway as a child process, MCP clients that can misbehave,
//! servers that do, real clients, and the real MLflow MCP server with its store.
//!
//! Everything has a deadline and fails the test that uses it with words that say what was waited for.
//! What `cargo xtask test` prepares (the gateway, the plugins, Python environments) is asked for in
//! [`environment`]; nothing is skipped when it is missing.
#![forbid(unsafe_code)]
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness that cannot go on fails the test that uses it"
)]

pub mod admin;
pub mod certificates;
pub mod clients;
pub mod connection;
pub mod environment;
pub mod events;
pub mod everything;
pub mod fake_http;
pub mod gateway;
pub mod hostile;
pub mod hostile_http;
pub mod http;
pub mod mlflow;
pub mod modern;
pub mod program;
pub mod python;
pub mod rpc;
pub mod served;
pub mod stdio;
pub mod waiting;
pub mod workshop;

/// What stands in the cookbook compiles, and its tests hold.
#[cfg(doctest)]
#[doc = include_str!("../../docs/plugins/cookbook.md")]
struct Cookbook;
