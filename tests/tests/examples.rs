//! The policies of `examples/` before the real servers that they are for.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

use std::path::Path;

use bartizan_tests::environment::{Sdk, node, node_program, repository};
use bartizan_tests::gateway::{Document, Serving, server};
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use serde_json::{Value, json};

fn read(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn word(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}

fn assert_done(response: &Value) {
    assert!(response.get("error").is_none() && response["result"]["isError"] != true, "{response}");
}

#[tokio::test]
async fn files() {
    let place = tempfile::tempdir().expect("a directory can be made");
    let place = place.path().canonicalize().expect("it is there");
    let out = place.join("out");
    std::fs::create_dir(&out).expect("a directory can be made");
    std::fs::write(place.join("notes.txt"), "password = hunter2-and-more-Xk9\nthe rest\n").expect("written");
    // The example is about `/srv/files`, which is somewhere else here.
    let policy = read("examples/filesystem/policy.json").replace("/srv/files/out", word(&out));
    let policy = Document::new("policy.json", &policy);
    let script = node_program("mcp-server-filesystem");
    let serving = Serving::start(&json!({
        "files": server(word(&node()), &[word(&script), word(&place)], &json!(policy.path())),
    }))
    .await;
    let session = Session::begin(serving.url("files")).await;

    let read = session.call("read_text_file", &json!({"path": place.join("notes.txt")})).await;
    let text = rpc::text(&read);
    assert!(text.contains("[SECRET]") && text.contains("the rest") && !text.contains("hunter2"), "{text}");
    assert!(!read.to_string().contains("hunter2"), "nor in what is structured: {read}");

    let write = async |path: &Path| session.call("write_file", &json!({"path": path, "content": "x"})).await;
    assert_done(&write(&out.join("a.txt")).await);
    assert!(out.join("a.txt").exists());
    for wrong in [place.join("a.txt"), out.join("../a.txt"), out.join("a.sh")] {
        rpc::assert_denied(&write(&wrong).await);
        assert!(!wrong.exists(), "{}", wrong.display());
    }
    let moved = json!({"source": out.join("a.txt"), "destination": out.join("b.txt")});
    let asked = session.call("move_file", &moved).await;
    assert!(rpc::assert_denied(&asked).contains("apr_"), "{asked}");
    assert!(out.join("a.txt").exists());
}

#[tokio::test]
async fn git() {
    let place = tempfile::tempdir().expect("a directory can be made");
    let git = |arguments: &[&str]| {
        let author = [("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org")];
        let committer = [("GIT_COMMITTER_NAME", "C"), ("GIT_COMMITTER_EMAIL", "c@example.org")];
        let mut command = std::process::Command::new("git");
        command.current_dir(place.path()).args(arguments).envs(author).envs(committer);
        let done = command.output().expect("git starts");
        assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(place.path().join("a.txt"), "one\n").expect("written");
    git(&["add", "a.txt"]);
    git(&["commit", "--quiet", "--message=Begin"]);
    std::fs::write(place.path().join("a.txt"), "password=correct-Horse-7battery\n").expect("written");

    let program = Sdk::Mcp2.program("mcp-server-git");
    let policy = json!(repository("examples/git/policy.yaml"));
    let serving = Serving::start(&json!({
        "git": server(word(&program), &["--repository", word(place.path())], &policy),
    }))
    .await;
    let session = Session::begin(serving.url("git")).await;
    let call = async |tool: &str, mut arguments: Value| {
        arguments["repo_path"] = json!(place.path());
        session.call(tool, &arguments).await
    };
    rpc::assert_unknown_tool(&call("git_reset", json!({})).await, "git_reset");
    let diff = call("git_diff_unstaged", json!({})).await;
    assert!(!diff.to_string().contains("correct-Horse"), "{diff}");
    rpc::assert_denied(&call("git_create_branch", json!({"branch_name": "release"})).await);
    assert_done(&call("git_create_branch", json!({"branch_name": "agent/fix"})).await);
    rpc::assert_denied(&call("git_add", json!({"files": ["--all"]})).await);
    let branches = git(&["branch", "--format=%(refname:short)"]);
    assert_eq!(branches.lines().collect::<Vec<_>>(), ["agent/fix", "main"]);
    assert!(git(&["diff", "--cached", "--name-only"]).is_empty(), "nothing was staged");
}

#[tokio::test]
async fn a_pinned_tool_that_changes_is_gone() {
    let place = tempfile::tempdir().expect("a directory can be made");
    let script = node_program("mcp-server-filesystem");
    let lock = place.path().join("files.lock.json");
    let mut command = bartizan_tests::gateway::bartizan(["lock", "--name", "files", "--output"]);
    command.arg(&lock).arg("--").args([&node(), &script]).arg(place.path());
    let locked = command.output().await.expect("it runs");
    assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));

    let text = std::fs::read_to_string(&lock).expect("it is written");
    let mut changed: Value = serde_json::from_str(&text).expect("JSON");
    changed["tools"]["write_file"] = json!(["0".repeat(64)]);
    changed["tools"].as_object_mut().expect("an object").remove("list_directory");
    for (lock_text, missing) in [(text, vec![]), (changed.to_string(), vec!["list_directory", "write_file"])]
    {
        std::fs::write(&lock, lock_text).expect("written");
        let policy = place.path().join("policy.json");
        let document = json!({"version": "1", "default": "allow", "pin": "files.lock.json"});
        std::fs::write(&policy, document.to_string()).expect("written");
        let servers =
            json!({"files": server(word(&node()), &[word(&script), word(place.path())], &json!(policy))});
        let serving = Serving::start(&servers).await;
        let session = Session::begin(serving.url("files")).await;
        let listed = session.request("tools/list", &json!({})).await;
        let names = rpc::tools(&listed);
        assert_eq!(names.len(), 14 - missing.len(), "{names:?}");
        for tool in missing {
            assert!(!names.contains(&tool));
            let answer = session.call(tool, &json!({"path": place.path()})).await;
            rpc::assert_unknown_tool(&answer, tool);
        }
    }
}
