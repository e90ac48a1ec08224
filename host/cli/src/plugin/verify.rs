//! `bartizan plugin verify`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bartizan_gateway::config::Config;
use bartizan_rehearsal::text::whole;
use bartizan_trust::{Trust, TrustedKey};
use clap::Args;

use crate::{report, state};

/// Verify the signatures of plugins.
///
/// Looks at FILE.minisig beside each file. The exit status is 0 if each is signed, under its name, with one of the
/// keys; else 1.
#[derive(Args)]
#[command(after_help = "Examples:\n  bartizan plugin verify change-freeze.wasm --key bartizan.pub\n  \
    bartizan plugin verify plugins/*.wasm --trusted bartizan.json")]
#[command(group = clap::ArgGroup::new("keys").required(true).multiple(true))]
pub(crate) struct Arguments {
    /// The plugins.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A public key: its text, or its file.
    #[arg(long, value_name = "KEY|FILE", group = "keys")]
    key: Vec<String>,
    /// The keys in `plugins.trusted_keys` of this configuration.
    #[arg(long, value_name = "FILE", group = "keys")]
    trusted: Option<PathBuf>,
}

pub(super) fn verify(arguments: &Arguments) -> ExitCode {
    let mut keys = Vec::new();
    for given in &arguments.key {
        let key = if TrustedKey::is_meant(given) {
            TrustedKey::parse(given)
        } else {
            TrustedKey::read(Path::new(given))
        };
        match key {
            Ok(key) => keys.push(key),
            Err(error) => return state::failed(&error.to_string()),
        }
    }
    if let Some(path) = &arguments.trusted {
        match Config::load(path) {
            Ok(config) => match config.plugins.trusted_keys {
                Some(trusted) => keys.extend(trusted),
                None => return state::failed(&format!("{} has no `plugins.trusted_keys`", path.display())),
            },
            Err(diagnostics) => {
                report::write(&diagnostics);
                return ExitCode::FAILURE;
            }
        }
    }
    let mut code = ExitCode::SUCCESS;
    for file in &arguments.files {
        let shown = file.display().to_string();
        let verified = match std::fs::read(file) {
            Ok(content) => Trust::signature(file, &content, &keys).map_err(|problem| problem.to_string()),
            Err(error) => Err(format!("it cannot be read: {error}")),
        };
        match verified {
            Ok(signed) => {
                println!("{}: signed with {}: {}", whole(&shown), signed.key.id(), whole(&signed.comment));
            }
            Err(problem) => {
                eprintln!("bartizan: {}: {}", whole(&shown), whole(&problem));
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
