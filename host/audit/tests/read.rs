//! Logs read back: filters, the tail, and numbers.

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
use std::ops::ControlFlow;
use std::path::Path;

use bartizan_audit::event::{Approval, ApprovalStep, Event, Load, Occasion, Outcome, kind};
use bartizan_audit::file::{FileSink, Options};
use bartizan_audit::log::Sink;
use bartizan_audit::read::{Entry, Filter, Lines, ReadError, Stats, Tail, query};
use bartizan_audit::record::{Full, Json, Micros, Record, Timestamp, Verdict};
use common::{files, files_of, record, start, write};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_600_000 + millis)
}

fn allowed(n: u64) -> Record {
    Record {
        time: at(n),
        verdict: Verdict::Allow,
        rule: None,
        reason: None,
        rules: Vec::new(),
        server: "files".into(),
        target: Some("read".into()),
        principal: None,
        session: "s-2".into(),
        evaluation: Micros(n),
        ..record(n)
    }
}

fn approval() -> Approval {
    Approval {
        time: at(500),
        event: kind::Approval,
        step: ApprovalStep::Approved,
        ticket: "t-1".into(),
        server: "mlflow".into(),
        method: "tools/call".into(),
        target: Some("delete_run".into()),
        principal: Some("ann".into()),
        by: Some("cli:bob".into()),
        reason: None,
        rules: vec!["/tools/delete_run/action".into()],
    }
}

fn load() -> Load {
    Load {
        time: at(600),
        event: kind::Load,
        occasion: Occasion::Reload,
        server: "files".into(),
        policy_digest: None,
        outcome: Outcome::Refused,
        plugins: Vec::new(),
        problem: Some("line 1".into()),
    }
}

/// A start, 99 allowed calls, a denied one, an approval and a load.
fn make(directory: &Path, options: Options) {
    let sink = FileSink::open(directory, options).unwrap();
    sink.record(&start("0.1.0")).unwrap();
    (1..100).for_each(|n| sink.record(&allowed(n).into()).unwrap());
    sink.record(&Record { time: at(100), evaluation: Micros(1_000), ..record(100) }.into()).unwrap();
    sink.record(&approval().into()).unwrap();
    sink.record(&load().into()).unwrap();
}

