//! Times and durations, and their forms in a record.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant, written as RFC 3339 in UTC with milliseconds: `2026-01-01T00:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// So many milliseconds after the Unix epoch; the end of the year 9999 if that is later, since
    /// RFC 3339 goes no further.
    #[must_use]
    pub fn from_unix_millis(millis: u64) -> Self {
        let timestamp =
            i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        Self(timestamp.unwrap_or(jiff::Timestamp::MAX))
    }

    /// The time that the system's clock shows.
    #[must_use]
    pub fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_unix_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    /// The instant so much earlier; the earliest that there is if that is out of range.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.checked_sub(duration).unwrap_or(jiff::Timestamp::MIN))
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A duration in whole microseconds, written as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl From<Duration> for Micros {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_always_have_three_digits_and_a_z() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1, "1970-01-01T00:00:00.001Z"),
            (1_709_208_000_120, "2024-02-29T12:00:00.120Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (u64::MAX, "9999-12-30T22:00:00.999Z"),
        ] {
            assert_eq!(Timestamp::from_unix_millis(millis).to_string(), text);
        }
    }

    #[test]
    fn times_read_back_as_they_were_written() {
        for millis in [0, 1, 1_709_208_000_120, u64::MAX] {
            let time = Timestamp::from_unix_millis(millis);
            let read: Timestamp = serde_json::from_str(&serde_json::to_string(&time).unwrap()).unwrap();
            assert_eq!(read.to_string(), time.to_string());
        }
    }

    #[test]
    fn an_earlier_time_stays_in_range() {
        let time = Timestamp::from_unix_millis(3_600_000);
        assert_eq!(time.before(Duration::from_secs(3_600)), Timestamp::from_unix_millis(0));
        assert!(time.before(Duration::MAX) < Timestamp::from_unix_millis(0));
    }

    #[test]
    fn durations_are_cut_to_whole_microseconds() {
        assert_eq!(Micros::from(Duration::from_nanos(1_999)), Micros(1));
        assert_eq!(Micros::from(Duration::MAX), Micros(u64::MAX));
    }
}
