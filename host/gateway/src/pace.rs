//! What runs on an async worker, and what must not hold it up: slow plugins, and waiting for a disk.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// Quick evaluations in a row after which a slow plugin counts as quick again.
const PROBATION: u32 = 100;

/// Remembers whether a plugin was slow of late.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Quick evaluations that are still wanted; 0 for a quick plugin.
    probation: AtomicU32,
}

impl Pace {
    /// Whether it was slow of late.
    pub(crate) fn is_slow(&self) -> bool {
        self.probation.load(Ordering::Relaxed) != 0
    }

    /// Takes note of an evaluation.
    pub(crate) fn took(&self, time: Duration, budget: Duration) {
        if time > budget {
            self.probation.store(PROBATION, Ordering::Relaxed);
        } else if self.is_slow() {
            // Two at once may count as one: it is a heuristic.
            let left = self.probation.load(Ordering::Relaxed).saturating_sub(1);
            self.probation.store(left, Ordering::Relaxed);
        }
    }
}

/// Does what may take long, after moving the worker's other tasks away if this thread is a worker.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    let is_worker =
        Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_worker { tokio::task::block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_quick_evaluation_does_not_make_a_slow_plugin_quick() {
        let (pace, budget) = (Pace::default(), Duration::from_millis(2));
        assert!(!pace.is_slow());
        pace.took(budget * 2, budget);
        for _ in 0..PROBATION {
            assert!(pace.is_slow());
            pace.took(budget, budget);
        }
        assert!(!pace.is_slow());
    }
}
