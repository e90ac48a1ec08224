//! Every check and every test.

use anyhow::Result;
use clap::Args;

use crate::cache::Cache;
use crate::languages::Selection;
use crate::process;
use crate::python::{self, Environment};
use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{gateway, guests, lint, node};

/// Tests find what was made for them by these variables.
pub(crate) const GATEWAY: &str = "BARTIZAN_TEST_GATEWAY";
const PYTHON_WITH_MLFLOW: &str = "BARTIZAN_TEST_VENV_MCP1";
const PYTHON_WITH_MCP2: &str = "BARTIZAN_TEST_VENV_MCP2";
const PYTHON_WITH_SQLITE: &str = "BARTIZAN_TEST_VENV_SQLITE";
const NODE: &str = "BARTIZAN_TEST_NODE";
const NODE_ENVIRONMENT: &str = "BARTIZAN_TEST_NODE_ENVIRONMENT";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Run only the tests whose name contains this, without the lints; further words go to the test
    /// programs, such as `--nocapture`
    #[arg(last = true, value_name = "FILTER")]
    filter: Vec<String>,
    /// The languages in which a plugin is begun, built and tested: names, or `all` [default: rust,c,js]
    #[arg(long, value_name = "LANGUAGES", value_delimiter = ',')]
    languages: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, cache: &Cache, arguments: &Arguments) -> Result<()> {
    let languages = Selection::parse(&arguments.languages)?;
    guests::build(workspace, cache)?;
    if arguments.filter.is_empty() {
        lint::run(workspace)?;
    }
    let gateway = gateway::build(workspace)?;
    let mlflow = Environment::ensure(&python::MLFLOW, cache)?;
    let mcp2 = Environment::ensure(&python::MCP2, cache)?;
    let sqlite = Environment::ensure(&python::SQLITE, cache)?;
    let node = node::Environment::ensure(&node::CLIENTS_AND_SERVERS, cache)?;

    let mut step = Step::begin("tests");
    process::run(&mut step, workspace.cargo(&["test", "--release", "--workspace", "--no-run"]))?;
    step.done("compiled");

    let mut command =
        workspace.cargo(&["test", "--quiet", "--no-fail-fast", "--release", "--workspace", "--"]);
    command
        .args(&arguments.filter)
        .env(GATEWAY, gateway)
        .env(PYTHON_WITH_MLFLOW, mlflow.directory())
        .env(PYTHON_WITH_MCP2, mcp2.directory())
        .env(PYTHON_WITH_SQLITE, sqlite.directory())
        .env(NODE, node.node())
        .env(NODE_ENVIRONMENT, node.directory());
    languages.prepare(workspace, cache, &mut command)?;
    command.args(languages.skipped());
    process::show(command)?;
    step::note("every test passed");
    Ok(())
}
