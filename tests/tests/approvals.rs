//! Calls that wait for a person, with the real MLflow MCP server: asked for in one process, decided in
//! another.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test's helper that cannot go on fails the test"
)]

use std::path::Path;

use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::mlflow::{self, Store};
use bartizan_tests::rpc;
use bartizan_tests::stdio::StdioClient;
use bartizan_tests::waiting::{SOON, within};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

/// `delete_run` needs a person, and so does `delete_experiment`.
fn policy() -> Value {
    json!({
        "version": "1",
        "default": "allow",
        "tools": {
            "delete_run": {"action": "require_approval", "reason": "Ask the owner of the run.", "timeout": 600},
            "delete_experiment": {"action": "require_approval"},
            "transition_model_version_stage": {
                "deny_if": [{
                    "conditions": [{"path": "args.stage", "op": "eq", "value": "Production", "ignore_case": true}],
                    "on_deny": "Production goes through CI.",
                }],
            },
        },
    })
}

/// A gateway with a state directory of its own.
struct Scene {
    store: Store,
    state: TempDir,
    serving: Serving,
}

impl Scene {
    async fn new() -> Self {
        Self::with(&policy()).await
    }

    async fn with(policy: &Value) -> Self {
        let (store, state) = (Store::new().await, tempfile::tempdir().expect("a directory can be made"));
        let serving = serve(&store, policy, state.path()).await;
        Self { store, state, serving }
    }

    async fn session(&self) -> Session {
        Session::begin(self.serving.url("mlflow")).await
    }

    fn run(&self) -> Value {
        json!({"run_id": self.store.run()})
    }

    /// Runs `bartizan approvals` in a process of its own: whether it succeeds, and what it prints.
    async fn approvals(&self, arguments: &[&str]) -> (bool, String) {
        approvals(self.state.path(), arguments).await
    }
}

async fn serve(store: &Store, policy: &Value, state: &Path) -> Serving {
    let configuration = json!({"state": {"dir": state}, "mcpServers": {"mlflow": store.server(policy)}});
    Serving::start_in(configuration, &[("BARTIZAN_STATE_DIR", state)]).await
}

async fn approvals(state: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = gateway::bartizan(["approvals"]);
    command.args(arguments).env("BARTIZAN_STATE_DIR", state);
    let output = within(SOON, "the approvals verb ends", command.output()).await.expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// The ticket of a refused call.
fn ticket(refused: &Value) -> String {
    let text = rpc::assert_denied(refused);
    let ticket = refused["result"]["_meta"]["bartizan/denial"]["ticket"].as_str().expect("it has a ticket");
    assert!(text.contains(ticket), "the agent is told: {text}");
    ticket.to_owned()
}

fn assert_done(response: &Value) {
    assert!(response.get("error").is_none() && response["result"]["isError"] != true, "{response}");
}

#[tokio::test]
async fn an_approved_call_goes_through_once() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    let refused = session.call("delete_run", &scene.run()).await;
    assert!(rpc::assert_denied(&refused).contains("Ask the owner of the run."));
    let asked = ticket(&refused);
    assert_eq!(scene.store.stage().await, "active");

    let (_, listed) = scene.approvals(&["list"]).await;
    assert!(listed.contains(&asked) && listed.contains("delete_run"), "{listed}");
    let (_, shown) = scene.approvals(&["show", &asked]).await;
    assert!(shown.contains(scene.store.run()) && shown.contains("/tools/delete_run/action"), "{shown}");

    // It still waits, and identical calls share the ticket.
    assert_eq!(ticket(&session.call("delete_run", &scene.run()).await), asked);
    assert_eq!(ticket(&scene.session().await.call("delete_run", &scene.run()).await), asked);
    assert_eq!(scene.store.stage().await, "active");

    let (ok, said) = scene.approvals(&["approve", &asked, "--by", "ada", "--reason", "agreed"]).await;
    assert!(ok, "{said}");
    // Another call is not meant.
    let other = json!({"run_id": "0".repeat(32)});
    assert_ne!(ticket(&session.call("delete_run", &other).await), asked);
    let experiment = json!({"experiment_id": scene.store.experiment()});
    assert_ne!(ticket(&session.call("delete_experiment", &experiment).await), asked);
    assert_eq!(scene.store.stage().await, "active");

    assert_done(&session.call("delete_run", &scene.run()).await);
    assert_eq!(scene.store.stage().await, "deleted");
    let again = ticket(&session.call("delete_run", &scene.run()).await);
    assert_ne!(again, asked, "an approval is used once");

    let (ok, said) = scene.approvals(&["approve", &asked]).await;
    assert!(!ok && said.contains("used already"), "{said}");
    let (ok, said) = scene.approvals(&["approve", "apr_0123456789abcdef"]).await;
    assert!(!ok && said.contains("no approval has the ticket"), "{said}");
}

