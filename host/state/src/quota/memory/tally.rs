//! What one counter holds for one scope.
//!
//! The caller keeps two promises: `now` never decreases over the calls on a tally, and `advance(now)`
//! comes before anything that is asked of it at `now`. What is added fits the limit, so every sum
//! here is at most one [`Amount`] and exact.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use rust_decimal::Decimal;

use super::super::window::{Period, millis};
use super::super::{Amount, Millis, Unit, Window};

/// How many costs a sliding window tells apart before it coarsens: 2 MiB.
pub(crate) const MAX_ENTRIES: usize = 1 << 16;

/// The costs that count at present.
#[derive(Debug)]
pub(super) enum Tally {
    Sliding(Log),
    Fixed { unit: Unit, period: Period, used: Decimal },
}

impl Tally {
    pub(super) fn new(window: Window, now: Millis) -> Self {
        match window {
            Window::Sliding { seconds } => Self::Sliding(Log::new(seconds)),
            Window::Fixed(unit) => Self::Fixed { unit, period: unit.period(now), used: Decimal::ZERO },
        }
    }

    /// Forgets what no longer counts.
    pub(super) fn advance(&mut self, now: Millis) {
        match self {
            Self::Sliding(log) => log.advance(now),
            Self::Fixed { unit, period, used } => {
                if !period.contains(now) {
                    *period = unit.period(now);
                    *used = Decimal::ZERO;
                }
            }
        }
    }

    pub(super) fn used(&self) -> Decimal {
        match self {
            Self::Sliding(log) => log.used,
            Self::Fixed { used, .. } => *used,
        }
    }

    pub(super) fn add(&mut self, cost: Amount, now: Millis) {
        match self {
            Self::Sliding(log) => log.add(cost.decimal(), now),
            Self::Fixed { used, .. } => *used += cost.decimal(),
        }
    }

    /// Takes back a cost that was added at `at`, unless it no longer counts.
    pub(super) fn remove(&mut self, cost: Amount, at: Millis) {
        match self {
            Self::Sliding(log) => log.remove(cost.decimal(), at),
            Self::Fixed { period, used, .. } => {
                if period.contains(at) {
                    *used -= cost.decimal();
                }
            }
        }
    }

    /// The first millisecond since the epoch at which no more than `most` is used.
    pub(super) fn falls_to(&self, most: Decimal, now: Millis) -> u64 {
        match self {
            Self::Sliding(log) => log.falls_to(most, now),
            Self::Fixed { period, used, .. } => {
                if *used <= most {
                    now.get()
                } else {
                    period.end
                }
            }
        }
    }

    /// Whether nothing of it counts at `now`, so that it can be dropped.
    pub(super) fn is_idle(&self, now: Millis) -> bool {
        match self {
            Self::Sliding(log) => log.entries.back().is_none_or(|last| last.at + log.window <= now.get()),
            Self::Fixed { period, used, .. } => used.is_zero() || !period.contains(now),
        }
    }
}

/// The costs within a sliding window, exact to the millisecond.
///
/// A window that would have to tell more than [`MAX_ENTRIES`] instants apart gives up resolution
/// instead of memory: instants are rounded up to a coarser grid, so that a cost counts at most 1/16000
/// of the window longer, and never shorter. An empty log is exact again.
#[derive(Debug)]
pub(super) struct Log {
    /// The window in milliseconds.
    window: u64,
    /// Milliseconds between instants that are told apart: a power of two.
    grid: u64,
    /// Costs by instant, ascending, each instant once, none zero.
    entries: VecDeque<Entry>,
    /// The sum of `entries`.
    used: Decimal,
}

/// What was taken at one instant, a multiple of the grid in milliseconds since the epoch.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    cost: Decimal,
}

impl Log {
    fn new(seconds: NonZeroU32) -> Self {
        Self { window: millis(seconds), grid: 1, entries: VecDeque::new(), used: Decimal::ZERO }
    }

    fn advance(&mut self, now: Millis) {
        while let Some(oldest) = self.entries.pop_front_if(|oldest| oldest.at + self.window <= now.get()) {
            self.used -= oldest.cost;
        }
        if self.entries.is_empty() {
            self.grid = 1;
        }
    }

