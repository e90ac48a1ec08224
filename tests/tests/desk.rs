//! Where people hear of calls that wait, and decide: the webhook and the admin API.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

use std::path::Path;

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::{Answer, Http, Session};
use bartizan_tests::rpc;
use bartizan_tests::waiting::{START, until, within};
use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const SECRET: &str = "a secret of the tests";

/// One POST that a webhook made.
struct Delivery {
    head: String,
    body: String,
}

impl Delivery {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        });
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

/// Takes the next POST and answers it.
async fn receive(listener: &TcpListener, status: &str) -> Delivery {
    let (mut stream, _) = within(START, "a delivery", listener.accept()).await.expect("a connection");
    let delivery = within(START, "a request", read(&mut stream)).await;
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.expect("it reads the answer");
    delivery
}

async fn read(stream: &mut TcpStream) -> Delivery {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.expect("a request can be read");
        assert_ne!(count, 0, "it ends too early");
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let delivery = Delivery { head: head.to_owned(), body: body.to_owned() };
        if delivery.body.len() >= delivery.header("content-length").parse().expect("a length") {
            return delivery;
        }
    }
}

/// A gateway before a server whose tools need a person.
async fn serve(state: &Path, more: Value) -> Serving {
    let policy = json!({"version": "1", "default": "allow", "tools": {"*": {"action": "require_approval"}}});
    let server = env!("CARGO_BIN_EXE_bartizan-fake-server");
    let mut configuration = json!({
        "state": {"dir": state},
        "mcpServers": {"fake": gateway::server(server, &[], &policy)},
    });
    for (key, value) in more.as_object().expect("an object") {
        configuration[key] = value.clone();
    }
    let secret = Path::new(SECRET);
    Serving::start_in(configuration, &[("BARTIZAN_STATE_DIR", state), ("DESK_SECRET", secret)]).await
}

/// Calls some tool of the server: the ticket that it waits for.
async fn ask(serving: &Serving) -> (Session, String, String) {
    let session = Session::begin(serving.url("fake")).await;
    let listed = session.request("tools/list", &json!({})).await;
    let tool = rpc::tools(&listed).first().expect("it has tools").to_string();
    let refused = session.call(&tool, &json!({"password": "of the call"})).await;
    rpc::assert_denied(&refused);
    let ticket = refused["result"]["_meta"]["bartizan/denial"]["ticket"].as_str().expect("a ticket");
    (session, tool, ticket.to_owned())
}

#[tokio::test]
async fn a_webhook_is_signed_and_tried_again() {
    let state = tempfile::tempdir().expect("a directory can be made");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("it has an address"));
    let webhook = json!({"webhook": {"url": url, "secret": "${env:DESK_SECRET}"}});
    let serving = serve(state.path(), json!({"approvals": webhook})).await;
    let (_session, tool, ticket) = ask(&serving).await;

    let first = receive(&listener, "503 Service Unavailable").await;
    let second = receive(&listener, "204 No Content").await;
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    for delivery in [&first, &second] {
        assert!(delivery.head.starts_with("POST /hook HTTP/1.1"), "{}", delivery.head);
        assert_eq!(delivery.header("x-bartizan-delivery"), ticket);
        let signed = format!("{}.{}", delivery.header("x-bartizan-timestamp"), delivery.body);
        let signature = delivery.header("x-bartizan-signature").strip_prefix("sha256=").expect("its kind");
        let bytes: Vec<u8> = (0..signature.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&signature[at..at + 2], 16).expect("hex"))
            .collect();
        assert!(hmac::verify(&key, signed.as_bytes(), &bytes).is_ok(), "{}", delivery.head);
    }
    let body: Value = serde_json::from_str(&second.body).expect("JSON");
    assert_eq!(body["event"], "approval_requested");
    assert_eq!((&body["approval"]["ticket"], &body["approval"]["target"]), (&json!(ticket), &json!(tool)));
    assert!(!second.body.contains("of the call"), "no arguments: {}", second.body);
}

#[tokio::test]
async fn the_admin_api_decides_for_who_has_the_token() {
    let state = tempfile::tempdir().expect("a directory can be made");
    let serving = serve(state.path(), json!({"admin": {"listen": "127.0.0.1:0"}})).await;
    let (session, tool, ticket) = ask(&serving).await;
    until("the admin API is open", || serving.log().contains("the admin API is open")).await;
    let log = serving.log();
    let line = log.lines().find(|line| line.contains("the admin API is open")).expect("it says so");
    let after = line.split("127.0.0.1:").nth(1).expect("its address");
    let port: String = after.chars().take_while(char::is_ascii_digit).collect();
    let base = format!("http://127.0.0.1:{port}");
    let token = std::fs::read_to_string(state.path().join("admin.token")).expect("there is a token");
    let bearer = format!("Bearer {}", token.trim());

    let http = Http::default();
    let send = async |method: &str, path: &str, headers: &[(&str, &str)], body: &str| -> Answer {
        http.send(method, &format!("{base}{path}"), headers, body.to_owned()).await
    };
    let own = [("authorization", bearer.as_str())];
    for (name, headers) in [
        ("no token", vec![]),
        ("another token", vec![("authorization", "Bearer 0000")]),
        ("a name of somebody else's", vec![("authorization", bearer.as_str()), ("host", "evil.example")]),
    ] {
        let answer = send("GET", "/approvals", &headers, "").await;
        assert!(matches!(answer.status, 401 | 421), "{name}: {}", answer.status);
        let decide = send("POST", &format!("/approvals/{ticket}/approve"), &headers, "").await;
        assert!(matches!(decide.status, 401 | 421), "{name}: {}", decide.status);
    }
    let listed = send("GET", "/approvals", &own, "").await.json();
    assert_eq!(listed["approvals"][0]["ticket"], ticket.as_str(), "{listed}");
    for (method, path, body, expected) in [
        ("GET", "/approvals?status=none", "", 400),
        ("GET", "/approvals/apr_0123456789abcdef", "", 404),
        ("GET", "/approvals/nothing", "", 400),
        ("DELETE", "/approvals", "", 405),
        ("GET", "/", "", 404),
    ] {
        assert_eq!(send(method, path, &own, body).await.status, expected, "{method} {path}");
    }
    let path = format!("/approvals/{ticket}/approve");
    assert_eq!(send("POST", &path, &own, r#"{"because": 1}"#).await.status, 400);
    let decided = send("POST", &path, &own, r#"{"by": "ada", "reason": "agreed"}"#).await;
    assert_eq!(decided.status, 200, "{}", decided.json());
    assert_eq!(decided.json()["decided_by"], "ada");
    assert_eq!(send("POST", &path, &own, "").await.status, 409, "a decision cannot be changed");
    let done = session.call(&tool, &json!({"password": "of the call"})).await;
    let text = done.to_string();
    assert!(!text.contains("[POLICY DENIED]"), "{text}");
}
