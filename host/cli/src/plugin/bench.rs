//! `bartizan plugin bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_author::{LoadingError, Settings, bench};
use clap::Args;

use crate::explain;

/// Measure what an evaluation costs.
///
/// Pristine is how the gateway evaluates: a new instance that starts from the memory after `configure`. Fresh is a
/// new instance that is configured first, reused one that has judged before. Times are of this machine as it is now;
/// instructions are counted by wasmtime's fuel, and are the same everywhere.
#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan plugin bench change-freeze.wasm --settings '{\"until\": \"2027-01-02\"}' --call call.json"
)]
pub(crate) struct Arguments {
    /// The plugin.
    file: PathBuf,
    /// What it is configured with: a file, or JSON text.
    #[arg(long, value_name = "FILE|JSON")]
    settings: Option<String>,
    /// The call to judge, as for `bartizan explain` [default: a call of a tool that the plugin is interested in].
    #[arg(long, value_name = "FILE")]
    call: Option<PathBuf>,
    /// As a JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn bench(arguments: &Arguments) -> ExitCode {
    match measured(arguments) {
        Ok(bench) if arguments.json => print!("{}", bench.to_json()),
        Ok(bench) => print!("{bench}"),
        Err(error) => return super::failed(&error),
    }
    ExitCode::SUCCESS
}

fn measured(arguments: &Arguments) -> Result<bench::Bench, LoadingError> {
    let settings = arguments.settings.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
    let asked = match &arguments.call {
        Some(call) => Some(explain::asked(call).map_err(|problem| match problem {
            explain::Problem::Diagnostics(problems) => LoadingError::Diagnostics(problems),
            explain::Problem::Start(error) => LoadingError::Call(error.to_string()),
            explain::Problem::Other(problem) => LoadingError::Call(problem),
        })?),
        None => None,
    };
    bench::bench(&arguments.file, &settings, asked.as_ref())
}
