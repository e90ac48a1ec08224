//! The log on disk: what is written is kept, once and in a chain, whatever happens in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod common;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use bartizan_audit::chain::Digest;
use bartizan_audit::file::{Durability, FileError, FileSink, Options, Rotation, Tampering};
use bartizan_audit::log::Sink;
use bartizan_audit::verify::{Anchor, Note, Problem, VerifyError, verify, verify_with};
use common::{assert_requests, files, files_of, keep, record, requests, write};

fn texts(range: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    range.map(|request| request.to_string())
}

#[test]
fn a_log_holds_what_was_written_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let audit = directory.path().join("state/audit");
    write(&audit, Options::default(), 0..100);
    assert_eq!(requests(&audit), texts(0..100).collect::<Vec<_>>());
    let verified = verify(&audit).unwrap();
    assert_eq!((verified.files, verified.lines, verified.first, verified.last.seq), (1, 101, 1, 101));
    assert_eq!(verified.notes, []);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(audit.clone()), 0o700);
    assert_eq!(mode(audit.join("head")), 0o600);
    assert_eq!(mode(files(&audit).remove(0)), 0o600);
}

#[test]
fn a_log_goes_on_where_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    for part in 0..10 {
        write(directory.path(), files_of(4096), part * 10..(part + 1) * 10);
        verify(directory.path()).unwrap();
    }
    assert_eq!(requests(directory.path()), texts(0..100).collect::<Vec<_>>());
    assert!(files(directory.path()).len() > 10);
    assert!(files(directory.path()).iter().all(|file| fs::metadata(file).unwrap().len() < 8192));
}

#[test]
fn many_threads_of_many_sinks_share_one_chain() {
    let directory = tempfile::tempdir().unwrap();
    let sinks: Vec<_> =
        (0..4).map(|_| FileSink::open(directory.path(), files_of(200_000)).unwrap()).collect();
    thread::scope(|scope| {
        for worker in 0..64 {
            let sink = &sinks[worker % sinks.len()];
            scope.spawn(move || {
                for n in 0..50 {
                    sink.record(&record(format!("{worker}-{n}")).into()).unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..20 {
                verify(directory.path()).unwrap();
            }
        });
    });
    drop(sinks);
    verify(directory.path()).unwrap();
    let expected = (0..64).flat_map(|worker| (0..50).map(move |n| format!("{worker}-{n}")));
    assert_requests(directory.path(), expected);
}

#[test]
fn a_full_queue_makes_callers_wait_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), Options { queue: 2_000, ..Options::default() }, 0..500);
    assert_eq!(requests(directory.path()), texts(0..500).collect::<Vec<_>>());
}

#[test]
fn what_is_flushed_or_recorded_durably_is_in_the_file_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let sink = FileSink::open(directory.path(), Options::default()).unwrap();
    sink.record(&record(0).into()).unwrap();
    sink.flush().unwrap();
    assert_eq!(requests(directory.path()), ["0"]);
    let durable = Options { durability: Durability::Each, ..Options::default() };
    let durable = FileSink::open(directory.path(), durable).unwrap();
    for request in 1..5 {
        durable.record(&record(request).into()).unwrap();
        assert_eq!(requests(directory.path()).len(), request + 1);
    }
}

#[test]
fn a_log_that_is_gone_makes_the_sink_unready_until_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let (here, away) = (directory.path().join("audit"), directory.path().join("away"));
    let options = Options { queue: 4_000, patience: Duration::ZERO, ..Options::default() };
    let sink = FileSink::open(&here, options).unwrap();
    sink.record(&record(0).into()).unwrap();
    sink.flush().unwrap();
    sink.ready().unwrap();

    fs::rename(&here, &away).unwrap();
    sink.record(&record(1).into()).unwrap();
    sink.flush().unwrap_err();
    sink.ready().unwrap_err();
    let mut taken = 2;
    while sink.record(&record(taken).into()).is_ok() {
        taken += 1;
    }
    assert!(taken > 3, "what fits into the queue is taken");
    assert!(!here.exists(), "no other log is begun");

    fs::rename(&away, &here).unwrap();
    while sink.flush().is_err() {}
    sink.ready().unwrap();
    drop(sink);
    assert_eq!(requests(&here), texts(0..taken).collect::<Vec<_>>());
    verify(&here).unwrap();
}

