//! What is counted over all sessions.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// How many faults are told in words.
const EXAMPLES: usize = 20;

/// What must not happen, and what happened.
#[derive(Debug)]
pub(crate) enum Fault {
    /// An answer, or a message of a stream, did not come in time.
    Stuck(String),
    /// An answer or a message is not the one that it should be.
    Wrong(String),
    /// A stream ended before its time.
    Ended(String),
    /// A connection failed.
    Broken(String),
}

/// The counts.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Content>);

#[derive(Default)]
struct Content {
    counts: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    examples: Vec<String>,
    /// How long quick calls took, in microseconds.
    quick: Vec<u64>,
    sessions: Gauge,
    streams: Gauge,
}

/// How many there are, and how many there were at most.
#[derive(Default)]
struct Gauge {
    now: u64,
    most: u64,
}

impl Gauge {
    fn up(&mut self) {
        self.now += 1;
        self.most = self.most.max(self.now);
    }
}

/// Something that is open until this is dropped.
pub(crate) struct Open<'t> {
    tally: &'t Tally,
    which: fn(&mut Content) -> &mut Gauge,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut content = self.tally.content();
        let gauge = (self.which)(&mut content);
        gauge.now = gauge.now.saturating_sub(1);
    }
}

impl Tally {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.content().counts.entry(what).or_default() += 1;
    }

    /// A quick call was answered.
    pub(crate) fn quick(&self, time: Duration) {
        self.content().quick.push(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn fault(&self, fault: Fault) {
        let mut content = self.content();
        let (kind, text) = match fault {
            Fault::Stuck(text) => ("stuck", text),
            Fault::Wrong(text) => ("wrong", text),
            Fault::Ended(text) => ("ended", text),
            Fault::Broken(text) => ("broken", text),
        };
        *content.faults.entry(kind).or_default() += 1;
        if content.examples.len() < EXAMPLES {
            content.examples.push(format!("{kind}: {text}"));
        }
    }

    /// A session is open.
    pub(crate) fn session(&self) -> Open<'_> {
        self.open(|content| &mut content.sessions)
    }

    /// A stream that listens is open.
    pub(crate) fn stream(&self) -> Open<'_> {
        self.open(|content| &mut content.streams)
    }

    fn open(&self, which: fn(&mut Content) -> &mut Gauge) -> Open<'_> {
        which(&mut self.content()).up();
        Open { tally: self, which }
    }

    /// Everything, after so long.
    pub(crate) fn report(&self, time: Duration) -> Value {
        let mut content = self.content();
        content.quick.sort_unstable();
        let quick = &content.quick;
        let percentile = |percent: usize| {
            let place = (quick.len() * percent / 100).min(quick.len().saturating_sub(1));
            quick.get(place).copied().unwrap_or_default()
        };
        let answered: u64 = content.counts.get("answers").copied().unwrap_or_default();
        json!({
            "counts": content.counts,
            "faults": content.faults,
            "examples": content.examples,
            "quick_calls": quick.len(),
            "p50_us": percentile(50),
            "p99_us": percentile(99),
            "answers_per_second": answered as f64 / time.as_secs_f64().max(1.0),
            "most_sessions": content.sessions.most,
            "most_streams": content.streams.most,
        })
    }
}
