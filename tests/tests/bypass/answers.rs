//! Classes 11 and 12: servers that answer what nobody asked, more than once, for others, or that ask; and ids
//! that are not what they seem.

use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::hostile_http::{HostileHttp, events, framed, list, message, status, stream, text};
use bartizan_tests::http::{Http, Session};
use bartizan_tests::rpc;
use bartizan_tests::stdio::StdioClient;
use bartizan_tests::waiting::{SOON, within};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::modern::{Modern, SUBSCRIPTION, TASKS};
use crate::{HOSTILE, Record, allow, hide};

/// No arguments.
const NOTHING: Value = Value::Null;

fn serve_hostile() -> Value {
    json!({"hostile": gateway::server(HOSTILE, &[], &hide())})
}

/// Catches: `Flights::arrive` taking a number that is not under way, or one that looks like it.
#[tokio::test]
async fn guessed_ids_answer_nothing() {
    let serving = Serving::start(&serve_hostile()).await;
    let session = Session::begin(serving.url("hostile")).await;
    let modern = Modern::new(serving.url("hostile"));
    for _ in 0..2 {
        assert_eq!(rpc::text(&session.call("guess", &NOTHING).await), "guess");
        assert_eq!(rpc::text(&modern.call("guess", &NOTHING).await), "guess");
    }
    // The numbers that were guessed before they were given are not spent.
    session.assert_usable("guesses").await;
    assert_eq!(rpc::text(&modern.call("echo", &NOTHING).await), "echo");
}

/// Catches: `Session::hang_up` leaving the flight of a cancelled request where its answer finds it.
#[tokio::test]
async fn the_answer_to_a_cancelled_call_reaches_nobody() {
    let policy = Document::policy(&allow());
    let mut client = StdioClient::start(gateway::run(&policy.path(), [HOSTILE])).await;
    client.request("tools/list", &json!({})).await;
    client.send(&rpc::call("held", "hold", &NOTHING)).await;
    client.send(&rpc::notification("notifications/cancelled", &json!({"requestId": "held"}))).await;
    // The server answers the cancelled call before this one.
    assert_eq!(rpc::text(&client.call("echo", &NOTHING).await), "echo");
}

