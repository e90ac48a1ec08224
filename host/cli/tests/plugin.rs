//! `plugin` as a command: what its verbs print where, and their exit status. The longer texts are compared with
//! files in `tests/plugin`; run with `BLESS=1` to write them anew, and read the difference.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SETTINGS: &str =
    r#"{"tools": [{"pattern": "upload", "rate_limit": {"max": 1, "window": 60}, "rule": "uploads"}]}"#;

const SUITE: &str = r#"
version: "1"
plugin: rate-limit.wasm
settings: {tools: [{pattern: upload, rate_limit: {max: 1, window: 60}, rule: uploads}]}
cases:
  - name: one a minute
    steps:
      - {call: {tool: upload}, expect: allow}
      - {call: {tool: upload}, expect: {verdict: deny, rule: uploads, retry_after: 60}}
      - {call: {tool: upload}, after: 60s, expect: allow}
  - name: two, with other settings
    settings: {tools: [{pattern: upload, rate_limit: {max: 2, window: 60}}]}
    call: {tool: upload}
    times: 2
    expect: allow
  - name: zero makes no sense
    settings: {tools: [{pattern: upload, rate_limit: {max: 0, window: 60}}]}
    expect_refused: at least 1
"#;

/// A folder with the plugins `rate-limit` and `redact`, and what is said about them.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rate-limit", "redact"] {
        let plugin = bartizan_builtins::find(name).unwrap();
        fs::write(folder.path().join(name).with_extension("wasm"), plugin.wasm).unwrap();
    }
    for (name, content) in [
        ("settings.json", SETTINGS),
        (
            "call.json",
            r#"{"call": {"tool": "upload", "arguments": {"file": "a"}}, "principal": "alice", "time": "2026-01-02T03:04:05Z"}"#,
        ),
        ("limits.test.yaml", SUITE),
        ("text.wasm", "no module"),
        ("module.wasm", "\0asm\u{1}\0\0\0"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command
        .arg("plugin")
        .args(arguments)
        .current_dir(folder)
        .env("BARTIZAN_CACHE_DIR", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("BARTIZAN_KEY_PASSWORD")
        .stdin(Stdio::null());
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

fn compare(name: &str, actual: &str) {
    let path = Path::new("tests/plugin").join(name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{}", path.display());
}

/// Numbers in lines with these names are others with each build, and on each machine.
fn masked(text: &str, names: &[&str]) -> String {
    let mut lines = Vec::new();
    let mut is_masked = false;
    for line in text.lines() {
        // A line without a name goes on with what the line before was about.
        if !line.starts_with("             ") {
            is_masked = names.iter().any(|name| line.trim_start().starts_with(name));
        }
        let mut shown = String::new();
        for character in line.chars() {
            let is_number =
                character.is_ascii_digit() || matches!(character, ',' | '.') && shown.ends_with('N');
            match is_number && is_masked {
                true if shown.ends_with('N') => {}
                true => shown.push('N'),
                false => shown.push(character),
            }
        }
        lines.push(shown.replace(" µs", " ms"));
    }
    lines.join("\n") + "\n"
}

#[test]
fn inspect_says_what_a_plugin_is() {
    let folder = folder();
    let (status, text, errors) =
        run(folder.path(), &["inspect", "rate-limit.wasm", "--settings", "settings.json"]);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{text}");
    let digest = text.lines().find_map(|line| line.trim().strip_prefix("sha256")).unwrap().trim().to_owned();
    assert_eq!(digest.len(), 64, "{digest}");
    let text = text.replace(&digest, "DIGEST");
    compare("inspect.txt", &masked(&text, &["file", "sizes", "made of", "memory", "snapshot", "compiles"]));

    let (status, text, _) = run(folder.path(), &["inspect", "redact.wasm", "--json"]);
    assert_eq!(status, Some(0));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({
        "name": "redact",
        "contract": "0.1",
        "hooks": ["calls", "replies"],
        "asks": ["rewrite-arguments", "rewrite-results"],
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(json.get(key), Some(value), "{key}");
    }
    let size = fs::metadata(folder.path().join("redact.wasm")).unwrap().len();
    assert_eq!(json.pointer("/sizes/file"), Some(&size.into()));
    for pointer in [
        "/sizes/component",
        "/sizes/compiled",
        "/modules",
        "/instances",
        "/memories/0/initial",
        "/configured/memory",
    ] {
        assert!(json.pointer(pointer).and_then(serde_json::Value::as_u64) > Some(0), "{pointer}: {text}");
    }
    assert_eq!(json.pointer("/configured/snapshot"), Some(&true.into()));
}

#[test]
fn what_is_no_plugin_is_told() {
    let folder = folder();
    for (arguments, status, expected) in [
        (vec!["inspect", "text.wasm"], 1, "text.wasm is not a usable plugin: the file is not WebAssembly\n"),
        (
            vec!["inspect", "module.wasm"],
            1,
            "module.wasm is not a usable plugin: the file is a WebAssembly module without a `component-type` section",
        ),
        (vec!["inspect", "gone.wasm"], 1, "bartizan: gone.wasm: No such file"),
        (vec!["inspect", "redact.wasm", "--settings", "{"], 1, "--settings:1:"),
        (vec!["bench", "text.wasm"], 1, "text.wasm is not a usable plugin"),
        (vec!["bench", "redact.wasm", "--call", "gone.json"], 1, "gone.json"),
        (
            vec!["bench", "rate-limit.wasm", "--settings", r#"{"a": 1}"#],
            1,
            "rate-limit.wasm cannot be used: the plugin refuses its settings: ",
        ),
        (vec!["run", "text.wasm", "--call", "call.json"], 2, "text.wasm is not a usable plugin"),
        (vec!["run", "redact.wasm", "--call", "gone.json"], 2, "gone.json"),
        (
            vec!["run", "redact.wasm", "--call", "call.json", "--grants", "rewrite-everything"],
            2,
            "a grant must be ",
        ),
        (
            vec!["run", "rate-limit.wasm", "--call", "call.json", "--grants", "rewrite-results"],
            2,
            "`rewrite-results` is granted, but the plugin does not ask for it",
        ),
    ] {
        let (found, stdout, stderr) = run(folder.path(), &arguments);
        assert_eq!((found, stdout.as_str()), (Some(status), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
    // What a plugin says against its settings is part of what it is.
    let (status, text, _) = run(folder.path(), &["inspect", "rate-limit.wasm", "--settings", r#"{"a": 1}"#]);
    assert_eq!(status, Some(0));
    assert!(text.contains("  configure  the plugin refuses its settings: "), "{text}");
}

#[test]
fn a_call_is_judged_by_a_plugin_alone() {
    let folder = folder();
    let arguments = ["run", "rate-limit.wasm", "--settings", SETTINGS, "--call", "call.json"];
    let (status, text, errors) = run(folder.path(), &arguments);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{text}");
    compare("run.txt", &masked(&text, &["took"]));
    let (status, text, _) = run(folder.path(), &[arguments.as_slice(), &["--json"]].concat());
    assert_eq!(status, Some(0));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json.get("verdict"), Some(&"allow".into()));
    assert_eq!(json.pointer("/charges/0/rule"), Some(&"uploads".into()));
    assert!(json.get("took_us").and_then(serde_json::Value::as_f64) > Some(0.0));

    let settings = r#"{"tools": [{"pattern": "*", "redact": [{"in": "both", "at": ["/file"], "detect": [], "action": "replace", "replace": "***", "rule": "files"}]}]}"#;
    let call =
        r#"{"call": {"tool": "upload", "arguments": {"file": "a"}}, "result": {"file": "b", "size": 1.0}}"#;
    fs::write(folder.path().join("reply.json"), call).unwrap();
    let arguments = ["run", "redact.wasm", "--settings", settings, "--call", "reply.json"];
    let (_, granted, _) = run(
        folder.path(),
        &[arguments.as_slice(), &["--grants", "rewrite-arguments,rewrite-results"]].concat(),
    );
    assert!(granted.contains("it goes on with these arguments:\n  {\"file\":\"***\"}"), "{granted}");
    assert!(granted.contains("reply: rewrite\n  {\"file\":\"***\",\"size\":1.0}"), "{granted}");
    let (_, refused, _) = run(folder.path(), &arguments);
    assert!(
        refused.starts_with("deny: The policy plugin `redact` wanted to change the message"),
        "{refused}"
    );
}

#[test]
fn a_plugin_is_tested_alone() {
    let folder = folder();
    let failing = SUITE
        .replace("retry_after: 60", "retry_after: 61")
        .replace("times: 2", "times: 3")
        .replace("expect_refused: at least 1", "expect_refused: at least 2");
    let taken = SUITE.replace("{max: 0, window: 60}", "{max: 1, window: 60}");
    for (suite, arguments, status, out, err) in [
        (SUITE, vec!["test"], 0, "1 file, 3 cases: 3 passed, 0 failed\n", ""),
        (SUITE, vec!["test", "limits.test.yaml", "--filter", "zero"], 0, "1 case: 1 passed", ""),
        (
            SUITE,
            vec!["test", "--plugin", "redact.wasm"],
            2,
            "1 file could not be read",
            "the plugin refuses its settings",
        ),
        (SUITE, vec!["test", "--plugin", "gone.wasm"], 2, "", "there is no plugin file gone.wasm"),
        (&taken, vec!["test"], 1, "+ refused: the settings are taken\n", ""),
    ] {
        fs::write(folder.path().join("limits.test.yaml"), suite).unwrap();
        let (found, stdout, stderr) = run(folder.path(), &arguments);
        assert_eq!(found, Some(status), "{arguments:?}: {stdout}{stderr}");
        assert!(stdout.contains(out), "{arguments:?}: {stdout}");
        assert!(stderr.contains(err), "{arguments:?}: {stderr}");
    }
    fs::write(folder.path().join("limits.test.yaml"), &failing).unwrap();
    let (status, text, _) = run(folder.path(), &["test", ".", "--junit", "results.xml"]);
    assert_eq!(status, Some(1));
    compare("test.txt", &text);
    let xml = fs::read_to_string(folder.path().join("results.xml")).unwrap();
    assert!(xml.contains(r#"<testcase name="two, with other settings""#), "{xml}");
    // A suite without a plugin takes the one that is given.
    fs::write(folder.path().join("limits.test.yaml"), SUITE.replace("plugin: rate-limit.wasm", "")).unwrap();
    let (status, text, _) = run(folder.path(), &["test", "--plugin", "rate-limit.wasm"]);
    assert_eq!(status, Some(0), "{text}");
}

#[test]
fn everything_wrong_with_a_suite_of_a_plugin_is_told_at_once() {
    let folder = folder();
    let suite = r#"
version: "1"
plugin: gone.wasm
settings: []
grants: [rewrite-everything]
cases:
  - {name: a, settings: {}, policy: {version: "1", default: allow}, call: {tool: x}, expect: allow}
  - {name: b, expect_refused: 7}
  - {name: c, expect_refused: x, call: {tool: x}, expect: deny}
  - {name: d, policy: {version: "1", default: allow}, expect_refused: x}
"#;
    fs::write(folder.path().join("limits.test.yaml"), suite).unwrap();
    let both = "version: \"1\"\nplugin: redact.wasm\npolicy: {version: \"1\", default: allow}\nsettings: {}\ncases: [{name: a, call: {tool: x}, expect: allow}]\n";
    fs::write(folder.path().join("both.test.yaml"), both).unwrap();
    let (status, _, stderr) = run(folder.path(), &["test"]);
    assert_eq!(status, Some(2));
    compare("problems.txt", &stderr);
}

#[test]
fn a_bench_has_every_figure() {
    let folder = folder();
    let arguments =
        ["bench", "rate-limit.wasm", "--settings", "settings.json", "--call", "call.json", "--json"];
    let (status, text, errors) = run(folder.path(), &arguments);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for pointer in ["/pristine", "/reused", "/fresh", "/instantiation"] {
        for figure in ["p50_us", "p99_us", "iterations"] {
            let value = json.pointer(&format!("{pointer}/{figure}")).and_then(serde_json::Value::as_f64);
            assert!(value > Some(0.0), "{pointer}/{figure}: {text}");
        }
    }
    for pointer in ["/instructions", "/memory", "/dirtied", "/compile_us", "/from_cache_us"] {
        assert!(json.pointer(pointer).and_then(serde_json::Value::as_f64) > Some(0.0), "{pointer}: {text}");
    }
    // Instructions are the same each time.
    let (_, again, _) = run(folder.path(), &arguments);
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(json.get("instructions"), again.get("instructions"));
}

#[test]
fn plugins_are_signed_and_verified() {
    let folder = folder();
    let path = folder.path();
    let (status, stdout, _) = run(path, &["keygen", "--key", "a.key"]);
    assert_eq!(status, Some(0));
    assert!(
        stdout
            .starts_with("secret key  a.key (not encrypted: keep the file to yourself)\npublic key  a.pub\n"),
        "{stdout}"
    );
    let again = run(path, &["keygen", "--key", "a.key"]);
    assert_eq!(again.0, Some(1));
    assert!(again.2.contains("a.key is there already"), "{}", again.2);
    let encrypted = |arguments: &[&str], password: &str| {
        told(command(path, arguments).env("BARTIZAN_KEY_PASSWORD", password).output().unwrap())
    };
    assert_eq!(encrypted(&["keygen", "--key", "b.key"], "secret").0, Some(0));

    assert_eq!(run(path, &["sign", "redact.wasm", "--key", "a.key"]).1, "redact.wasm.minisig\n");
    let (status, _, stderr) = run(path, &["sign", "rate-limit.wasm", "--key", "b.key"]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("has a password, and there is none in the environment variable"), "{stderr}");
    assert_eq!(encrypted(&["sign", "rate-limit.wasm", "--key", "b.key"], "secret").0, Some(0));
    fs::set_permissions(path.join("b.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let (status, _, stderr) = encrypted(&["sign", "rate-limit.wasm", "--key", "b.key"], "secret");
    assert!(status == Some(1) && stderr.contains("others can read the secret key b.key"), "{stderr}");

    let key = fs::read_to_string(path.join("a.pub")).unwrap().lines().nth(1).unwrap().to_owned();
    let config = format!(
        r#"{{"plugins": {{"dir": "p", "trusted_keys": ["{key}", "b.pub"]}}, "mcpServers": {{"a": {{"command": "x"}}}}}}"#
    );
    fs::write(path.join("bartizan.json"), config).unwrap();
    for (arguments, status, expected) in [
        (vec!["redact.wasm", "--key", "a.pub"], 0, "redact.wasm: signed with "),
        (vec!["redact.wasm", "--key", &key], 0, "file:redact.wasm"),
        (
            vec!["redact.wasm", "rate-limit.wasm", "--trusted", "bartizan.json"],
            0,
            "rate-limit.wasm: signed with ",
        ),
        (vec!["redact.wasm", "--key", "b.pub"], 1, "which is not trusted"),
        (vec!["text.wasm", "--key", "a.pub"], 1, "it is not signed: there is no text.wasm.minisig"),
        (vec!["redact.wasm", "--key", "text.wasm"], 1, "text.wasm has no public key of minisign"),
    ] {
        let (found, stdout, stderr) = run(path, &[vec!["verify"], arguments.clone()].concat());
        assert_eq!(found, Some(status), "{arguments:?}: {stdout}{stderr}");
        assert!(format!("{stdout}{stderr}").contains(expected), "{arguments:?}: {stdout}{stderr}");
    }
    fs::write(path.join("redact.wasm"), "changed").unwrap();
    let (status, _, stderr) = run(path, &["verify", "redact.wasm", "--key", "a.pub"]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("redact.wasm: it is not what was signed"), "{stderr}");
}

#[test]
fn a_lock_file_says_what_has_changed() {
    let folder = folder();
    let path = folder.path();
    fs::create_dir(path.join("plugins")).unwrap();
    fs::rename(path.join("redact.wasm"), path.join("plugins/hide-words.wasm")).unwrap();
    fs::rename(path.join("rate-limit.wasm"), path.join("plugins/slow-down.wasm")).unwrap();
    let policy = |grants: &str| {
        format!(
            r#"{{"version": "1", "default": "allow", "plugins": [{{"use": "hide-words", "grants": [{grants}]}}]}}"#
        )
    };
    fs::write(path.join("policy.json"), policy("")).unwrap();
    let arguments = ["lock", "--policy", "policy.json", "--plugins-dir", "plugins"];
    let (status, stdout, stderr) = run(path, &arguments);
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stdout.starts_with("hide-words is new\nslow-down is new\n2 plugins accepted in "), "{stdout}");
    let lock: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(path.join("plugins.lock")).unwrap()).unwrap();
    assert_eq!(lock.pointer("/plugins/hide-words/asks/0"), Some(&"rewrite-arguments".into()));

    let check = |expected: Option<&str>| {
        let output = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .args(["check", "--locked", "--policy", "policy.json", "--plugins-dir", "plugins"])
            .current_dir(path)
            .env("BARTIZAN_CACHE_DIR", env!("CARGO_TARGET_TMPDIR"))
            .output()
            .unwrap();
        let (status, stdout, stderr) = told(output);
        match expected {
            None => assert_eq!(status, Some(0), "{stdout}{stderr}"),
            Some(expected) => {
                assert_eq!(status, Some(1), "{stdout}{stderr}");
                assert!(stderr.contains(expected), "{stderr}");
            }
        }
    };
    check(None);
    fs::write(path.join("policy.json"), policy(r#""rewrite-results""#)).unwrap();
    check(Some("the policy policy.json grants `rewrite-results` to `hide-words`, and "));
    assert!(run(path, &arguments).1.starts_with("hide-words has changed: what it is granted\n"));
    check(None);
    fs::rename(path.join("plugins/slow-down.wasm"), path.join("slow-down.wasm")).unwrap();
    check(Some("slow-down.wasm is missing: "));
    fs::rename(path.join("slow-down.wasm"), path.join("plugins/slow-down.wasm")).unwrap();
    fs::copy(path.join("plugins/slow-down.wasm"), path.join("plugins/slower.wasm")).unwrap();
    check(Some("slower.wasm is not in the lock file "));
    fs::write(path.join("plugins.lock"), "{").unwrap();
    check(Some("plugins.lock is no lock file: "));
    let (status, _, stderr) = run(path, &arguments);
    assert!(status == Some(1) && stderr.contains("is no lock file"), "it is not written over: {stderr}");
}
