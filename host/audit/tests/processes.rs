//! Logs that several processes write, and that are killed while they do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod common;

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use bartizan_audit::file::FileSink;
use bartizan_audit::log::Sink;
use bartizan_audit::verify::verify;
use common::{assert_requests, files_of, record, requests};

const DIRECTORY: &str = "BARTIZAN_AUDIT_TEST_DIRECTORY";
const WRITER: &str = "BARTIZAN_AUDIT_TEST_WRITER";
const COUNT: &str = "BARTIZAN_AUDIT_TEST_COUNT";
const FILE_BYTES: u64 = 100_000;
const THREADS: usize = 16;

/// Not a test of its own: what the other processes do. It writes records with 16 threads, and says
/// after each hundred what is flushed.
#[test]
fn writer() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let name = env::var(WRITER).unwrap();
    let count: usize = env::var(COUNT).unwrap().parse().unwrap();
    let sink = FileSink::open(directory, files_of(FILE_BYTES)).unwrap();
    let mut out = std::io::stderr();
    for round in 0..count {
        thread::scope(|scope| {
            for worker in 0..THREADS {
                let (sink, name) = (&sink, &name);
                scope.spawn(move || {
                    for n in 0..6 {
                        sink.record(&record(format!("{name}/{round}/{worker}/{n}")).into()).unwrap();
                    }
                });
            }
        });
        sink.flush().unwrap();
        writeln!(out, "flushed {round}").unwrap();
    }
}

/// The requests of one round of a writer.
fn round(name: &str, round: usize) -> impl Iterator<Item = String> + use<> {
    let name = name.to_owned();
    (0..THREADS)
        .flat_map(move |worker| (0..6).map(move |n| (worker, n)))
        .map(move |(worker, n)| format!("{name}/{round}/{worker}/{n}"))
}

fn spawn(directory: &Path, name: &str, count: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "writer", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(WRITER, name)
        .env(COUNT, count.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn four_processes_share_one_chain() {
    let directory = tempfile::tempdir().unwrap();
    let names = ["a", "b", "c", "d"];
    let children = names.map(|name| spawn(directory.path(), name, 10));
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    verify(directory.path()).unwrap();
    assert_requests(directory.path(), names.iter().flat_map(|name| (0..10).flat_map(|n| round(name, n))));
}

#[test]
fn a_killed_writer_loses_nothing_that_was_flushed() {
    let directory = tempfile::tempdir().unwrap();
    let mut flushed = BTreeSet::new();
    for turn in 0..12 {
        let name = format!("turn{turn}");
        // One is killed at another moment each time, while a second goes on.
        let mut killed = spawn(directory.path(), &name, usize::MAX);
        let other = (turn % 3 == 0).then(|| spawn(directory.path(), &format!("other{turn}"), 5));
        let lines = BufReader::new(killed.stderr.take().unwrap()).lines().map(Result::unwrap);
        for (n, line) in lines.filter(|line| line.starts_with("flushed")).enumerate() {
            assert_eq!(line, format!("flushed {n}"));
            flushed.extend(round(&name, n));
            if n == turn {
                break;
            }
        }
        killed.kill().unwrap();
        assert!(!killed.wait().unwrap().success());
        if let Some(other) = other {
            assert!(other.wait_with_output().unwrap().status.success());
            flushed.extend((0..5).flat_map(|n| round(&format!("other{turn}"), n)));
        }
        verify(directory.path()).unwrap();
        drop(FileSink::open(directory.path(), files_of(FILE_BYTES)).unwrap());
        verify(directory.path()).unwrap();
    }
    let found = requests(directory.path());
    let once: BTreeSet<_> = found.iter().cloned().collect();
    assert_eq!(found.len(), once.len(), "a record is in the log twice");
    assert!(flushed.is_subset(&once), "{:?}", flushed.difference(&once).collect::<Vec<_>>());
}
