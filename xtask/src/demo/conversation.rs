//! The conversation that `examples/mlflow/conversation.py` holds, as a list of facts.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Layout, Store};
use crate::process;
use crate::python::Environment;
use crate::step::Step;

/// What the client saw: one line of the script's output.
#[derive(Debug, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(super) enum Fact {
    /// The tools that are listed.
    Tools { through: Through, names: Vec<String> },
    /// What came of a call, which was the `number`th of its tool, counting from 1.
    Call {
        tool: String,
        number: u32,
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// The run's stage of life, read from the store itself.
    Lifecycle { stage: Option<String> },
    /// Why the conversation ended early.
    BrokeOff { reason: String },
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Through {
    Direct,
    Gateway,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Outcome {
    Result { is_error: bool, text: String },
    Error { code: i64, text: String },
}

pub(super) fn hold(
    layout: &Layout,
    environment: &Environment,
    store: &Store,
    url: &str,
) -> Result<Vec<Fact>> {
    let step = Step::begin("MCP conversation");
    let mut command = environment.command(&layout.conversation_script)?;
    command
        .args(["--url", url, "--database"])
        .arg(&store.database)
        .args(["--experiment", &store.contents.experiment_id, "--run", &store.contents.run_id])
        .env("MLFLOW_TRACKING_URI", store.tracking_uri())
        .env("MLFLOW_DISABLE_TELEMETRY", "true");
    let facts = parse(&process::query(command)?)?;
    step.done("held");
    Ok(facts)
}

pub(super) fn parse(lines: &str) -> Result<Vec<Fact>> {
    let fact = |line| serde_json::from_str(line).with_context(|| format!("conversation.py wrote {line:?}"));
    lines.lines().map(fact).collect()
}