#[test]
fn every_event_reads_back_as_it_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let mut full = record(1);
    let json = |text: &str| Some(Json::new(text).unwrap());
    full.full = Some(Full { arguments: json(r#"{"n":1.10}"#), claims: json("{}"), definition: None });
    let events: [Event; 5] = [
        start("x"),
        full.into(),
        Record { reason: None, ..allowed(3) }.into(),
        approval().into(),
        load().into(),
    ];
    let sink = FileSink::open(directory.path(), Options::default()).unwrap();
    events.iter().for_each(|event| sink.record(event).unwrap());
    drop(sink);
    let lines: Vec<_> = Lines::open(directory.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(lines[0].entry.kind(), "file");
    for (line, event) in lines[1..].iter().zip(&events) {
        let Entry::Event(read) = &line.entry else { panic!("{line:?}") };
        assert_eq!(read.to_line().unwrap(), event.to_line().unwrap());
        assert!(!line.to_string().is_empty());
    }
    assert_eq!(lines.iter().map(|line| line.seq.unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn filters_let_through_what_meets_all_of_them() {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), files_of(8_000));
    assert!(files(directory.path()).len() > 3);
    let text = |text: &str| Some(text.to_owned());
    let any = Filter::default;
    for (name, filter, expected) in [
        ("server", Filter { server: text("mlflow"), ..any() }, 2),
        ("target", Filter { target: text("read"), ..any() }, 99),
        ("method", Filter { method: text("tools/call"), ..any() }, 101),
        ("verdict", Filter { verdict: Some(Verdict::Deny), ..any() }, 1),
        ("rule", Filter { rule: text("/tools/delete"), ..any() }, 2),
        ("no such rule", Filter { rule: text("/tools/x"), ..any() }, 0),
        ("principal", Filter { principal: text("ann"), ..any() }, 2),
        ("session", Filter { session: text("s-2"), ..any() }, 99),
        ("kind", Filter { kind: text("approval"), ..any() }, 1),
        ("time", Filter { since: Some(at(10)), until: Some(at(20)), kind: text("decision"), ..any() }, 10),
        ("limit", Filter { session: text("s-2"), limit: Some(7), ..any() }, 7),
        ("both", Filter { server: text("files"), kind: text("load"), ..any() }, 1),
        ("neither", Filter { server: text("mlflow"), kind: text("load"), ..any() }, 0),
    ] {
        assert_eq!(query(directory.path(), filter).unwrap().map(Result::unwrap).count(), expected, "{name}");
    }
}

#[test]
fn what_is_not_known_is_passed_over_or_kept() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), Options::default(), 0..1);
    let line = record(1).to_line().unwrap();
    let mut file = OpenOptions::new().append(true).open(&files(directory.path())[0]).unwrap();
    writeln!(file, "{}", line.replacen('{', r#"{"seq":9,"later":{"x":[1]},"#, 1)).unwrap();
    writeln!(file, "{}", line.replace(r#""verdict":"deny""#, r#""verdict":"postpone""#)).unwrap();
    writeln!(file, r#"{{"time":"2026-01-01T00:00:00.000Z","event":"eclipse","moon":true}}"#).unwrap();
    writeln!(file, "no line").unwrap();
    write!(file, "{}", &line[..40]).unwrap();
    let lines: Vec<_> = Lines::open(directory.path()).unwrap().map(Result::unwrap).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line.entry.kind()).collect();
    assert_eq!(kinds, ["file", "decision", "decision", "decision", "eclipse"]);
    assert_eq!(lines[2].decision().unwrap().request.as_deref(), Some("1"));
    assert!(matches!(lines[3].entry, Entry::Other(_)));
    assert_eq!(lines[4].seq, None);
}

#[test]
fn a_tail_follows_over_the_ends_of_files() {
    let directory = tempfile::tempdir().unwrap();
    let filter = Filter { kind: Some("decision".into()), limit: Some(3), ..Filter::default() };
    let mut tail = Tail::new(directory.path().join("audit"), filter);
    assert_eq!(tail.last().unwrap().len(), 0);
    let request = |line: &bartizan_audit::read::Line| line.decision().unwrap().request.clone().unwrap();
    let audit = directory.path().join("audit");
    write(&audit, files_of(3_000), 0..10);
    assert_eq!(tail.last().unwrap().iter().map(request).collect::<Vec<_>>(), ["7", "8", "9"]);
    assert_eq!(tail.added().unwrap().len(), 0);
    write(&audit, files_of(3_000), 10..20);
    let added = tail.added().unwrap();
    assert_eq!(
        added.iter().map(request).collect::<Vec<_>>(),
        (10..20).map(|n| n.to_string()).collect::<Vec<_>>()
    );

    // A line that is written in two pieces is one line.
    let last = files(&audit).pop().unwrap();
    let whole = fs::read(&last).unwrap();
    let line = record("late").to_line().unwrap() + "\n";
    let mut append = OpenOptions::new().append(true).open(&last).unwrap();
    append.write_all(&line.as_bytes()[..30]).unwrap();
    assert_eq!(tail.added().unwrap().len(), 0);
    append.write_all(&line.as_bytes()[30..]).unwrap();
    let mut seen = Vec::new();
    tail.follow(|line| match line {
        Some(line) => {
            seen.push(request(&line));
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    })
    .unwrap();
    assert_eq!(seen, ["late"]);
    fs::write(&last, whole).unwrap();
}

#[test]
fn stats_count_what_was_decided() {
    let directory = tempfile::tempdir().unwrap();
    make(directory.path(), Options::default());
    let stats = Stats::of(Lines::open(directory.path()).unwrap()).unwrap();
    assert_eq!((stats.lines, stats.decisions), (104, 100));
    assert_eq!((stats.verdicts["allow"], stats.verdicts["deny"]), (99, 1));
    assert_eq!(stats.servers["files"]["allow"], 99);
    assert_eq!((stats.rules[0].name.as_str(), stats.rules[0].count), ("/tools/delete_run/action", 1));
    assert_eq!((stats.targets[0].server.as_str(), stats.targets[0].name.as_str()), ("mlflow", "delete_run"));
    assert_eq!((stats.evaluation_p50, stats.evaluation_p99), (Some(Micros(50)), Some(Micros(99))));
    assert_eq!(stats.first, Some(at(0)));
    let text = stats.to_string();
    for part in ["104 lines", "allow", "p50 50 µs, p99 99 µs", "/tools/delete_run/action"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let json = serde_json::to_value(&stats).unwrap();
    assert_eq!((&json["decisions"], &json["evaluation_p99_us"]), (&100.into(), &99.into()));
}

#[test]
fn there_is_nothing_to_read_without_a_log() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(Lines::open(directory.path()), Err(ReadError::NoLog { .. })));
    assert!(matches!(Lines::open(directory.path().join("none")), Err(ReadError::NoLog { .. })));
}
