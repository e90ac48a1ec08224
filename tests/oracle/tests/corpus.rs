//! What fuzzing found stays found: every check holds for every input of its corpus.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail by panicking")]

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use bartizan_oracle::{CHECKS, Check};

/// All corpora together take seconds, interpreters included.
const DEADLINE: Duration = Duration::from_secs(120);
/// More than this makes a corpus slow to replay and heavy to keep: see `CONTRIBUTING.md`.
const MOST_FILES: usize = 250;
const MOST_BYTES: u64 = 200 * 1000;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let listed =
        std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn replay(check: &Check) {
    let inputs = entries(&corpora().join(check.name));
    let bytes: u64 = inputs.iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(!inputs.is_empty() && inputs.len() <= MOST_FILES, "{}: {} inputs", check.name, inputs.len());
    assert!(bytes <= MOST_BYTES, "{}: {bytes} bytes", check.name);
    for path in inputs {
        let input = std::fs::read(&path).unwrap();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| (check.run)(&input)));
        assert!(outcome.is_ok(), "{} does not hold for {}", check.name, path.display());
    }
}

#[test]
fn every_check_holds_for_its_corpus() {
    let (sender, receiver) = channel();
    let replaying = thread::spawn(move || {
        CHECKS.iter().for_each(replay);
        sender.send(()).unwrap();
    });
    match receiver.recv_timeout(DEADLINE) {
        Ok(()) => replaying.join().unwrap(),
        Err(RecvTimeoutError::Disconnected) => panic::resume_unwind(replaying.join().unwrap_err()),
        Err(RecvTimeoutError::Timeout) => panic!("not done within {} s", DEADLINE.as_secs()),
    }
}

#[test]
fn each_check_has_a_corpus_and_a_fuzz_target() {
    let checks: BTreeSet<_> = CHECKS.iter().map(|check| check.name.to_owned()).collect();
    let stems = |directory: &Path| -> BTreeSet<String> {
        entries(directory)
            .iter()
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    assert_eq!(stems(&corpora()), checks);
    assert_eq!(stems(&corpora().join("../fuzz_targets")), checks);
}
