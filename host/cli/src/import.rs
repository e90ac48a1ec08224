//! `bartizan import`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_policy::import::intercept;
use bartizan_policy::source::Source;
use clap::Args;

use crate::{report, state};

/// Turn a policy of Intercept (YAML) into one of ours.
///
/// The policy goes to standard output or to a file. Every construct is mapped or reported: what differs, and
/// what could not be mapped, is told on standard error with its line.
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan import intercept.yaml --output policy.json && bartizan check --policy policy.json"
)]
pub(crate) struct Arguments {
    /// The policy of Intercept.
    file: PathBuf,
    /// Write the policy here.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Tell of what was mapped without a difference as well.
    #[arg(long)]
    all: bool,
}

pub(crate) fn import(arguments: &Arguments) -> ExitCode {
    let imported = Source::read(&arguments.file).and_then(|source| intercept::import(&source));
    let imported = match imported {
        Ok(imported) => imported,
        Err(diagnostics) => {
            report::write(&diagnostics);
            return ExitCode::FAILURE;
        }
    };
    if arguments.all {
        imported.findings.iter().for_each(|finding| eprintln!("{finding}"));
    } else {
        imported.differences().for_each(|finding| eprintln!("{finding}"));
    }
    let written = match &arguments.output {
        Some(path) => std::fs::write(path, &imported.document)
            .map_err(|error| format!("{} cannot be written: {error}", path.display())),
        None => std::io::stdout()
            .write_all(imported.document.as_bytes())
            .map_err(|error| format!("cannot write: {error}")),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => state::failed(&problem),
    }
}
