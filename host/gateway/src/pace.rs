//! What runs on an async worker, and what must not hold it up: slow plugins, and waiting for a disk.

mod stopwatch;

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::runtime::{Handle, RuntimeFlavor};

pub(crate) use self::stopwatch::Stopwatch;

/// Quick evaluations in a row after which a plugin counts as quick.
const PROBATION: u32 = 100;

/// How often that is doubled: once for each time that a plugin counted as quick and was slow all the same.
const DOUBLINGS: u32 = 10;

/// How long a slow plugin waits for its turn: many times as long as others may take with theirs. Then it runs
/// without one: a turn is a courtesy to others, and nothing is refused for the lack of one.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is to be expected of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It was quick for long.
    Quick,
    /// Nobody knows.
    Anything,
    /// It was slow the last time.
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

    /// Takes note of an evaluation, by what it took of a processor.
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
            self.was_slow.store(false, Ordering::Relaxed);
            // Two at once may count as one: it is a heuristic.
            let left = self.probation.load(Ordering::Relaxed).saturating_sub(1);
            self.probation.store(left, Ordering::Relaxed);
        }
    }
}

/// Does what takes long and can wait: not on a worker, and one processor is left to what does not take long.
pub(crate) fn slowly<T>(work: impl FnOnce() -> T) -> T {
    static TURNS: LazyLock<Turns> = LazyLock::new(|| {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Turns::new(processors.saturating_sub(1).max(1))
    });
    blocking(|| TURNS.take(PATIENCE, work))
}

/// How many may be slow at once.
struct Turns {
    free: Mutex<usize>,
    given_back: Condvar,
}

impl Turns {
    fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), given_back: Condvar::new() }
    }

    /// Does something with a turn, or without one if none is free for so long.
    fn take<T>(&self, patience: Duration, work: impl FnOnce() -> T) -> T {
        let until = Instant::now() + patience;
        let turn = {
            let mut free = self.free.lock();
            while *free == 0 && !self.given_back.wait_until(&mut free, until).timed_out() {}
            // One may have come back at the last moment.
            (*free > 0).then(|| {
                *free -= 1;
                Turn(self)
            })
        };
        let done = work();
        drop(turn);
        done
    }
}

/// One turn; given back on drop.
struct Turn<'t>(&'t Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.given_back.notify_one();
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
            assert_eq!(pace.expected(), Expected::Slow);
            for _ in 0..PROBATION << disappointments.min(DOUBLINGS) {
                assert_ne!(pace.expected(), Expected::Quick);
                pace.took(budget, budget);
                assert_ne!(pace.expected(), Expected::Slow, "it was quick the last time");
            }
            assert_eq!(pace.expected(), Expected::Quick);
        }
    }

    #[test]
    fn a_turn_is_waited_for_given_back_and_done_without() {
        let turns = Turns::new(1);
        let free = || *turns.free.lock();
        turns.take(Duration::ZERO, || {
            assert_eq!(free(), 0);
            // Nobody gives it back in time: it is done all the same.
            assert_eq!(turns.take(Duration::from_millis(1), || 7), 7);
        });
        assert_eq!(free(), 1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            turns.take(Duration::ZERO, || std::panic::resume_unwind(Box::new("it panics")))
        }));
        assert!(panicked.is_err());
        assert_eq!(free(), 1, "a panic gives it back");

        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            turns.take(Duration::ZERO, || {
                scope.spawn(|| turns.take(Duration::from_secs(60), || order.lock().push("second")));
                order.lock().push("first");
            });
        });
        assert_eq!(*order.lock(), ["first", "second"]);
    }
}
