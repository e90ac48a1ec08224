//! Finds out whether a rustc can build for the guests' target by letting it: a standard library without
//! a linker, or the other way round, looks complete and is of no use.

use std::fs;
use std::process::Command;

use anyhow::{Result, anyhow};

use super::TARGET;
use crate::process;
use crate::workspace::Workspace;

/// A dynamic library that needs std, an allocator and a linker.
const SOURCE: &str =
    "#[unsafe(no_mangle)]\npub extern \"C\" fn probe() -> usize {\n    vec![0u8; 8].len()\n}\n";

pub(super) fn compile(workspace: &Workspace, mut rustc: Command) -> Result<()> {
    let directory = workspace.output("xtask");
    fs::create_dir_all(&directory)?;
    let source = directory.join("probe.rs");
    fs::write(&source, SOURCE)?;
    rustc
        .args(["--edition=2024", "--crate-type=cdylib", "--target", TARGET, "--out-dir"])
        .arg(&directory)
        .arg(&source);
    process::query(rustc).map(drop).map_err(|error| {
        // The compiler's first complaint says it all.
        let text = format!("{error:#}");
        let complaint = text.lines().map(str::trim).find(|line| line.starts_with("error"));
        anyhow!("{}", complaint.unwrap_or(&text).to_owned())
    })
}
