//! Benches: of the gateway as a process; of what hostile plugins cost a well-behaved client of the same gateway;
//! and of the plugin runtime, on the built-in plugins as they are shipped.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::cache::Cache;
use crate::process;
use crate::step;
use crate::tests::GATEWAY;
use crate::workspace::Workspace;
use crate::wrk::Wrk;
use crate::{gateway, guests};

/// The benches of the gateway as a process, which `bartizan-bench` runs.
const OF_THE_GATEWAY: [&str; 3] = ["gateway", "scale", "startup"];
/// The other bench that is no program of criterion's.
const HOSTILE: &str = "hostile";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The bench: `gateway`, `scale`, `startup`, `hostile`, or one of the runtime's; all of the runtime's if absent
    ///
    /// gateway: throughput and latency of calls, streams and lists, asked directly, through a bare proxy, and
    /// through the gateway with two policies; about 20 minutes.
    ///
    /// scale: what the gateway costs against the number of rules, tools, plugins, servers, sessions and calls
    /// at once; about 15 minutes.
    ///
    /// startup: time until the gateway serves, its memory when idle, and how long a dropped plugin takes until
    /// it judges; minutes.
    ///
    /// These three print tables and leave them in target/bench, with a report as JSON and plots as SVG. wrk
    /// makes the load: the one in the PATH, or Debian's, fetched into the cache directory. They fail if
    /// something does not hold that docs/performance.md says.
    ///
    /// hostile: calls a hostile plugin and, at the same gateway, a server that it does not guard. It fails if
    /// the p99 of the latter is more than twice what it is without the plugin. What it measured is in
    /// target/bench/hostile.json.
    ///
    /// evaluation: one evaluation of each built-in plugin, in the runtime alone, with criterion.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Not with the runtime's: a short run, to see that the bench works. It decides nothing
    #[arg(long)]
    smoke: bool,
    /// Words for the bench program
    ///
    /// For gateway, scale and startup: `--rounds NUMBER`, `--seconds NUMBER`, `--baseline FILE` (an earlier
    /// report: what got worse is marked) and `--log FILTER` (what the gateway logs). For hostile: `--rounds
    /// NUMBER`, `--seconds NUMBER` and `--plugin NAME`. For the runtime's: those of criterion, such as a filter.
    #[arg(last = true, value_name = "WORDS")]
    words: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, cache: &Cache, arguments: &Arguments) -> Result<()> {
    let name = arguments.name.as_deref();
    let is_program = name.is_some_and(|name| name == HOSTILE || OF_THE_GATEWAY.contains(&name));
    ensure!(
        is_program || !arguments.smoke,
        "the benches of the runtime have no --smoke; `-- --test` runs each of them once"
    );
    guests::build(workspace, cache)?;
    match name {
        Some(HOSTILE) => hostile(workspace, arguments),
        Some(name) if is_program => of_the_gateway(workspace, cache, name, arguments),
        // Without a name, --benches would include unit tests; '*' is every bench proper.
        name => {
            let mut command =
                workspace.cargo(&["bench", "--workspace", "--bench", name.unwrap_or("*"), "--"]);
            command.args(&arguments.words);
            process::show(command)
        }
    }
}

fn of_the_gateway(workspace: &Workspace, cache: &Cache, name: &str, arguments: &Arguments) -> Result<()> {
    let wrk = Wrk::find_or_fetch(cache)?;
    let gateway = gateway::build(workspace)?;
    let out = workspace.output("bench");
    let driver = workspace.executable("bartizan-bench");
    let mut command = Command::new(&driver);
    command.arg(name).arg("--gateway").arg(gateway).arg("--wrk").arg(wrk.program);
    if let Some(libraries) = wrk.libraries {
        command.arg("--wrk-libraries").arg(libraries);
    }
    if let Some(programs) = driver.parent() {
        command.arg("--programs").arg(programs);
    }
    command.arg("--plugins").arg(workspace.output("plugins"));
    command.arg("--fixtures").arg(workspace.output("fixtures"));
    command.arg("--out").arg(&out);
    if arguments.smoke {
        command.arg("--smoke");
    }
    command.args(&arguments.words);
    let outcome = process::show(command);
    step::note(&format!("what was measured is in {}", out.display()));
    outcome
}

fn hostile(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let gateway = gateway::build(workspace)?;
    let report = workspace.output("bench").join("hostile.json");
    if let Some(directory) = report.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut command = Command::new(workspace.executable("bartizan-hostile-bench"));
    command
        .current_dir(workspace.root())
        .arg("--server")
        .arg(workspace.executable("bartizan-soak-server"))
        .arg("--json")
        .arg(&report)
        .env(GATEWAY, gateway);
    if arguments.smoke {
        // One round says nothing of a p99, so it decides nothing.
        command.args(["--rounds", "1", "--seconds", "1", "--bar", "1000"]);
        command.args(["--plugin", "check-loop", "--plugin", "check-slow", "--plugin", "check-hoards"]);
    }
    command.args(&arguments.words);
    process::show(command)?;
    step::note(&format!("what was measured is in {}", report.display()));
    Ok(())
}
