//! Benches: of the plugin runtime, on the built-in plugins as they are shipped; and of what hostile plugins
//! cost a well-behaved client of the same gateway.

use std::fs;

use anyhow::Result;
use clap::Args;

use crate::cache::Cache;
use crate::process;
use crate::step;
use crate::tests::GATEWAY;
use crate::workspace::Workspace;
use crate::{gateway, guests};

/// The bench that is no program of criterion's.
const HOSTILE: &str = "hostile";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The bench to run, by the name of its file, or `hostile`; every one of the runtime's if absent
    ///
    /// `hostile` calls a hostile plugin and, at the same gateway, a server that it does not guard. It fails if
    /// the p99 of the latter is more than twice what it is without the plugin. What it measured is in
    /// target/bench/hostile.json.
    name: Option<String>,
    /// With `hostile`: three plugins, one short round each, to see that the bench works
    #[arg(long)]
    smoke: bool,
    /// Words for the bench program, such as a filter; for `hostile` `--rounds NUMBER`, `--seconds NUMBER` and
    /// `--plugin NAME`
    #[arg(last = true, value_name = "WORDS")]
    words: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, cache: &Cache, arguments: &Arguments) -> Result<()> {
    guests::build(workspace, cache)?;
    if arguments.name.as_deref() == Some(HOSTILE) {
        return hostile(workspace, arguments);
    }
    // Without a name, --benches would include unit tests; '*' is every bench proper.
    let name = arguments.name.as_deref().unwrap_or("*");
    let mut command = workspace.cargo(&["bench", "--workspace", "--bench", name, "--"]);
    command.args(&arguments.words);
    process::show(command)
}

fn hostile(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let gateway = gateway::build(workspace)?;
    let report = workspace.output("bench").join("hostile.json");
    if let Some(directory) = report.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut command = std::process::Command::new(workspace.executable("bartizan-hostile-bench"));
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