#[test]
fn a_sink_notices_another_history() {
    let directory = tempfile::tempdir().unwrap();
    let (here, earlier) = (directory.path().join("audit"), directory.path().join("earlier"));
    write(&here, Options::default(), 0..10);
    fs::create_dir(&earlier).unwrap();
    for file in ["head", "audit-00000000000000000001.jsonl"] {
        fs::copy(here.join(file), earlier.join(file)).unwrap();
    }
    let sink = FileSink::open(&here, Options::default()).unwrap();
    sink.record(&record(10).into()).unwrap();
    sink.flush().unwrap();
    fs::rename(&here, directory.path().join("away")).unwrap();
    fs::rename(&earlier, &here).unwrap();
    sink.record(&record(11).into()).unwrap();
    sink.flush().unwrap_err();
    sink.ready().unwrap_err();
    fs::rename(&here, &earlier).unwrap();
    fs::rename(directory.path().join("away"), &here).unwrap();
    while sink.flush().is_err() {}
    drop(sink);
    assert_requests(&here, texts(0..12));
}

#[test]
fn retention_leaves_a_chain_that_says_where_it_begins() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), keep(4096, 3), 0..100);
    let left = files(directory.path());
    assert_eq!(left.len(), 3);
    let verified = verify(directory.path()).unwrap();
    assert!(verified.first > 1);
    assert_eq!(verified.notes, [Note::Retention { first: verified.first }]);

    fs::remove_file(&left[0]).unwrap();
    let Err(VerifyError::Broken { problem, .. }) = verify(directory.path()) else { panic!("no error") };
    assert!(matches!(problem, Problem::Removed { from: 1, .. }), "{problem}");
}

#[test]
fn retention_by_age_keeps_what_is_younger() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), files_of(4096), 0..50);
    let before = files(directory.path());
    let old = std::time::SystemTime::now() - Duration::from_secs(3_600);
    for file in &before[..3] {
        OpenOptions::new().append(true).open(file).unwrap().set_modified(old).unwrap();
    }
    let rotation = Rotation { size: 4096, files: None, age: Some(Duration::from_secs(60)) };
    write(directory.path(), Options { rotation, ..Options::default() }, 50..51);
    assert_eq!(files(directory.path())[0], before[3]);
    verify(directory.path()).unwrap();
}

/// Makes the log look as if its writer was killed after so many bytes of the last lines.
fn tear(audit: &std::path::Path, head: &[u8], cut: usize) {
    let file = files(audit).pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - cut]).unwrap();
    fs::write(audit.join("head"), head).unwrap();
}

