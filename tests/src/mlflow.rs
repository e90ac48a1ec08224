//! The real MLflow MCP server and a store for it.

use std::fs::File;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::environment::{self, Sdk};
use crate::python;

/// How many tools `mlflow-mcp` 0.4.1 has.
pub const TOOLS: usize = 40;

/// An MLflow store of a test's own: an SQLite file with one experiment and one active run in it.
#[derive(Debug)]
pub struct Store {
    _directory: TempDir,
    database: PathBuf,
    run: String,
    experiment: String,
}

impl Store {
    /// Copies the template, which the first test makes with the example's script.
    pub async fn new() -> Self {
        let place = environment::target("tests/mlflow");
        std::fs::create_dir_all(&place).expect("a directory can be made in target/");
        let template = place.join("store.db");
        let made = {
            let lock = File::create(place.join("lock")).expect("a lock file can be made");
            // Off the async workers: another test may take seconds.
            let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
            let _lock = lock.expect("locking does not panic").expect("a file can be locked");
            let script = environment::repository("examples/mlflow/store.py");
            python::json(Sdk::Mcp1, &[script.as_os_str(), template.as_os_str()], &[]).await
        };
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let database = directory.path().join("store.db");
        std::fs::copy(&template, &database).expect("the template can be copied");
        let field = |name: &str| made[name].as_str().expect("the script names what it made").to_owned();
        Self { _directory: directory, database, run: field("run_id"), experiment: field("experiment_id") }
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The experiment's id.
    pub fn experiment(&self) -> &str {
        &self.experiment
    }

    /// The variables with which the server uses this store.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        let uri = format!("sqlite:///{}", self.database.display());
        [("MLFLOW_TRACKING_URI", uri), ("MLFLOW_DISABLE_TELEMETRY", "true".to_owned())]
    }

    /// The server as an entry of a configuration.
    pub fn server(&self, policy: &Value) -> Value {
        let variables: serde_json::Map<String, Value> =
            self.variables().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        json!({"command": program(), "env": variables, "policy": policy})
    }

    /// Gives a command this store.
    pub fn give(&self, command: &mut Command) {
        command.envs(self.variables());
    }

    /// The run's stage of life, read from the file itself: `active` or `deleted`.
    pub async fn stage(&self) -> String {
        let script = environment::repository("tests/clients/stage.py");
        let arguments = [script.as_os_str(), self.database.as_os_str(), self.run.as_ref()];
        let stage = python::json(Sdk::Mcp1, &arguments, &[]).await;
        stage.as_str().unwrap_or_else(|| panic!("the run is not in the store: {stage}")).to_owned()
    }
}

/// The server's executable.
pub fn program() -> String {
    let program = Sdk::Mcp1.program("mlflow-mcp");
    program.to_str().expect("paths of environments are text").to_owned()
}
