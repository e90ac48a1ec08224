//! What a log says in numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::event::Event;
use crate::read::line::{Entry, Line, Plain};
use crate::record::{Micros, Record, Timestamp, Verdict};

/// How many rules and targets are listed.
const TOP: usize = 10;

/// The numbers of a log, or of the lines that a filter let through.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// How many lines there are.
    pub lines: u64,
    /// The time of the earliest line.
    pub first: Option<Timestamp>,
    /// The time of the latest line.
    pub last: Option<Timestamp>,
    /// How many lines there are of each kind.
    pub kinds: BTreeMap<String, u64>,
    /// How many decisions there are.
    pub decisions: u64,
    /// Decisions by verdict.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Decisions by server and verdict.
    pub servers: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// The rules that denied or hid most often, most often first.
    pub rules: Vec<Count>,
    /// The targets that were denied or hidden most often, most often first.
    pub targets: Vec<Count>,
    /// How long half of the evaluations took at most.
    #[serde(rename = "evaluation_p50_us")]
    pub evaluation_p50: Option<Micros>,
    /// How long 99 of 100 evaluations took at most.
    #[serde(rename = "evaluation_p99_us")]
    pub evaluation_p99: Option<Micros>,
}

/// How often something was denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// The upstream server's name.
    pub server: String,
    /// The rule or the target.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// What is counted while lines are read.
#[derive(Default)]
struct Counts {
    stats: Stats,
    rules: BTreeMap<(String, String), u64>,
    targets: BTreeMap<(String, String), u64>,
    evaluations: BTreeMap<Micros, u64>,
}

impl Stats {
    /// The numbers of some lines.
    ///
    /// # Errors
    /// The first error among the lines.
    pub fn of<E>(lines: impl IntoIterator<Item = Result<Line, E>>) -> Result<Self, E> {
        let mut counts = Counts::default();
        for line in lines {
            counts.add(&line?);
        }
        Ok(counts.finish())
    }
}

impl Counts {
    fn add(&mut self, line: &Line) {
        let stats = &mut self.stats;
        let time = line.entry.time();
        stats.lines += 1;
        stats.first = Some(stats.first.map_or(time, |first| first.min(time)));
        stats.last = Some(stats.last.map_or(time, |last| last.max(time)));
        *stats.kinds.entry(line.entry.kind().to_owned()).or_default() += 1;
        if let Entry::Event(Event::Decision(record)) = &line.entry {
            self.decision(record);
        }
    }

    fn decision(&mut self, record: &Record) {
        let verdict = record.verdict.as_str();
        self.stats.decisions += 1;
        *self.stats.verdicts.entry(verdict).or_default() += 1;
        let server = record.server.to_string();
        *self.stats.servers.entry(server.clone()).or_default().entry(verdict).or_default() += 1;
        *self.evaluations.entry(record.evaluation).or_default() += 1;
        if matches!(record.verdict, Verdict::Deny | Verdict::Hidden) {
            if let Some(rule) = &record.rule {
                *self.rules.entry((server.clone(), rule.clone())).or_default() += 1;
            }
            if let Some(target) = &record.target {
                *self.targets.entry((server, target.to_string())).or_default() += 1;
            }
        }
    }

    fn finish(self) -> Stats {
        Stats {
            rules: top(self.rules),
            targets: top(self.targets),
            evaluation_p50: percentile(&self.evaluations, self.stats.decisions, 50),
            evaluation_p99: percentile(&self.evaluations, self.stats.decisions, 99),
            ..self.stats
        }
    }
}

/// The most frequent, the first by name if equal.
fn top(counts: BTreeMap<(String, String), u64>) -> Vec<Count> {
    let count = |((server, name), count)| Count { server, name, count };
    let mut counts: Vec<_> = counts.into_iter().map(count).collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    counts.truncate(TOP);
    counts
}

/// The smallest value that so many of a hundred do not exceed.
fn percentile(values: &BTreeMap<Micros, u64>, total: u64, percent: u64) -> Option<Micros> {
    let rank = (u128::from(total) * u128::from(percent)).div_ceil(100);
    let mut below = 0;
    values.iter().find_map(|(value, count)| {
        below += u128::from(*count);
        (below >= rank).then_some(*value)
    })
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lines", self.lines)?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            write!(f, " from {first} to {last}")?;
        }
        write!(f, "\n\ndecisions  {}", self.decisions)?;
        for (verdict, count) in &self.verdicts {
            write!(f, "\n  {verdict:<8} {count:>9}")?;
        }
        if let (Some(p50), Some(p99)) = (self.evaluation_p50, self.evaluation_p99) {
            write!(f, "\nevaluation  p50 {} µs, p99 {} µs", p50.0, p99.0)?;
        }
        if !self.servers.is_empty() {
            write!(f, "\n\nservers")?;
        }
        for (server, verdicts) in &self.servers {
            write!(f, "\n  {}", Plain(server))?;
            verdicts.iter().try_for_each(|(verdict, count)| write!(f, "  {verdict} {count}"))?;
        }
        list(f, "rules that denied most", &self.rules)?;
        list(f, "targets denied most", &self.targets)?;
        let other = self.kinds.iter().filter(|(kind, _)| *kind != "decision");
        for (index, (kind, count)) in other.enumerate() {
            let title = if index == 0 { "\n\nother lines" } else { "" };
            write!(f, "{title}\n  {:<10} {count:>7}", Plain(kind).to_string())?;
        }
        Ok(())
    }
}

fn list(f: &mut fmt::Formatter<'_>, title: &str, counts: &[Count]) -> fmt::Result {
    if !counts.is_empty() {
        write!(f, "\n\n{title}")?;
    }
    counts.iter().try_for_each(|Count { server, name, count }| {
        write!(f, "\n  {count:>7}  {}  {}", Plain(server), Plain(name))
    })
}
