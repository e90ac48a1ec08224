//! Rust, by cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::{self, ToolError, Way};
use super::{BuildError, Project, component};

const TARGET: &str = "wasm32-unknown-unknown";

const RUST: &str = "Get Rust 1.95 or later from https://rustup.rs or from your system's packages.";

const STANDARD_LIBRARY: &str = "Add the target: rustup target add wasm32-unknown-unknown\n\
    With the Rust of a distribution, install its package of the standard library for that target.";

pub(super) fn build(project: &Project) -> Result<Vec<u8>, BuildError> {
    let mut cargo = tools::find("cargo", &[Way::new(["cargo"], &["--version"])], &project.directory, RUST)?;
    has_target(&project.directory)?;
    cargo.args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    let messages = tools::query(cargo)?;
    let module = messages.lines().filter_map(module).next_back().ok_or_else(|| {
        project.no_plugin("cargo made no cdylib; `crate-type` in Cargo.toml says so".to_owned())
    })?;
    let module = project.read(&module)?;
    component::encode(&module, None).map_err(|problem| project.no_plugin(problem))
}

/// Whether the compiler in use has a standard library for the target.
fn has_target(directory: &Path) -> Result<(), ToolError> {
    let compiler = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let mut rustc = Command::new(&compiler);
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(directory);
    let libraries = tools::query(rustc)?;
    if Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    Err(ToolError::Missing {
        what: "The standard library of Rust for wasm32-unknown-unknown",
        tried: libraries.trim().to_owned(),
        remedy: STANDARD_LIBRARY.to_owned(),
    })
}

/// The path of a WebAssembly module that one of cargo's messages tells of.
fn module(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let files = message.get("filenames")?.as_array()?;
    files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with(".wasm")).map(PathBuf::from)
}