#[tokio::test]
async fn a_denied_call_stays_refused() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    let asked = ticket(&session.call("delete_run", &scene.run()).await);
    let (ok, said) = scene.approvals(&["deny", &asked, "--by", "ada", "--reason", "It is needed."]).await;
    assert!(ok, "{said}");
    let refused = session.call("delete_run", &scene.run()).await;
    let text = rpc::assert_denied(&refused);
    assert!(text.contains("ada has refused") && text.contains("It is needed."), "{text}");
    assert_eq!(ticket(&refused), asked);
    let (ok, said) = scene.approvals(&["approve", &asked]).await;
    assert!(!ok && said.contains("denied already"), "{said}");
    assert_eq!(scene.store.stage().await, "active");
}

#[tokio::test]
async fn an_approval_outlives_the_gateway_and_not_the_policy() {
    let Scene { store, state, serving } = Scene::new().await;
    let run = json!({"run_id": store.run()});
    let asked = ticket(&Session::begin(serving.url("mlflow")).await.call("delete_run", &run).await);
    serving.signal(Signal::KILL);
    drop(serving);
    assert!(approvals(state.path(), &["approve", &asked]).await.0);

    let mut stricter = policy();
    stricter["tools"]["delete_run"]["reason"] = json!("Ask two people.");
    let changed = serve(&store, &stricter, state.path()).await;
    let other = ticket(&Session::begin(changed.url("mlflow")).await.call("delete_run", &run).await);
    assert_ne!(other, asked, "it was approved under another policy");
    drop(changed);
    assert_eq!(store.stage().await, "active");

    let restarted = serve(&store, &policy(), state.path()).await;
    assert_done(&Session::begin(restarted.url("mlflow")).await.call("delete_run", &run).await);
    assert_eq!(store.stage().await, "deleted");
}

#[tokio::test]
async fn a_failed_call_gives_its_approval_back() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    let unknown = json!({"run_id": "f".repeat(32)});
    let asked = ticket(&session.call("delete_run", &unknown).await);
    assert!(scene.approvals(&["approve", &asked]).await.0);
    for _ in 0..2 {
        let failed = session.call("delete_run", &unknown).await;
        assert_eq!(failed["result"]["isError"], true, "{failed}");
        assert!(!rpc::text(&failed).starts_with("[POLICY DENIED]"), "the server refuses it: {failed}");
    }
}

#[tokio::test]
async fn over_stdio_with_hold_the_call_stays_open() {
    let (store, state) = (Store::new().await, tempfile::tempdir().expect("a directory can be made"));
    let mut holding = policy();
    holding["approvals"] = json!({"mode": "hold", "hold": 60});
    let document = Document::policy(&holding);
    let mut command = gateway::bartizan(["run", "--name", "mlflow", "--state-dir"]);
    command.arg(state.path()).arg("--policy").arg(document.path()).arg("--").arg(mlflow::program());
    store.give(&mut command);
    let mut client = StdioClient::start(command).await;
    // What is on the list is judged where the client's messages are read: holding must not stop that.
    client.request("tools/list", &json!({})).await;
    let params = json!({
        "name": "delete_run", "arguments": {"run_id": store.run()}, "_meta": {"progressToken": "p"},
    });
    client.send(&rpc::request(7, "tools/call", &params)).await;
    let progress = client.message().await;
    assert_eq!(progress["method"], "notifications/progress", "{progress}");
    assert_eq!(progress["params"]["progressToken"], "p");
    let (_, listed) = approvals(state.path(), &["list", "--json"]).await;
    let waiting: Value = serde_json::from_str(listed.trim()).expect("one JSON object");
    assert_eq!(store.stage().await, "active");
    let asked = waiting["ticket"].as_str().expect("it has a ticket");
    assert!(approvals(state.path(), &["approve", asked]).await.0);
    let answer = loop {
        let message = client.message().await;
        if message["id"] == 7 {
            break message;
        }
        assert_eq!(message["method"], "notifications/progress", "{message}");
    };
    assert_done(&answer);
    assert_eq!(store.stage().await, "deleted");
}

