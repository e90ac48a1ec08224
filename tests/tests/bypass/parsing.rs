//! Classes 2, 3 and 4: bodies that one reader takes for one thing and another for something else. What goes
//! over stdio, and the whole table over HTTP in the legacy era, is in `wire/smuggling.rs`.

use bartizan_tests::connection::Raw;
use bartizan_tests::environment::{self, Sdk};
use bartizan_tests::gateway::Serving;
use bartizan_tests::http::{Http, POST};
use bartizan_tests::mlflow::Store;
use bartizan_tests::served::Served;
use bartizan_tests::workshop::Workshop;
use bartizan_tests::{everything, rpc};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::modern::Modern;
use crate::{FAKE, Record};

/// Shakes hands with a server by a revision; the headers of a request after that.
async fn begin(url: &str, revision: &str) -> Vec<(&'static str, String)> {
    let mut initialize = rpc::initialize(0);
    initialize["params"]["protocolVersion"] = json!(revision);
    let answer = Http::default().send("POST", url, POST, initialize.to_string()).await;
    let id = answer.header("mcp-session-id").expect("there is a session").to_owned();
    let headers = vec![("mcp-session-id", id), ("mcp-protocol-version", revision.to_owned())];
    let done = rpc::notification("notifications/initialized", &json!({})).to_string();
    post(url, &headers, done).await;
    headers
}

