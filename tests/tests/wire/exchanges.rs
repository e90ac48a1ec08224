//! Requests under way in both directions: whose answer, progress and cancellation is whose.

use bartizan_tests::fake_http::{self, FakeHttp, Reply};
use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use bartizan_tests::stdio::StdioClient;
use bartizan_tests::waiting;
use serde_json::{Value, json};

use crate::{FAKE, Record};

/// No arguments.
const NOTHING: Value = Value::Null;

fn allow() -> Value {
    json!({"version": "1", "default": "allow"})
}

/// Part of the client's answer to the fake server's question.
const ANSWER: &str = r#""id":"ask-1""#;
/// Part of a call that is not answered yet.
const HELD: &str = r#""name":"hold""#;

fn sample() -> Value {
    let content = json!({"type": "text", "text": "a sample"});
    let result = json!({"role": "assistant", "model": "m", "content": content});
    json!({"jsonrpc": "2.0", "id": "ask-1", "result": result})
}

#[tokio::test]
async fn a_server_asks_the_client_only_if_the_policy_lets_it() {
    let record = Record::new();
    let policy = json!({"version": "1", "default": "deny", "tools": {"ask": {}}});
    let policy = Document::policy(&policy);
    let command = gateway::run(&policy.path(), [FAKE, "--record", &record.path()]);
    let mut client = StdioClient::start(command).await;
    // The next message is the answer to the call: the question itself does not come.
    let answer = client.call("ask", &json!({})).await;
    let refusal: Value = serde_json::from_str(rpc::text(&answer)).unwrap();
    let (code, message) = rpc::error(&refusal);
    assert_eq!(code, 403, "{refusal}");
    assert_eq!(message, "[POLICY DENIED] The policy does not allow sampling/createMessage.");
    assert_eq!(record.count(ANSWER), 1);
}

#[tokio::test]
async fn the_clients_answer_reaches_the_server_once() {
    let record = Record::new();
    let policy = Document::policy(&allow());
    let command = gateway::run(&policy.path(), [FAKE, "--record", &record.path()]);
    let mut client = StdioClient::start(command).await;
    client.send(&sample()).await;
    client.assert_usable("an answer to no question").await;
    assert_eq!(record.count(ANSWER), 0, "nobody had asked");

    client.send(&rpc::call("c", "ask", &json!({}))).await;
    let question = client.message().await;
    assert_eq!((&question["id"], &question["method"]), (&json!("ask-1"), &json!("sampling/createMessage")));
    for _ in 0..2 {
        client.send(&sample()).await;
    }
    let answer = client.message().await;
    assert_eq!(answer["id"], "c", "{answer}");
    assert_eq!(serde_json::from_str::<Value>(rpc::text(&answer)).unwrap(), sample());
    client.assert_usable("a second answer").await;
    assert_eq!(record.count(ANSWER), 1);
}

