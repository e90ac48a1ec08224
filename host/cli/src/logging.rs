//! The log, on standard error: standard output belongs to the protocol.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// How to log.
#[derive(Args)]
pub(crate) struct Arguments {
    /// What to log: error, warn, info, debug, trace, or a filter such as `warn,bartizan::decision=info`.
    /// Every decision is logged at info.
    #[arg(long, global = true, env = "BARTIZAN_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
    /// The form of a log line.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    log_format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One line of text for each event.
    Text,
    /// One JSON object for each event.
    Json,
}

impl Arguments {
    /// Begins to log.
    pub(crate) fn init(&self) -> Result<(), String> {
        let filter = EnvFilter::try_new(&self.log).map_err(|error| format!("--log {}: {error}", self.log))?;
        let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log_format {
            Format::Text => subscriber.with_ansi(std::io::stderr().is_terminal()).init(),
            Format::Json => subscriber.json().flatten_event(true).init(),
        }
        Ok(())
    }
}