async fn post(url: &str, headers: &[(&'static str, String)], body: impl Into<bytes::Bytes>) -> (u16, String) {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = Http::default().send("POST", url, &[POST, &headers].concat(), body).await;
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

/// Class 2. Catches: an array passed on in a revision that has none (`Front::batch`, `Message::parse`). The real
/// server carries it out.
#[tokio::test]
async fn a_batch_is_refused_where_there_is_none() {
    let server = Served::start(everything::over_http()).await;
    let call = |id: u32| rpc::call(id, "echo", &json!({"message": "smuggled"}));
    let (one, nested) = (json!([call(1)]), json!([[call(2)]]));
    let direct = begin(server.url(), rpc::REVISION).await;
    let (_, body) = post(server.url(), &direct, one.to_string()).await;
    assert!(body.contains("smuggled"), "else this proves nothing: {body}");

    let policy = json!({"version": "1", "default": "allow", "hide": ["echo"]});
    let record = Record::new();
    let serving = Serving::start(&json!({
        "real": {"url": server.url(), "policy": policy},
        "fake": record.server(FAKE, &policy),
    }))
    .await;
    let with_answer = json!([{"jsonrpc": "2.0", "id": 1, "result": {}}, call(3)]);
    for name in ["real", "fake"] {
        let url = serving.url(name);
        let headers = begin(url, rpc::REVISION).await;
        for batch in [&one, &nested, &with_answer, &json!([])] {
            let (status, body) = post(url, &headers, batch.to_string()).await;
            assert!(status == 400 && !body.contains("smuggled"), "{name} {batch}: {status} {body}");
        }
        // In the modern era, by its headers.
        let call =
            Modern::new(url).message("tools/call", &json!({"name": "echo", "arguments": {"message": "m"}}));
        let headers: Vec<(&str, String)> = Modern::headers(&call);
        assert_eq!(post(url, &headers, json!([call]).to_string()).await.0, 400);
    }
    // Where there are batches, each of their messages is judged.
    let url = serving.url("fake");
    let headers = begin(url, "2025-03-26").await;
    let (status, body) = post(url, &headers, with_answer.to_string()).await;
    assert!(status == 200 && body.contains("Unknown tool: echo"), "{status} {body}");
    let (_, body) = post(url, &headers, nested.to_string()).await;
    assert!(!body.contains("smuggled") && body.contains("error"), "{body}");
    assert_eq!(record.calls("echo"), 0);
}

/// How the text of a call is written.
type Form<'f> = dyn Fn(&str) -> Vec<u8> + 'f;

/// Classes 3 and 4, against the readers of bytes of a real server that is lenient: MLflow's, over HTTP.
/// Catches: bytes that are passed on as they came (`Document::parse`, `check_content_type`).
#[tokio::test]
async fn bytes_that_a_real_server_takes_for_a_call_are_refused() {
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let marked = |text: &str| -> Vec<u8> { format!("\u{feff}{text}").into_bytes() };
    let nan =
        |text: &str| -> Vec<u8> { text.replace(r#""arguments":{"#, r#""arguments":{"x":NaN,"#).into_bytes() };
    let twice =
        |text: &str| -> Vec<u8> { text.replace(r#""name":"#, r#""name":"get_run","name":"#).into_bytes() };
    let forms: [(&str, &Form<'_>); 4] =
        [("UTF-16", &utf16), ("a byte order mark", &marked), ("not a number", &nan), ("two names", &twice)];
    // One run for the gateway, and one for each form that is sent without it.
    let guarded = Store::new().await;
    let server = serve_mlflow(&guarded).await;
    let policy = json!({"version": "1", "default": "allow", "hide": ["delete_run"]});
    let serving = Serving::start(&json!({"mlflow": {"url": server.url(), "policy": policy}})).await;
    let headers = begin(serving.url("mlflow"), rpc::REVISION).await;
    let delete = |store: &Store| {
        let arguments = json!({"run_id": store.run()});
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"delete_run","arguments":{arguments}}}}}"#
        )
    };
    for (case, form) in &forms {
        let (status, body) = post(serving.url("mlflow"), &headers, form(&delete(&guarded))).await;
        assert_eq!(status, 400, "{case}: {body}");
    }
    assert_eq!(guarded.stage().await, "active");
    drop(server);

    let store = Store::new().await;
    let server = serve_mlflow(&store).await;
    let headers = begin(server.url(), rpc::REVISION).await;
    for (case, form) in &forms {
        // An unknown run, so that each form can be told from the others by its own answer.
        let unknown = delete(&store).replace(store.run(), "no-such-run");
        let (_, body) = post(server.url(), &headers, form(&unknown)).await;
        assert!(body.contains("delete_run"), "the server does not carry out {case}: {body}");
    }
    post(server.url(), &headers, utf16(&delete(&store))).await;
    assert_eq!(store.stage().await, "deleted", "else this proves nothing");
}

async fn serve_mlflow(store: &Store) -> Served {
    let mut command = Command::new(Sdk::Mcp1.program("python"));
    command.arg(environment::repository("tests/servers/mlflow_http.py"));
    store.give(&mut command);
    Served::start(command).await
}

/// Classes 3 and 4 in the modern era. Catches: the same there (`Front::read`), and a body that says another
/// thing than the headers that it is let in by (`stateless::check`).
#[tokio::test]
async fn a_body_is_read_in_one_way_in_the_modern_era() {
    let workshop = Workshop::new();
    let served = workshop.serve().await;
    let policy = json!({"version": "1", "default": "allow", "hide": ["secret"]});
    let serving = Serving::start(&json!({"workshop": {"url": served.url(), "policy": policy}})).await;
    let url = serving.url("workshop");
    let call = Modern::new(url).message("tools/call", &json!({"name": "secret", "arguments": {"key": "k"}}));
    let quick = Modern::new(url).message("tools/call", &json!({"name": "quick", "arguments": {"text": "k"}}));
    let text = call.to_string();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replacen(from, to, 1)
    };
    let name = r#""name":"secret""#;
    let cases: [(&str, String, bool); 12] = [
        ("as it is", text.clone(), true),
        ("an escaped value", with(name, r#""name":"\u0073ecret""#), true),
        ("an escaped key", with(name, r#""n\u0061me":"secret""#), true),
        ("two names", with(name, r#""name":"quick","name":"secret""#), true),
        ("two names, one escaped", with(name, r#""name":"quick","n\u0061me":"secret""#), true),
        ("two arguments", with(r#""arguments":{"#, r#""arguments":{},"arguments":{"#), true),
        ("two keys within them", with(r#""key":"k""#, r#""key":"other","key":"k""#), true),
        ("not a number", with(r#""key":"k""#, r#""key":"k","x":NaN"#), true),
        ("a byte order mark", format!("\u{feff}{text}"), true),
        ("two documents", format!("{quick}{text}"), false),
        ("an array", format!("[{text}]"), false),
        ("half a pair", with(r#""key":"k""#, r#""key":"k","x":"\ud800""#), true),
    ];
    let mut carried_out = 0;
    for (case, body, is_carried_out) in &cases {
        for headers in [Modern::headers(&call), Modern::headers(&quick)] {
            let (status, said) = post(url, &headers, body.clone()).await;
            assert!(status == 400 || said.contains("Unknown tool: secret"), "{case}: {status} {said}");
        }
        assert_eq!(workshop.notes("k").len(), carried_out, "{case}");
        // What the server does without the gateway.
        post(served.url(), &Modern::headers(&call), body.clone()).await;
        carried_out += usize::from(*is_carried_out);
        assert_eq!(workshop.notes("k").len(), carried_out, "{case}, directly");
    }
}

/// Class 4: HTTP itself. Catches: what follows an ambiguous request taken for a request (`listener/framing`).
#[tokio::test]
async fn no_request_hides_in_another() {
    let record = Record::new();
    let policy = json!({"version": "1", "default": "allow"});
    let serving = Serving::start(&json!({"fake": record.server(FAKE, &policy)})).await;
    let headers = begin(serving.url("fake"), rpc::REVISION).await;
    let own: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST /mcp/fake HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n{own}"
    );
    let inner = rpc::call(2, "echo", &json!({"x": "inner"})).to_string();
    let inner = format!("{head}content-length: {}\r\n\r\n{inner}", inner.len());
    for (case, framing) in [
        (
            "both",
            format!("content-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 5 + inner.len()),
        ),
        ("two lengths", format!("content-length: 2\r\ncontent-length: {}\r\n\r\n{{}}", 2 + inner.len())),
        ("a strange coding", "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n".to_owned()),
        ("a space before the colon", "transfer-encoding : chunked\r\n\r\n0\r\n\r\n".to_owned()),
        ("a signed length", "content-length: +2\r\n\r\n{}".to_owned()),
    ] {
        let mut raw = Raw::open(serving.address()).await;
        raw.send(format!("{head}{framing}{inner}")).await;
        let said = String::from_utf8_lossy(&raw.rest().await).into_owned();
        assert!(!said.contains("inner"), "{case}: {said}");
        assert_eq!(record.count("inner"), 0, "{case}");
    }
}

/// Catches: `JSON` members that mean something to one language only; they are arguments like any others.
#[tokio::test]
async fn keys_are_compared_as_they_are() {
    let record = Record::new();
    let policy = json!({"version": "1", "default": "allow", "hide": ["delete_run"]});
    let serving = Serving::start(&json!({"fake": record.server(FAKE, &policy)})).await;
    let url = serving.url("fake");
    let headers = begin(url, rpc::REVISION).await;
    for params in [
        r#"{"name":"delete_run","__proto__":{"name":"echo"}}"#,
        r#"{"__proto__":{"name":"echo"},"name":"delete_run"}"#,
        r#"{"nam\u0065\u0301":"echo","name":"delete_run"}"#,
        r#"{"Name":"echo","NAME":"echo","name":"delete_run"}"#,
        r#"{"name":"delete_run","params":{"name":"echo"}}"#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        let (status, said) = post(url, &headers, body).await;
        assert!(status == 200 && said.contains("Unknown tool: delete_run"), "{params}: {status} {said}");
    }
    for params in [
        r#"{"__proto__":{"name":"delete_run"}}"#,
        r#"{"Name":"delete_run"}"#,
        r#"{"name":null}"#,
        r#"["delete_run"]"#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        let (_, said) = post(url, &headers, body).await;
        let said: Value = serde_json::from_str(&said).expect("it is JSON");
        assert!(said["error"].is_object(), "{params}: {said}");
    }
    assert_eq!(record.count("delete_run"), 0);
}
