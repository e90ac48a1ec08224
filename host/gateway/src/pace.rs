//! What runs on an async worker, and what must not hold it up: slow plugins, and waiting for a disk.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Quick evaluations in a row after which a plugin counts as quick.
const PROBATION: u32 = 100;

/// How often that is doubled: once for each time that a plugin counted as quick and was slow all the same.
const DOUBLINGS: u32 = 10;

/// How much lower the priority of a slow plugin is, in steps of the Unix `nice`: it gets a tenth of a processor
/// that is wanted by others as well.
#[cfg(target_os = "linux")]
const LOWER_PRIORITY: i32 = 10;

/// What is to be expected of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It was quick for long.
    Quick,
    /// Nobody knows.
    Anything,
    /// It was slow of late.
    Slow,
}

/// Remembers whether a plugin was slow of late.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Quick evaluations that are still wanted; 0 for a quick plugin.
    probation: AtomicU32,
    was_slow: AtomicBool,
    /// How often it was taken for quick and was not.
    disappointments: AtomicU32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            probation: AtomicU32::new(PROBATION),
            was_slow: AtomicBool::new(false),
            disappointments: AtomicU32::new(0),
        }
    }
}

impl Pace {
    /// What to expect of the next evaluation.
    pub(crate) fn expected(&self) -> Expected {
        match (self.probation.load(Ordering::Relaxed), self.was_slow.load(Ordering::Relaxed)) {
            (0, _) => Expected::Quick,
            (_, false) => Expected::Anything,
            (_, true) => Expected::Slow,
        }
    }

    /// Takes note of an evaluation.
    pub(crate) fn took(&self, time: Duration, budget: Duration) {
        let expected = self.expected();
        if time > budget {
            let disappointments = match expected {
                Expected::Quick => self.disappointments.fetch_add(1, Ordering::Relaxed).saturating_add(1),
                _ => self.disappointments.load(Ordering::Relaxed),
            };
            self.was_slow.store(true, Ordering::Relaxed);
            self.probation.store(PROBATION << disappointments.min(DOUBLINGS), Ordering::Relaxed);
        } else if expected != Expected::Quick {
            // Two at once may count as one: it is a heuristic.
            let left = self.probation.load(Ordering::Relaxed).saturating_sub(1);
            self.probation.store(left, Ordering::Relaxed);
        }
    }
}

/// Does what takes long and can wait: neither on a worker nor before what others do. `None` if it panics.
pub(crate) fn slowly<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    let work = Mutex::new(Some(work));
    let run = || {
        let work = work.lock().take();
        work.map(|work| work())
    };
    let done = blocking(|| {
        thread::scope(|scope| {
            // A thread of its own: a priority that was lowered cannot be raised again.
            let thread = thread::Builder::new().name("bartizan-slow".to_owned()).spawn_scoped(scope, || {
                give_way();
                run()
            });
            thread.ok().and_then(|thread| thread.join().ok().flatten())
        })
    });
    // There is no thread to be had: it is done here.
    done.or_else(run)
}

/// Lowers the priority of this thread.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LOWER_PRIORITY) {
        tracing::debug!(%error, "a slow plugin runs with the same priority as everything else");
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
    fn nobody_is_taken_for_quick_unseen_and_nobody_twice_as_easily() {
        let (pace, budget) = (Pace::default(), Duration::from_millis(2));
        assert_eq!(pace.expected(), Expected::Anything);
        for time in [budget; PROBATION as usize] {
            assert_eq!(pace.expected(), Expected::Anything);
            pace.took(time, budget);
        }
        assert_eq!(pace.expected(), Expected::Quick);
        for disappointments in 1..=DOUBLINGS + 2 {
            pace.took(budget * 2, budget);
            // Being slow again is what is expected of it now.
            pace.took(budget * 2, budget);
            for _ in 0..PROBATION << disappointments.min(DOUBLINGS) {
                assert_eq!(pace.expected(), Expected::Slow);
                pace.took(budget, budget);
            }
            assert_eq!(pace.expected(), Expected::Quick);
        }
    }

    #[test]
    fn what_is_done_slowly_is_done_on_another_thread() {
        let here = thread::current().id();
        let there = slowly(|| thread::current().id());
        assert!(there.is_some_and(|there| there != here));
        assert_eq!(slowly(|| -> u32 { std::panic::resume_unwind(Box::new("it panics")) }), None);
    }
}
