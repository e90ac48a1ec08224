//! Asks rustup for the target.

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};

use super::TARGET;
use crate::process;
use crate::step::Step;
use crate::workspace::Workspace;

/// Long enough for 30 MB, short enough for a network that swallows packets.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn add_target(workspace: &Workspace) -> Result<()> {
    let mut look = Command::new("rustup");
    let found = look.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        bail!("there is no rustup on this machine");
    }
    let mut command = Command::new("rustup");
    // Where cargo is not rustup's, rustup may have no toolchain yet; installing one is not what was asked.
    command.current_dir(workspace.root()).env("RUSTUP_AUTO_INSTALL", "0").args(["target", "add", TARGET]);
    let mut step = Step::begin(format!("rustup target add {TARGET}"));
    process::run_within(&mut step, command, PATIENCE)?;
    step.done("added");
    Ok(())
}
