//! Arrays of messages: a part of 2025-03-26 and of no other revision.

use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::{Answer, Headers, Http, POST};
use bartizan_tests::program::Program;
use bartizan_tests::rpc;
use serde_json::{Value, json};

use crate::{ERA, era};

const BATCHES: &str = "2025-03-26";

fn policy() -> Value {
    json!({"version": "1", "default": "allow", "hide": ["secret"], "tools": {"erase": {"action": "deny"}}})
}

fn initialize(revision: &str) -> Value {
    let mut message = rpc::initialize(0);
    message["params"]["protocolVersion"] = json!(revision);
    message
}

/// What is sent, and the answers by id.
fn batch() -> Value {
    json!([
        rpc::call("allowed", "echo", &json!({"n": 1})),
        rpc::call("denied", "erase", &json!({})),
        rpc::notification("notifications/progress", &json!({"progressToken": 1, "progress": 1})),
        rpc::call("hidden", "secret", &json!({})),
        rpc::request("list", "tools/list", &json!({})),
        initialize(BATCHES),
        {"jsonrpc": "1.0", "id": 7, "method": "ping"},
    ])
}

#[track_caller]
fn assert_answers(answers: &Value) {
    let answers = answers.as_array().unwrap_or_else(|| panic!("{answers} is no array"));
    let of = |id: Value| {
        let found: Vec<&Value> = answers.iter().filter(|answer| answer["id"] == id).collect();
        let [answer] = found[..] else { panic!("not one answer to {id}: {answers:?}") };
        answer
    };
    assert!(rpc::text(of(json!("allowed"))).contains(r#""tool":"echo""#));
    rpc::assert_denied(of(json!("denied")));
    rpc::assert_unknown_tool(of(json!("hidden")), "secret");
    let tools = rpc::tools(of(json!("list")));
    assert!(tools.contains(&"erase") && !tools.contains(&"secret"), "{tools:?}");
    rpc::error(of(Value::Null));
    assert_eq!(answers.len(), 6, "{answers:?}");
}

struct Client {
    url: String,
    id: String,
}

impl Client {
    async fn begin(url: &str, revision: &str) -> Self {
        let answer = Http::default().send("POST", url, POST, initialize(revision).to_string()).await;
        let id = answer.header("mcp-session-id").expect("the handshake succeeds").to_owned();
        Self { url: url.to_owned(), id }
    }

    async fn post(&self, message: &Value) -> Answer {
        let session: &Headers<'_> = &[("mcp-session-id", &self.id)];
        Http::default().send("POST", &self.url, &[POST, session].concat(), message.to_string()).await
    }
}

#[tokio::test]
async fn each_message_of_an_array_is_judged_by_itself_over_http() {
    let serving = Serving::start(&json!({"era": era("legacy", &policy())})).await;
    let client = Client::begin(serving.url("era"), BATCHES).await;
    let answer = client.post(&batch()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answers = answer.json();
    let refused = answers.as_array().and_then(|all| all.iter().find(|answer| answer["id"] == 0));
    assert_eq!(rpc::error(refused.expect("`initialize` is answered")).0, -32602, "{answers}");
    assert_answers(&answers);

    let one = client.post(&json!([rpc::request(1, "ping", &json!({}))])).await;
    assert_eq!(one.json(), json!([{"jsonrpc": "2.0", "id": 1, "result": {}}]), "one is an array as well");
    let none = client.post(&json!([rpc::notification("notifications/initialized", &json!({}))])).await;
    assert_eq!((none.status, none.body.len()), (202, 0));
    let empty = client.post(&json!([])).await;
    assert_eq!((empty.status, rpc::error(&empty.json()).0), (400, -32600), "{empty:?}");
}

#[tokio::test]
async fn each_message_of_an_array_is_judged_by_itself_on_pipes() {
    let policy = Document::policy(&policy());
    let mut program = Program::start(gateway::run(&policy.path(), [ERA, "--era", "legacy"]));
    let mut send = async |message: Value| {
        program.write(format!("{message}\n").as_bytes()).await;
        let line = program.line().await.expect("it is answered");
        serde_json::from_str::<Value>(&line).expect("the gateway writes JSON")
    };
    assert_eq!(send(initialize(BATCHES)).await["result"]["protocolVersion"], BATCHES);
    let mut messages = batch();
    messages.as_array_mut().expect("it is an array").retain(|message| message["method"] != "initialize");
    let mut answers = send(messages).await;
    // The handshake in an array is only refused over HTTP by the gateway itself.
    answers.as_array_mut().expect("an array is answered by one").push(json!({"id": "none"}));
    assert_answers(&answers);
    let one = send(json!([rpc::request(1, "ping", &json!({}))])).await;
    assert_eq!(one, json!([{"jsonrpc": "2.0", "id": 1, "result": {}}]));
}

#[tokio::test]
async fn no_other_revision_has_arrays() {
    let serving = Serving::start(&json!({"era": era("legacy", &policy())})).await;
    let message = json!([rpc::request(1, "ping", &json!({}))]);
    for revision in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let client = Client::begin(serving.url("era"), revision).await;
        let answer = client.post(&message).await;
        assert_eq!((answer.status, rpc::error(&answer.json()).0), (400, -32600), "{revision}: {answer:?}");
        let ping = client.post(&rpc::request(1, "ping", &json!({}))).await;
        assert_eq!((ping.status, ping.json()["result"].clone()), (200, json!({})), "{revision}");

        let policy = Document::policy(&policy());
        let mut program = Program::start(gateway::run(&policy.path(), [ERA, "--era", "legacy"]));
        program.write(format!("{}\n", initialize(revision)).as_bytes()).await;
        program.line().await.expect("the handshake is answered");
        program.write(format!("{message}\n").as_bytes()).await;
        let line = program.line().await.expect("it is answered");
        let answer: Value = serde_json::from_str(&line).expect("the gateway writes JSON");
        assert_eq!((rpc::error(&answer).0, &answer["id"]), (-32600, &Value::Null), "{revision}");
    }
    let without = Http::default().send("POST", serving.url("era"), POST, message.to_string()).await;
    assert_eq!(without.status, 400, "without a session there is no revision: {without:?}");
}