#[tokio::test]
async fn a_held_call_that_is_cancelled_is_withdrawn() {
    let (store, state) = (Store::new().await, tempfile::tempdir().expect("a directory can be made"));
    let mut holding = policy();
    holding["approvals"] = json!({"mode": "hold", "hold": 600});
    let document = Document::policy(&holding);
    let mut command = gateway::bartizan(["run", "--name", "mlflow", "--state-dir"]);
    command.arg(state.path()).arg("--policy").arg(document.path()).arg("--").arg(mlflow::program());
    store.give(&mut command);
    let mut client = StdioClient::start(command).await;
    // What is on the list is judged where the client's messages are read: holding must not stop that.
    client.request("tools/list", &json!({})).await;
    let params = json!({
        "name": "delete_run", "arguments": {"run_id": store.run()}, "_meta": {"progressToken": "p"},
    });
    client.send(&rpc::request(7, "tools/call", &params)).await;
    assert_eq!(client.message().await["method"], "notifications/progress");
    client.send(&rpc::notification("notifications/cancelled", &json!({"requestId": 7}))).await;
    let withdrawn = async {
        loop {
            let (_, listed) = approvals(state.path(), &["list", "--all", "--json"]).await;
            let approval: Value = serde_json::from_str(listed.trim()).expect("one JSON object");
            if approval["status"] != "pending" {
                return approval;
            }
        }
    };
    let approval = within(SOON, "the request is withdrawn", withdrawn).await;
    assert_eq!(approval["status"], "withdrawn");
    client.assert_usable("a cancelled call that was held").await;
    assert_eq!(store.stage().await, "active");
}

#[tokio::test]
async fn promotion_to_production_is_denied_by_argument() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    let version = json!({"name": "no-such-model", "version": "1", "stage": "Production"});
    for stage in ["Production", "production", "PRODUCTION"] {
        let mut arguments = version.clone();
        arguments["stage"] = json!(stage);
        let refused = session.call("transition_model_version_stage", &arguments).await;
        assert_eq!(rpc::assert_denied(&refused), "[POLICY DENIED] Production goes through CI.");
        let rule = &refused["result"]["_meta"]["bartizan/denial"]["rule"];
        assert_eq!(rule, "/tools/transition_model_version_stage/deny_if/0");
    }
    let mut arguments = version.clone();
    arguments["stage"] = json!("Staging");
    let passed = session.call("transition_model_version_stage", &arguments).await;
    // There is no such model, so the server says so: the call reached it.
    assert!(!rpc::text(&passed).starts_with("[POLICY DENIED]"), "{passed}");
}

#[tokio::test]
async fn the_audit_log_tells_and_is_proven() {
    let scene = Scene::new().await;
    let session = scene.session().await;
    let asked = ticket(&session.call("delete_run", &scene.run()).await);
    assert!(scene.approvals(&["approve", &asked, "--by", "ada"]).await.0);
    assert_done(&session.call("delete_run", &scene.run()).await);
    let Scene { state, serving, .. } = scene;
    serving.signal(Signal::TERM);
    let ended = serving.into_program().end().await;
    assert!(ended.status.success(), "{}", ended.log);

    let audit = async |arguments: &[&str]| {
        let mut command = gateway::bartizan(["audit"]);
        command.args(arguments).env("BARTIZAN_STATE_DIR", state.path());
        let output = within(SOON, "the audit verb ends", command.output()).await.expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (_, lines) = audit(&["query", "--json"]).await;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    let steps: Vec<&Value> = of("approval").iter().map(|line| &line["step"]).collect();
    assert_eq!(steps, ["requested", "approved"]);
    let calls: Vec<_> = of("decision").into_iter().filter(|line| line["target"] == "delete_run").collect();
    let verdicts: Vec<&Value> = calls.iter().map(|line| &line["verdict"]).collect();
    assert_eq!(verdicts, ["ask", "allow"]);
    assert!(calls.iter().all(|line| line["approval"] == asked.as_str()), "{calls:?}");
    assert!(lines.iter().all(|line| !line.to_string().contains("run_id\":\"")), "no value of an argument");
    // The configuration goes before the gateway does, which is told as well.
    let loads = of("load").iter().filter(|line| line["occasion"] == "start").count();
    assert_eq!((of("start").len(), of("stop").len(), loads), (1, 1, 1));

    assert!(audit(&["verify"]).await.0);
    let file = std::fs::read_dir(state.path().join("audit"))
        .expect("there is a log")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .expect("it has a file");
    let text = std::fs::read_to_string(&file).expect("it can be read");
    std::fs::write(&file, text.replacen("delete_run", "delete_rum", 1)).expect("it can be written");
    assert!(!audit(&["verify"]).await.0, "a changed line is found");
}
