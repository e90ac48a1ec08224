//! Whether a plugin is quick enough to run on an async worker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Remembers whether a plugin's last evaluation went over the budget.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    slow: AtomicBool,
}

impl Pace {
    /// Whether the last evaluation was slow.
    pub(crate) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    /// Takes note of an evaluation.
    pub(crate) fn took(&self, time: Duration, budget: Duration) {
        let slow = time > budget;
        if slow != self.is_slow() {
            self.slow.store(slow, Ordering::Relaxed);
        }
    }
}

/// Whether this thread is a worker whose other tasks can move to another thread.
pub(crate) fn can_block_in_place() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}
