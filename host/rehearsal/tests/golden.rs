//! The texts, with the real plugins. Each is compared with a file in `tests/golden/expected`. Run with
//! `BLESS=1` to write the files anew, and read the difference.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bartizan_gateway::CacheLocation;
use bartizan_policy::Policy;
use bartizan_policy::diagnostics::Diagnostics;
use bartizan_rehearsal::call::Circumstances;
use bartizan_rehearsal::definitions::Definitions;
use bartizan_rehearsal::explain::{self, Asked, Explanation};
use bartizan_rehearsal::plugins::Plugins;
use bartizan_rehearsal::replay::{self, Replay, ReplayError};
use bartizan_rehearsal::run::{self, Results};
use bartizan_rehearsal::{junit, report, suite};
use quick_xml::events::Event;

static PLUGINS: LazyLock<Plugins> =
    LazyLock::new(|| Plugins::new(CacheLocation::Directory(env!("CARGO_TARGET_TMPDIR").into())));

/// Tests run in the directory of the crate, so that paths in the texts are the same everywhere.
const GOLDEN: &str = "tests/golden";

fn compare(name: &str, actual: &str) {
    let path = Path::new(GOLDEN).join("expected").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{}", path.display());
}

fn run(paths: &[&str], filter: Option<&str>) -> Results {
    let paths: Vec<PathBuf> = paths.iter().map(|path| Path::new(GOLDEN).join(path)).collect();
    run::run(&suite::find(&paths).unwrap(), filter, &suite::Defaults::default(), &PLUGINS).unwrap()
}

fn policy() -> Policy {
    bartizan_policy::load(&Path::new(GOLDEN).join("policy.json")).unwrap()
}

fn explain(call: &str) -> Explanation {
    let policy = policy();
    let judge = PLUGINS.judge(&policy, None).unwrap();
    let asked = Asked::load(&Path::new(GOLDEN).join("calls").join(call), &Circumstances::default()).unwrap();
    explain::explain(&policy, &judge, &asked, &Definitions::default())
}

fn replay(server: Option<&str>) -> Result<Replay, ReplayError> {
    let policy = policy();
    let judge = PLUGINS.judge(&policy, None).unwrap();
    replay::replay(&Path::new(GOLDEN).join("audit.jsonl"), server, &policy, &judge)
}

#[test]
fn every_case_that_should_pass_does() {
    let results = run(&["suites/pass.test.yaml"], None);
    assert_eq!(results.counts(), (14, 0), "{}", report::text(&results));
}

#[test]
fn failures_are_told_in_full() {
    let results = run(&["suites"], None);
    assert!(!results.has_unread());
    compare("report.txt", &report::text(&results));
}

#[test]
fn a_filter_is_for_names_and_paths() {
    for (filter, expected) in [
        ("production", (1, 0)),
        ("the rule and the text", (0, 1)),
        ("deep/fail", (1, 9)),
        ("no such case", (0, 0)),
    ] {
        assert_eq!(run(&["suites"], Some(filter)).counts(), expected, "{filter}");
    }
}

#[test]
fn every_problem_of_a_suite_is_told_at_once() {
    let results = run(&["bad"], None);
    let mut problems = Diagnostics::default();
    for file in results.files {
        problems.extend(file.outcome.unwrap_err());
    }
    compare("problems.txt", &format!("{problems}\n"));
}

#[test]
fn what_is_watched_is_everything_that_a_suite_depends_on() {
    let results = run(&["suites/pass.test.yaml", "bad"], None);
    let expected: BTreeSet<PathBuf> = [
        "bad/gone.json",
        "bad/mistakes.test.yaml",
        "bad/nowhere",
        "bad/plugin.test.yaml",
        "bad/policy.test.json",
        "bad/wrong.json",
        "suites/../policy.json",
        "suites/../tools.json",
        "suites/pass.test.yaml",
    ]
    .iter()
    .map(|path| Path::new(GOLDEN).join(path))
    .collect();
    assert_eq!(results.watched, expected);
}

/// The elements of a document with some of their attributes, in order; fails if it is not well-formed.
fn elements(xml: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut elements = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                let mut text = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
                for attribute in element.attributes() {
                    let attribute = attribute.unwrap();
                    let key = attribute.key.as_ref();
                    if matches!(key, b"name" | b"tests" | b"failures" | b"errors" | b"line") {
                        let key = std::str::from_utf8(key).unwrap();
                        text += &format!(" {key}={}", attribute.unescape_value().unwrap());
                    }
                }
                elements.push(text);
            }
            Event::Text(text) => {
                text.decode().unwrap();
            }
            Event::Eof => return elements,
            _ => {}
        }
    }
}

#[test]
fn junit_is_well_formed_and_complete() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("odd.test.yaml");
    let suite = r#"
version: "1"
policy: {version: "1", default: allow, tools: {x: {action: deny, reason: "]]> <b> & \"q\" \u0001"}}}
cases:
  - {name: "<odd> & \"quoted\" \u0007 ]]>", call: {tool: x}, expect: allow}
  - {name: fine, call: {tool: y}, expect: allow}
"#;
    fs::write(&path, suite).unwrap();
    let files = BTreeSet::from([path.clone(), Path::new(GOLDEN).join("bad/plugin.test.yaml")]);
    let results = run::run(&files, None, &suite::Defaults::default(), &PLUGINS).unwrap();
    let mut xml = Vec::new();
    junit::write(&results, &mut xml).unwrap();
    let xml = String::from_utf8(xml).unwrap();
    assert!(xml.chars().all(|character| character == '\n' || character >= ' '), "{xml}");
    let mut found = elements(&xml);
    found.sort();
    let mut expected = [
        "testsuites name=bartizan test tests=3 failures=1 errors=1".to_owned(),
        "testsuite name=tests/golden/bad/plugin.test.yaml tests=1 failures=0 errors=1".to_owned(),
        "testcase name=(the suite can be read)".to_owned(),
        "error".to_owned(),
        format!("testsuite name={} tests=2 failures=1 errors=0", path.display()),
        "testcase name=<odd> & \"quoted\" \u{fffd} ]]> line=5".to_owned(),
        "failure".to_owned(),
        "testcase name=fine line=6".to_owned(),
    ];
    expected.sort();
    assert_eq!(found, expected, "{xml}");
}

