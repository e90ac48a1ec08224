//! Logs for tests.

#![allow(dead_code, reason = "every test file uses some of it")]

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use bartizan_audit::event::{Event, kind};
use bartizan_audit::file::{FileSink, Options, Rotation};
use bartizan_audit::log::Sink;
use bartizan_audit::read::Lines;
use bartizan_audit::record::{
    Direction, Micros, Mode, Note, Record, RuleRecord, RuleVerdict, Timestamp, Upstream, Verdict,
};

/// A record that is told from others by its request.
#[allow(clippy::needless_pass_by_value, reason = "numbers and texts, short to write")]
pub(crate) fn record(request: impl ToString) -> Record {
    Record {
        time: Timestamp::from_unix_millis(1_767_225_600_000),
        event: kind::Decision,
        request: Some(request.to_string()),
        session: "s-1".into(),
        principal: Some("ann".into()),
        server: "mlflow".into(),
        method: "tools/call".into(),
        target: Some("delete_run".into()),
        direction: Direction::ClientToServer,
        argument_keys: ["run_id", "force"].map(String::from).into(),
        arguments_digest: Some("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".into()),
        verdict: Verdict::Deny,
        rule: Some("/tools/delete_run/action".into()),
        reason: Some("Runs are kept.".into()),
        approval: None,
        rules: vec![RuleRecord {
            plugin: "access".into(),
            version: "0.1.0".into(),
            digest: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a".into(),
            verdict: RuleVerdict::Deny,
            rule: Some("/tools/delete_run/action".into()),
            reason: Some("Runs are kept.".into()),
            mode: Mode::Enforce,
            notes: vec![Note::new("risk", "1.10").unwrap()],
        }],
        policy_digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        evaluation: Micros(42),
        upstream: Upstream::NotForwarded,
        full: None,
    }
}

/// A short event, for logs that are gone over byte by byte.
#[allow(clippy::needless_pass_by_value, reason = "numbers and texts, short to write")]
pub(crate) fn start(version: impl ToString) -> Event {
    let time = Timestamp::from_unix_millis(1_767_225_600_000);
    bartizan_audit::event::Start { time, event: kind::Start, version: version.to_string(), pid: 7 }.into()
}

/// Options with files of a size.
pub(crate) fn files_of(size: u64) -> Options {
    Options { rotation: Rotation { size, ..Rotation::default() }, ..Options::default() }
}

/// Options with files of a size, of which some are kept.
pub(crate) fn keep(size: u64, files: usize) -> Options {
    Options { rotation: Rotation { size, files: NonZeroUsize::new(files), age: None }, ..Options::default() }
}

/// Writes records with these requests.
pub(crate) fn write(directory: &Path, options: Options, requests: impl IntoIterator<Item = u32>) {
    let sink = FileSink::open(directory, options).unwrap();
    for request in requests {
        sink.record(&record(request).into()).unwrap();
    }
}

/// The requests of all records, in the order of the log.
pub(crate) fn requests(directory: &Path) -> Vec<String> {
    let lines = Lines::open(directory).unwrap().map(Result::unwrap);
    lines.filter_map(|line| line.decision().and_then(|record| record.request.clone())).collect()
}

/// Asserts that the log has each of these requests once, and nothing else.
pub(crate) fn assert_requests(directory: &Path, expected: impl IntoIterator<Item = String>) {
    let found = requests(directory);
    let count = found.len();
    let found: BTreeSet<_> = found.into_iter().collect();
    assert_eq!(count, found.len(), "a record is in the log twice");
    assert_eq!(found, expected.into_iter().collect());
}

/// The files of the log, in order.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some()).collect();
    files.sort();
    files
}