#[tokio::test]
async fn a_question_comes_over_the_sessions_stream_from_a_server_on_pipes() {
    let serving = Serving::start(&json!({"fake": gateway::server(FAKE, &[], &allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let mut stream = session.listen().await;
    let (answer, ()) = tokio::join!(session.call("ask", &NOTHING), async {
        assert_eq!(stream.message().await["id"], "ask-1");
        session.answer(&sample()).await;
    });
    assert!(rpc::text(&answer).contains("a sample"), "{answer}");
}

#[tokio::test]
async fn what_comes_before_a_stream_is_open_waits_for_it() {
    let serving = Serving::start(&json!({"fake": gateway::server(FAKE, &[], &allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let (answer, ()) = tokio::join!(session.call("ask", &NOTHING), async {
        waiting::until("the question is judged", || serving.log().contains("sampling/createMessage")).await;
        assert_eq!(session.listen().await.message().await["id"], "ask-1");
        session.answer(&sample()).await;
    });
    assert!(rpc::text(&answer).contains("a sample"), "{answer}");
}

#[tokio::test]
async fn a_question_comes_over_the_calls_stream_from_a_server_over_http() {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let streams = std::sync::Mutex::new(Some(receiver));
    let server = FakeHttp::start(move |received| match received.method() {
        "tools/list" => Reply::Result(json!({"tools": [{"name": "ask"}]})),
        "tools/call" => match streams.lock().unwrap().take() {
            Some(stream) => Reply::Stream(stream),
            None => Reply::Status(500),
        },
        _ => Reply::Usual,
    })
    .await;
    let serving = Serving::start(&json!({"fake": server.server(&allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let question = rpc::request("ask-1", "sampling/createMessage", &json!({"messages": [], "maxTokens": 1}));
    sender.send(fake_http::event(&question)).await.unwrap();
    let mut stream = session.stream(&rpc::call(7, "ask", &json!({}))).await;
    assert_eq!(stream.message().await, question);
    for _ in 0..2 {
        session.answer(&sample()).await;
    }
    // The id by which the server knows the call is between it and the gateway.
    let called = server.received().into_iter().find(|received| received.method() == "tools/call").unwrap();
    let answer = |id: &Value| json!({"jsonrpc": "2.0", "id": id, "result": {"content": []}});
    sender.send(fake_http::event(&answer(&called.message["id"]))).await.unwrap();
    assert_eq!(stream.message().await, answer(&json!(7)));
    assert_eq!(stream.rest().await, [NOTHING; 0], "the answer is the end");
    let samples = server.received().into_iter().filter(|received| received.message["id"] == "ask-1").count();
    assert_eq!(samples, 1, "a second answer is dropped");
}

#[tokio::test]
async fn progress_reaches_the_call_that_wants_it() {
    let record = Record::new();
    let serving = Serving::start(&json!({"fake": record.server(&allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let hold = |id: u32, token: Value| {
        let params = json!({"name": "hold", "arguments": {}, "_meta": {"progressToken": token}});
        rpc::request(id, "tools/call", &params)
    };
    // The same digits, another type: two tokens.
    let (first, second) = (hold(101, json!(7)), hold(102, json!("7")));
    let release = async {
        record.until(HELD, 2).await;
        assert_eq!(rpc::text(&session.call("release", &NOTHING).await), "released");
    };
    let (first, second, ()) = tokio::join!(session.stream(&first), session.stream(&second), release);
    for (stream, id, token) in [(first, 101, json!(7)), (second, 102, json!("7"))] {
        let messages = stream.rest().await;
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert_eq!(messages[0]["params"]["progressToken"], token, "{messages:?}");
        assert_eq!(messages[1]["id"], id, "{messages:?}");
    }
}

#[tokio::test]
async fn an_id_is_taken_until_its_request_is_answered() {
    let record = Record::new();
    let serving = Serving::start(&json!({"fake": record.server(&allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let echo = |id: Value| rpc::call(id, "echo", &json!({})).to_string();
    let held = rpc::call(7, "hold", &json!({})).to_string();
    let meanwhile = async {
        record.until(HELD, 1).await;
        let refused = session.post(echo(json!(7))).await.json();
        assert_eq!(refused["id"], 7, "{refused}");
        assert_eq!(rpc::error(&refused), (-32602, "a request with this id is under way"));
        // It is a string, and another id.
        assert!(rpc::text(&session.post(echo(json!("7"))).await.json()).contains("echo"));
        assert_eq!(record.count("echo"), 1, "what is refused does not reach the server");
        session.call("release", &NOTHING).await;
    };
    let (answer, ()) = tokio::join!(session.post(held), meanwhile);
    assert_eq!(rpc::text(&answer.json()), "held");
    assert!(rpc::text(&session.post(echo(json!(7))).await.json()).contains("echo"));
}

/// The gateway asks the server for its list by itself: no id of a client may get in the way of that.
#[tokio::test]
async fn a_client_may_use_any_id_and_gets_it_back_as_it_was() {
    for id in [r#""bartizan:0""#, "0", "1", "2", r#""1""#, "-3", "9007199254740993", r#""""#] {
        let serving = Serving::start(&json!({"fake": gateway::server(FAKE, &[], &allow())})).await;
        let session = Session::begin(serving.url("fake")).await;
        let call =
            rpc::call(7, "echo", &json!({})).to_string().replace(r#""id":7"#, &format!(r#""id":{id}"#));
        let answer = session.post(call).await;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            body.contains(&format!(r#""id":{id},"#)) || body.contains(&format!(r#""id":{id}}}"#)),
            "{body}"
        );
        assert!(rpc::text(&answer.json()).contains("echo"), "{id}: {body}");
    }
}

#[tokio::test]
async fn cancelling_a_request_frees_its_id() {
    let record = Record::new();
    let serving = Serving::start(&json!({"fake": record.server(&allow())})).await;
    let session = Session::begin(serving.url("fake")).await;
    let held = rpc::call(7, "hold", &json!({})).to_string();
    let meanwhile = async {
        record.until(HELD, 1).await;
        session.notify("notifications/cancelled", &json!({"requestId": 7})).await;
    };
    let (answer, ()) = tokio::join!(session.post(held), meanwhile);
    assert_eq!((answer.status, answer.json()), (200, Value::Null), "nobody waits for an answer");
    record.until("notifications/cancelled", 1).await;
    let known = record.id_of(HELD);
    let cancelled = format!(r#""requestId":{known}"#);
    assert_eq!(record.count(&cancelled), 1, "the server is told which: {cancelled}");

    let echo = rpc::call(7, "echo", &json!({})).to_string();
    assert!(rpc::text(&session.post(echo).await.json()).contains("echo"));
    // The server answers it nevertheless: that is an answer to nothing now.
    assert_eq!(rpc::text(&session.call("release", &NOTHING).await), "released");
    session.assert_usable("a late answer").await;
}

#[tokio::test]
async fn a_cancelled_request_is_not_answered_over_stdio() {
    let policy = Document::policy(&allow());
    let mut client = StdioClient::start(gateway::run(&policy.path(), [FAKE])).await;
    client.request("tools/list", &json!({})).await;
    client.send(&rpc::call("held", "hold", &NOTHING)).await;
    client.send(&rpc::notification("notifications/cancelled", &json!({"requestId": "held"}))).await;
    // The server answers `hold` before `release`; the client's next message is the latter's answer.
    assert_eq!(rpc::text(&client.call("release", &NOTHING).await), "released");
}

/// The gateway has to read the server's list before it can judge the call, and the client does not wait.
#[tokio::test]
async fn a_call_that_is_cancelled_before_it_is_judged_is_not_made() {
    let record = Record::new();
    let policy = Document::policy(&allow());
    let command =
        gateway::run(&policy.path(), [FAKE, "--record", &record.path(), "--list-after", "logging/setLevel"]);
    let mut client = StdioClient::start(command).await;
    client.send(&rpc::call("early", "echo", &NOTHING)).await;
    client.send(&rpc::notification("notifications/cancelled", &json!({"requestId": "early"}))).await;
    // Lets the server answer with its list; what waited for it goes on.
    client.request("logging/setLevel", &json!({"level": "info"})).await;
    assert_eq!(rpc::text(&client.call("release", &NOTHING).await), "released");
    assert_eq!(record.count(r#""name":"echo""#), 0, "the cancelled call reached the server");
}
