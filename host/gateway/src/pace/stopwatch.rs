//! How much processor time something takes on the thread that does it. Time on the wall would not tell a slow
//! plugin from a quick one that had to wait while others ran.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How old a reading of the processor's clock may be where it need not be exact. Reading it is a system call,
/// and costs as much as a tenth of an evaluation.
const FRESH: Duration = Duration::from_micros(500);

thread_local! {
    static LAST: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Times something that begins and ends on this thread.
pub(crate) struct Stopwatch {
    begin: Instant,
    /// What this thread had used of its processor when it began, or a little before.
    used: Duration,
}

impl Stopwatch {
    /// Begins, and reads the processor's clock.
    pub(crate) fn exact() -> Self {
        let (begin, used) = (Instant::now(), processor_time());
        LAST.set(Some((begin, used)));
        Self { begin, used }
    }

    /// Begins, and believes a reading that is less than [`FRESH`] old: what this thread did since counts too.
    pub(crate) fn about() -> Self {
        let begin = Instant::now();
        match LAST.get() {
            Some((read, used)) if begin.saturating_duration_since(read) < FRESH => Self { begin, used },
            _ => Self::exact(),
        }
    }

    /// The processor time since then; time on the wall if even that is no more than `budget`.
    pub(crate) fn stop(self, budget: Duration) -> Duration {
        let elapsed = self.begin.elapsed();
        if elapsed <= budget { elapsed } else { processor_time().saturating_sub(self.used).min(elapsed) }
    }
}

/// What this thread has used of its processor.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const BUDGET: Duration = Duration::from_millis(2);

    fn wait(time: Duration) {
        let begin = Instant::now();
        while begin.elapsed() < time {
            thread::park_timeout(time);
        }
    }

    #[test]
    fn waiting_is_no_work() {
        let watch = Stopwatch::exact();
        wait(BUDGET * 10);
        assert!(watch.stop(BUDGET) <= BUDGET);
    }

    #[test]
    fn work_counts_and_so_does_what_was_done_a_little_before() {
        let work = |least: Duration| {
            let begin = processor_time();
            while processor_time() - begin < least {}
        };
        let watch = Stopwatch::exact();
        work(BUDGET * 2);
        let took = watch.stop(BUDGET);
        assert!(took >= BUDGET * 2, "{took:?}");

        wait(FRESH);
        let watch = Stopwatch::about();
        work(BUDGET);
        work(BUDGET);
        let took = watch.stop(BUDGET);
        assert!(took >= BUDGET * 2, "{took:?}");
    }
}
