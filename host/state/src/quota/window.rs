//! Time as quotas see it: instants that the caller supplies, and windows over them.
//!
//! Unix time has no leap seconds, so every UTC calendar unit but the month has a fixed length and a
//! fixed phase; for the month the calendar is asked.

use std::fmt;
use std::num::NonZeroU32;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Serialize, Serializer};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;
/// The epoch was a Thursday, three days after the Monday on which its ISO week began.
const WEEK_BEFORE_EPOCH: u64 = 3 * DAY;

/// An instant: whole milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(u64);

impl Millis {
    /// The last instant that there is: late on 30 December 9999 UTC, where the calendar ends.
    pub const LATEST: Self = Self(253_402_207_200_999);

    /// The instant so many milliseconds after the Unix epoch; [`Millis::LATEST`] if that is later.
    #[must_use]
    pub const fn new(since_epoch: u64) -> Self {
        if since_epoch > Self::LATEST.0 { Self::LATEST } else { Self(since_epoch) }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    fn timestamp(self) -> Timestamp {
        // `Millis::LATEST` is where jiff's range ends, so the conversion always succeeds.
        let timestamp = i64::try_from(self.0).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        timestamp.unwrap_or(Timestamp::MAX)
    }

    /// Whole seconds until `edge`, rounded up, at least one.
    pub(crate) fn seconds_until(self, edge: u64) -> NonZeroU32 {
        let seconds = edge.saturating_sub(self.0).div_ceil(SECOND);
        NonZeroU32::new(u32::try_from(seconds).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN)
    }
}

/// In RFC 3339, in UTC: `2026-01-01T00:00:00Z`, with a fraction if there is one.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.timestamp().fmt(f)
    }
}

/// As it is displayed.
impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A unit of the UTC calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week, which begins on Monday (ISO 8601).
    Week,
    /// A month, of 28 to 31 days.
    Month,
}

/// The span of time over which a counter adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last so many seconds: a cost taken at `t` counts while `now < t + seconds`.
    Sliding {
        /// The length of the window.
        seconds: NonZeroU32,
    },
    /// The current unit of the UTC calendar; the counter is zero again when the next one begins.
    Fixed(Unit),
}

/// The length of a sliding window in milliseconds.
pub(crate) fn millis(seconds: NonZeroU32) -> u64 {
    u64::from(seconds.get()) * SECOND
}

/// One stretch of a calendar unit: milliseconds since the epoch, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// When it began. Zero if that was before the epoch.
    pub(crate) start: u64,
    /// When the next one begins: later than any instant inside.
    pub(crate) end: u64,
}

impl Period {
    pub(crate) fn contains(self, at: Millis) -> bool {
        (self.start..self.end).contains(&at.0)
    }
}

impl Unit {
    /// The unit of this kind in which `instant` lies.
    pub(crate) fn period(self, instant: Millis) -> Period {
        let at = instant.0;
        let (elapsed, length) = match self {
            Self::Second => (at % SECOND, SECOND),
            Self::Minute => (at % MINUTE, MINUTE),
            Self::Hour => (at % HOUR, HOUR),
            Self::Day => (at % DAY, DAY),
            Self::Week => ((at + WEEK_BEFORE_EPOCH) % WEEK, WEEK),
            Self::Month => {
                let (days_elapsed, days) = day_of_month(instant);
                (days_elapsed * DAY + at % DAY, days * DAY)
            }
        };
        Period { start: at.saturating_sub(elapsed), end: at + length - elapsed }
    }
}

/// How many days of its month have passed at `at`, and how many the month has.
fn day_of_month(at: Millis) -> (u64, u64) {
    let date = Offset::UTC.to_datetime(at.timestamp()).date();
    let days = |count: i8| u64::from(count.unsigned_abs());
    (days(date.day()) - 1, days(date.days_in_month()))
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        })
    }
}

/// In words that fit after a limit and "per": `minute`, `90 seconds`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sliding { seconds } if seconds.get() == 1 => f.write_str("1 second"),
            Self::Sliding { seconds } => write!(f, "{seconds} seconds"),
            Self::Fixed(unit) => unit.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond().try_into().unwrap()
    }

    #[test]
    fn a_period_holds_every_millisecond_up_to_its_end() {
        for (unit, start, end) in [
            (Unit::Second, "2026-03-01T12:34:56Z", "2026-03-01T12:34:57Z"),
            (Unit::Minute, "2026-03-01T12:34:00Z", "2026-03-01T12:35:00Z"),
            (Unit::Hour, "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"),
            (Unit::Day, "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"),
            (Unit::Day, "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
            (Unit::Day, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"), // no summer time in UTC
            (Unit::Week, "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"),
            (Unit::Week, "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"), // ISO week 53 of 2026
            (Unit::Week, "1970-01-05T00:00:00Z", "1970-01-12T00:00:00Z"),
            (Unit::Month, "1970-01-01T00:00:00Z", "1970-02-01T00:00:00Z"),
            (Unit::Month, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
            (Unit::Month, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            (Unit::Month, "2000-02-01T00:00:00Z", "2000-03-01T00:00:00Z"), // divisible by 400: a leap year
            (Unit::Month, "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"), // divisible by 100: none
            (Unit::Month, "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"),
            (Unit::Month, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            let period = Period { start: instant(start), end: instant(end) };
            let middle = period.start.midpoint(period.end);
            for at in [period.start, period.start + 1, middle, period.end - 1] {
                assert_eq!(unit.period(Millis::new(at)), period, "{unit} at {at}");
            }
            assert_eq!(unit.period(Millis::new(period.end)).start, period.end, "{unit} after {end}");
            if let Some(before) = period.start.checked_sub(1) {
                assert_eq!(unit.period(Millis::new(before)).end, period.start, "{unit} before {start}");
            }
        }
    }

    #[test]
    fn the_week_of_the_epoch_ends_on_its_monday() {
        let period = Unit::Week.period(Millis::new(0));
        assert_eq!(period, Period { start: 0, end: instant("1970-01-05T00:00:00Z") });
    }

    #[test]
    fn months_follow_each_other_without_gaps_for_four_centuries() {
        let mut at = instant("1970-01-01T00:00:00Z");
        let mut months = 0;
        while at < instant("2370-01-01T00:00:00Z") {
            let period = Unit::Month.period(Millis::new(at));
            assert_eq!(period.start, at);
            at = period.end;
            months += 1;
        }
        assert_eq!((months, at), (400 * 12, instant("2370-01-01T00:00:00Z")));
    }

    #[test]
    fn every_instant_lies_in_its_period_even_where_time_ends() {
        assert_eq!(Millis::new(u64::MAX), Millis::LATEST);
        assert_eq!(Millis::LATEST.get(), Timestamp::MAX.as_millisecond().unsigned_abs());
        for unit in [Unit::Second, Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month] {
            for at in [Millis::new(0), Millis::new(1), Millis::LATEST] {
                assert!(unit.period(at).contains(at), "{unit} at {at:?}");
            }
        }
    }

    #[test]
    fn seconds_are_rounded_up_and_never_zero() {
        let now = Millis::new(10_000);
        for (edge, seconds) in
            [(0, 1), (10_000, 1), (10_001, 1), (11_000, 1), (11_001, 2), (u64::MAX, u32::MAX)]
        {
            assert_eq!(now.seconds_until(edge).get(), seconds, "{edge}");
        }
    }
}
