//! Builds the gateway, with the built-in plugins in it.

use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::step::Step;
use crate::workspace::Workspace;

/// Answers with the executable. The guests must have been built.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    let mut step = Step::begin("gateway");
    // With the tests, whose dependencies turn on features of wasmtime's own: without them the tests would
    // compile it a second time, which takes longer than they do.
    process::run(&mut step, workspace.cargo(&["build", "--release", "--workspace", "--bins", "--tests"]))?;
    let executable = workspace.executable("bartizan");
    step.done(&executable.strip_prefix(workspace.root()).unwrap_or(&executable).display().to_string());
    Ok(executable)
}
