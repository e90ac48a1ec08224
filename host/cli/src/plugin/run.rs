//! `bartizan plugin run`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_author::run::{self, RunError};
use bartizan_author::{Grants, Settings};
use bartizan_gateway::CacheLocation;
use clap::Args;

use crate::explain::{self, Problem};

/// Judge one call with a plugin alone.
///
/// Asks every hook that applies: `listings` whether the target exists, `calls` about the call, and `replies` about
/// the `result` that the call's file has. Shows the verdict, and what the plugin charges, notes and rewrites. The
/// exit status is 0 whatever is decided, and 2 if there is no decision.
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan plugin run change-freeze.wasm --settings freeze.json --call call.json"
)]
pub(crate) struct Arguments {
    /// The plugin.
    file: PathBuf,
    /// The call, as for `bartizan explain`: a JSON or YAML file, or - for standard input.
    #[arg(long, value_name = "FILE")]
    call: PathBuf,
    /// What it is configured with: a file, or JSON text.
    #[arg(long, value_name = "FILE|JSON")]
    settings: Option<String>,
    /// What it is granted, with commas between; or JSON text, as in `grants` of a policy.
    #[arg(long, value_name = "NAMES|JSON")]
    grants: Option<String>,
    /// As a JSON object.
    #[arg(long)]
    json: bool,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match told(arguments) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(problem) => explain::unanswered(problem),
    }
}

fn told(arguments: &Arguments) -> Result<String, Problem> {
    let settings = arguments.settings.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
    let grants = arguments.grants.as_deref().map(Grants::read).unwrap_or_default();
    let asked = explain::asked(&arguments.call)?;
    let cache = arguments.cache_dir.clone().map_or_else(CacheLocation::default, CacheLocation::Directory);
    let run = run::run(&arguments.file, &settings, &grants, &asked, cache).map_err(|error| match error {
        RunError::Diagnostics(problems) => Problem::Diagnostics(problems),
        RunError::Start(error) => Problem::Start(error),
    })?;
    if arguments.json {
        return run.to_json().map_err(|error| Problem::Other(error.to_string()));
    }
    Ok(run.to_string())
}
