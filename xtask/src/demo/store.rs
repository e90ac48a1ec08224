//! The MLflow store that the demo is about: an SQLite file, so that no tracking server is needed.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Layout;
use crate::process;
use crate::python::Environment;
use crate::step::Step;

pub(crate) struct Store {
    pub(super) database: PathBuf,
    pub(super) contents: Contents,
}

/// What `store.py` says of the store.
#[derive(Deserialize)]
pub(super) struct Contents {
    pub(super) experiment_id: String,
    pub(super) run_id: String,
    made: bool,
}

impl Store {
    pub(super) fn ensure(layout: &Layout, environment: &Environment) -> Result<Self> {
        let step = Step::begin("MLflow store");
        let mut command = environment.command(&layout.store_script)?;
        command.arg(&layout.database).env("MLFLOW_DISABLE_TELEMETRY", "true");
        let answer = process::query(command).context("cannot make the MLflow store")?;
        let contents: Contents =
            serde_json::from_str(answer.trim()).with_context(|| format!("store.py answered {answer:?}"))?;
        let origin = if contents.made { "made" } else { "reused" };
        step.done(&format!("{origin}, with run {}", contents.run_id));
        Ok(Self { database: layout.database.clone(), contents })
    }

    pub(super) fn tracking_uri(&self) -> String {
        format!("sqlite:///{}", self.database.display())
    }
}
