//! Ways to make two parsers read two things, each with a call that deletes a run, against the real MLflow
//! MCP server: whatever is sent, the run stays and the connection works.

use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::mlflow::{self, Store};
use bartizan_tests::program::Program;
use bartizan_tests::rpc;
use bartizan_tests::stdio::StdioClient;
use serde_json::{Value, json};

/// The longest message that a client may send, in bytes.
const LONGEST: usize = 4 << 20;

/// What the gateway is to make of it.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// An ordinary ping.
    Pong,
    /// A call of a tool that does not exist.
    Unknown,
    /// No message at all: an error with this code, these words, and no id.
    Refused(i64, &'static str),
}

/// One attempt.
#[derive(Debug)]
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    expected: Expected,
}

/// JSON that cannot be read, or not in one way only.
const UNREADABLE: i64 = -32700;
/// JSON that is no message.
const INVALID: i64 = -32600;

/// Every attempt. None has a line feed in it, so that each is one line over stdio.
fn cases(run: &str) -> Vec<Case> {
    let params = format!(r#"{{"name":"delete_run","arguments":{{"run_id":"{run}"}}}}"#);
    let harmless = format!(r#"{{"name":"get_run","arguments":{{"run_id":"{run}"}}}}"#);
    let call = format!(r#"{{"jsonrpc":"2.0","id":66,"method":"tools/call","params":{params}}}"#);
    let with_id = |id: &str| call.replace(r#""id":66"#, &format!(r#""id":{id}"#));
    let with_arguments = |member: &str| call.replace(r#""run_id""#, &format!(r#"{member},"run_id""#));
    let with_name = |names: &str| call.replace(r#""name":"delete_run""#, names);
    let ping = r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#;
    let big_endian: Vec<u8> = call.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let little_endian: Vec<u8> =
        std::iter::once(0xfeff).chain(call.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let not_utf8: Vec<u8> =
        with_arguments(r#""x":"?""#).bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
    let nested = format!("{}0{}", "[".repeat(1000), "]".repeat(1000));
    let padding = format!(r#""padding":"{}""#, "a".repeat(LONGEST));

    use Expected::{Pong, Refused, Unknown};
    let duplicate = Refused(UNREADABLE, "duplicate key");
    let case = |name, text: &str, expected| Case { name, bytes: text.into(), expected };
    let bytes = |name, bytes, expected| Case { name, bytes, expected };
    vec![
        case(
            "a call between carriage returns in a ping",
            &format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\",\"params\":{{\"_meta\":{{\"x\":\r{call}\r}}}}}}"
            ),
            Pong,
        ),
        case("an ordinary call", &call, Unknown),
        case("an escaped name", &with_name(r#""name":"d\u0065lete_run""#), Unknown),
        case("an escaped key", &with_name(r#""n\u0061me":"delete_run""#), Unknown),
        case("two names", &with_name(r#""name":"get_run","name":"delete_run""#), duplicate),
        case("two names, the first last", &with_name(r#""name":"delete_run","name":"get_run""#), duplicate),
        case("two names, one escaped", &with_name(r#""name":"get_run","n\u0061me":"delete_run""#), duplicate),
        case(
            "two params",
            &call.replace(r#""params""#, &format!(r#""params":{harmless},"params""#)),
            duplicate,
        ),
        case("two methods", &call.replace(r#""method""#, r#""method":"ping","method""#), duplicate),
        case("two ids", &call.replace(r#""id""#, r#""id":65,"id""#), duplicate),
        case("two run ids", &with_arguments(r#""run_id":"other""#), duplicate),
        case("a batch", &format!("[{call}]"), Refused(INVALID, "batch")),
        case("a batch of a ping and a call", &format!("[{ping},{call}]"), Refused(INVALID, "batch")),
        case("a batch in a batch", &format!("[[{call}]]"), Refused(INVALID, "batch")),
        case("a second document", &format!("{ping}{call}"), Refused(UNREADABLE, "trailing data")),
        case("a byte order mark", &format!("\u{feff}{call}"), Refused(UNREADABLE, "byte order mark")),
        bytes("UTF-16, big-endian", big_endian, Refused(UNREADABLE, "expected")),
        bytes("UTF-16, little-endian, with a byte order mark", little_endian, Refused(UNREADABLE, "UTF-8")),
        bytes("bytes that are not UTF-8", not_utf8, Refused(UNREADABLE, "UTF-8")),
        case("half a surrogate pair", &with_arguments(r#""x":"\ud800""#), Refused(UNREADABLE, "surrogate")),
        case("not a number", &with_arguments(r#""x":NaN"#), Refused(UNREADABLE, "expected")),
        case(
            "deep nesting",
            &with_arguments(&format!(r#""x":{nested}"#)),
            Refused(UNREADABLE, "nested deeper"),
        ),
        case("too many bytes", &with_arguments(&padding), Refused(UNREADABLE, "longer than")),
        case("a null id", &with_id("null"), Refused(INVALID, "`id`")),
        case("a boolean id", &with_id("true"), Refused(INVALID, "`id`")),
        case("a fractional id", &with_id("1.5"), Refused(INVALID, "`id`")),
        case("a list for params", &call.replace(&params, "[]"), Refused(INVALID, "`params`")),
        case(
            "a call that is also a result",
            &call.replace(r#""params""#, r#""result":{},"params""#),
            Refused(INVALID, "at once"),
        ),
    ]
}

/// Allows everything else: a call of the hidden tool in any disguise that works would delete the run.
fn policy() -> Value {
    json!({"version": "1", "default": "allow", "hide": ["delete_run"]})
}

fn assert_as_expected(case: &str, expected: Expected, answer: &Value) {
    match expected {
        Expected::Pong => assert_eq!(answer["result"], json!({}), "{case}"),
        Expected::Unknown => rpc::assert_unknown_tool(answer, "delete_run"),
        Expected::Refused(code, words) => {
            assert_eq!(answer["id"], Value::Null, "{case}: {answer}");
            let (actual, message) = rpc::error(answer);
            assert_eq!(actual, code, "{case}: {message}");
            assert!(message.contains(words), "{case}: {message}");
        }
    }
}

#[tokio::test]
async fn nothing_is_smuggled_over_stdio() {
    let store = Store::new().await;
    let policy = Document::policy(&policy());
    let mut command = gateway::run(&policy.path(), [mlflow::program()]);
    store.give(&mut command);
    let mut client = StdioClient::start(command).await;
    for case in cases(store.run()) {
        client.send_line(&case.bytes).await;
        let answer = client.message().await;
        assert_as_expected(case.name, case.expected, &answer);
        client.assert_usable(case.name).await;
        let tools = client.request("tools/list", &json!({})).await;
        assert_eq!(rpc::tools(&tools).len(), mlflow::TOOLS - 1, "after {}", case.name);
    }
    assert_eq!(store.stage().await, "active");
}

#[tokio::test]
async fn nothing_is_smuggled_over_http() {
    let store = Store::new().await;
    let serving = Serving::start(&json!({"mlflow": store.server(&policy())})).await;
    let session = Session::begin(serving.url("mlflow")).await;
    let mut cases = cases(store.run());
    // A body may have line feeds, which end a message on the server's pipes.
    let returns = &cases[0].bytes;
    let feeds = returns.iter().map(|&byte| if byte == b'\r' { b'\n' } else { byte }).collect();
    cases.push(Case { name: "a call between line feeds in a ping", bytes: feeds, expected: Expected::Pong });
    for case in cases {
        let oversize = case.bytes.len() > LONGEST;
        let answer = session.post(case.bytes).await;
        let status = match case.expected {
            Expected::Refused(..) if oversize => 413,
            Expected::Refused(..) => 400,
            Expected::Pong | Expected::Unknown => 200,
        };
        assert_eq!(answer.status, status, "{}", case.name);
        assert_as_expected(case.name, case.expected, &answer.json());
        session.assert_usable(case.name).await;
        let tools = session.request("tools/list", &json!({})).await;
        assert_eq!(rpc::tools(&tools).len(), mlflow::TOOLS - 1, "after {}", case.name);
    }
    assert_eq!(store.stage().await, "active");
}

#[tokio::test]
async fn without_the_gateway_the_line_with_carriage_returns_deletes_the_run() {
    let store = Store::new().await;
    let mut command = tokio::process::Command::new(mlflow::program());
    store.give(&mut command);
    let mut server = Program::start(command);
    for message in [rpc::initialize(0), rpc::notification("notifications/initialized", &json!({}))] {
        server.write(format!("{message}\n").as_bytes()).await;
    }
    server.line().await.expect("the handshake is answered");
    let Case { name, bytes, .. } = cases(store.run()).swap_remove(0);
    assert!(name.contains("carriage returns"), "{name}");
    server.write(&[bytes.as_slice(), b"\n"].concat()).await;
    // Before that it says that the pieces of the ping around it are no messages.
    while !server.line().await.expect("the smuggled call is answered").contains(r#""id":66"#) {}
    assert_eq!(store.stage().await, "deleted", "else the tests above prove nothing");
}
