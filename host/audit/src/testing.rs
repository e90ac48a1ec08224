//! A sink for tests.

use std::sync::{Arc, Mutex, PoisonError};

use crate::event::Event;
use crate::log::{Sink, SinkError};
use crate::record::Record;

/// Keeps every event in memory, without bound. Clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct MemorySink {
    events: Arc<Mutex<Vec<Event>>>,
}

impl MemorySink {
    /// A sink with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The events so far, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The records of decisions so far, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let decision = |event| match event {
            Event::Decision(record) => Some(*record),
            _ => None,
        };
        self.events().into_iter().filter_map(decision).collect()
    }
}

impl Sink for MemorySink {
    fn record(&self, event: &Event) -> Result<(), SinkError> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }
}
