//! Policy plugins: load, check, configure, snapshot, evaluate under limits.
//!
//! A plugin is a WebAssembly component that exports the contract in `wit/`. This crate knows Wasm and
//! that contract; it knows no MCP transport and no policy document, so that a command line tool can
//! test, bench and replay plugins without a gateway.
//!
//! A plugin passes through these states:
//!
//! | state | what it is |
//! |---|---|
//! | bytes | a component, or a core module with a `component-type` section ([`Component::load`] encodes it) |
//! | [`Component`] | compiled, its imports checked, its exports reflected, described |
//! | [`Plugin`] | configured with settings; *pristine* where the configured memory could be snapshotted |
//! | instance | lives for one evaluation (or a bounded number of them, see [`Isolation`]) and is dropped |
//!
//! Nothing that a plugin does can outlive its evaluation, block it beyond a deadline, or take more
//! memory than its [`Limits`] allow. What goes wrong is an [`EvaluationError`] that says whose fault it
//! was; the caller decides what a failed evaluation means for the call (refuse it, unless told
//! otherwise).

mod anatomy;
mod cache;
mod call;
mod census;
mod class;
mod compiler;
mod component;
mod configured;
mod contract;
mod decision;
mod dirty;
mod encode;
mod engine;
mod error;
mod evaluate;
mod interfaces;
mod judgements;
mod limits;
mod measure;
mod native;
mod pointer;
mod pool;
mod quarantine;
mod sandbox;
mod slots;
mod snapshot;
mod statistics;
mod ticker;
mod wasi;
mod words;

pub use anatomy::{Anatomy, CONTRACT, Memory, Snapshotting};
pub use cache::{Cache, CacheError};
pub use call::{Call, Entry, Flow, Reply};
pub use class::SizeClass;
pub use compiler::{CompileError, compile_plugin, refusal_status};
pub use component::{Capability, Component, Description, Hooks, Interest};
pub use configured::{Isolation, Plugin, Settings};
pub use decision::{Approval, Charge, Decision, Denial, Judgement, Note, Scope, Unit, Verdict, Window};
pub use engine::{Allocation, Engine, EngineConfig, EngineError};
pub use error::{Blame, ConfigureError, EvaluationError, LoadError, MemoryError};
pub use interfaces::http;
pub use interfaces::memory::{Change, Crowded, Remembered};
pub use judgements::Judgements;
pub use limits::Limits;
pub use measure::Taken;
pub use quarantine::Health;
pub use sandbox::Sandbox;
pub use statistics::{Statistics, Times};

/// The release of wasmtime that evaluates plugins, for `--version`, metrics and audit.
pub const WASMTIME_VERSION: &str = "48.0.8";

#[cfg(test)]
mod tests {
    #[test]
    fn the_wasmtime_version_is_the_locked_one() {
        let lock = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"wasmtime\"\nversion = \"{}\"", super::WASMTIME_VERSION);
        assert!(lock.contains(&entry), "Cargo.lock has another wasmtime than {}", super::WASMTIME_VERSION);
    }
}
