//! `bartizan replay`.

use std::error::Error as _;
use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_gateway::CacheLocation;
use bartizan_rehearsal::plugins::Plugins;
use bartizan_rehearsal::replay;
use clap::Args;

use crate::report;

/// The exit status when the log cannot be replayed.
const UNPLAYED: u8 = 2;

/// Judge the calls of an audit log again with another policy.
///
/// Shows what would have been decided differently. Nothing is started. Counters begin empty; what each call
/// took is settled as it was then, and what people approved is approved again. A policy that looks at
/// arguments needs a log that has them ("record": "full" in the configuration); where they are missing the
/// answer is unknown, never a guess. The exit status is 0 if nothing differs, 1 if something does, and 2 if
/// the policy or the log cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  bartizan replay --policy new.json ~/.local/state/bartizan/audit\n  \
    bartizan replay --policy new.json --server mlflow --json audit.jsonl")]
pub(crate) struct Arguments {
    /// The other policy.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The audit log: a file of it, or its directory.
    #[arg(value_name = "FILE|DIR")]
    decisions: PathBuf,
    /// Only the calls to this server: a policy is that of one server.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// The plugins folder, for a policy that names plugins.
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    /// As a JSON object.
    #[arg(long)]
    json: bool,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

pub(crate) fn replay(arguments: &Arguments) -> ExitCode {
    let cache = arguments.cache_dir.clone().map_or_else(CacheLocation::default, CacheLocation::Directory);
    let policy = match bartizan_policy::load(&arguments.policy) {
        Ok(policy) => policy,
        Err(problems) => {
            report::write(&problems);
            return ExitCode::from(UNPLAYED);
        }
    };
    report::write(&policy.warnings);
    let judge = match Plugins::new(cache).judge(&policy, arguments.plugins_dir.as_deref()) {
        Ok(judge) => judge,
        Err(error) => {
            report::error(&error);
            return ExitCode::from(UNPLAYED);
        }
    };
    let replay = match replay::replay(&arguments.decisions, arguments.server.as_deref(), &policy, &judge) {
        Ok(replay) => replay,
        Err(error) => {
            match error.source() {
                Some(cause) => eprintln!("bartizan: {error}: {cause}"),
                None => eprintln!("bartizan: {error}"),
            }
            return ExitCode::from(UNPLAYED);
        }
    };
    if arguments.json {
        match replay.to_json() {
            Ok(text) => print!("{text}"),
            Err(error) => {
                eprintln!("bartizan: {error}");
                return ExitCode::from(UNPLAYED);
            }
        }
    } else {
        print!("{replay}");
    }
    if replay.different > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
