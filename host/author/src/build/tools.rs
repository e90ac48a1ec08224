//! Programs of others: which of the ways to have one works here, and how it went.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Why a tool did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// There is none.
    #[error("{what} is needed, and was not found (tried: {tried}).\n{remedy}")]
    Missing {
        /// The tool.
        what: &'static str,
        /// The commands that did not work.
        tried: String,
        /// How to get it.
        remedy: String,
    },
    /// It ran and failed; it has said why.
    #[error("`{command}` failed ({status}); what it says is above")]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It does not start.
    #[error("`{command}` cannot be run: {source}")]
    Start {
        /// What was to be run.
        command: String,
        /// Why not.
        source: io::Error,
    },
}

/// A way to have a tool: a command that works if it succeeds with `probe`.
pub(super) struct Way {
    /// The program, and arguments that always come first.
    pub(super) command: Vec<PathBuf>,
    /// What to ask it, to see whether it is there.
    pub(super) probe: &'static [&'static str],
}

impl Way {
    pub(super) fn new<const N: usize>(command: [&str; N], probe: &'static [&'static str]) -> Self {
        Self { command: command.iter().map(PathBuf::from).collect(), probe }
    }

    pub(super) fn at(program: PathBuf, first: &[&str], probe: &'static [&'static str]) -> Self {
        let command = std::iter::once(program).chain(first.iter().map(PathBuf::from)).collect();
        Self { command, probe }
    }

    fn works(&self, directory: &Path) -> bool {
        let Some(mut command) = self.start(directory) else { return false };
        command.args(self.probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn start(&self, directory: &Path) -> Option<Command> {
        let (program, first) = self.command.split_first()?;
        // A name is looked for on PATH; a path is one in the project.
        let is_path = program.components().count() > 1;
        let mut command = if is_path { Command::new(directory.join(program)) } else { Command::new(program) };
        command.args(first).current_dir(directory);
        Some(command)
    }

    fn shown(&self) -> String {
        self.command.iter().map(|part| part.display().to_string()).collect::<Vec<_>>().join(" ")
    }
}

/// The first of the ways that works, as a command that runs in the directory.
pub(super) fn find(
    what: &'static str,
    ways: &[Way],
    directory: &Path,
    remedy: &str,
) -> Result<Command, ToolError> {
    ways.iter().find(|way| way.works(directory)).and_then(|way| way.start(directory)).ok_or_else(|| {
        let tried = ways.iter().map(Way::shown).collect::<Vec<_>>().join(", ");
        ToolError::Missing { what, tried, remedy: remedy.to_owned() }
    })
}

/// Runs a tool, with what it says on standard error.
pub(super) fn run(mut command: Command) -> Result<(), ToolError> {
    command.stdout(io::stderr());
    run_with_output(command)
}

/// Runs a tool whose output goes where the command says.
pub(super) fn run_with_output(mut command: Command) -> Result<(), ToolError> {
    command.stdin(Stdio::null());
    let status = command.status().map_err(|source| ToolError::Start { command: shown(&command), source })?;
    if status.success() { Ok(()) } else { Err(ToolError::Failed { command: shown(&command), status }) }
}

/// Runs a tool and gives what it writes to standard output; what it says goes to standard error.
pub(super) fn query(mut command: Command) -> Result<String, ToolError> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().map_err(|source| ToolError::Start { command: shown(&command), source })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(ToolError::Failed { command: shown(&command), status: output.status })
    }
}

/// A command as one would type it, without directories.
fn shown(command: &Command) -> String {
    let name = |part: &OsStr| {
        let path = Path::new(part);
        let name = if path.is_absolute() { path.file_name().unwrap_or(part) } else { part };
        name.to_string_lossy().into_owned()
    };
    let parts = std::iter::once(command.get_program()).chain(command.get_args());
    parts.map(name).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_told_with_what_was_tried_and_where_to_get_it() {
        let ways = [Way::new(["no-such-tool-a"], &["--version"]), Way::new(["no-such-tool-b", "-m"], &[])];
        let error = find("Nothing", &ways, Path::new("."), "Get it.").unwrap_err().to_string();
        assert_eq!(
            error,
            "Nothing is needed, and was not found (tried: no-such-tool-a, no-such-tool-b -m).\nGet it."
        );
    }
}
