//! `test`, `explain` and `replay` as commands: what they print where, and their exit status.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a test waits for output that does come.
const PATIENCE: Duration = Duration::from_secs(120);

const POLICY: &str = r#"{
  "version": "1",
  "default": "deny",
  "tools": {
    "get_*": {},
    "promote": { "deny_if": [{ "conditions": [{ "path": "args.stage", "op": "eq", "value": "Production" }] }] }
  }
}"#;

const SUITE: &str = r#"
version: "1"
policy: policy.json
cases:
  - {name: reading is allowed, call: {tool: get_run}, expect: allow}
"#;

const LOG: &str = r#"{"time":"2026-01-01T00:00:00.000Z","event":"decision","session":"s","server":"mlflow","method":"tools/call","target":"get_run","direction":"client-to-server","verdict":"allow","policy_digest":"0","evaluation_us":1,"upstream":{"status":"ok","latency_us":1}}
{"time":"2026-01-01T00:00:01.000Z","event":"decision","session":"s","server":"other","method":"tools/call","target":"drop","direction":"client-to-server","verdict":"allow","policy_digest":"0","evaluation_us":1,"upstream":{"status":"ok","latency_us":1}}
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("policy.json", POLICY), ("a.test.yaml", SUITE), ("audit.jsonl", LOG)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("BARTIZAN_CACHE_DIR", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end: its status, and what it prints to standard output and standard error.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    told(command(folder, arguments).output().unwrap())
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_status_of_tests_says_whether_they_pass() {
    let folder = folder();
    let failing = SUITE.replace("expect: allow", "expect: deny");
    let unreadable = SUITE.replace("expect: allow", "expect: alow");
    for (suite, arguments, status, out, err) in [
        (SUITE, vec!["test", "."], 0, "1 file, 1 case: 1 passed, 0 failed\n", ""),
        (SUITE, vec!["test", "a.test.yaml", "--filter", "reading"], 0, "1 passed, 0 failed", ""),
        (SUITE, vec!["test", ".", "--filter", "nothing"], 2, "0 cases", "no case has the text of --filter"),
        (&failing, vec!["test", "."], 1, "- verdict: deny\n    + verdict: allow\n", ""),
        (&unreadable, vec!["test", "."], 2, "1 file could not be read", "a.test.yaml:5:63"),
        (SUITE, vec!["test", "gone"], 2, "", "gone: "),
    ] {
        fs::write(folder.path().join("a.test.yaml"), suite).unwrap();
        let (found, stdout, stderr) = run(folder.path(), &arguments);
        assert_eq!(found, Some(status), "{arguments:?}: {stdout}{stderr}");
        assert!(stdout.contains(out), "{arguments:?}: {stdout}");
        assert!(stderr.contains(err), "{arguments:?}: {stderr}");
    }
    let (_, help, _) = run(folder.path(), &["test", "--help"]);
    assert!(help.contains("The exit status is 0 if"), "{help}");
}

#[test]
fn junit_is_written_beside_the_text() {
    let folder = folder();
    let (status, stdout, _) = run(folder.path(), &["test", ".", "--junit", "results.xml"]);
    assert_eq!((status, stdout.is_empty()), (Some(0), false));
    let xml = fs::read_to_string(folder.path().join("results.xml")).unwrap();
    assert!(xml.contains(r#"<testcase name="reading is allowed" classname="./a.test.yaml""#), "{xml}");
    let (status, _, stderr) = run(folder.path(), &["test", ".", "--junit", "gone/results.xml"]);
    assert_eq!(status, Some(2), "{stderr}");
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn watching_runs_again_when_a_policy_changes() {
    let folder = folder();
    let mut running = Running(command(folder.path(), &["test", ".", "--watch"]).spawn().unwrap());
    let stdout = BufReader::new(running.0.stdout.take().unwrap());
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let wait_for = |wanted: &str| loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{wanted}: {error}"));
        if line == wanted {
            return;
        }
    };
    wait_for("1 file, 1 case: 1 passed, 0 failed");
    fs::write(folder.path().join("policy.json"), POLICY.replace("get_*", "list_*")).unwrap();
    wait_for("1 file, 1 case: 0 passed, 1 failed");
    fs::write(folder.path().join("policy.json"), "{").unwrap();
    wait_for("1 file, 0 cases: 0 passed, 0 failed; 1 file could not be read");
    fs::write(folder.path().join("policy.json"), POLICY).unwrap();
    wait_for("1 file, 1 case: 1 passed, 0 failed");
    fs::write(folder.path().join("b.test.yaml"), SUITE).unwrap();
    wait_for("2 files, 2 cases: 2 passed, 0 failed");
}

#[test]
fn a_call_is_explained_from_a_file_or_from_standard_input() {
    let folder = folder();
    let call = r#"{"tool": "promote", "arguments": {"stage": "Production"}}"#;
    fs::write(folder.path().join("call.json"), call).unwrap();
    fs::write(folder.path().join("wrong.json"), r#"{"toll": "x"}"#).unwrap();
    let explain = |arguments: &[&str]| {
        let mut all = vec!["explain", "--policy", "policy.json"];
        all.extend(arguments);
        run(folder.path(), &all)
    };
    let (status, stdout, stderr) = explain(&["--call", "call.json", "--principal", "alice"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{stdout}");
    for line in [
        "  from   alice, server server, at ",
        "  rule   /tools/promote/deny_if/0 (policy.json:6:30)\n",
        "     args.stage = \"Production\"\n",
    ] {
        assert!(stdout.contains(line), "{line}: {stdout}");
    }

    let arguments = ["explain", "--policy", "policy.json", "--call", "-", "--json"];
    let mut child = command(folder.path(), &arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(call.as_bytes()).unwrap();
    let (status, stdout, stderr) = told(child.wait_with_output().unwrap());
    assert_eq!(status, Some(0), "{stderr}");
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(json.get("rule").and_then(serde_json::Value::as_str), Some("/tools/promote/deny_if/0"));

    let (status, stdout, stderr) = explain(&["--call", "wrong.json"]);
    assert_eq!((status, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("wrong.json:1:1"), "{stderr}");
}

#[test]
fn the_status_of_a_replay_says_whether_anything_differs() {
    let folder = folder();
    for (arguments, status, out, err) in [
        (vec!["--server", "mlflow", "audit.jsonl"], 0, "1 decision: 1 as before", ""),
        (vec!["audit.jsonl"], 1, "tools/call drop  allow   → deny (default)\n", ""),
        (vec!["--json", "audit.jsonl"], 1, "\"different\": 1", ""),
        (vec!["--server", "nobody", "audit.jsonl"], 2, "", "no decisions of the server `nobody`"),
        (vec!["gone.jsonl"], 2, "", "cannot read gone.jsonl: "),
        (vec!["."], 2, "", "there is no audit log in ."),
    ] {
        let mut all = vec!["replay", "--policy", "policy.json"];
        all.extend(&arguments);
        let (found, stdout, stderr) = run(folder.path(), &all);
        assert_eq!(found, Some(status), "{arguments:?}: {stdout}{stderr}");
        assert!(stdout.contains(out), "{arguments:?}: {stdout}");
        assert!(stderr.contains(err), "{arguments:?}: {stderr}");
    }
}
