//! Things that happen often and are worth a line of the log now and then.

use std::time::{Duration, Instant};

/// How much time is between two lines of the log.
const INTERVAL: Duration = Duration::from_secs(10);

/// Something that may happen at any rate.
#[derive(Debug, Default)]
pub(super) struct Rarely {
    told: Option<Instant>,
    untold: u64,
}

impl Rarely {
    /// Takes note. If it is time to tell: how many times it has happened since the last telling.
    pub(super) fn happened(&mut self) -> Option<u64> {
        self.happened_at(Instant::now())
    }

    fn happened_at(&mut self, now: Instant) -> Option<u64> {
        self.untold = self.untold.saturating_add(1);
        let is_due = self.told.is_none_or(|told| now.saturating_duration_since(told) >= INTERVAL);
        is_due.then(|| {
            self.told = Some(now);
            std::mem::take(&mut self.untold)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_at_once_and_then_what_has_gathered() {
        let mut rarely = Rarely::default();
        let start = Instant::now();
        let told =
            [0, 1, 2, 9, 10, 11, 40].map(|second| rarely.happened_at(start + Duration::from_secs(second)));
        assert_eq!(told, [Some(1), None, None, None, Some(4), None, Some(2)]);
    }
}
