//! `bartizan lock`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use bartizan_policy::lock::Lock;
use clap::Args;

use crate::{report, state, upstream};

/// Accept a server's tools as they are now, by digest.
///
/// A policy that names the lock file (`"pin": "NAME.lock.json"`) hides and refuses every tool whose definition
/// is not in it: one that was changed, added or renamed. Run it again to accept what has changed; it says what
/// that is.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan lock -- uvx mlflow-mcp\n  bartizan lock --check --config bartizan.json --name mlflow"
)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["config", "command"]))]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: upstream::Source,
    /// The lock file [default: NAME.lock.json].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write nothing; the exit status is 1 if something has changed.
    #[arg(long)]
    check: bool,
}

pub(crate) async fn lock(arguments: Arguments) -> ExitCode {
    let servers = match arguments.source.servers() {
        Ok(servers) => servers,
        Err(problem) => {
            problem.report();
            return ExitCode::FAILURE;
        }
    };
    if arguments.output.is_some() && servers.len() > 1 {
        return state::failed("--output is for one server: choose it with --name");
    }
    let mut changed = false;
    for (name, upstream) in servers {
        let tools = match bartizan_gateway::inspect(&name, &upstream).await {
            Ok(tools) => tools,
            Err(error) => return state::failed(&error.to_string()),
        };
        let path = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.lock.json")));
        let before = if path.exists() {
            match Lock::read(&path) {
                Ok((lock, _warnings)) => Some(lock),
                Err(diagnostics) => {
                    report::write(&diagnostics);
                    return ExitCode::FAILURE;
                }
            }
        } else {
            None
        };
        let mut lock = Lock::new(&name);
        for entry in tools.values().flatten() {
            lock.insert(&entry.name, &entry.digest);
        }
        let differences = differences(before.as_ref(), &lock);
        changed |= before.is_none() || !differences.is_empty();
        for difference in &differences {
            println!("{name}: {difference}");
        }
        let count = tools.len();
        if arguments.check {
            println!("{name}: {count} tools, {} differ from {}", differences.len(), path.display());
        } else if let Err(error) = std::fs::write(&path, lock.to_string()) {
            return state::failed(&format!("{} cannot be written: {error}", path.display()));
        } else {
            println!("{name}: {count} tools accepted in {}", path.display());
        }
    }
    if arguments.check && changed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What another lock accepts that this one did not, and the reverse.
fn differences(before: Option<&Lock>, after: &Lock) -> Vec<String> {
    let Some(before) = before else { return Vec::new() };
    let names: BTreeSet<&str> = before.tools().chain(after.tools()).map(|(name, _)| name).collect();
    let digests = |lock: &Lock, wanted: &str| -> Option<BTreeSet<String>> {
        let (_, digests) = lock.tools().find(|(name, _)| *name == wanted)?;
        Some(digests.map(str::to_owned).collect())
    };
    names
        .into_iter()
        .filter_map(|name| {
            let shown = name.escape_debug();
            match (digests(before, name), digests(after, name)) {
                (None, Some(_)) => Some(format!("{shown} is new")),
                (Some(_), None) => Some(format!("{shown} is gone")),
                (Some(old), Some(new)) if old != new => Some(format!("{shown} has changed")),
                _ => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_changed() {
        let digest = |digit: char| digit.to_string().repeat(64);
        let lock = |tools: &[(&str, char)]| {
            let mut lock = Lock::new("s");
            for (name, digit) in tools {
                assert!(lock.insert(name, &digest(*digit)));
            }
            lock
        };
        let before = lock(&[("same", 'a'), ("changed", 'a'), ("gone", 'a')]);
        let after = lock(&[("same", 'a'), ("changed", 'b'), ("new", 'a')]);
        assert_eq!(differences(Some(&before), &after), ["changed has changed", "gone is gone", "new is new"]);
        assert!(differences(None, &after).is_empty());
    }
}
