//! The state directory on the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_admin::desk::Desk;
use bartizan_gateway::StateLocation;
use clap::Args;

/// Where the state directory is.
#[derive(Args, Clone, Default)]
pub(crate) struct Arguments {
    /// The state directory: counters, approvals and the audit log [default: bartizan in the user's state
    /// folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_STATE_DIR", global = true)]
    state_dir: Option<PathBuf>,
}

impl Arguments {
    /// The location that was named.
    pub(crate) fn named(&self) -> Option<StateLocation> {
        self.state_dir.clone().map(StateLocation::Directory)
    }

    /// The location that was named, or the one of a configuration, or the user's.
    pub(crate) fn location(&self, configured: Option<PathBuf>) -> StateLocation {
        self.state_dir.clone().or(configured).map_or(StateLocation::User, StateLocation::Directory)
    }
}

/// The desk of the state directory.
pub(crate) fn open_desk(arguments: &Arguments) -> Result<Desk, String> {
    desk(&arguments.location(None))
}

/// The desk of a state directory.
pub(crate) fn desk(location: &StateLocation) -> Result<Desk, String> {
    let directory = location.directory().map_err(|error| error.to_string())?;
    let log = location.log().map_err(|error| error.to_string())?;
    Desk::open(&directory, log).map_err(|error| error.to_string())
}

/// Reports a problem.
pub(crate) fn failed(problem: &str) -> ExitCode {
    eprintln!("bartizan: {problem}");
    ExitCode::FAILURE
}
