//! What became of a plugin's evaluations: counters that cost a few nanoseconds each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::EvaluationError;

/// Buckets of each doubling: a time is known to a quarter of itself.
const STEPS: usize = 4;
/// Doublings: the last bucket has what took longer than 2^24 µs, a quarter of a minute.
const DOUBLINGS: usize = 25;
const BUCKETS: usize = DOUBLINGS * STEPS;

/// A plugin's counters, since it was configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Evaluations, failed ones included; not those that a quarantine spared.
    pub evaluations: u64,
    /// Evaluations that were spared, since the same had been judged before. See [`crate::Judgements`].
    pub spared: u64,
    /// Failures by [`EvaluationError::code`]: those that happened at all. `quarantined` counts the calls that
    /// came while the plugin was not asked.
    pub failures: Vec<(&'static str, u64)>,
    /// How often a quarantine began or was prolonged.
    pub quarantines: u64,
    /// How long evaluations took.
    pub times: Times,
}

/// How long evaluations took: how many in each bucket of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    counts: Vec<u64>,
}

impl Times {
    /// The time that this share of evaluations (0 to 1) did not exceed, to within a quarter. None if there
    /// was no evaluation.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let total: u64 = self.counts.iter().sum();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let wanted = ((total as f64 * share.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(Duration::from_micros(upper_bound(bucket)))
    }

    /// The buckets that are not empty: the longest time in it, and how many evaluations took so long.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let buckets = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        buckets.map(|(bucket, count)| (Duration::from_micros(upper_bound(bucket)), *count))
    }
}

/// The counters of a plugin that evaluates.
#[derive(Debug)]
pub(crate) struct Counters {
    spared: AtomicU64,
    failures: [AtomicU64; EvaluationError::CODES.len()],
    times: [AtomicU64; BUCKETS],
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            spared: AtomicU64::new(0),
            failures: [const { AtomicU64::new(0) }; _],
            times: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }
}

impl Counters {
    /// Takes note of an evaluation that took so long.
    pub(crate) fn evaluated(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.times.get(bucket(micros)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes note of an evaluation that was not needed.
    pub(crate) fn spared(&self) {
        self.spared.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes note of a failure.
    pub(crate) fn failed(&self, error: &EvaluationError) {
        let place = EvaluationError::CODES.iter().position(|code| *code == error.code());
        if let Some(count) = place.and_then(|place| self.failures.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self, quarantines: u64) -> Statistics {
        let counts: Vec<u64> = self.times.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let failures = EvaluationError::CODES
            .iter()
            .zip(&self.failures)
            .map(|(code, count)| (*code, count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect();
        Statistics {
            evaluations: counts.iter().sum(),
            spared: self.spared.load(Ordering::Relaxed),
            failures,
            quarantines,
            times: Times { counts },
        }
    }
}

/// The bucket of a time in microseconds: by its highest bit and the two bits after it.
fn bucket(micros: u64) -> usize {
    let doubling = micros.max(1).ilog2();
    // The two bits below the highest one; times below 4 µs have fewer.
    let step = if doubling >= 2 { (micros >> (doubling - 2)) & 3 } else { (micros << (2 - doubling)) & 3 };
    let index = u64::from(doubling).saturating_mul(STEPS as u64).saturating_add(step);
    usize::try_from(index).map_or(BUCKETS - 1, |index| index.min(BUCKETS - 1))
}

/// The longest time in a bucket, in microseconds.
fn upper_bound(bucket: usize) -> u64 {
    let (doubling, step) = (bucket / STEPS, bucket % STEPS);
    let doubling = u32::try_from(doubling).unwrap_or(u32::MAX).min(62);
    let step = u64::try_from(step).unwrap_or(0);
    let end = (1_u64 << doubling).saturating_mul(step + STEPS as u64 + 1).div_ceil(STEPS as u64);
    end.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_in_the_bucket_that_says_so() {
        let mut last = 0;
        for micros in (0..100_000).chain([1 << 20, (1 << 24) - 1]) {
            let bucket = bucket(micros);
            assert!(bucket >= last || micros > 100_000, "{micros}: buckets are in order");
            last = bucket;
            let bound = upper_bound(bucket);
            assert!(bound >= micros, "{micros} is over {bound}");
            assert!(bound <= (micros + micros / 4).max(1), "{micros}: {bound} is further than a quarter");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_come_from_the_counts() {
        let counters = Counters::default();
        assert_eq!(counters.read(0).times.quantile(0.5), None);
        for _ in 0..98 {
            counters.evaluated(Duration::from_micros(8));
        }
        for _ in 0..2 {
            counters.evaluated(Duration::from_millis(100));
            counters.failed(&EvaluationError::Stack);
        }
        let statistics = counters.read(1);
        assert_eq!(statistics.evaluations, 100);
        assert_eq!(statistics.failures, [("stack", 2)]);
        let quantile = |share| statistics.times.quantile(share).unwrap();
        assert_eq!(quantile(0.5), Duration::from_micros(9));
        assert_eq!(quantile(0.98), Duration::from_micros(9));
        assert!((100_000..125_000).contains(&quantile(0.99).as_micros()), "{:?}", quantile(0.99));
        assert_eq!(statistics.times.buckets().map(|(_, count)| count).collect::<Vec<_>>(), [98, 2]);
    }
}