#[test]
fn every_tear_is_repaired_and_reported() {
    let directory = tempfile::tempdir().unwrap();
    for cut in [0, 1, 2, 50, 300, 600, 1_000, 1_400] {
        let audit = directory.path().join(cut.to_string());
        write(&audit, Options::default(), 0..3);
        let head = fs::read(audit.join("head")).unwrap();
        write(&audit, Options::default(), 3..6);
        let bytes = fs::read(files(&audit).pop().unwrap()).unwrap();
        let left = &bytes[..bytes.len() - cut];
        let whole = left.iter().filter(|byte| **byte == b'\n').count() as u32 - 1;
        let torn = !left.ends_with(b"\n");
        tear(&audit, &head, cut);

        let notes = verify(&audit).unwrap().notes;
        assert_eq!(notes.iter().any(|note| matches!(note, Note::Torn { .. })), torn, "{cut}: {notes:?}");
        assert_eq!(
            notes.iter().any(|note| matches!(note, Note::Ahead { .. })),
            whole > 3,
            "{cut}: {notes:?}"
        );

        write(&audit, Options::default(), 6..8);
        let notes = verify(&audit).unwrap().notes;
        assert_eq!(notes.len(), usize::from(torn), "{cut}: {notes:?}");
        assert!(notes.iter().all(|note| matches!(note, Note::Repaired { lost: 0, .. })), "{cut}: {notes:?}");
        assert_requests(&audit, texts(0..whole).chain(texts(6..8)));

        if torn {
            // The tear itself cannot be changed either.
            let file = files(&audit).pop().unwrap();
            let whole = fs::read(&file).unwrap();
            for change in [left.len() - 1, left.len()] {
                let mut changed = whole.clone();
                changed[change] ^= 1;
                fs::write(&file, changed).unwrap();
                verify(&audit).unwrap_err();
            }
        }
    }
}

#[test]
fn a_repair_that_the_head_does_not_know_yet_is_not_repaired_again() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), Options::default(), 0..3);
    let head = fs::read(directory.path().join("head")).unwrap();
    OpenOptions::new()
        .append(true)
        .open(&files(directory.path())[0])
        .unwrap()
        .write_all(b"{\"seq\"")
        .unwrap();
    write(directory.path(), Options::default(), 3..5);
    fs::write(directory.path().join("head"), head).unwrap();
    write(directory.path(), Options::default(), 5..7);
    assert_eq!(verify(directory.path()).unwrap().notes.len(), 1);
    assert_requests(directory.path(), texts(0..7));
}

#[test]
fn a_new_file_that_was_not_begun_is_begun() {
    for left in ["", "{\"seq\":5,\"pr"] {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), Options::default(), 0..3);
        fs::write(directory.path().join("audit-00000000000000000005.jsonl"), left).unwrap();
        write(directory.path(), Options::default(), 3..5);
        verify(directory.path()).unwrap();
        assert_eq!(requests(directory.path()), texts(0..5).collect::<Vec<_>>());
        assert_eq!(files(directory.path()).len(), 2);
    }
}

#[test]
fn a_file_that_a_killed_writer_began_is_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    // So small that the next batch would begin a file as well.
    let sink = FileSink::open(directory.path(), files_of(1)).unwrap();
    for (request, left) in [2, 40, 0].into_iter().enumerate() {
        sink.record(&record(request).into()).unwrap();
        sink.flush().unwrap();
        let last = fs::read_to_string(files(directory.path()).pop().unwrap()).unwrap();
        let last = last.lines().last().unwrap();
        let seq = verify(directory.path()).unwrap().last.seq + 1;
        let prev = Digest::of(last.as_bytes());
        let time = "2026-01-01T00:00:00.000Z";
        let line = format!(
            "{{\"seq\":{seq},\"prev\":\"{prev}\",\"time\":\"{time}\",\"event\":\"file\",\"format\":1}}\n"
        );
        fs::write(directory.path().join(format!("audit-{seq:020}.jsonl")), &line[..line.len() - left])
            .unwrap();
        verify(directory.path()).unwrap();
    }
    sink.record(&record(3).into()).unwrap();
    drop(sink);
    verify(directory.path()).unwrap();
    assert_eq!(requests(directory.path()), texts(0..4).collect::<Vec<_>>());
}

