//! Records as they appear in a log: as JSON, and as `tracing` events in both of its formats.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

use std::io;
use std::sync::{Arc, Mutex};

use bartizan_audit::event::kind;
use bartizan_audit::log::{Sink, TracingSink};
use bartizan_audit::record::{
    Direction, Full, Json, Micros, Mode, Note, Record, RuleRecord, RuleVerdict, Timestamp, Upstream, Verdict,
};
use bartizan_audit::testing::MemorySink;
use serde_json::Value;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;

/// A record with everything in it.
fn full() -> Record {
    Record {
        time: Timestamp::from_unix_millis(1_767_225_600_000),
        event: kind::Decision,
        request: Some(r#""a-1""#.into()),
        session: "s-1".into(),
        principal: Some("ann".into()),
        server: "mlflow".into(),
        method: "tools/call".into(),
        target: Some("delete_run".into()),
        direction: Direction::ClientToServer,
        argument_keys: ["run_id", "force"].map(String::from).into(),
        arguments_digest: Some("9f86".into()),
        verdict: Verdict::Deny,
        rule: Some("/tools/delete_run/action".into()),
        reason: Some("Runs are kept.".into()),
        approval: Some("t-1".into()),
        rules: vec![RuleRecord {
            plugin: "access".into(),
            version: "0.1.0".into(),
            digest: "ab12".into(),
            verdict: RuleVerdict::Deny,
            rule: Some("/tools/delete_run/action".into()),
            reason: Some("Runs are kept.".into()),
            mode: Mode::Enforce,
            notes: vec![Note::new("risk", "1.10").unwrap()],
        }],
        policy_digest: "cd34".into(),
        evaluation: Micros(42),
        upstream: Upstream::Ok { latency: Micros(1_200) },
        full: Some(Full {
            arguments: Some(Json::new("{\n\"run_id\": 1.0}").unwrap()),
            claims: None,
            definition: Some(Json::new("{}").unwrap()),
        }),
    }
}

/// A record with nothing in it that may be absent.
fn bare() -> Record {
    let mut record = full();
    record.rules[0] = RuleRecord { rule: None, reason: None, notes: Vec::new(), ..record.rules[0].clone() };
    Record {
        request: None,
        principal: None,
        target: None,
        argument_keys: [].into(),
        arguments_digest: None,
        approval: None,
        full: None,
        rule: None,
        reason: None,
        upstream: Upstream::NotForwarded,
        ..record
    }
}

#[test]
fn a_full_record_has_every_field_in_order() {
    let expected = concat!(
        r#"{"time":"2026-01-01T00:00:00.000Z","event":"decision","request":"\"a-1\"","session":"s-1","#,
        r#""principal":"ann","server":"mlflow","method":"tools/call","target":"delete_run","#,
        r#""direction":"client-to-server","argument_keys":["force","run_id"],"#,
        r#""arguments_digest":"9f86","verdict":"deny","#,
        r#""rule":"/tools/delete_run/action","reason":"Runs are kept.","approval":"t-1","#,
        r#""rules":[{"plugin":"access","version":"0.1.0","digest":"ab12","verdict":"deny","#,
        r#""rule":"/tools/delete_run/action","reason":"Runs are kept.","mode":"enforce","#,
        r#""notes":[{"key":"risk","value":1.10}]}],"policy_digest":"cd34","evaluation_us":42,"#,
        r#""upstream":{"status":"ok","latency_us":1200},"#,
        r#""full":{"arguments":{ "run_id": 1.0},"definition":{}}}"#,
    );
    assert_eq!(full().to_line().unwrap(), expected);
}

#[test]
fn what_is_absent_is_left_out() {
    let expected = concat!(
        r#"{"time":"2026-01-01T00:00:00.000Z","event":"decision","session":"s-1","server":"mlflow","#,
        r#""method":"tools/call","direction":"client-to-server","argument_keys":[],"verdict":"deny","#,
        r#""rules":[{"plugin":"access","version":"0.1.0","digest":"ab12","verdict":"deny","#,
        r#""mode":"enforce"}],"policy_digest":"cd34","evaluation_us":42,"#,
        r#""upstream":{"status":"not-forwarded"}}"#,
    );
    assert_eq!(bare().to_line().unwrap(), expected);
}

#[test]
fn the_words_in_json_are_the_words_in_logs() {
    let latency = Micros(1);
    let json = |value: Value| value.as_str().map(str::to_owned);
    for verdict in [Verdict::Allow, Verdict::Deny, Verdict::Hidden, Verdict::Ask] {
        assert_eq!(json(serde_json::to_value(verdict).unwrap()).as_deref(), Some(verdict.as_str()));
    }
    for direction in [Direction::ClientToServer, Direction::ServerToClient] {
        assert_eq!(json(serde_json::to_value(direction).unwrap()).as_deref(), Some(direction.as_str()));
    }
    for upstream in [
        Upstream::Ok { latency },
        Upstream::Error { latency },
        Upstream::Unavailable { latency },
        Upstream::NotForwarded,
    ] {
        let value = serde_json::to_value(upstream).unwrap();
        assert_eq!(json(value["status"].clone()).as_deref(), Some(upstream.as_str()));
        assert_eq!(value["latency_us"].as_u64().map(Micros), upstream.latency());
    }
}

/// Everything that a subscriber wrote.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Output {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn emitted<S: Subscriber + Send + Sync>(record: &Record, subscriber: impl FnOnce(Output) -> S) -> String {
    let output = Output::default();
    tracing::subscriber::with_default(subscriber(output.clone()), || {
        TracingSink.record(&record.clone().into())
    })
    .unwrap();
    String::from_utf8(output.0.lock().unwrap().clone()).unwrap()
}

