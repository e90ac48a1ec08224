//! When a server's command may be started again: one that keeps ending right after its start is left alone
//! for longer and longer, so that clients that come back at once do not wear the machine out.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A process that ran for so long has started well.
const SETTLED: Duration = Duration::from_secs(10);
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Failures in a row before there is any pause: a crash is not yet a habit.
const FREE: u32 = 2;

/// The starts of one server's command.
#[derive(Debug, Default)]
pub(crate) struct Starts(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    failures: u32,
    not_before: Option<Instant>,
}

/// The command may not be started yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it ended right after its start {failures} times in a row; it is started again in {} s at the earliest", wait.as_secs() + 1)]
pub(crate) struct TooSoon {
    failures: u32,
    wait: Duration,
}

impl Starts {
    /// Whether the command may be started.
    ///
    /// # Errors
    ///
    /// [`TooSoon`].
    pub(crate) fn check(&self, now: Instant) -> Result<(), TooSoon> {
        let content = self.0.lock();
        match content.not_before {
            Some(moment) if moment > now => {
                Err(TooSoon { failures: content.failures, wait: moment.duration_since(now) })
            }
            _ => Ok(()),
        }
    }

    /// Takes note that a process ended by itself that had begun then.
    pub(crate) fn ended(&self, begin: Instant, now: Instant) {
        let mut content = self.0.lock();
        if now.duration_since(begin) >= SETTLED {
            *content = Content::default();
            return;
        }
        content.failures = content.failures.saturating_add(1);
        if let Some(doublings) = content.failures.checked_sub(FREE + 1) {
            let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
            content.not_before = Some(now + pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_end_with_a_good_start() {
        let starts = Starts::default();
        let begin = Instant::now();
        let mut now = begin;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            starts.ended(now, now + Duration::from_millis(1));
            now += Duration::from_millis(1);
            match starts.check(now) {
                Ok(()) => pauses.push(Duration::ZERO),
                Err(too_soon) => {
                    pauses.push(too_soon.wait);
                    now += too_soon.wait;
                    assert_eq!(starts.check(now), Ok(()));
                }
            }
        }
        assert_eq!(pauses[..4], [0, 0, 500, 1_000].map(Duration::from_millis));
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
        starts.ended(now, now + SETTLED);
        assert_eq!(starts.check(now + SETTLED), Ok(()));
    }
}
