//! Which lines are wanted.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use thiserror::Error;

use crate::event::Event;
use crate::read::line::{Entry, Line};
use crate::record::{Record, Timestamp, Verdict};

/// Which lines are wanted: those that meet everything that is given. A line that has no such thing
/// (a start has no server) does not meet it.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The upstream server's name.
    pub server: Option<String>,
    /// The tool or prompt name or the resource URI.
    pub target: Option<String>,
    /// The MCP method.
    pub method: Option<String>,
    /// What was decided.
    pub verdict: Option<Verdict>,
    /// How the rule that was enforced, or one that spoke, begins.
    pub rule: Option<String>,
    /// The caller's name.
    pub principal: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// Not earlier than this.
    pub since: Option<Timestamp>,
    /// Earlier than this.
    pub until: Option<Timestamp>,
    /// The word for the kind of line: `decision`, `approval`, ….
    pub kind: Option<String>,
    /// No more lines than so many.
    pub limit: Option<usize>,
}

impl Filter {
    /// Whether a line is wanted. The limit is not asked.
    #[must_use]
    pub fn matches(&self, line: &Line) -> bool {
        let time = line.entry.time();
        self.since.is_none_or(|since| since <= time)
            && self.until.is_none_or(|until| time < until)
            && self.kind.as_deref().is_none_or(|kind| kind == line.entry.kind())
            && self.matches_subject(&Subject::of(&line.entry))
    }

    fn matches_subject(&self, subject: &Subject<'_>) -> bool {
        is(self.server.as_deref(), subject.server)
            && is(self.target.as_deref(), subject.target)
            && is(self.method.as_deref(), subject.method)
            && is(self.principal.as_deref(), subject.principal)
            && is(self.session.as_deref(), subject.session)
            && self.verdict.is_none_or(|verdict| subject.verdict == Some(verdict))
            && self
                .rule
                .as_deref()
                .is_none_or(|prefix| subject.rules.iter().any(|rule| rule.starts_with(prefix)))
    }
}

fn is(wanted: Option<&str>, found: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| found == Some(wanted))
}

/// What a line is about.
#[derive(Default)]
struct Subject<'l> {
    server: Option<&'l str>,
    target: Option<&'l str>,
    method: Option<&'l str>,
    principal: Option<&'l str>,
    session: Option<&'l str>,
    verdict: Option<Verdict>,
    rules: Vec<&'l str>,
}

impl<'l> Subject<'l> {
    fn of(entry: &'l Entry) -> Self {
        match entry {
            Entry::Event(Event::Decision(record)) => Self {
                server: Some(&record.server),
                target: record.target.as_deref(),
                method: Some(&record.method),
                principal: record.principal.as_deref(),
                session: Some(&record.session),
                verdict: Some(record.verdict),
                rules: rules(record).collect(),
            },
            Entry::Event(Event::Approval(approval)) => Self {
                server: Some(&approval.server),
                target: approval.target.as_deref(),
                method: Some(&approval.method),
                principal: approval.principal.as_deref(),
                rules: approval.rules.iter().map(String::as_str).collect(),
                ..Self::default()
            },
            Entry::Event(Event::Load(load)) => Self { server: Some(&load.server), ..Self::default() },
            Entry::Event(Event::Start(_) | Event::Stop(_)) | Entry::Upkeep(_) | Entry::Other(_) => {
                Self::default()
            }
        }
    }
}

fn rules(record: &Record) -> impl Iterator<Item = &str> {
    record.rule.iter().chain(record.rules.iter().filter_map(|rule| rule.rule.as_ref())).map(String::as_str)
}

/// Text that is no time.
#[derive(Debug, Error)]
#[error(
    "`{text}` is no time: write one as in `2026-01-01T12:00:00Z`, or a duration before now as in `90s`, `2h` or `7d`"
)]
pub struct NotTime {
    text: String,
}

/// The instant that a text names: RFC 3339, or a duration before now.
///
/// # Errors
/// [`NotTime`] if it is neither.
pub fn instant(text: &str, now: Timestamp) -> Result<Timestamp, NotTime> {
    let ago = || -> Option<Duration> {
        let span: Span = text.parse().ok()?;
        span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
    };
    let not_time = || NotTime { text: text.to_owned() };
    text.parse().ok().or_else(|| ago().map(|ago| now.before(ago))).ok_or_else(not_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_a_time_or_a_duration_before_now() {
        let now = Timestamp::from_unix_millis(1_767_225_600_000);
        for (text, expected) in [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"),
            ("2026-01-01T02:00:00.5+02:00", "2026-01-01T00:00:00.500Z"),
            ("90s", "2025-12-31T23:58:30.000Z"),
            ("2h", "2025-12-31T22:00:00.000Z"),
            ("1h 30m", "2025-12-31T22:30:00.000Z"),
            ("7d", "2025-12-25T00:00:00.000Z"),
            ("1w", "2025-12-25T00:00:00.000Z"),
            ("PT15M", "2025-12-31T23:45:00.000Z"),
        ] {
            assert_eq!(instant(text, now).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "2026", "yesterday", "2", "-2h", "2h ago", "1mo"] {
            assert!(instant(text, now).is_err(), "{text}");
        }
    }
}