fn as_text(record: &Record) -> String {
    emitted(record, |out| tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(out).finish())
}

fn as_json(record: &Record) -> Value {
    let line =
        emitted(record, |out| tracing_subscriber::fmt().json().flatten_event(true).with_writer(out).finish());
    serde_json::from_str(&line).unwrap()
}

#[test]
fn an_event_reads_well_as_text() {
    let expected = concat!(
        r#" INFO bartizan::decision: decision verdict="deny" server="mlflow" method="tools/call" "#,
        r#"session="s-1" direction="client-to-server" upstream="not-forwarded" evaluation_us=42 "#,
        r#"argument_keys=[] rules=[{"plugin":"access","version":"0.1.0","digest":"ab12","#,
        r#""verdict":"deny","mode":"enforce"}] policy_digest="cd34" time="2026-01-01T00:00:00.000Z""#,
    );
    assert_eq!(as_text(&bare()).trim_end(), expected);
}

#[test]
fn only_what_nobody_objects_to_is_for_debugging() {
    let allowed = |verdict: RuleVerdict| {
        let mut record = Record { verdict: Verdict::Allow, ..full() };
        record.rules[0].verdict = verdict;
        as_text(&record)
    };
    for verdict in [RuleVerdict::Pass, RuleVerdict::Rewrite] {
        assert_eq!(allowed(verdict), "", "{verdict:?}");
    }
    // Rules that only watch do not change what becomes of a call.
    for verdict in [RuleVerdict::Deny, RuleVerdict::Hidden, RuleVerdict::Ask, RuleVerdict::Exhausted] {
        assert!(
            allowed(verdict).contains(r#"INFO bartizan::decision: decision verdict="allow""#),
            "{verdict:?}"
        );
    }
    let debugging = emitted(&Record { verdict: Verdict::Allow, rules: Vec::new(), ..full() }, |out| {
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(out).finish()
    });
    assert!(debugging.contains("DEBUG"), "{debugging}");
}

#[test]
fn an_event_has_every_field_as_json() {
    let event = as_json(&full());
    for (field, expected) in [
        ("level", "INFO"),
        ("target", TracingSink::TARGET),
        ("message", "decision"),
        ("verdict", "deny"),
        ("server", "mlflow"),
        ("method", "tools/call"),
        ("call_target", "delete_run"),
        ("rule", "/tools/delete_run/action"),
        ("reason", "Runs are kept."),
        ("principal", "ann"),
        ("session", "s-1"),
        ("request", r#""a-1""#),
        ("direction", "client-to-server"),
        ("upstream", "ok"),
        ("argument_keys", r#"["force","run_id"]"#),
        ("arguments_digest", "9f86"),
        ("approval", "t-1"),
        ("policy_digest", "cd34"),
        ("time", "2026-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(event[field], expected, "{field}");
    }
    assert_eq!((event["latency_us"].as_u64(), event["evaluation_us"].as_u64()), (Some(1_200), Some(42)));
    let rules: Value = serde_json::from_str(event["rules"].as_str().unwrap()).unwrap();
    assert_eq!(rules, serde_json::to_value(full()).unwrap()["rules"]);
}

#[test]
fn what_is_absent_from_a_record_is_absent_from_its_event() {
    let event = as_json(&bare());
    for field in [
        "call_target",
        "rule",
        "reason",
        "principal",
        "request",
        "latency_us",
        "arguments_digest",
        "approval",
        "full",
    ] {
        assert_eq!(event.get(field), None, "{field}");
    }
}

#[test]
fn hostile_text_stays_within_its_field_and_line() {
    let hostile = "x\n INFO bartizan::decision: verdict=\"allow\"\r\u{1b}[2K\u{9b}2K\u{85}\u{2028}";
    let mut record = full();
    record.method = hostile.into();
    record.target = Some(hostile.into());
    record.reason = Some(hostile.into());
    record.session = hostile.into();
    record.argument_keys = [hostile.to_owned()].into();
    record.rules[0].reason = Some(hostile.into());

    let text = as_text(&record);
    assert_eq!(text.lines().count(), 1, "{text}");
    let text = text.trim_end();
    assert!(!text.contains(|c: char| c.is_control() || c == '\u{2028}'), "{text:?}");
    let line = record.to_line().unwrap();
    assert!(!line.contains(['\n', '\r', '\u{1b}']), "{line:?}");
    let event = as_json(&record);
    assert_eq!(event["reason"], hostile);
    let rules: Value = serde_json::from_str(event["rules"].as_str().unwrap()).unwrap();
    assert_eq!(rules[0]["reason"], hostile);
}

#[test]
fn nothing_is_emitted_below_the_level() {
    let silent = emitted(&full(), |out| {
        tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(out).finish()
    });
    assert_eq!(silent, "");
}

#[test]
fn the_memory_sink_keeps_records_in_order() {
    let sink = MemorySink::new();
    let shared: Arc<dyn Sink> = Arc::new(sink.clone());
    shared.record(&full().into()).unwrap();
    shared.record(&bare().into()).unwrap();
    let lines: Vec<_> = sink.records().iter().map(|record| record.to_line().unwrap()).collect();
    assert_eq!(lines, [full().to_line().unwrap(), bare().to_line().unwrap()]);
}
