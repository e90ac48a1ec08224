//! Where events go.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;
use tracing::{Level, event, info};

use crate::event::{Approval, Event, Load};
use crate::record::{Micros, Record, RuleRecord, RuleVerdict, Verdict};

/// A log of decisions.
///
/// A sink is called once for every event, by many threads at once, on the path of the call: one
/// that has slow work to do hands it on. When `record` returns `Ok` the event is the sink's to keep.
pub trait Sink: Send + Sync {
    /// Takes one event. It may block for as long as the sink cannot keep up: on an async worker, call
    /// it where blocking is allowed.
    ///
    /// # Errors
    /// [`SinkError`] if the event is not in the log. Whether the call may go on without is the
    /// operator's choice, not the sink's.
    fn record(&self, event: &Event) -> Result<(), SinkError>;

    /// Whether the next event could be kept. To be asked before a call goes on.
    ///
    /// # Errors
    /// [`SinkError`] if it could not, and why.
    fn ready(&self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Whether `record` might have to wait at present. It may have to all the same if many call it at once.
    fn is_busy(&self) -> bool {
        false
    }

    /// Waits until everything that was taken is kept, for who is about to end.
    ///
    /// # Errors
    /// [`SinkError`] if some of it is not.
    fn flush(&self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Several sinks as one: each event goes to all of them, in order.
#[derive(Clone)]
pub struct Sinks(pub Vec<Arc<dyn Sink>>);

impl Sink for Sinks {
    /// Every sink is given the event, also after one failed; the error is the first one's.
    fn record(&self, event: &Event) -> Result<(), SinkError> {
        let first = |failed: Result<(), SinkError>, next| failed.and(next);
        self.0.iter().map(|sink| sink.record(event)).fold(Ok(()), first)
    }

    fn ready(&self) -> Result<(), SinkError> {
        self.0.iter().try_for_each(|sink| sink.ready())
    }

    fn is_busy(&self) -> bool {
        self.0.iter().any(|sink| sink.is_busy())
    }

    fn flush(&self) -> Result<(), SinkError> {
        self.0.iter().try_for_each(|sink| sink.flush())
    }
}

/// An event that is not in the log.
#[derive(Debug, Error)]
#[error("the event could not be written to the audit log")]
pub struct SinkError(#[source] Box<dyn Error + Send + Sync>);

impl SinkError {
    /// The failure of a sink, by its cause.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Emits each event as one `tracing` event: target [`TracingSink::TARGET`], with the word for its kind as the
/// message. The level is INFO, and DEBUG for calls that were allowed and that no rule objects to, not even one that
/// only watches: those are many.
///
/// Every part is a field of its own, so that a line reads well as text and can be queried as JSON. A
/// field is absent where the record has none; what `record: full` keeps is never emitted. Two are JSON
/// text, since an event has no lists: `argument_keys` and `rules`. The call's target is `call_target`: `target` is the event's own.
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
    fn record(&self, event: &Event) -> Result<(), SinkError> {
        if !tracing::enabled!(target: TracingSink::TARGET, Level::INFO) {
            return Ok(());
        }
        match event {
            Event::Decision(record) => return emit_decision(record),
            Event::Approval(approval) => return emit_approval(approval),
            Event::Load(load) => emit_load(load),
            Event::Start(start) => info!(
                target: TracingSink::TARGET,
                version = start.version, pid = start.pid, time = start.time.to_string(), "start"
            ),
            Event::Stop(stop) => info!(
                target: TracingSink::TARGET,
                version = stop.version, pid = stop.pid, time = stop.time.to_string(), "stop"
            ),
        }
        Ok(())
    }
}

fn emit_approval(approval: &Approval) -> Result<(), SinkError> {
    let rules = Json::new(&approval.rules)?;
    info!(
        target: TracingSink::TARGET,
        step = approval.step.as_str(),
        ticket = &*approval.ticket,
        server = &*approval.server,
        method = &*approval.method,
        call_target = approval.target.as_deref(),
        principal = approval.principal.as_deref(),
        by = approval.by.as_deref(),
        reason = approval.reason.as_deref(),
        %rules,
        time = approval.time.to_string(),
        "approval"
    );
    Ok(())
}

fn emit_load(load: &Load) {
    info!(
        target: TracingSink::TARGET,
        occasion = load.occasion.as_str(),
        outcome = load.outcome.as_str(),
        server = &*load.server,
        policy_digest = load.policy_digest.as_deref(),
        problem = load.problem.as_deref(),
        time = load.time.to_string(),
        "load"
    );
}

fn emit_decision(record: &Record) -> Result<(), SinkError> {
    let level = if is_plain(record) { Level::DEBUG } else { Level::INFO };
    if level > Level::INFO && !tracing::enabled!(target: TracingSink::TARGET, Level::DEBUG) {
        return Ok(());
    }
    let argument_keys = Json::new(&record.argument_keys)?;
    let rules = Json::new(&record.rules)?;
    // The level of an event is a constant.
    macro_rules! emit {
        ($level:expr) => {
            event!(
                target: TracingSink::TARGET,
                $level,
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
                arguments_digest = record.arguments_digest.as_deref(),
                approval = record.approval.as_deref(),
                %rules,
                policy_digest = &*record.policy_digest,
                time = record.time.to_string(),
                "decision"
            )
        };
    }
    if level == Level::INFO {
        emit!(Level::INFO);
    } else {
        emit!(Level::DEBUG);
    }
    Ok(())
}

/// Whether a call is allowed, and nothing says that it should not be.
fn is_plain(record: &Record) -> bool {
    let agrees = |rule: &RuleRecord| matches!(rule.verdict, RuleVerdict::Pass | RuleVerdict::Rewrite);
    record.verdict == Verdict::Allow && record.rules.iter().all(agrees)
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
