//! A plugin that keeps failing is not asked for a while, so that its deadline is not paid on every
//! call. Its calls get its fail mode at once.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::EvaluationError;

/// Failures in a row that begin a quarantine.
const TOLERATED: u32 = 5;
/// The first quarantine; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest quarantine.
const LONGEST: Duration = Duration::from_secs(60);

/// Whether a plugin is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Its last evaluation succeeded, or there was none.
    Healthy,
    /// So many evaluations in a row failed; it is still asked.
    Failing {
        /// Failures in a row.
        failures: u32,
    },
    /// It is not asked until the time is over; then one call tries it.
    Quarantined {
        /// Failures in a row.
        failures: u32,
        /// How long it still lasts.
        remaining: Duration,
    },
}

/// The count of failures and the end of the quarantine, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    failures: AtomicU32,
    begun: AtomicU64,
    until: Mutex<Option<Instant>>,
}

impl Quarantine {
    /// Whether the plugin may be asked now. When a quarantine has passed, one caller gets a yes and
    /// the quarantine goes on for the others until that attempt is recorded.
    pub(crate) fn admit(&self) -> Result<(), EvaluationError> {
        let failures = self.failures.load(Ordering::Relaxed);
        if failures < TOLERATED {
            return Ok(());
        }
        let mut until = self.until.lock();
        let now = Instant::now();
        match *until {
            Some(end) if end > now => Err(EvaluationError::Quarantined { failures, remaining: end - now }),
            _ => {
                *until = Some(now + back_off(failures));
                Ok(())
            }
        }
    }

    /// Whether the last evaluation succeeded, or there was none.
    pub(crate) fn is_clear(&self) -> bool {
        self.failures.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            let mut until = self.until.lock();
            *until = None;
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Takes note of a failure; the time of the quarantine that it begins or prolongs, if it does.
    pub(crate) fn failed(&self) -> Option<Duration> {
        let mut until = self.until.lock();
        let failures = self.failures.load(Ordering::Relaxed).saturating_add(1);
        self.failures.store(failures, Ordering::Relaxed);
        let time = (failures >= TOLERATED).then(|| back_off(failures))?;
        *until = Some(Instant::now() + time);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Some(time)
    }

    /// How often a quarantine began or was prolonged.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn health(&self) -> Health {
        let until = self.until.lock();
        let failures = self.failures.load(Ordering::Relaxed);
        let remaining = until.map(|end| end.saturating_duration_since(Instant::now()));
        match (failures, remaining) {
            (0, _) => Health::Healthy,
            (failures, Some(remaining)) if !remaining.is_zero() => {
                Health::Quarantined { failures, remaining }
            }
            (failures, _) => Health::Failing { failures },
        }
    }
}

fn back_off(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(TOLERATED).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_with_every_failure() {
        let seconds: Vec<u64> = (TOLERATED..TOLERATED + 9).map(|n| back_off(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(back_off(u32::MAX), LONGEST);
    }

    #[test]
    fn begins_after_enough_failures_in_a_row_and_ends_with_a_success() {
        let quarantine = Quarantine::default();
        for _ in 1..TOLERATED {
            assert_eq!(quarantine.failed(), None);
            assert!(quarantine.admit().is_ok());
        }
        quarantine.succeeded();
        assert_eq!(quarantine.health(), Health::Healthy);
        let times: Vec<_> = (0..TOLERATED).filter_map(|_| quarantine.failed()).collect();
        assert_eq!((times, quarantine.begun()), (vec![FIRST], 1));
        assert!(matches!(quarantine.admit(), Err(EvaluationError::Quarantined { failures: TOLERATED, .. })));
        assert!(matches!(quarantine.health(), Health::Quarantined { .. }));
        quarantine.succeeded();
        assert!(quarantine.admit().is_ok());
    }

    #[test]
    fn lets_one_call_try_when_the_time_is_over() {
        let quarantine = Quarantine::default();
        for _ in 0..TOLERATED {
            quarantine.failed();
        }
        *quarantine.until.lock() = Some(Instant::now());
        assert!(quarantine.admit().is_ok());
        assert!(quarantine.admit().is_err(), "only one at a time");
    }
}
