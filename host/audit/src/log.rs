//! Where records go.

use std::error::Error;
use std::fmt::{self, Write as _};

use serde::Serialize;
use thiserror::Error;
use tracing::info;

use crate::record::{Micros, Record};

/// A log of decisions.
///
/// A sink is called once for every decision, by many threads at once, on the path of the call: one
/// that has slow work to do hands it on. When `record` returns `Ok` the record is the sink's to keep.
pub trait Sink: Send + Sync {
    /// Takes one record.
    ///
    /// # Errors
    /// [`SinkError`] if the record is not in the log. Whether the call may go on without is the
    /// operator's choice, not the sink's.
    fn record(&self, record: &Record) -> Result<(), SinkError>;
}

/// A record that is not in the log.
#[derive(Debug, Error)]
#[error("the decision could not be written to the audit log")]
pub struct SinkError(#[source] Box<dyn Error + Send + Sync>);

impl SinkError {
    /// The failure of a sink, by its cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Emits each record as one `tracing` event: INFO, target [`TracingSink::TARGET`].
///
/// Every part is a field of its own, so that a line reads well as text and can be queried as JSON. A
/// field is absent where the record has none. Two are JSON text, since an event has no lists:
/// `argument_keys` and `rules`. The call's target is `call_target`: `target` is the event's own.
///
/// A method or a reason with a line break or a terminal sequence in it stays within its field: text is
/// passed as strings, which formatters escape, and JSON text has no control characters.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl TracingSink {
    /// The target of the events, for filters: `bartizan::decision=info`.
    pub const TARGET: &str = "bartizan::decision";
}

impl Sink for TracingSink {
    fn record(&self, record: &Record) -> Result<(), SinkError> {
        if !tracing::enabled!(target: TracingSink::TARGET, tracing::Level::INFO) {
            return Ok(());
        }
        let argument_keys = Json::new(&record.argument_keys)?;
        let rules = Json::new(&record.rules)?;
        info!(
            target: TracingSink::TARGET,
            verdict = record.verdict.as_str(),
            server = &*record.server,
            method = &*record.method,
            call_target = record.target.as_deref(),
            rule = record.rule.as_deref(),
            reason = record.reason.as_deref(),
            principal = record.principal.as_deref(),
            session = &*record.session,
            request = record.request.as_deref(),
            direction = record.direction.as_str(),
            upstream = record.upstream.as_str(),
            latency_us = record.upstream.latency().map(|Micros(micros)| micros),
            evaluation_us = record.evaluation.0,
            %argument_keys,
            %rules,
            policy_digest = &*record.policy_digest,
            time = record.time.to_string(),
            "decision"
        );
        Ok(())
    }
}

/// JSON text that is safe to print as it is: formatters do not escape it, so that it can be read.
struct Json(String);

impl Json {
    fn new(value: &impl Serialize) -> Result<Self, SinkError> {
        serde_json::to_string(value).map(Self).map_err(SinkError::new)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            // serde_json escapes what JSON demands, which is not all that a terminal obeys. Compact
            // JSON has such characters in strings only, where they may be escaped.
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", u32::from(character)),
            _ => f.write_char(character),
        })
    }
}
