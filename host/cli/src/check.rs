//! `bartizan check`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_gateway::config::Config;
use bartizan_gateway::{CacheLocation, StartError};
use bartizan_policy::diagnostics::Diagnostics;
use clap::Args;

use crate::report;
use crate::vetting::Locked;

/// Check a configuration or a policy, and say everything that is wrong with it.
///
/// Loads what `serve` or `run` would load, plugins included, and starts nothing. The exit status is 0 if
/// there is no error, else 1.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan check --config bartizan.json\n  bartizan check --policy policy.json --plugins-dir plugins"
)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Arguments {
    /// A configuration, with every policy and plugin that it names.
    #[arg(long, value_name = "FILE", group = "what")]
    config: Option<PathBuf>,
    /// A policy.
    #[arg(long, value_name = "FILE", group = "what")]
    policy: Option<PathBuf>,
    /// The plugins folder, for a policy that names plugins.
    #[arg(long, value_name = "DIR", requires = "policy")]
    plugins_dir: Option<PathBuf>,
    #[command(flatten)]
    locked: Locked,
    /// The lock file of --locked, with --policy [default: plugins.lock beside the plugins folder].
    #[arg(long, value_name = "FILE", requires = "locked", requires = "policy")]
    plugins_lock: Option<PathBuf>,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

pub(crate) fn check(arguments: &Arguments) -> ExitCode {
    let cache = arguments.cache_dir.clone().map_or_else(CacheLocation::default, CacheLocation::Directory);
    let checked = match (&arguments.config, &arguments.policy) {
        (Some(config), _) => Config::load(config).map_err(StartError::from).and_then(|mut config| {
            let warnings = std::mem::take(&mut config.warnings);
            bartizan_gateway::check(config, &cache, arguments.locked.locking())
                .map(|()| warnings.clone())
                .inspect_err(|_| report::write(&warnings))
        }),
        (None, Some(policy)) => bartizan_policy::load(policy).map_err(StartError::from).and_then(|policy| {
            let folder = arguments.plugins_dir.as_deref();
            let vetting = arguments.locked.vetting(folder, arguments.plugins_lock.as_deref());
            let plans = vetting
                .map_err(StartError::from)
                .and_then(|vetting| bartizan_gateway::plans(&[&policy], folder, vetting, &cache));
            plans.map(|_| policy.warnings.clone()).inspect_err(|_| report::write(&policy.warnings))
        }),
        // The argument parser demands one of them.
        (None, None) => Ok(Diagnostics::default()),
    };
    match checked {
        Ok(warnings) => {
            report::write(&warnings);
            println!("ok: {}", report::summary(&warnings));
            ExitCode::SUCCESS
        }
        Err(error) => {
            report::error(&error);
            if let StartError::Diagnostics(diagnostics) = &error {
                eprintln!("{}", report::summary(diagnostics));
            }
            ExitCode::FAILURE
        }
    }
}