/// Catches: a question that goes to a client which has not shaken hands, or to whom nobody can put one
/// (`Session::server_request`).
#[tokio::test]
async fn a_question_is_put_to_nobody_who_cannot_be_asked() {
    let question = rpc::request("early", "sampling/createMessage", &json!({"messages": [], "maxTokens": 1}));
    let record = Record::new();
    let policy = Document::policy(&allow());
    let options = ["--record", &record.path(), "--early", &question.to_string()];
    let mut client =
        StdioClient::start(gateway::run(&policy.path(), std::iter::once(HOSTILE).chain(options))).await;
    // Its first message was the answer to `initialize`. An answer to the question is one to nothing.
    client.send(&json!({"jsonrpc": "2.0", "id": "early", "result": {}})).await;
    client.assert_usable("an early question").await;
    assert_eq!(record.count("early"), 0);

    let server = HostileHttp::start(&["echo"], move |received| {
        let answer = received.answer(&text("echo"));
        received.calls("echo").then(|| events(framed(&[question.clone(), answer])))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let client = Modern::able(serving.url("hostile"), json!({"sampling": {}, "elicitation": {}}));
    let call = client.message("tools/call", &json!({"name": "echo", "arguments": {}}));
    let body = client.post(&call, &[]).await.body;
    assert!(!String::from_utf8_lossy(&body).contains("sampling"), "{body:?}");
}

/// Catches: a method of the client's that a server asks for (`Direction` in `Session::server_request`), and a
/// method that nobody knows, under a default of deny.
#[tokio::test]
async fn a_server_cannot_ask_for_what_clients_ask_servers() {
    let record = Record::new();
    let policy = json!({"version": "1", "default": "deny", "tools": {"whisper": {}}});
    let policies = [
        (allow(), "tools/call"),
        (allow(), "initialize"),
        (policy.clone(), "x/take"),
        (policy, "roots/list"),
    ];
    for (index, (policy, method)) in policies.into_iter().enumerate() {
        let policy = Document::policy(&policy);
        let command = gateway::run(&policy.path(), [HOSTILE, "--record", &record.path()]);
        let mut client = StdioClient::start(command).await;
        let ask = rpc::request("ask", method, &json!({"name": "delete_run", "arguments": {}}));
        // The next message is the answer to the call, so the question has not come.
        let answer = client.call("whisper", &json!({"messages": [ask]})).await;
        assert_eq!(rpc::text(&answer), "whisper", "{method}");
        record.until("[POLICY DENIED]", index + 1).await;
    }
}

/// Catches: `Session::ask` without a bound, and a question that is passed on although there were too many.
#[tokio::test]
async fn questions_that_nobody_answers_are_bounded() {
    let record = Record::new();
    let serving = Serving::start_with(json!({
        "limits": {"in_flight": 10},
        "mcpServers": {"hostile": record.server(HOSTILE, &allow())},
    }))
    .await;
    let session = Session::begin(serving.url("hostile")).await;
    assert_eq!(rpc::text(&session.call("pester", &json!({"count": 50})).await), "pester");
    record.until("too much that is not answered yet", 40).await;
    assert_eq!(record.count("too much that is not answered yet"), 40);
    // Each answer makes room for another question.
    session.answer(&json!({"jsonrpc": "2.0", "id": "question-0", "result": {}})).await;
    record.until("\"id\":\"question-0\"", 1).await;
    let again = rpc::request("once more", "sampling/createMessage", &json!({"messages": [], "maxTokens": 1}));
    session.call("whisper", &json!({"messages": [again.clone(), again]})).await;
    // The second of one id is refused.
    record.until("too much that is not answered yet", 41).await;
    assert_eq!(record.count("too much that is not answered yet"), 41);
}

/// Catches: the server's `notifications/cancelled` about what it has not asked (`Session::address`): its id
/// would be read as one of the client's.
#[tokio::test]
async fn a_server_cancels_only_what_it_has_asked() {
    let policy = Document::policy(&allow());
    let mut client = StdioClient::start(gateway::run(&policy.path(), [HOSTILE])).await;
    let cancel = |id: &Value| rpc::notification("notifications/cancelled", &json!({"requestId": id}));
    let ask = rpc::request("q", "sampling/createMessage", &json!({"messages": [], "maxTokens": 1}));
    let messages =
        [cancel(&json!(1)), cancel(&json!("q")), ask.clone(), cancel(&json!("q")), cancel(&json!("q"))];
    client.send(&rpc::call("w", "whisper", &json!({"messages": messages}))).await;
    assert_eq!(client.message().await, ask);
    assert_eq!(client.message().await, cancel(&json!("q")));
    assert_eq!(rpc::text(&client.message().await), "whisper", "and nothing else");
}

/// Catches: one client's notifications in the stream of another, where the session is shared: by progress
/// token, by subscription, and by neither (`Session::address`).
#[tokio::test]
async fn what_belongs_to_one_client_comes_to_no_other() {
    let (sender, receiver) = tokio::sync::mpsc::channel(16);
    let streams = std::sync::Mutex::new(Some(receiver));
    let server = HostileHttp::start(&["wait", "echo"], move |received| {
        let stream_of = || streams.lock().expect("nobody panics with it").take().map(stream);
        match received.method() {
            "subscriptions/listen" => Some(events(framed(&[rpc::notification(
                "notifications/subscriptions/acknowledged",
                &json!({"_meta": {SUBSCRIPTION: received.message["id"]}, "notifications": {"toolsListChanged": true}}),
            )]))),
            "tools/call" if received.calls("wait") => stream_of(),
            _ => None,
        }
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let (one, other) = (Modern::new(serving.url("hostile")), Modern::new(serving.url("hostile")));
    let wait = one
        .message("tools/call", &json!({"name": "wait", "arguments": {}, "_meta": {"progressToken": "own"}}));
    // Whatever it says about others, only what is about this call comes.
    let number = |server: &HostileHttp| {
        let received = server.received();
        let call = received.iter().find(|received| received.calls("wait"));
        call.map(|received| received.message["id"].clone())
    };
    let opening = one.stream(&wait);
    let feed = async {
        bartizan_tests::waiting::until("the call came", || number(&server).is_some()).await;
        let number = number(&server).expect("it was waited for");
        let progress = |token: &Value| {
            rpc::notification("notifications/progress", &json!({"progressToken": token, "progress": 1}))
        };
        let elsewhere = json!(number.as_u64().expect("our numbers are integers") + 1);
        let changed = json!({"_meta": {SUBSCRIPTION: elsewhere}});
        let messages = [
            progress(&json!("own")),
            progress(&elsewhere),
            progress(&json!(number.to_string())),
            rpc::notification("notifications/tools/list_changed", &changed),
            rpc::notification("notifications/tools/list_changed", &json!({"_meta": {SUBSCRIPTION: number}})),
            json!({"jsonrpc": "2.0", "id": elsewhere, "result": text("another's")}),
            progress(&number),
            json!({"jsonrpc": "2.0", "id": number, "result": text("wait")}),
        ];
        sender.send(framed(&messages).into()).await.expect("the gateway reads");
        drop(sender);
    };
    let (mut events, ()) = tokio::join!(opening, feed);
    let first = events.next().await.expect("there is progress");
    assert_eq!(first["params"]["progressToken"], "own", "{first}");
    let last = events.next().await.expect("there is an answer");
    assert_eq!((rpc::text(&last), &last["id"]), ("wait", &wait["id"]), "{last}");
    assert_eq!(events.next().await, None);
    assert_eq!(rpc::text(&other.call("echo", &NOTHING).await), "echo");
}

/// Catches: a task whose id another call has begun (`Tasks::begin`), and one that nobody has (`judge_request`).
#[tokio::test]
async fn a_task_belongs_to_the_call_that_began_it() {
    let server = HostileHttp::start(&["a", "b"], |received| {
        let task = json!({"resultType": "task", "taskId": "one", "status": "working", "ttlMs": 60000,
            "createdAt": "2026-07-28T00:00:00Z", "lastUpdatedAt": "2026-07-28T00:00:00Z"});
        match received.method() {
            "tools/call" => Some(message(&received.answer(&task))),
            "tasks/get" | "tasks/cancel" | "tasks/update" => {
                Some(message(&received.answer(&text("of a task"))))
            }
            _ => None,
        }
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let client = Modern::able(serving.url("hostile"), json!({"extensions": {TASKS: {}}}));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let early = client.request(method, &json!({"taskId": "one"})).await;
        assert_eq!(rpc::error(&early), (-32602, "Unknown task: one"), "{method}");
    }
    assert_eq!(client.call("a", &NOTHING).await["result"]["taskId"], "one");
    let again = client.call("b", &NOTHING).await;
    assert_eq!(rpc::error(&again).0, -32603, "{again}");
    assert!(client.request("tasks/get", &json!({"taskId": "one"})).await["result"].is_object());
    let unable = Modern::new(serving.url("hostile")).request("tasks/get", &json!({"taskId": "one"})).await;
    assert_eq!(rpc::error(&unable).0, -32021, "{unable}");
    assert_eq!(server.count(|received| received.method().starts_with("tasks/")), 1);
}

/// Catches: a list that is not filtered since it comes on a stream that was taken up again, or on one of the
/// server's own, or as an answer to nothing (`Session::server_response`).
#[tokio::test]
async fn a_list_is_filtered_wherever_it_comes() {
    let asked = std::sync::Mutex::new(Value::Null);
    let server = HostileHttp::start(&[], move |received| {
        let mut asked = asked.lock().expect("nobody panics with it");
        let resumes = received.headers.get("last-event-id").is_some_and(|id| id == "7");
        match (received.http_method.as_str(), received.method()) {
            ("POST", "tools/list") => {
                *asked = received.message.clone();
                Some(events("id: 7\nretry: 0\ndata: \n\n"))
            }
            ("GET", _) if resumes && !asked.is_null() => {
                let names = list(&["a", "delete_run"]);
                let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": names});
                let stray = json!({"jsonrpc": "2.0", "id": "stray", "result": names});
                Some(events(framed(&[stray, answer.clone(), answer])))
            }
            ("GET", _) => Some(status(405)),
            _ => None,
        }
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&hide())})).await;
    let session = Session::begin(serving.url("hostile")).await;
    let paused = session.post(rpc::request(1, "tools/list", &json!({})).to_string()).await;
    // The client is told to come back as well.
    let body = String::from_utf8_lossy(&paused.body).into_owned();
    let last = body.lines().rev().find_map(|line| line.strip_prefix("id: ")).expect("the events have ids");
    let headers =
        [&[("accept", "text/event-stream"), ("last-event-id", last)], &session.headers()[..]].concat();
    let answer = Http::default().send("GET", serving.url("hostile"), &headers, Bytes::new()).await;
    assert_eq!(rpc::tools(&answer.json()), ["a"]);
    assert!(!String::from_utf8_lossy(&answer.body).contains("delete_run"));
}

/// Catches: a kind of result that is none of the era, or that the client has not asked for
/// (`Session::check_kind`), and questions that the policy was not asked about.
#[tokio::test]
async fn a_result_of_a_wrong_kind_is_withheld() {
    let question = json!({"q": {"method": "elicitation/create", "params": {"message": "your password?"}}});
    let kinds =
        [json!("input_required"), json!("task"), json!("Input_Required"), json!("x"), json!(1), Value::Null];
    let answers = kinds.clone();
    let server = HostileHttp::start(&["0", "1", "2", "3", "4", "5"], move |received| {
        let params = &received.message["params"];
        let index: usize = match received.method() {
            "tools/call" => params["name"].as_str()?.parse().ok()?,
            "prompts/list" | "x/vendor" | "completion/complete" => 0,
            _ => return None,
        };
        let result = json!({"resultType": answers.get(index)?, "inputRequests": question, "requestState": "s",
            "taskId": "t", "content": [], "prompts": []});
        Some(message(&received.answer(&result)))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let url = serving.url("hostile");
    let (able, unable) = (Modern::able(url, json!({"elicitation": {}})), Modern::new(url));
    let (session, nothing) = (Session::begin(url).await, json!({}));
    for (index, kind) in kinds.iter().enumerate() {
        let name = index.to_string();
        let unwilling = unable.call(&name, &nothing).await;
        assert!(unwilling["error"].is_object(), "{kind}: {unwilling}");
        let answer = able.call(&name, &nothing).await;
        assert_eq!(answer["error"].is_object(), index != 0, "{kind}: {answer}");
        // Before that era there were no kinds; what looks like a question is withheld all the same.
        let answer = session.call(&name, &nothing).await;
        assert_eq!(answer["error"].is_object(), index == 0, "{kind}: {answer}");
    }
    let reference =
        json!({"ref": {"type": "ref/resource", "uri": "test://a"}, "argument": {"name": "a", "value": ""}});
    for (method, params) in
        [("prompts/list", &nothing), ("x/vendor", &nothing), ("completion/complete", &reference)]
    {
        let answer = able.request(method, params).await;
        assert!(answer["error"].is_object(), "{method} asks: {answer}");
        assert!(session.request(method, params).await["error"].is_object(), "{method} asks");
    }
}

/// Catches: a line that is no message ending the session or passing through (`stdio::take_lines`); an array
/// read where the revision has none.
#[tokio::test]
async fn garbage_on_standard_output_passes_by() {
    let serving = Serving::start(&serve_hostile()).await;
    let session = Session::begin(serving.url("hostile")).await;
    assert_eq!(rpc::text(&session.call("garbage", &NOTHING).await), "garbage");
    let batch = session.call("batch", &NOTHING).await;
    assert_eq!(rpc::error(&batch).0, -32603, "{batch}");
    session.assert_usable("garbage").await;
}

/// Catches: a call that waits for ever, since the line that answers it is too long to be read
/// (`stdio::take_lines`).
#[tokio::test]
async fn a_line_without_end_is_an_error_of_its_own_call() {
    let serving = Serving::start_with(json!({
        "limits": {"response": 65536},
        "mcpServers": {"hostile": gateway::server(HOSTILE, &[], &allow())},
    }))
    .await;
    let session = Session::begin(serving.url("hostile")).await;
    let modern = Modern::new(serving.url("hostile"));
    for is_first in [true, false] {
        for bytes in [70_000, 100 << 20] {
            let arguments = json!({"bytes": bytes, "first": is_first});
            for answer in [session.call("long", &arguments).await, modern.call("long", &arguments).await] {
                let (code, text) = rpc::error(&answer);
                assert_eq!(code, -32603, "{text}");
                assert!(text.contains("longer than 65536 bytes"), "{text}");
            }
        }
    }
    session.assert_usable("long lines").await;
}

/// Catches: half a message taken for one, and calls that wait for a server that has gone.
#[tokio::test]
async fn half_an_answer_is_none() {
    let serving = Serving::start(&serve_hostile()).await;
    let modern = Modern::new(serving.url("hostile"));
    let session = Session::begin(serving.url("hostile")).await;
    for answer in [session.call("half", &NOTHING).await, modern.call("half", &NOTHING).await] {
        assert_eq!(rpc::error(&answer).0, -32603, "{answer}");
    }
    let gone = session.post(rpc::request(9, "ping", &json!({})).to_string()).await;
    assert_eq!(gone.status, 404);
    within(SOON, "the server is started again", async {
        while modern.call("echo", &NOTHING).await.get("result").is_none() {}
    })
    .await;
}

/// Catches: bytes that two readers of event streams understand differently (`sse::Parser`).
#[tokio::test]
async fn events_are_read_whole_whatever_their_pieces() {
    let server = HostileHttp::start(&["echo"], |received| {
        let answer = received.answer(&text("gr\u{fc}\u{df}e \u{1f600}"));
        let bytes = format!("\u{feff}: c\rid: 1\r\ndata: {answer}\r\r").into_bytes();
        let (sender, receiver) = tokio::sync::mpsc::channel(bytes.len());
        for byte in bytes {
            sender.try_send(Bytes::copy_from_slice(&[byte])).ok()?;
        }
        received.calls("echo").then(|| stream(receiver))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let session = Session::begin(serving.url("hostile")).await;
    assert_eq!(rpc::text(&session.call("echo", &NOTHING).await), "gr\u{fc}\u{df}e \u{1f600}");
    let modern = Modern::new(serving.url("hostile"));
    assert_eq!(rpc::text(&modern.call("echo", &NOTHING).await), "gr\u{fc}\u{df}e \u{1f600}");
}