#[test]
fn a_log_that_was_changed_by_another_hand_is_not_opened() {
    let open = |directory: &std::path::Path| FileSink::open(directory, Options::default()).err().unwrap();
    let make = || {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), files_of(4096), 0..20);
        directory
    };

    let cut = make();
    let last = files(cut.path()).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    fs::write(&last, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(open(cut.path()), FileError::Tampered { what: Tampering::Cut { .. }, .. }));
    assert!(matches!(verify(cut.path()), Err(VerifyError::Broken { problem: Problem::Cut { .. }, .. })));

    let mut changed = bytes.clone();
    let position = changed.len() - 3;
    changed[position] ^= 1;
    fs::write(&last, changed).unwrap();
    assert!(matches!(open(cut.path()), FileError::Tampered { what: Tampering::Cut { .. }, .. }));

    fs::remove_file(last).unwrap();
    assert!(matches!(open(cut.path()), FileError::Tampered { what: Tampering::Cut { .. }, .. }));

    let headless = make();
    fs::remove_file(headless.path().join("head")).unwrap();
    assert!(matches!(open(headless.path()), FileError::Head { .. }));
    assert!(matches!(verify(headless.path()), Err(VerifyError::Head { .. })));

    let stray = make();
    fs::write(stray.path().join("audit-00000000000000000099.jsonl"), "").unwrap();
    assert!(matches!(open(stray.path()), FileError::Tampered { what: Tampering::Stray { .. }, .. }));
}

/// A head of six records of which only the first is known to be on the disk, and the log's bytes. None if the
/// second was over too soon.
fn unsynced() -> Option<(String, Vec<u8>)> {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), Options::default(), 0..1);
    let file = files(directory.path()).remove(0);
    let sink = FileSink::open(directory.path(), Options::default()).unwrap();
    for request in 1..6 {
        sink.record(&record(request).into()).unwrap();
    }
    while !verify(directory.path()).is_ok_and(|verified| verified.lines == 7 && verified.notes.is_empty()) {
        thread::yield_now();
    }
    let head = fs::read_to_string(directory.path().join("head")).unwrap();
    (head.contains("\"seq\":7,") && head.contains("\"synced\":2,")).then(|| (head, fs::read(&file).unwrap()))
}

#[test]
fn what_a_stopped_machine_lost_is_said() {
    // As the disk has it after a power cut: the lines came no further than those of three records.
    let (head, bytes) = std::iter::repeat_with(unsynced).flatten().next().unwrap();
    let kept: usize = bytes.split_inclusive(|byte| *byte == b'\n').take(4).map(<[u8]>::len).sum();
    for zeros in [0, 700] {
        let after = tempfile::tempdir().unwrap();
        let mut disk = bytes[..kept].to_vec();
        disk.resize(kept + zeros, 0);
        fs::write(after.path().join("audit-00000000000000000001.jsonl"), disk).unwrap();
        fs::write(after.path().join("head"), &head).unwrap();
        verify(after.path()).unwrap_err();
        write(after.path(), Options::default(), 6..8);
        let notes = verify(after.path()).unwrap().notes;
        assert!(matches!(*notes, [Note::Repaired { lost: 3, .. }]), "{notes:?}");
        assert_requests(after.path(), texts(0..3).chain(texts(6..8)));
    }
}

#[test]
fn anchors_find_a_log_that_was_written_anew() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    write(&one, Options::default(), 0..10);
    let anchor = verify(&one).unwrap().last;
    write(&one, Options::default(), 10..20);
    write(&other, Options::default(), 1..21);
    verify_with(&one, &[anchor]).unwrap();
    assert!(matches!(
        verify_with(&other, &[anchor]),
        Err(VerifyError::Broken { problem: Problem::NotTheAnchor { .. }, .. })
    ));
    let later = Anchor { seq: 99, ..anchor };
    assert!(matches!(
        verify_with(&one, &[later]),
        Err(VerifyError::Broken { problem: Problem::Cut { expected: 99, .. }, .. })
    ));
}

#[test]
fn there_is_no_proof_without_a_log() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(verify(directory.path()), Err(VerifyError::NoLog { .. })));
    assert!(matches!(verify(directory.path().join("none")), Err(VerifyError::NoLog { .. })));
    drop(FileSink::open(directory.path(), Options::default()).unwrap());
    assert_eq!(verify(directory.path()).unwrap().lines, 0);
}
