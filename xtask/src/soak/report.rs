//! What came of a soak: the table, and what must not be in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;

use super::level::Reading;
use super::{Plan, SPARE_DESCRIPTORS};

const MEBIBYTE: u64 = 1 << 20;
/// By how much the level of memory may rise from one round to the next: what an allocator keeps varies.
const PART_TO_SPARE: u64 = 10;
const MEMORY_TO_SPARE: u64 = 8 * MEBIBYTE;
/// How many of a hundred sessions must have had a stream at once: some are just beginning anew.
const STREAMS: u64 = 90;

/// What the clients counted; see tests/src/bin/bartizan-soak-clients/tally.rs.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Report {
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) faults: BTreeMap<String, u64>,
    pub(super) examples: Vec<String>,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) answers_per_second: f64,
    pub(super) most_sessions: u64,
    pub(super) most_streams: u64,
}

impl Report {
    pub(super) fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }
}

/// A round that is over.
pub(super) struct Round {
    pub(super) name: &'static str,
    pub(super) report: Report,
    /// What the gateway took at most.
    pub(super) most: Reading,
    /// What it takes now that the clients are gone.
    pub(super) level: Reading,
    /// How long after them its descriptors were down.
    pub(super) settled_after: Duration,
}

/// Everything as a table for people.
pub(super) fn table(before: &Reading, rounds: &[Round]) -> String {
    let mut table = String::new();
    let mut row = |name: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>12}")).collect();
        // Writing to a string does not fail.
        let _ = writeln!(table, "{name:<30}{}", cells.trim_end());
    };
    let each = |cell: &dyn Fn(&Round) -> String| rounds.iter().map(cell).collect::<Vec<_>>();
    row("", &each(&|round| round.name.to_owned()));
    row("sessions at once", &each(&|round| round.report.most_sessions.to_string()));
    row("streams at once", &each(&|round| round.report.most_streams.to_string()));
    row("answers a second", &each(&|round| format!("{:.0}", round.report.answers_per_second)));
    row("quick calls, p50", &each(&|round| milliseconds(round.report.p50_us)));
    row("quick calls, p99", &each(&|round| milliseconds(round.report.p99_us)));
    let counts = [
        "sessions",
        "deleted",
        "vanished",
        "streams reopened",
        "answers",
        "with progress",
        "cancelled",
        "refused",
        "notifications",
    ];
    for what in counts {
        row(what, &each(&|round| round.report.count(what).to_string()));
    }
    for fault in FAULTS {
        row(&format!("{}: {}", fault.key, fault.what), &each(&|round| fault.times(round).to_string()));
    }
    row("memory at most", &each(&|round| mebibytes(round.most.memory)));
    row("memory after", &each(&|round| mebibytes(round.level.memory)));
    row("descriptors at most", &each(&|round| round.most.descriptors.to_string()));
    row("descriptors after", &each(&|round| round.level.descriptors.to_string()));
    row("down again after", &each(&|round| format!("{} s", round.settled_after.as_secs())));
    let _ = writeln!(
        table,
        "\nBefore the first client: {}, {} descriptors.",
        mebibytes(before.memory),
        before.descriptors
    );
    table
}

/// What is wrong, each in a line.
pub(super) fn judge(plan: &Plan, before: &Reading, rounds: &[Round]) -> Vec<String> {
    let mut problems = Vec::new();
    for round in rounds {
        let name = round.name;
        for fault in FAULTS {
            let times = fault.times(round);
            if times > 0 {
                problems.push(format!("{name}: {times} × {}: {}", fault.key, fault.what));
            }
        }
        problems.extend(round.report.examples.iter().map(|example| format!("{name}: {example}")));
        let sessions = u64::from(plan.sessions);
        let (open, listening) = (round.report.most_sessions, round.report.most_streams);
        if open < sessions || listening * 100 < sessions * STREAMS {
            problems.push(format!(
                "{name}: there were never {sessions} sessions with streams: {open} with {listening}"
            ));
        }
        let (after, most) = (round.level.descriptors, before.descriptors + SPARE_DESCRIPTORS);
        if after > most {
            problems.push(format!(
                "{name}: {after} descriptors are left {} s after the clients; there were {} before them, and \
                 {most} would do",
                round.settled_after.as_secs(),
                before.descriptors
            ));
        }
    }
    if let [.., earlier, last] = rounds {
        let (was, is) = (earlier.level.memory, last.level.memory);
        let most = was + was / 100 * PART_TO_SPARE + MEMORY_TO_SPARE;
        if is > most {
            problems.push(format!(
                "{}: memory is at {}, after {} it was at {}; up to {} would do",
                last.name,
                mebibytes(is),
                earlier.name,
                mebibytes(was),
                mebibytes(most)
            ));
        }
    }
    problems
}

/// Something that must not happen.
struct Fault {
    key: &'static str,
    what: &'static str,
}

const FAULTS: [Fault; 4] = [
    Fault { key: "stuck", what: "nothing for 10 s" },
    Fault { key: "wrong", what: "another answer" },
    Fault { key: "ended", what: "a stream too early" },
    Fault { key: "broken", what: "a connection" },
];

impl Fault {
    fn times(&self, round: &Round) -> u64 {
        round.report.faults.get(self.key).copied().unwrap_or_default()
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / MEBIBYTE as f64)
}

fn milliseconds(microseconds: u64) -> String {
    format!("{:.1} ms", microseconds as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan { sessions: 100, seconds: 10, closes_idle: true };
    const BEFORE: Reading = Reading { memory: 40 * MEBIBYTE, descriptors: 13 };

    fn round(name: &'static str) -> Round {
        Round {
            name,
            report: Report { most_sessions: 100, most_streams: 99, ..Report::default() },
            most: Reading { memory: 90 * MEBIBYTE, descriptors: 400 },
            level: Reading { memory: 80 * MEBIBYTE, descriptors: 13 },
            settled_after: Duration::from_secs(7),
        }
    }

    #[test]
    fn what_holds_and_what_does_not() {
        type Change = fn(&mut [Round; 2]);
        let cases: [(&str, Change, &[&str]); 6] = [
            ("all is well", |_| {}, &[]),
            (
                "a stuck answer",
                |rounds| {
                    rounds[0].report.faults.insert("stuck".to_owned(), 2);
                    rounds[0].report.examples.push("stuck: POST".to_owned());
                },
                &["one: 2 × stuck: nothing for 10 s", "one: stuck: POST"],
            ),
            (
                "too few streams",
                |rounds| rounds[1].report.most_streams = 89,
                &["two: there were never 100 sessions with streams: 100 with 89"],
            ),
            (
                "descriptors",
                |rounds| rounds[1].level.descriptors = 22,
                &["two: 22 descriptors are left 7 s after the clients; there were 13 before them, and 21 \
                     would do"],
            ),
            ("memory within bounds", |rounds| rounds[1].level.memory = 95 * MEBIBYTE, &[]),
            (
                "memory",
                |rounds| rounds[1].level.memory = 97 * MEBIBYTE,
                &["two: memory is at 97.0 MiB, after one it was at 80.0 MiB; up to 96.0 MiB would do"],
            ),
        ];
        for (name, change, expected) in cases {
            let mut rounds = [round("one"), round("two")];
            change(&mut rounds);
            assert_eq!(judge(&PLAN, &BEFORE, &rounds), expected, "{name}");
        }
    }
}
