//! Servers that are processes: how they begin, fail and end, and that none is left behind.

use std::path::{Path, PathBuf};

use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::modern::{self, Modern};
use bartizan_tests::rpc;
use bartizan_tests::stdio::StdioClient;
use bartizan_tests::waiting::{SOON, until, within};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ERA, NOTHING, allow, era};

/// A shell script that may start the era server, and files that it writes.
struct Script {
    directory: TempDir,
    text: String,
}

impl Script {
    /// `{name}` in the text stands for a file, `{era}` for the server.
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let place = directory.path().display();
        let text = text.replace("{era}", ERA).replace("{here}", &place.to_string());
        Self { directory, text }
    }

    fn server(&self) -> Value {
        gateway::server("sh", &["-c", &self.text], &allow())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A process id that the script writes.
    async fn pid(&self, name: &str) -> i32 {
        until(&format!("there is a process {name}"), || self.read(name).ends_with('\n')).await;
        self.read(name).trim().parse().expect("the script writes a process id")
    }
}

/// Whether a process runs. One that has ended and that nobody has waited for does not.
fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}

async fn initialize(url: &str) -> Value {
    let answer = Http::default().send("POST", url, POST, rpc::initialize(0).to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_started_less_and_less_often() {
    let script = Script::new(
        "echo begun >> {here}/starts; echo 'there is no database' >&2; test -e {here}/database || exit 3; exec {era}",
    );
    let serving = Serving::start(&json!({"broken": script.server()})).await;
    let url = serving.url("broken");
    for attempt in 1..=3 {
        let answer = initialize(url).await;
        let (code, text) = rpc::error(&answer);
        assert_eq!(code, -32603, "{answer}");
        assert!(text.contains("`broken`") && text.contains("exit status: 3"), "attempt {attempt}: {text}");
    }
    // Now it has to wait: half a second, then a second.
    let mut seen = Vec::new();
    within(SOON, "there were five starts", async {
        while script.read("starts").lines().count() < 5 {
            let answer = initialize(url).await;
            let (code, text) = rpc::error(&answer);
            assert_eq!(code, -32603, "{answer}");
            seen.push(text.to_owned());
        }
    })
    .await;
    for failures in [3, 4] {
        let expected = format!("it ended right after its start {failures} times in a row");
        assert!(seen.iter().any(|text| text.contains(&expected)), "{expected}: {seen:?}");
    }
    let refused = seen.iter().filter(|text| text.contains("in a row")).count();
    assert!(refused > 4, "clients that come back at once are refused at once: {refused}");
    let log = serving.log();
    let line = log.lines().find(|line| line.contains("there is no database")).expect("its log is in ours");
    assert!(line.contains("broken"), "with the server's name: {line}");

    // The operator has seen it, and mends it.
    std::fs::write(script.path("database"), "").expect("a temporary file can be written");
    within(SOON, "the mended server is started", async {
        while initialize(url).await["error"].is_object() {}
    })
    .await;
    Session::begin(url).await.assert_usable("its server was mended").await;
}

#[tokio::test]
async fn a_server_that_ends_when_it_is_probed_is_not_blamed() {
    let serving = Serving::start(&json!({"strict": era("strict", &allow())})).await;
    let client = Modern::new(serving.url("strict"));
    for id in 0..5 {
        let answer = client.post(&modern::request(id, "server/discover", &json!({}))).await;
        let message = answer.json();
        // No error of the modern era, with this status: its clients go on with `initialize`.
        assert_eq!((answer.status, &message["id"]), (400, &json!(id)), "{answer:?}");
        let (code, text) = rpc::error(&message);
        assert_eq!(code, -32603, "{message}");
        assert!(text.contains("process has ended (exit status: 1)"), "{text}");
        let session = Session::begin(serving.url("strict")).await;
        session.assert_usable("the probe").await;
    }
}

#[tokio::test]
async fn a_shared_process_that_dies_fails_its_calls_and_is_started_anew() {
    let serving = Serving::start(&json!({"era": era("modern", &allow())})).await;
    let (first, second) = (Modern::new(serving.url("era")), Modern::new(serving.url("era")));
    let pid = rpc::text(&first.call("pid", &NOTHING).await).to_owned();
    assert_eq!(rpc::text(&second.call("pid", &NOTHING).await), pid, "one process serves both");

    let mut waiting = first.stream(&modern::call_with_progress("waiting", "hold", &json!("t"))).await;
    assert_eq!(waiting.message().await["params"]["message"], "held");
    let deadly = second.call("die", &NOTHING).await;
    let held = waiting.message().await;
    assert_eq!(held["id"], "waiting");
    for answer in [&deadly, &held] {
        let (code, text) = rpc::error(answer);
        assert_eq!(code, -32603, "{answer}");
        assert!(text.contains("process has ended (exit status: 9)"), "{text}");
    }
    assert_eq!(waiting.next().await, None, "the stream ends with the answer");
    let next = rpc::text(&first.call("pid", &NOTHING).await).to_owned();
    assert_ne!(next, pid, "another process");
}

/// Neither the end of its input nor SIGTERM ends it, and its child has a child.
const STUBBORN: &str = "trap '' TERM; echo $$ > {here}/server; \
    (sleep 600; :) & echo $! > {here}/grandchild; {era}; while :; do sleep 0.1; done";

#[tokio::test]
async fn a_gateway_that_is_killed_leaves_nothing_behind() {
    let script = Script::new(STUBBORN);
    let shared = Script::new(STUBBORN);
    let serving = Serving::start(&json!({"a": script.server(), "b": shared.server()})).await;
    let _session = Session::begin(serving.url("a")).await;
    Modern::new(serving.url("b")).call("pid", &NOTHING).await;
    let mut pids = Vec::new();
    for script in [&script, &shared] {
        pids.extend([script.pid("server").await, script.pid("grandchild").await]);
    }
    assert!(pids.iter().copied().all(runs), "{pids:?}");
    serving.signal(Signal::KILL);
    until("servers and what they started have ended", || !pids.iter().copied().any(runs)).await;
}

#[tokio::test]
async fn a_killed_run_leaves_nothing_behind() {
    let script = Script::new(STUBBORN);
    let policy = Document::policy(&allow());
    let mut client = StdioClient::start(gateway::run(&policy.path(), ["sh", "-c", &script.text])).await;
    client.assert_usable("its start").await;
    let pids = [script.pid("server").await, script.pid("grandchild").await];
    assert!(pids.into_iter().all(runs), "{pids:?}");
    // Dropped, it is killed.
    drop(client);
    until("the server and what it started have ended", || !pids.into_iter().any(runs)).await;
}

#[tokio::test]
async fn a_server_is_asked_to_end_before_it_is_made_to() {
    let script = Script::new(
        "trap 'echo terminate >> {here}/told' TERM; echo $$ > {here}/server; (sleep 600; :) & \
         echo $! > {here}/grandchild; {era}; echo end of input >> {here}/told; while :; do sleep 0.1; done",
    );
    let serving = Serving::start(&json!({"stubborn": script.server()})).await;
    let _session = Session::begin(serving.url("stubborn")).await;
    let pids = [script.pid("server").await, script.pid("grandchild").await];
    let program = serving.into_program();
    program.signal(Signal::TERM);
    let ended = program.end().await;
    assert!(ended.status.success(), "{}: {}", ended.status, ended.log);
    assert!(!pids.into_iter().any(runs), "{}", ended.log);
    let told = script.read("told");
    assert_eq!(told.lines().collect::<Vec<_>>(), ["end of input", "terminate"]);
}

#[tokio::test]
async fn a_server_that_ends_with_its_input_is_sent_no_signal() {
    let script =
        Script::new("trap 'echo terminate >> {here}/told' TERM; {era}; echo end of input >> {here}/told");
    let serving = Serving::start(&json!({"good": script.server()})).await;
    let session = Session::begin(serving.url("good")).await;
    assert_eq!(session.delete().await.status, 204);
    until("it has ended", || serving.log().contains("the server's process has ended")).await;
    assert_eq!(script.read("told"), "end of input\n");
}
