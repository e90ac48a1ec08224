//! What goes wrong before and around serving: every error names the thing, the place and the remedy, and
//! a wrapped command ends as it would have ended by itself.
#![expect(clippy::expect_used, reason = "a test's helper that cannot go on fails the test")]

use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use bartizan_tests::environment;
use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::program::Program;
use bartizan_tests::rpc;
use bartizan_tests::waiting::{SOON, within};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server that works.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");
const ALLOW: &str = r#"{"version":"1","default":"allow"}"#;

/// Something wrong, in files of its own.
struct Case {
    name: &'static str,
    /// Names and texts.
    files: &'static [(&'static str, &'static str)],
    /// What is given to `bartizan`, in the folder of the files.
    arguments: &'static [&'static str],
    /// What standard error must say.
    said: &'static [&'static str],
}

/// A shorter way to write them.
const fn case(
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
    said: &'static [&'static str],
) -> Case {
    Case { name, files, arguments, said }
}

const CASES: &[Case] = &[
    case(
        "no policy, check",
        &[],
        &["check", "--policy", "gone.json"],
        &["gone.json", "there is no such file", "check the path"],
    ),
    case(
        "no policy, run",
        &[],
        &["run", "--policy", "gone.json", "--", "true"],
        &["gone.json", "there is no such file"],
    ),
    case(
        "no configuration",
        &[],
        &["serve", "--config", "gone.json"],
        &["gone.json", "there is no such file", "check the path"],
    ),
    case(
        "a policy that is cut off",
        &[("p.json", "{\n  \"version\": \"1\",\n  \"default\":")],
        &["run", "--policy", "p.json", "--", "true"],
        &["p.json:3:", "a value is missing"],
    ),
    case(
        "a policy with a duplicate key",
        &[("p.json", "{\"version\":\"1\",\n\"default\":\"deny\",\n\"default\":\"allow\"}")],
        &["check", "--policy", "p.json"],
        &["p.json:3:1", "`default`"],
    ),
    case(
        "an unknown key",
        &[("p.json", "{\n  \"version\": \"1\",\n  \"default\": \"deny\",\n  \"hidden\": []\n}")],
        &["check", "--policy", "p.json"],
        &["p.json:4:3", "unknown key `hidden`", "`hide`"],
    ),
    case(
        "a key of a later version",
        &[(
            "p.json",
            "{\n  \"version\": \"1\",\n  \"default\": \"allow\",\n  \"plugins\": [{ \"use\": \"a\", \"isolation\": \"reuse\" }]\n}",
        )],
        &["check", "--policy", "p.json"],
        &["p.json:4:29", "`isolation` is not supported yet", "put it into `sandbox`"],
    ),
    case(
        "everything at once",
        &[("p.json", "{\n  \"version\": 2,\n  \"default\": \"maybe\",\n  \"x\": 1\n}")],
        &["check", "--policy", "p.json"],
        &["p.json:2:", "p.json:3:", "p.json:4:", "3 errors"],
    ),
    case(
        "a missing plugin, and no folder",
        &[("p.json", "{\"version\":\"1\",\"default\":\"deny\",\n\"plugins\":[{\"use\":\"freeze\"}]}")],
        &["check", "--policy", "p.json"],
        &["p.json:2:", "`freeze`", "no plugins folder", "--plugins-dir"],
    ),
    case(
        "a missing plugin, with a folder",
        &[("p.json", "{\"version\":\"1\",\"default\":\"deny\",\n\"plugins\":[{\"use\":\"hostil\"}]}")],
        &["check", "--policy", "p.json", "--plugins-dir", "hostile"],
        &["p.json:2:", "no plugin hostil.wasm", "did you mean `hostile`?"],
    ),
    case(
        "a plugin that refuses its settings",
        &[(
            "p.json",
            "{\"version\":\"1\",\"default\":\"deny\",\n\"plugins\":[{\"use\":\"hostile\",\"settings\":{\"behaviour\":\"nice\"}}]}",
        )],
        &["run", "--policy", "p.json", "--plugins-dir", "hostile", "--", "true"],
        &["p.json:2:", "`hostile`", "unknown variant `nice`"],
    ),
    case(
        "no plugins folder",
        &[("p.json", ALLOW)],
        &["run", "--policy", "p.json", "--plugins-dir", "gone", "--", "true"],
        &["gone", "the plugins folder gone cannot be read", "make the folder"],
    ),
    case(
        "no such command, run",
        &[("p.json", ALLOW)],
        &["run", "--policy", "p.json", "--", "no-such-command"],
        &["`no-such-command`", "is not there", "install it"],
    ),
    case(
        "a command that is no program",
        &[("p.json", ALLOW)],
        &["run", "--policy", "p.json", "--", "./p.json"],
        &["`./p.json`", "is not executable"],
    ),
    case(
        "no such command, serve",
        &[(
            "c.json",
            "{\"mcpServers\": {\n\"a\": {\"command\": \"no-such-command\", \"policy\": {\"version\":\"1\",\"default\":\"deny\"}}}}",
        )],
        &["serve", "--config", "c.json", "--listen", "127.0.0.1:0"],
        &["`no-such-command`", "`a`", "is not there", "install it"],
    ),
    case(
        "an unset variable",
        &[(
            "c.json",
            "{\"mcpServers\": {\"a\": {\n\"command\": \"true\", \"policy\": {\"version\":\"1\",\"default\":\"deny\"},\n\"env\": {\"TOKEN\": \"${env:BARTIZAN_TEST_NEVER_SET}\"}}}}",
        )],
        &["serve", "--config", "c.json", "--listen", "127.0.0.1:0"],
        &["c.json:3:", "`env.TOKEN`", "BARTIZAN_TEST_NEVER_SET", "set the variable"],
    ),
    case(
        "a policy file that is not there, and one that is wrong",
        &[
            (
                "c.json",
                "{\"mcpServers\": {\n\"a\": {\"command\": \"true\", \"policy\": \"gone.json\"},\n\"b\": {\"command\": \"true\", \"policy\": \"p.json\"}}}",
            ),
            ("p.json", "{\"version\": \"1\"}"),
        ],
        &["check", "--config", "c.json"],
        &["c.json:2:", "gone.json", "p.json:1:", "`default`", "2 errors"],
    ),
    case(
        "an address that is none",
        &[(
            "c.json",
            "{\"listen\": \"8750\",\n\"mcpServers\": {\"a\": {\"command\": \"true\", \"policy\": {\"version\":\"1\",\"default\":\"deny\"}}}}",
        )],
        &["serve", "--config", "c.json"],
        &["c.json:1:12", "`listen`", "127.0.0.1:8750"],
    ),
    case(
        "an allowed host that is none",
        &[(
            "c.json",
            "{\"allowed_hosts\": [\"a b\"],\n\"mcpServers\": {\"a\": {\"command\": \"true\", \"policy\": {\"version\":\"1\",\"default\":\"deny\"}}}}",
        )],
        &["serve", "--config", "c.json", "--listen", "127.0.0.1:0"],
        &["allowed_hosts", "a b"],
    ),
];