#[test]
fn explanations() {
    let mut text = String::new();
    for call in [
        "denied.json",
        "paid.json",
        "too-much.json",
        "hidden.json",
        "default.json",
        "asked.json",
        "mail.yaml",
    ] {
        text += &format!("=== {call}\n{}\n", explain(call));
    }
    compare("explain.txt", &text);
}

#[test]
fn explanations_for_machines() {
    let mut text = String::new();
    for call in ["denied.json", "paid.json", "mail.yaml"] {
        let json = explain(call).to_json().unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(value.is_object());
        // Versions and digests of plugins are no part of it.
        text += &format!("=== {call}\n{json}\n");
    }
    compare("explain-json.txt", &text);
}

#[test]
fn replays() {
    let replay = replay(Some("mlflow")).unwrap();
    compare("replay.txt", &replay.to_string());
    compare("replay.json", &replay.to_json().unwrap());
    let sum = replay.same + replay.other_rule + replay.different + replay.unknown();
    assert_eq!(replay.decisions, sum);
}

/// Counts of what is the same, different and unrecorded, for a log of one call to `x`.
fn replay_one(policy: &str, record: &str) -> (usize, usize, usize) {
    let policy =
        bartizan_policy::parse("policy.json", policy, bartizan_policy::source::Format::Json).unwrap();
    let judge = PLUGINS.judge(&policy, None).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let line = format!(
        "{{\"time\":\"2026-01-01T00:00:00.000Z\",\"event\":\"decision\",\"session\":\"s\",\"server\":\"s\",\
         \"method\":\"tools/call\",\"target\":\"x\",\"direction\":\"client-to-server\",\"verdict\":\"allow\",\
         \"policy_digest\":\"0\",\"evaluation_us\":1,\"upstream\":{{\"status\":\"ok\",\"latency_us\":1}}{record}}}\n"
    );
    fs::write(&path, line).unwrap();
    let replay = replay::replay(&path, None, &policy, &judge).unwrap();
    (replay.same, replay.different, replay.unrecorded)
}

#[test]
fn what_was_not_recorded_is_unknown_and_not_guessed() {
    let policy = |entry: &str| format!(r#"{{"version":"1","default":"deny","tools":{{"x":{entry}}}}}"#);
    let condition =
        |path: &str| policy(&format!(r#"{{"require":[{{"path":"{path}","op":"eq","value":"a"}}]}}"#));
    let keys = r#","argument_keys":["a"],"arguments_digest":"00""#;
    let full =
        r#","argument_keys":["a"],"arguments_digest":"00","full":{"arguments":{"a":"a"},"claims":{"a":"b"}}"#;
    for (name, policy, record, expected) in [
        ("nothing is looked at", policy("{}"), keys, (1, 0, 0)),
        ("by name", policy(r#"{"action":"deny"}"#), keys, (0, 1, 0)),
        ("arguments", condition("args.a"), keys, (0, 0, 1)),
        ("arguments that are there", condition("args.a"), full, (1, 0, 0)),
        ("no arguments", condition("args.a"), "", (0, 1, 0)),
        ("claims", condition("claims.a"), "", (0, 0, 1)),
        ("claims that are there", condition("claims.a"), full, (0, 1, 0)),
        ("the definition", condition("tool.a"), "", (0, 0, 1)),
        ("the method", condition("method"), keys, (0, 1, 0)),
        (
            "a nested condition",
            policy(
                r#"{"deny_if":[{"conditions":[{"any":[{"not":{"path":"args.a","op":"eq","value":1}}]}]}]}"#,
            ),
            keys,
            (0, 0, 1),
        ),
        ("no condition", policy(r#"{"deny_if":[{"conditions":[]}]}"#), keys, (0, 1, 0)),
        (
            "a cost",
            policy(r#"{"limits":[{"counter":"c","window":"day","max":9,"cost":"args.a"}]}"#),
            keys,
            (0, 0, 1),
        ),
        ("a limit", policy(r#"{"limits":[{"counter":"c","window":"day","max":9}]}"#), keys, (1, 0, 0)),
        (
            "arguments that are redacted",
            policy(r#"{"redact":[{"in":"arguments","detect":["email"]}]}"#),
            keys,
            (0, 0, 1),
        ),
        ("results that are redacted", policy(r#"{"redact":[{"detect":["email"]}]}"#), keys, (1, 0, 0)),
        ("a schema", policy(r#"{"schema":true}"#), "", (0, 0, 1)),
        (
            "hidden",
            r#"{"version":"1","default":"allow","hide":["x"],"tools":{"x":{"schema":true}}}"#.to_owned(),
            keys,
            (0, 1, 0),
        ),
    ] {
        assert_eq!(replay_one(&policy, record), expected, "{name}: {policy}");
    }
}

#[test]
fn a_replay_without_differences_and_one_of_nothing() {
    let other = replay(Some("other")).unwrap();
    assert_eq!((other.decisions, other.same, other.different), (1, 1, 0));
    assert_eq!(
        other.to_string(),
        "1 decision: 1 as before, 0 different, 0 unknown\n  1 besides: cannot be read by this version\n"
    );
    let error = replay(Some("nobody")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there are no decisions of the server `nobody` in tests/golden/audit.jsonl"
    );
}
