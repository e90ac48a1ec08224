//! Benches of the plugin runtime, on the built-in plugins as they are shipped.

use anyhow::Result;
use clap::Args;

use crate::cache::Cache;
use crate::guests;
use crate::process;
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The bench to run, by the name of its file; every bench if absent
    name: Option<String>,
    /// Words for the bench program, such as a filter
    #[arg(last = true, value_name = "WORDS")]
    words: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, cache: &Cache, arguments: &Arguments) -> Result<()> {
    guests::build(workspace, cache)?;
    // Without a name, --benches would include unit tests; '*' is every bench proper.
    let name = arguments.name.as_deref().unwrap_or("*");
    let mut command = workspace.cargo(&["bench", "--workspace", "--bench", name, "--"]);
    command.args(&arguments.words);
    process::show(command)
}
