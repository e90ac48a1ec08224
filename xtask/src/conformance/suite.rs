//! Runs the suite and reads what it found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::Revision;
use super::targets::Target;
use crate::cache;
use crate::node::Environment;
use crate::process;

/// A run takes seconds. A server that does not answer makes a scenario wait.
const LONGEST: Duration = Duration::from_secs(300);

const PROGRAM: &str = "conformance";
const CHECKS: &str = "checks.json";
const DIRECTORY_PREFIX: &str = "server-";

/// The suite, and where its results go.
pub(super) struct Suite<'a> {
    environment: &'a Environment,
    directory: &'a Path,
}

/// What a run found.
pub(super) struct Outcome {
    /// By scenario, with every scenario of the set of requirements.
    pub(super) scenarios: BTreeMap<String, Scenario>,
}

pub(super) struct Scenario {
    /// Whether conformance depends on it; others are extensions, or too new, or not passed by anybody.
    pub(super) scored: bool,
    pub(super) checks: Vec<Check>,
}

#[derive(Clone, Deserialize)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) status: Status,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default, rename = "errorMessage")]
    pub(super) problem: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Success,
    Failure,
    Warning,
    Skipped,
    /// Says what was seen, and judges nothing.
    Info,
}

/// Checks that passed, of those that passed or failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Tally {
    pub(super) scored: (usize, usize),
    pub(super) unscored: (usize, usize),
}

impl<'a> Suite<'a> {
    pub(super) fn new(environment: &'a Environment, directory: &'a Path) -> Self {
        Self { environment, directory }
    }

    /// Runs everything that a revision requires at a server, and what else the suite has for it.
    pub(super) fn run(&self, target: Target, revision: Revision, url: &str) -> Result<Outcome> {
        let results = self.directory.join(target.name()).join(revision.name());
        cache::clear(&results)?;
        let mut list = self.environment.command(PROGRAM)?;
        list.args(["list", "--requirements", revision.name()]);
        let mut scenarios = required(&process::query(list)?);
        ensure!(
            scenarios.values().any(|scenario| scenario.scored),
            "the suite lists no scenario that {} requires",
            revision.name()
        );

        let mut command = self.environment.command(PROGRAM)?;
        command
            .args(["server", "--url", url, "--requirements", revision.name(), "--output-dir"])
            .arg(&results);
        // That the suite fails is in its results, with the reasons.
        let _status = process::record(command, &results.with_extension("log"), LONGEST)?;
        for (name, checks) in read(&results)? {
            let scenario = scenarios
                .get_mut(&name)
                .with_context(|| format!("the suite ran {name}, which it does not list"))?;
            scenario.checks = checks;
        }
        Ok(Outcome { scenarios })
    }
}

impl Outcome {
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for scenario in self.scenarios.values() {
            let (passed, total) = if scenario.scored { &mut tally.scored } else { &mut tally.unscored };
            for check in &scenario.checks {
                *passed += usize::from(check.status == Status::Success);
                *total += usize::from(matches!(check.status, Status::Success | Status::Failure));
            }
        }
        tally
    }
}

/// The scenarios for servers in what the suite says that a revision requires.
fn required(list: &str) -> BTreeMap<String, Scenario> {
    let mut scenarios = BTreeMap::new();
    let mut of_servers = false;
    for line in list.lines() {
        if !line.starts_with(' ') && !line.trim().is_empty() {
            of_servers = line.starts_with("Server scenarios");
        }
        let Some(entry) = line.trim().strip_prefix("- ") else { continue };
        // What is not scored stands under its reason, and says what it is for.
        let (name, scored) = match entry.strip_suffix(" [server]") {
            Some(name) => (name, false),
            None if of_servers => (entry, true),
            None => continue,
        };
        scenarios.insert(name.to_owned(), Scenario { scored, checks: Vec::new() });
    }
    scenarios
}

/// The results of a run, by scenario: a directory for each, named with the time.
fn read(results: &Path) -> Result<BTreeMap<String, Vec<Check>>> {
    let mut scenarios = BTreeMap::new();
    let mut directories = BTreeSet::<PathBuf>::new();
    for entry in fs::read_dir(results)? {
        directories.insert(entry?.path());
    }
    for directory in directories {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let name = scenario_of(&name).with_context(|| format!("{} is no result", directory.display()))?;
        let path = directory.join(CHECKS);
        // A scenario that was given up leaves none.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let checks: Vec<Check> =
            serde_json::from_str(&text).with_context(|| format!("{} cannot be read", path.display()))?;
        scenarios.insert(name.to_owned(), checks);
    }
    Ok(scenarios)
}

/// `ping` of `server-ping-2026-11-22T23-55-12-040Z`.
fn scenario_of(directory: &str) -> Option<&str> {
    const TIME: &str = "-2026-11-22T23-55-12-040Z";
    let name = directory.strip_prefix(DIRECTORY_PREFIX)?;
    let (name, time) = name.split_at_checked(name.len().checked_sub(TIME.len())?)?;
    let alike =
        |(given, model): (char, char)| given == model || (given.is_ascii_digit() && model.is_ascii_digit());
    time.chars().zip(TIME.chars()).all(alike).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{required, scenario_of};

    #[test]
    fn what_is_required_of_servers_is_told_from_the_rest() {
        let list = "Required for 2025-11-25 (48 scenarios, frozen):\n\n\
                    Server scenarios (test against a server):\n  - ping\n  - tools-list\n\n\
                    Client scenarios (test against a client):\n  - initialize\n\n\
                    Run and reported, but never scored:\n  extension (2):\n    \
                    - auth/dpop [client]\n    - tasks-lifecycle [server]\n";
        let found: Vec<(String, bool)> =
            required(list).into_iter().map(|(name, scenario)| (name, scenario.scored)).collect();
        let expected = [("ping", true), ("tasks-lifecycle", false), ("tools-list", true)];
        assert_eq!(found, expected.map(|(name, scored)| (name.to_owned(), scored)));
    }

    #[test]
    fn a_directory_of_results_names_its_scenario() {
        let cases = [
            ("server-ping-2026-11-22T23-55-12-040Z", Some("ping")),
            ("server-server-sse-polling-2027-01-02T03-04-05-678Z", Some("server-sse-polling")),
            ("server-ping", None),
            ("server-a-name-that-is-long-enough-for-a-time", None),
            ("client-ping-2026-11-22T23-55-12-040Z", None),
        ];
        for (directory, scenario) in cases {
            assert_eq!(scenario_of(directory), scenario, "{directory}");
        }
    }
}
