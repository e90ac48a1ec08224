//! No change to a log goes unseen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod common;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bartizan_audit::file::FileSink;
use bartizan_audit::log::Sink;
use bartizan_audit::verify::{Problem, VerifyError, verify};
use common::{files, files_of, record, start};
use proptest::prelude::*;

/// A log in memory: the name and the bytes of each file, the head last.
type Log = Vec<(String, Vec<u8>)>;

/// A directory with a log that tests change and verify.
struct Bench {
    directory: tempfile::TempDir,
    log: Log,
}

impl Bench {
    fn new(log: &Log) -> Self {
        let bench = Self { directory: tempfile::tempdir().unwrap(), log: log.clone() };
        log.iter().for_each(|(name, bytes)| fs::write(bench.path(name), bytes).unwrap());
        verify(bench.directory.path()).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What is found with one file changed. The file is put back.
    fn with(&self, file: usize, bytes: &[u8]) -> Result<(), VerifyError> {
        let (name, original) = &self.log[file];
        overwrite(&self.path(name), bytes);
        let result = verify(self.directory.path()).map(drop);
        overwrite(&self.path(name), original);
        result
    }

    fn assert_found(&self, file: usize, bytes: &[u8], what: &str) {
        if bytes != self.log[file].1 {
            assert!(self.with(file, bytes).is_err(), "unseen: {what} in {}", self.log[file].0);
        }
    }
}

/// Writes a file in place: file systems bring to the disk what was truncated before.
fn overwrite(path: &Path, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

fn make(lines: u32, size: u64, event: impl Fn(u32) -> bartizan_audit::event::Event) -> Log {
    let directory = tempfile::tempdir().unwrap();
    let sink = FileSink::open(directory.path(), files_of(size)).unwrap();
    (0..lines).for_each(|n| sink.record(&event(n)).unwrap());
    drop(sink);
    let mut files = files(directory.path());
    files.push(directory.path().join("head"));
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Some hundred lines in several files.
static LARGE: LazyLock<Log> = LazyLock::new(|| make(400, 40_000, |n| record(n).into()));

/// A few short lines in three files.
static SMALL: LazyLock<Log> = LazyLock::new(|| make(10, 700, start));

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn the_logs_are_as_large_as_said() {
    assert!(LARGE.len() > 6, "{}", LARGE.len());
    assert!((4..8).contains(&SMALL.len()), "{}", SMALL.len());
}

#[test]
fn every_byte_of_a_small_log_counts() {
    let bench = Bench::new(&SMALL);
    for (file, (_, bytes)) in SMALL.iter().enumerate() {
        for position in 0..bytes.len() {
            let old = bytes[position];
            for new in [old ^ 1, b'\n', b' '] {
                let mut changed = bytes.clone();
                changed[position] = new;
                bench.assert_found(file, &changed, &format!("byte {position} {old} to {new}"));
            }
            let mut removed = bytes.clone();
            removed.remove(position);
            bench.assert_found(file, &removed, &format!("byte {position} removed"));
            let mut inserted = bytes.clone();
            inserted.insert(position, b'\n');
            bench.assert_found(file, &inserted, &format!("line break at {position}"));
            bench.assert_found(file, &bytes[..position], &format!("cut at {position}"));
        }
    }
}

#[test]
fn every_line_of_a_small_log_counts() {
    let bench = Bench::new(&SMALL);
    let logs = SMALL.len() - 1;
    for (file, (_, bytes)) in SMALL.iter().take(logs).enumerate() {
        let lines = lines(bytes);
        for one in 0..lines.len() {
            for other in 0..=lines.len() {
                let mut copied = lines.clone();
                copied.insert(other, lines[one]);
                bench.assert_found(file, &copied.concat(), &format!("line {one} copied to {other}"));
                let mut removed = lines.clone();
                removed.drain(one.min(other)..one.max(other));
                bench.assert_found(file, &removed.concat(), &format!("lines {one} to {other} removed"));
                if other < lines.len() {
                    let mut swapped = lines.clone();
                    swapped.swap(one, other);
                    bench.assert_found(file, &swapped.concat(), &format!("lines {one} and {other} swapped"));
                }
            }
        }
    }
}

#[test]
fn every_file_counts() {
    let bench = Bench::new(&LARGE);
    for (name, bytes) in &*LARGE {
        fs::remove_file(bench.path(name)).unwrap();
        verify(bench.directory.path()).expect_err(name);
        fs::write(bench.path(name), bytes).unwrap();
    }
    let (first, second) = (&LARGE[0], &LARGE[1]);
    fs::write(bench.path(&first.0), &second.1).unwrap();
    fs::write(bench.path(&second.0), &first.1).unwrap();
    verify(bench.directory.path()).unwrap_err();
    fs::write(bench.path(&first.0), &first.1).unwrap();
    fs::write(bench.path(&second.0), &second.1).unwrap();
    verify(bench.directory.path()).unwrap();
    // An empty file at the end is what a writer leaves that was killed at the wrong moment; others are not.
    fs::write(bench.path("audit-00000000000000000002.jsonl"), "").unwrap();
    verify(bench.directory.path()).unwrap_err();
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let bench = Bench::new(&LARGE);
    let (name, bytes) = &LARGE[1];
    let lines = lines(bytes);
    let first: u64 = name.trim_start_matches("audit-").trim_end_matches(".jsonl").parse().unwrap();
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut changed: Vec<_> = lines.iter().map(|line| line.to_vec()).collect();
        change(&mut changed);
        match bench.with(1, &changed.concat()) {
            Err(VerifyError::Broken { place, problem }) => {
                assert_eq!(place.file.to_string(), *name);
                (place.line, problem)
            }
            other => panic!("{other:?}"),
        }
    };
    // Lines are counted from 1.
    assert_eq!(with(&|lines| lines[4][200] ^= 1), (5, Problem::Changed));
    assert_eq!(with(&|lines| lines[4].splice(0..0, *b"x").for_each(drop)), (5, Problem::Changed));
    let removed = Problem::Removed { from: first + 4, to: first + 6 };
    assert_eq!(with(&|lines| drop(lines.drain(4..7))), (5, removed));
    assert_eq!(with(&|lines| lines.swap(4, 9)), (5, Problem::Reordered));
    assert_eq!(with(&|lines| lines.insert(8, lines[4].clone())), (9, Problem::Inserted));
    assert_eq!(with(&|lines| lines.insert(5, lines[4].clone())), (6, Problem::Inserted));

    fs::remove_file(bench.path(name)).unwrap();
    let found = verify(bench.directory.path()).unwrap_err();
    let last = first + lines.len() as u64 - 1;
    let VerifyError::Broken { place, problem } = found else { panic!("{found}") };
    assert_eq!((place.file.to_string(), place.line), (LARGE[2].0.clone(), 1));
    assert_eq!(problem, Problem::Removed { from: first, to: last });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_changed_byte_goes_unseen(changes in any::<[(prop::sample::Index, prop::sample::Index, u8); 8]>()) {
        let bench = Bench::new(&LARGE);
        for (file, position, new) in changes {
            let file = file.index(LARGE.len());
            let mut bytes = LARGE[file].1.clone();
            let position = position.index(bytes.len());
            bytes[position] = new;
            bench.assert_found(file, &bytes, &format!("byte {position} to {new}"));
        }
    }

    #[test]
    fn no_cut_goes_unseen(from in any::<prop::sample::Index>(), file in any::<prop::sample::Index>()) {
        let bench = Bench::new(&LARGE);
        // From a place in some file to the end of the log.
        let logs = LARGE.len() - 1;
        let file = file.index(logs);
        let bytes = &LARGE[file].1;
        let from = from.index(bytes.len());
        LARGE[file + 1..logs].iter().for_each(|(name, _)| fs::remove_file(bench.path(name)).unwrap());
        bench.assert_found(file, &bytes[..from], &format!("cut at {from}"));
        if from == 0 {
            fs::remove_file(bench.path(&LARGE[file].0)).unwrap();
            verify(bench.directory.path()).unwrap_err();
        }
    }

    #[test]
    fn no_change_of_lines_goes_unseen(
        (one, other, file, target) in any::<(prop::sample::Index, prop::sample::Index, prop::sample::Index, prop::sample::Index)>(),
        kind in 0..3,
    ) {
        let bench = Bench::new(&LARGE);
        let logs = LARGE.len() - 1;
        let (file, target) = (file.index(logs), target.index(logs));
        let (from, to) = (lines(&LARGE[file].1), lines(&LARGE[target].1));
        let (one, other) = (one.index(from.len()), other.index(to.len()));
        match kind {
            // Removal of a range within a file.
            0 => {
                let other = other.min(from.len() - 1);
                let mut removed = from;
                removed.drain(one.min(other)..=one.max(other));
                bench.assert_found(file, &removed.concat(), &format!("lines {one} to {other} removed"));
            }
            // A copy, also in another file.
            1 => {
                let mut copied = to;
                copied.insert(other, from[one]);
                bench.assert_found(target, &copied.concat(), &format!("line {one} of {file} copied to {other}"));
            }
            // A swap, also of lines in two files.
            _ => {
                let (mut left, mut right) = (from.clone(), to.clone());
                if file == target {
                    left.swap(one, other);
                } else {
                    (left[one], right[other]) = (to[other], from[one]);
                    fs::write(bench.path(&LARGE[target].0), right.concat()).unwrap();
                }
                bench.assert_found(file, &left.concat(), &format!("line {one} swapped with {other} of {target}"));
            }
        }
    }
}