    fn add(&mut self, cost: Decimal, now: Millis) {
        if cost.is_zero() {
            return;
        }
        push(&mut self.entries, Entry { at: now.get().next_multiple_of(self.grid), cost });
        self.used += cost;
        if self.entries.len() > MAX_ENTRIES {
            self.coarsen();
        }
    }

    /// Doubles the grid until half of the room is free, so that this is rare.
    fn coarsen(&mut self) {
        while self.entries.len() > MAX_ENTRIES / 2 {
            self.grid *= 2;
            let mut merged = VecDeque::with_capacity(MAX_ENTRIES);
            for entry in &self.entries {
                push(&mut merged, Entry { at: entry.at.next_multiple_of(self.grid), cost: entry.cost });
            }
            self.entries = merged;
        }
    }

    fn remove(&mut self, cost: Decimal, at: Millis) {
        // Grids are powers of two, so rounding at once finds what was rounded step by step.
        let at = at.get().next_multiple_of(self.grid);
        let Ok(index) = self.entries.binary_search_by_key(&at, |entry| entry.at) else { return };
        let Some(entry) = self.entries.get_mut(index) else { return };
        entry.cost -= cost;
        self.used -= cost;
        if entry.cost.is_zero() {
            self.entries.remove(index);
        }
    }

    fn falls_to(&self, most: Decimal, now: Millis) -> u64 {
        let mut used = self.used;
        let mut at = now.get();
        for entry in &self.entries {
            if used <= most {
                break;
            }
            used -= entry.cost;
            at = entry.at + self.window;
        }
        at
    }
}

/// Appends an entry, or adds it to the last one if that is of the same instant.
fn push(entries: &mut VecDeque<Entry>, entry: Entry) {
    match entries.back_mut() {
        Some(last) if last.at == entry.at => last.cost += entry.cost,
        _ => entries.push_back(entry),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(seconds: u32) -> Log {
        Log::new(NonZeroU32::new(seconds).unwrap())
    }

    #[test]
    fn costs_of_one_millisecond_share_an_entry() {
        let mut log = log(1);
        for at in [5, 5, 5, 6] {
            log.add(Decimal::ONE, Millis::new(at));
        }
        assert_eq!((log.entries.len(), log.used), (2, Decimal::from(4)));
    }

    #[test]
    fn what_was_given_back_leaves_no_entry() {
        let mut log = log(1);
        log.add(Decimal::ONE, Millis::new(5));
        log.add(Decimal::ZERO, Millis::new(6));
        log.remove(Decimal::ONE, Millis::new(5));
        assert_eq!((log.entries.len(), log.used), (0, Decimal::ZERO));
    }

    #[test]
    fn a_crowded_log_stays_small_and_errs_on_the_safe_side() {
        const WINDOW: u64 = 3_600_000;
        let mut log = log(3_600);
        let mut longest = 0;
        for at in 0..WINDOW {
            log.add(Decimal::ONE, Millis::new(at));
            longest = longest.max(log.entries.len());
        }
        assert!(longest <= MAX_ENTRIES, "{longest} entries");
        assert_eq!(log.used, Decimal::from(WINDOW), "nothing is lost by merging");

        log.remove(Decimal::ONE, Millis::new(1));
        log.remove(Decimal::ONE, Millis::new(WINDOW - 1));
        assert_eq!(log.used, Decimal::from(WINDOW - 2), "what was merged can still be given back");

        let tolerance = WINDOW / 16_000;
        for after in [1_u64, 1_000, 100_000, WINDOW - 1] {
            log.advance(Millis::new(WINDOW + after));
            let still_inside = Decimal::from(WINDOW - after - 1);
            let kept_longer = log.used + Decimal::ONE - still_inside;
            assert!(
                (Decimal::ZERO..=Decimal::from(tolerance + 1)).contains(&kept_longer),
                "{kept_longer} too many after {after} ms"
            );
        }

        log.advance(Millis::new(2 * WINDOW + tolerance));
        assert_eq!((log.entries.len(), log.used, log.grid), (0, Decimal::ZERO, 1), "exact again when empty");
    }
}
