//! Times and durations as people write them.

use bartizan_policy::decode;
use bartizan_policy::diagnostics::{Problem, Report};
use bartizan_policy::source::Node;

/// The time of cases that name none: the beginning of 2026.
pub(crate) const BEGINNING: u64 = 1_767_225_600_000;

/// What a duration may end with, and how many milliseconds that is. Longer endings first.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Milliseconds since the Unix epoch of a time in RFC 3339. None if it is none, or before the epoch.
pub(crate) fn instant(text: &str) -> Option<u64> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_millisecond()).ok()
}

/// Milliseconds of a duration such as `1ms` or `90s`: a whole number and a unit.
pub(crate) fn duration(text: &str) -> Option<u64> {
    let (digits, factor) =
        UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Reads a time.
pub(crate) fn read_instant(node: &Node, name: &str, report: &mut Report) -> Option<u64> {
    let found = instant(decode::string(node, name, report)?);
    if found.is_none() {
        let problem = decode::wrong_value(node, name, "a time in RFC 3339, not before 1970");
        report.push(problem.help("write for example 2026-01-01T12:00:00Z"));
    }
    found
}

/// Reads a duration.
pub(crate) fn read_duration(node: &Node, name: &str, report: &mut Report) -> Option<u64> {
    let found = node.as_str().and_then(duration);
    if found.is_none() {
        let problem: Problem = decode::wrong_value(node, name, "a duration");
        report.push(problem.help("write a whole number and a unit (ms, s, m, h, d), such as 90s"));
    }
    found
}

/// A time as RFC 3339 in UTC with milliseconds.
pub(crate) fn shown(millis: u64) -> String {
    bartizan_audit::record::Timestamp::from_unix_millis(millis).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, expected) in [
            ("1ms", Some(1)),
            ("90s", Some(90_000)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("31d", Some(2_678_400_000)),
            ("0s", Some(0)),
            ("", None),
            ("s", None),
            ("1", None),
            ("-1s", None),
            ("1.5s", None),
            ("1 s", None),
            ("1w", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(duration(text), expected, "{text:?}");
        }
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-01T00:00:00Z", Some(BEGINNING)),
            ("2026-01-01T00:00:59.999Z", Some(BEGINNING + 59_999)),
            ("2026-01-01T01:00:00+01:00", Some(BEGINNING)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-01-01", None),
            ("yesterday", None),
        ] {
            assert_eq!(instant(text), expected, "{text}");
        }
        assert_eq!(shown(BEGINNING), "2026-01-01T00:00:00.000Z");
    }
}
