//! `bartizan schema`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::state;

/// Print a JSON Schema, for editors and other tools.
///
/// Both are published in docs/schema; `"$schema"` in a document names one for an editor.
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan schema policy > policy.schema.json")]
pub(crate) struct Arguments {
    /// Of what.
    #[arg(value_enum, default_value_t = Document::Policy)]
    document: Document,
}

#[derive(Clone, Copy, ValueEnum)]
enum Document {
    /// A policy.
    Policy,
    /// The configuration of `serve`.
    Config,
}

pub(crate) fn schema(arguments: &Arguments) -> ExitCode {
    let text = match arguments.document {
        Document::Policy => bartizan_policy::schema::text(),
        Document::Config => bartizan_gateway::config::schema::text(),
    };
    match write!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => state::failed(&format!("cannot write: {error}")),
    }
}
