//! `bartizan plugin lock`.

use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_gateway::config::Config;
use bartizan_gateway::{CacheLocation, Locking, StartError, Vetting};
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_trust::{Lock, LockError};
use clap::Args;

use crate::{report, state, vetting};

/// Accept the plugins in the plugins folder as they are now.
///
/// Writes a lock file: of each plugin that runs its version, its digest, what it asks for, and what policies grant
/// it. With --locked, `serve`, `run` and `check` refuse every plugin that differs. Run it again to accept what has
/// changed; it says what that is.
#[derive(Args)]
#[command(after_help = "Examples:\n  bartizan plugin lock --config bartizan.json\n  \
    bartizan plugin lock --policy policy.json --plugins-dir plugins")]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Arguments {
    /// A configuration, with its plugins folder and its policies.
    #[arg(long, value_name = "FILE", group = "what")]
    config: Option<PathBuf>,
    /// A policy.
    #[arg(long, value_name = "FILE", group = "what", requires = "plugins_dir")]
    policy: Option<PathBuf>,
    /// The plugins folder, with a policy.
    #[arg(long, value_name = "DIR", requires = "policy")]
    plugins_dir: Option<PathBuf>,
    /// The lock file [default: the configuration's, or plugins.lock beside the plugins folder].
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

pub(super) fn lock(arguments: &Arguments) -> ExitCode {
    let (path, lock) = match made(arguments) {
        Ok(made) => made,
        Err(error) => {
            report::error(&error);
            return ExitCode::FAILURE;
        }
    };
    let before = match Lock::read(&path) {
        Ok(before) => before,
        Err(LockError::Missing { .. }) => Lock::default(),
        // Never written over: it may be another file.
        Err(error) => return state::failed(&error.to_string()),
    };
    if let Err(error) = std::fs::write(&path, lock.to_string()) {
        return state::failed(&format!("{} cannot be written: {error}", path.display()));
    }
    for difference in before.differences(&lock) {
        println!("{difference}");
    }
    let count = bartizan_rehearsal::text::count(lock.plugins().count(), "plugin");
    println!("{count} accepted in {}", path.display());
    ExitCode::SUCCESS
}

/// The lock file, and what goes into it.
fn made(arguments: &Arguments) -> Result<(PathBuf, Lock), StartError> {
    let cache = arguments.cache_dir.clone().map_or_else(CacheLocation::default, CacheLocation::Directory);
    if let (Some(policy), Some(folder)) = (&arguments.policy, &arguments.plugins_dir) {
        let policy = bartizan_policy::load(policy)?;
        let path = arguments.file.clone().unwrap_or_else(|| vetting::beside(folder));
        let lock = bartizan_gateway::lock([&policy].into_iter(), folder, &path, &Vetting::default(), &cache)?;
        return Ok((path, lock));
    }
    // The argument parser demands a configuration otherwise.
    let config = Config::load(&arguments.config.clone().unwrap_or_default())?;
    let Some(folder) = &config.plugins_dir else {
        let mut report = Report::new(&config.source);
        let problem = Problem::error_in_file("plugins-folder", "the configuration names no plugins folder");
        report.push(problem.help("name it: \"plugins\": {\"dir\": \"plugins\"}"));
        let problems: Diagnostics = report.finish();
        return Err(problems.into());
    };
    let path = arguments.file.clone().unwrap_or_else(|| config.plugins.lock.clone());
    let policies = config.servers.values().filter_map(|server| server.policy.as_ref());
    let vetting = Vetting::of(&config, Locking::Off)?;
    let lock = bartizan_gateway::lock(policies, folder, &path, &vetting, &cache)?;
    Ok((path, lock))
}
