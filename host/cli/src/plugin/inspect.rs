//! `bartizan plugin inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_author::{Settings, inspect};
use clap::Args;

/// Say what a plugin is: what it judges, what it asks for, how large it is.
///
/// Loads it as the gateway would, and runs nothing of it but `describe` and `configure`. The exit status is 1 if
/// the file is no usable plugin.
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan plugin inspect change-freeze.wasm")]
pub(crate) struct Arguments {
    /// The plugin.
    file: PathBuf,
    /// What it is configured with, to see how much memory that takes: a file, or JSON text.
    #[arg(long, value_name = "FILE|JSON")]
    settings: Option<String>,
    /// As a JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn inspect(arguments: &Arguments) -> ExitCode {
    let settings = arguments.settings.as_deref().map(Settings::read).transpose();
    let inspection = settings
        .map_err(Into::into)
        .and_then(|settings| inspect::inspect(&arguments.file, &settings.unwrap_or_default()));
    match inspection {
        Ok(inspection) if arguments.json => print!("{}", inspection.to_json()),
        Ok(inspection) => print!("{inspection}"),
        Err(error) => return super::failed(&error),
    }
    ExitCode::SUCCESS
}