/// A folder with these files and a plugins folder `hostile` in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let plugins = folder.path().join("hostile");
    std::fs::create_dir(&plugins).expect("a directory can be made");
    std::fs::copy(environment::fixture("hostile"), plugins.join("hostile.wasm"))
        .expect("a fixture can be copied");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file can be written");
    }
    folder
}

async fn bartizan(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = gateway::bartizan(arguments);
    command.current_dir(folder).stdin(std::process::Stdio::null()).kill_on_drop(true);
    within(SOON, "bartizan ends by itself", command.output()).await.expect("bartizan starts")
}

fn assert_refused(case: &str, output: &Output, said: &[&str]) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{case}: {errors}");
    assert!(output.stdout.is_empty(), "{case}: standard output belongs to the protocol");
    for words in said {
        assert!(errors.contains(words), "{case}: no {words:?} in\n{errors}");
    }
}

#[tokio::test]
async fn every_error_names_the_thing_the_place_and_the_remedy() {
    for Case { name, files, arguments, said } in CASES {
        let folder = folder(files);
        assert_refused(name, &bartizan(folder.path(), arguments).await, said);
    }
}

#[tokio::test]
async fn a_file_that_is_no_plugin_is_named() {
    let native = {
        let compiled = tempfile::tempdir().unwrap();
        let folder = folder(&[("p.json", ALLOW)]);
        let cache = compiled.path().to_str().unwrap();
        let made = bartizan(folder.path(), &["check", "--policy", "p.json", "--cache-dir", cache]).await;
        assert!(made.status.success(), "{made:?}");
        let file = std::fs::read_dir(compiled.path()).unwrap().next().unwrap().unwrap();
        // Native code comes after a checksum of 32 bytes.
        std::fs::read(file.path()).unwrap().split_off(32)
    };
    let unknown_import =
        wat::parse_str(r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#).unwrap();
    for (case, bytes, said) in [
        ("text", b"policy".to_vec(), "not WebAssembly"),
        ("an empty module", wat::parse_str("(module)").unwrap(), "build it with a Bartizan SDK"),
        ("native code", native, "use the .wasm it was made from"),
        ("an unknown import", unknown_import, "`wasi:sockets/tcp@0.2.0`"),
        (
            "half a plugin",
            std::fs::read(environment::fixture("hostile")).unwrap()[..5000].to_vec(),
            "compile",
        ),
        (
            "one that never describes itself",
            std::fs::read(environment::fixture("endless")).unwrap(),
            "2000 ms",
        ),
    ] {
        let folder = folder(&[("p.json", ALLOW)]);
        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        std::fs::write(folder.path().join("plugins/odd.wasm"), bytes).unwrap();
        let arguments = ["check", "--policy", "p.json", "--plugins-dir", "plugins"];
        let output = bartizan(folder.path(), &arguments).await;
        assert_refused(
            case,
            &output,
            &["plugins/odd.wasm", "is not a usable plugin", said, "out of the plugins folder"],
        );
    }
}

#[tokio::test]
async fn a_check_says_where_every_missing_command_is() {
    let configuration = "{\"mcpServers\": {\n\"a\": {\"command\": \"no-such-a\", \"policy\": \"p.json\"},\n\"b\": {\"command\": \"no-such-b\", \"policy\": \"p.json\"}}}";
    let folder = folder(&[("c.json", configuration), ("p.json", ALLOW)]);
    let output = bartizan(folder.path(), &["check", "--config", "c.json"]).await;
    assert_refused(
        "two commands",
        &output,
        &["no-such-a", "c.json:2:", "no-such-b", "c.json:3:", "2 errors"],
    );
}

#[tokio::test]
async fn what_is_right_is_called_right() {
    let folder = folder(&[
        ("p.json", ALLOW),
        ("c.json", r#"{"mcpServers": {"a": {"command": "sh", "policy": "p.json"}}}"#),
        ("w.json", r#"{"mcpServers": {"a": {"command": "sh"}}}"#),
    ]);
    for (arguments, said) in [
        (["check", "--policy", "p.json"], "ok: 0 errors, 0 warnings"),
        (["check", "--config", "c.json"], "ok: 0 errors, 0 warnings"),
        (["check", "--config", "w.json"], "ok: 0 errors, 1 warning"),
    ] {
        let output = bartizan(folder.path(), &arguments).await;
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), said);
    }
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = folder(&[
        ("p.json", ALLOW),
        ("c.json", r#"{"mcpServers": {"a": {"command": "sh", "policy": "p.json"}}}"#),
    ]);
    let output = bartizan(folder.path(), &["serve", "--config", "c.json", "--listen", &address]).await;
    assert_refused("a port in use", &output, &[&address, "in use", "choose another address", "--listen"]);
}

#[tokio::test]
async fn a_server_that_dies_at_once_is_named_and_the_others_serve() {
    let allow: Value = serde_json::from_str(ALLOW).unwrap();
    let broken = gateway::server("sh", &["-c", "echo no database >&2; exit 3"], &allow);
    let serving =
        Serving::start(&json!({"broken": broken, "whole": gateway::server(FAKE, &[], &allow)})).await;
    let initialize = rpc::initialize("i").to_string();
    for attempt in 1..=2 {
        let answer = Http::default().send("POST", serving.url("broken"), POST, initialize.clone()).await;
        assert_eq!((answer.status, answer.header("mcp-session-id")), (200, None), "{answer:?}");
        let message = answer.json();
        assert_eq!(message["id"], "i", "{message}");
        let (code, text) = rpc::error(&message);
        assert_eq!(code, -32603, "attempt {attempt}: {text}");
        assert!(text.contains("`broken`"), "attempt {attempt}: {text}");
        Session::begin(serving.url("whole")).await.assert_usable("the other server's death").await;
    }
    assert!(serving.log().contains("no database"), "its own words are in the log:\n{}", serving.log());
}

#[tokio::test]
async fn the_status_of_a_wrapped_command_is_its_own() {
    let policy = Document::new("p.json", ALLOW);
    for (script, expected) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -TERM $$", 128 + 15),
        ("kill -KILL $$", 128 + 9),
        // It ends with its input.
        ("cat >&2", 0),
        ("cat >&2; exit 5", 5),
    ] {
        let mut program = Program::start(gateway::run(&policy.path(), ["sh", "-c", script]));
        program.close_input();
        let ended = program.end().await;
        assert_eq!(ended.status.code(), Some(expected), "{script}: {}", ended.log);
    }
}

#[tokio::test]
async fn a_command_that_does_not_mind_the_end_of_its_input_is_terminated() {
    let policy = Document::new("p.json", ALLOW);
    let mut program = Program::start(gateway::run(&policy.path(), ["sleep", "600"]));
    program.close_input();
    let ended = program.end().await;
    assert_eq!(ended.status.code(), Some(128 + 15), "{}", ended.log);
}

#[tokio::test]
async fn signals_are_the_wrapped_commands() {
    let policy = Document::new("p.json", ALLOW);
    let handling = |signal: &str| {
        format!(
            "trap 'exit 7' {signal}; echo '{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}}'; \
             while read -r line; do :; done"
        )
    };
    let ignorant =
        "echo '{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}'; exec cat >&2".to_owned();
    for (case, script, signal, expected) in [
        ("TERM, unhandled", ignorant.clone(), Signal::TERM, 128 + 15),
        ("INT, unhandled", ignorant, Signal::INT, 128 + 2),
        ("TERM, handled", handling("TERM"), Signal::TERM, 7),
        ("INT, handled", handling("INT"), Signal::INT, 7),
        ("HUP, handled", handling("HUP"), Signal::HUP, 7),
        ("USR1, handled", handling("USR1"), Signal::USR1, 7),
    ] {
        let mut program = Program::start(gateway::run(&policy.path(), ["sh", "-c", &script]));
        // It runs, and its traps are set.
        assert!(program.line().await.unwrap_or_default().contains("notifications/message"), "{case}");
        program.signal(signal);
        let ended = program.end().await;
        assert_eq!(ended.status.code(), Some(expected), "{case}: {}", ended.log);
    }
}

#[tokio::test]
async fn what_a_command_writes_to_standard_error_passes_and_garbage_on_standard_output_does_not() {
    let policy = Document::new("p.json", ALLOW);
    let script =
        "echo words >&2; echo garbage; echo '{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}'";
    let mut program = Program::start(gateway::run(&policy.path(), ["sh", "-c", script]));
    let line = program.line().await.unwrap();
    assert!(line.contains("notifications/message"), "{line}");
    assert_eq!(program.line().await, None);
    let ended = program.end().await;
    assert!(ended.log.lines().any(|line| line == "words"), "{}", ended.log);
}
