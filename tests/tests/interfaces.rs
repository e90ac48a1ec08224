//! What plugins can use beyond the message: `memory`, `http` and `log`, each only if the plugin asks for it and
//! the policy grants it. As real Wasm, by the runtime alone and in a gateway that serves.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bartizan_runtime::http::{Outgoing, Request, Response};
use bartizan_runtime::{
    Cache, Call, Capability, Component, ConfigureError, Decision, Engine, EngineConfig, Entry,
    EvaluationError, Flow, Isolation, Judgement, LoadError, Plugin, Remembered, Sandbox, Settings, Verdict,
};
use bartizan_tests::environment;
use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::modern::Modern;
use bartizan_tests::rpc;
use bartizan_tests::waiting;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The server whose tools tell their names and arguments.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");
/// A server of the modern era.
const ERA: &str = env!("CARGO_BIN_EXE_bartizan-era-server");
/// The deadline of an evaluation.
const DEADLINE: Duration = Duration::from_millis(100);
/// A time that calls are made at.
const NOW: u64 = 1_795_350_099_000;

// The runtime alone.

fn load(name: &str) -> Result<Component, LoadError> {
    let engine =
        Engine::new(&EngineConfig { slots: 4, ..EngineConfig::default() }).expect("the engine starts");
    let cache = Cache::open(environment::compiled()).expect("the tests' cache can be opened");
    let wasm = std::fs::read(environment::fixture(name)).expect("a fixture can be read");
    Component::load(&engine, &wasm, &Sandbox::default(), Some(&cache))
}

fn configured(name: &str, json: &Value, grant: Capability, outgoing: Option<Arc<dyn Outgoing>>) -> Plugin {
    let mut settings = Settings::new(json.to_string());
    settings.grants.insert(grant);
    settings.http = outgoing;
    load(name).expect("the fixture loads").configure(&settings).expect("the fixture takes its settings")
}

fn call(arguments: &Value, time: u64) -> Arc<Call> {
    let entry = Entry { name: "echo".to_owned(), digest: "0".repeat(64), definition: "{}".to_owned() };
    Arc::new(Call {
        method: "tools/call".into(),
        direction: Flow::ClientToServer,
        server: "server".into(),
        target: Some("echo".into()),
        arguments: Some(arguments.to_string().into()),
        entry: Some(Arc::new(entry)),
        session: "session".into(),
        principal: None,
        claims: None,
        time,
    })
}

fn decision(judgement: Result<Judgement, EvaluationError>) -> Decision {
    match judgement {
        Ok(Judgement::Decided(decision)) => decision,
        other => panic!("no decision: {other:?}"),
    }
}

#[test]
fn what_is_imported_must_be_asked_for_and_granted() {
    let error = load("unasked").expect_err("it does not ask");
    assert!(matches!(&error, LoadError::NotAsked { ask: "log", .. }), "{error}");
    assert!(error.to_string().contains("bartizan:policy/log@0.1.0"), "{error}");
    for (name, settings, grant) in [
        ("diary", "{}", "memory"),
        ("chatty", r#"{"lines":1,"message":"x"}"#, "log"),
        ("decision-point", r#"{"url":"http://127.0.0.1:1/"}"#, "http"),
    ] {
        let component = load(name).expect("it asks");
        for isolation in [Isolation::Pristine, Isolation::Fresh] {
            let error = component.configure(&Settings { isolation, ..Settings::new(settings) }).unwrap_err();
            assert!(
                matches!(&error, ConfigureError::NotGranted { missing } if *missing == [grant]),
                "{error}"
            );
            assert!(error.to_string().contains(&format!("\"grants\": [\"{grant}\"]")), "{error}");
        }
        let mut settings = Settings::new(settings);
        settings.grants.insert(Capability::parse(grant).expect("a capability"));
        assert!(component.configure(&settings).is_ok(), "{name}");
    }
    let mut settings = Settings::new("{}");
    settings.grants.extend([Capability::Memory, Capability::Http]);
    let error = load("diary").expect("it asks").configure(&settings).unwrap_err();
    assert!(matches!(error, ConfigureError::NotAsked { grant: "http" }), "{error}");
}

#[test]
fn an_evaluation_gives_its_changes_back_and_reads_what_it_is_given() {
    let diary = configured("diary", &json!({}), Capability::Memory, None);
    let nothing = Remembered::NOTHING;
    let judge = |arguments: &Value, time, remembered: &Remembered| {
        diary.judge_with(&call(arguments, time), None, remembered)
    };
    let told = |keys: &Value, time, remembered: &Remembered| -> Value {
        let decision = decision(judge(&json!({"get": keys}), time, remembered));
        let Verdict::Deny(denial) = decision.verdict else { panic!("no refusal") };
        serde_json::from_str(&denial.message).expect("it tells JSON")
    };

    let made = decision(judge(&json!({"set": {"a": 1, "b": "two"}, "seconds": 10}), NOW, &nothing));
    let there = nothing.with(&made.memory, NOW).unwrap();
    assert_eq!(told(&json!(["a", "b", "c"]), NOW, &there), json!({"a": 1, "b": "two", "c": null}));
    assert_eq!(told(&json!(["a"]), NOW, &nothing), json!({"a": null}), "nothing is kept in the plugin");
    assert_eq!(told(&json!(["a"]), NOW + 9_999, &there), json!({"a": 1}));
    assert_eq!(told(&json!(["a"]), NOW + 10_000, &there), json!({"a": null}), "its time is over");

    let removed = decision(judge(&json!({"remove": ["a"], "set": {"c": [3]}}), NOW, &there));
    let there = there.with(&removed.memory, NOW).unwrap();
    assert_eq!(told(&json!(["a", "b", "c"]), NOW, &there), json!({"a": null, "b": "two", "c": [3]}));

    let denied = decision(judge(&json!({"set": {"a": 9}, "then": "deny"}), NOW, &there));
    assert_eq!(denied.memory, [], "a refusal changes nothing");
    let asked = decision(judge(&json!({"set": {"a": 9}, "then": "ask"}), NOW, &there));
    assert_eq!(asked.memory.len(), 1, "a call that is approved goes on");
}

#[test]
fn a_change_beyond_the_bounds_ends_the_evaluation() {
    let diary = configured("diary", &json!({}), Capability::Memory, None);
    let many = |number: usize| -> Value { (0..number).map(|key| (key.to_string(), json!(1))).collect() };
    let full = decision(diary.judge(&call(&json!({"set": many(64)}), NOW), None));
    let full = Remembered::NOTHING.with(&full.memory, NOW).unwrap();
    let cases = [
        ("many keys", json!({"set": many(65)}), Remembered::NOTHING, "64 keys"),
        ("one key more", json!({"set": {"more": 1}}), full.clone(), "64 keys"),
        ("a long key", json!({"set": {"k".repeat(257): 1}}), Remembered::NOTHING, "256 bytes"),
        ("a long value", json!({"set": {"k": "v".repeat(4_095)}}), Remembered::NOTHING, "4096 bytes"),
        ("a long time", json!({"set": {"k": 1}, "seconds": 2_592_001}), Remembered::NOTHING, "30 days"),
    ];
    for (name, arguments, remembered, words) in cases {
        let error = diary.judge_with(&call(&arguments, NOW), None, &remembered).unwrap_err();
        let is_it = matches!(&error, EvaluationError::Contract(text) if text.contains(words));
        assert!(is_it, "{name}: {error}");
    }
    // That one has failed so often that it is not asked any more.
    let diary = configured("diary", &json!({}), Capability::Memory, None);
    for (name, arguments) in [
        ("a key that is there", json!({"set": {"0": 2}})),
        ("one for another", json!({"remove": ["0"]})),
        ("the longest", json!({"remove": ["0"], "seconds": 2_592_000})),
    ] {
        assert!(diary.judge_with(&call(&arguments, NOW), None, &full).is_ok(), "{name}");
    }
}

#[test]
fn what_a_list_changes_is_not_kept() {
    let diary = configured("diary", &json!({}), Capability::Memory, None);
    let listing =
        Arc::new(Call { method: "tools/list".into(), target: None, ..(*call(&json!({}), NOW)).clone() });
    let decision = decision(diary.judge_with(
        &call(&json!({"get": ["listed"]}), NOW),
        Some(&listing),
        &Remembered::NOTHING,
    ));
    let Verdict::Deny(denial) = decision.verdict else { panic!("no refusal") };
    assert_eq!(denial.message, r#"{"listed":null}"#);
    assert_eq!(decision.memory, []);
}

/// Answers after a while.
#[derive(Debug)]
struct Slow {
    after: Duration,
    requests: Mutex<Vec<Request>>,
}

impl Slow {
    fn new(after: Duration) -> Arc<Self> {
        Arc::new(Self { after, requests: Mutex::default() })
    }
}

impl Outgoing for Slow {
    fn send(&self, request: Request) -> Result<Response, String> {
        self.requests.lock().expect("nobody panics with the list").push(request);
        let (_nobody, answer) = mpsc::channel::<()>();
        // Nothing comes: this is a pause.
        let _elapsed = answer.recv_timeout(self.after);
        Ok(Response { status: 200, headers: Vec::new(), body: Vec::new() })
    }
}

fn point(settings: &Value, outgoing: &Arc<Slow>) -> Plugin {
    let mut all = json!({"url": "http://127.0.0.1:1/decide"});
    for (key, value) in settings.as_object().into_iter().flatten() {
        all[key] = value.clone();
    }
    configured("decision-point", &all, Capability::Http, Some(Arc::clone(outgoing) as Arc<dyn Outgoing>))
}

#[test]
fn waiting_for_an_answer_is_not_the_plugins_own_time() {
    let slow = Slow::new(DEADLINE * 2);
    let patient = point(&json!({"requests": 2}), &slow);
    assert!(patient.waits());
    let begin = Instant::now();
    assert_eq!(decision(patient.judge(&call(&json!({}), NOW), None)).verdict, Verdict::Pass);
    assert!(begin.elapsed() >= DEADLINE * 4, "it has waited for both");
    let requests = slow.requests.lock().expect("nobody panics with the list");
    assert_eq!((requests.len(), requests[0].method.as_str()), (2, "POST"));
    drop(requests);

    // What it computes is, before and after.
    let slow = Slow::new(DEADLINE * 3);
    let spinning = point(&json!({"spins": true}), &slow);
    let begin = Instant::now();
    let error = spinning.judge(&call(&json!({}), NOW), None).unwrap_err();
    assert!(matches!(error, EvaluationError::Timeout { .. }), "{error}");
    let elapsed = begin.elapsed();
    assert!(elapsed >= DEADLINE * 4, "it had its own time as well: {elapsed:?}");
    assert!(elapsed < DEADLINE * 14, "and not more: {elapsed:?}");
}

#[test]
fn an_evaluation_makes_four_requests() {
    let slow = Slow::new(Duration::ZERO);
    assert!(point(&json!({"requests": 4}), &slow).judge(&call(&json!({}), NOW), None).is_ok());
    let error = point(&json!({"requests": 5}), &slow).judge(&call(&json!({}), NOW), None).unwrap_err();
    assert!(matches!(&error, EvaluationError::Failed(words) if words.contains("4 requests")), "{error}");
}

#[test]
fn there_are_no_requests_before_there_is_a_call() {
    let component = load("decision-point").expect("it asks");
    for isolation in [Isolation::Pristine, Isolation::Fresh] {
        let slow = Slow::new(Duration::ZERO);
        let mut settings = Settings::new(r#"{"url":"http://127.0.0.1:1/","eager":true}"#);
        settings.isolation = isolation;
        settings.grants.insert(Capability::Http);
        settings.http = Some(Arc::clone(&slow) as Arc<dyn Outgoing>);
        let error = component.configure(&settings).unwrap_err();
        assert!(error.to_string().contains("`http` was used in `describe` or `configure`"), "{error}");
        assert!(slow.requests.lock().expect("nobody panics with the list").is_empty());
    }
}

#[test]
fn without_a_network_requests_fail_with_words() {
    let plugin = configured("decision-point", &json!({"url": "http://127.0.0.1:1/"}), Capability::Http, None);
    let error = plugin.judge(&call(&json!({}), NOW), None).unwrap_err();
    assert!(matches!(&error, EvaluationError::Failed(words) if words.contains("no network here")), "{error}");
}

// In a gateway.

/// A gateway with these fixtures in its plugins folder.
async fn serve(plugins: &[&str], servers: Value) -> (Serving, tempfile::TempDir) {
    let folder = environment::plugins(plugins);
    let configuration = json!({"plugins": {"dir": folder.path()}, "mcpServers": servers});
    (Serving::start_in(configuration, &[]).await, folder)
}

fn allow_with(plugins: &Value) -> Value {
    json!({"version": "1", "default": "allow", "plugins": plugins})
}

fn no_exfiltration() -> Value {
    json!({
        "use": "no-exfiltration",
        "settings": {"sources": ["secret"], "sinks": ["echo"]},
        "grants": ["memory"],
    })
}

fn assert_passed(case: &str, answer: &Value) {
    assert!(
        !rpc::text(answer).contains("[POLICY DENIED]") && answer["result"].is_object(),
        "{case}: {answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_something_was_read_in_the_same_session() {
    let policy = allow_with(&json!([no_exfiltration()]));
    let (serving, _folder) =
        serve(&["no-exfiltration"], json!({"fake": gateway::server(FAKE, &[], &policy)})).await;
    let url = serving.url("fake");
    let (one, other) = (Session::begin(url).await, Session::begin(url).await);
    let nothing = json!({});
    assert_passed("nothing was read", &one.call("echo", &nothing).await);
    assert_passed("the source itself", &one.call("secret", &nothing).await);
    for _ in 0..2 {
        let refusal = rpc::assert_denied(&one.call("echo", &nothing).await).to_owned();
        assert!(refusal.contains("echo cannot be called after secret in the same session."), "{refusal}");
    }
    assert_passed("another tool", &one.call("release", &nothing).await);
    assert_passed("another session", &other.call("echo", &nothing).await);
    one.delete().await;
    assert_passed("a new session", &Session::begin(url).await.call("echo", &nothing).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn modern_clients_have_one_memory_together() {
    let server = gateway::server(ERA, &["--era", "modern"], &allow_with(&json!([no_exfiltration()])));
    let (serving, _folder) = serve(&["no-exfiltration"], json!({"modern": server})).await;
    let (one, other) = (Modern::new(serving.url("modern")), Modern::new(serving.url("modern")));
    let nothing = json!({});
    assert_passed("nothing was read", &other.call("echo", &nothing).await);
    assert_passed("the source itself", &one.call("secret", &nothing).await);
    rpc::assert_denied(&other.call("echo", &nothing).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_goes_on_is_remembered() {
    let diary = json!({"use": "diary", "grants": ["memory"]});
    let watched = json!({"use": "diary", "grants": ["memory"], "mode": "monitor"});
    let policy = json!({
        "version": "1", "default": "allow",
        "plugins": [diary],
        "tools": {
            "hold": {"action": "deny"},
            "pid": {"rate_limit": {"max": 1, "window": 60}},
            "stray": {"action": "require_approval"},
        },
        "hide": ["delete_run"],
    });
    let monitor = allow_with(&json!([watched]));
    let servers = json!({
        "fake": gateway::server(FAKE, &[], &policy),
        "monitor": gateway::server(FAKE, &[], &monitor),
    });
    let (serving, _folder) = serve(&["diary"], servers).await;
    let session = Session::begin(serving.url("fake")).await;
    let set = |key: &str| json!({"set": {key: 1}});
    for (tool, arguments) in [
        ("echo", json!({"set": {"denied": 1}, "then": "deny"})),
        ("echo", json!({"set": {"failed": 1}, "then": "fault"})),
        ("echo", json!({"set": {"asked": 1}, "then": "ask"})),
        ("hold", set("refused")),
        ("stray", set("waiting")),
    ] {
        rpc::assert_denied(&session.call(tool, &arguments).await);
    }
    session.call("delete_run", &set("hidden")).await;
    assert_passed("within the limit", &session.call("pid", &set("counted")).await);
    rpc::assert_denied(&session.call("pid", &set("exhausted")).await);
    assert_passed("let through", &session.call("echo", &set("passed")).await);

    let keys = [
        "denied",
        "failed",
        "asked",
        "refused",
        "waiting",
        "hidden",
        "exhausted",
        "counted",
        "passed",
        "listed",
    ];
    let told = rpc::assert_denied(&session.call("echo", &json!({"get": keys})).await).to_owned();
    let values: Value = serde_json::from_str(told.trim_start_matches("[POLICY DENIED] ")).expect("JSON");
    let kept: Vec<&str> = keys.into_iter().filter(|key| !values[*key].is_null()).collect();
    assert_eq!(kept, ["counted", "passed"], "{values}");

    // A plugin that only watches remembers as it would if it judged; what it says is in the log.
    let session = Session::begin(serving.url("monitor")).await;
    assert_passed("watched", &session.call("echo", &set("seen")).await);
    assert_passed("watched", &session.call("echo", &json!({"get": ["seen"]})).await);
    waiting::until("the log has what it would have said", || {
        serving.log().contains(r#"{\"seen\":1}"#) || serving.log().contains(r#"{"seen":1}"#)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withheld_is_not_remembered() {
    let mut policy = allow_with(&json!([no_exfiltration()]));
    policy["tools"] = json!({"secret": {"inspect": [{"pattern": "secret"}]}});
    let (serving, _folder) =
        serve(&["no-exfiltration"], json!({"fake": gateway::server(FAKE, &[], &policy)})).await;
    let session = Session::begin(serving.url("fake")).await;
    rpc::assert_denied(&session.call("secret", &json!({})).await);
    assert_passed("the client has not got it", &session.call("echo", &json!({})).await);
}

/// What a decision point answers.
#[derive(Clone, Copy)]
enum Answer {
    /// Exactly this.
    Bytes(&'static str),
    /// A body of so many bytes.
    Large(usize),
    /// Nothing.
    Nothing,
}

/// A server that answers every request on a connection of its own, and keeps what it got.
struct Point {
    origin: String,
    received: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Point {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("there is a free port");
        let origin = format!("http://{}", listener.local_addr().expect("a listener has an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let mut serving = JoinSet::new();
        let kept = Arc::clone(&received);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                connections.spawn(async move {
                    let mut request = Vec::new();
                    while !is_whole(&request) {
                        match stream.read_u8().await {
                            Ok(byte) => request.push(byte),
                            Err(_closed) => return,
                        }
                    }
                    kept.lock().expect("nobody panics").push(String::from_utf8_lossy(&request).into_owned());
                    let bytes = match answer {
                        Answer::Bytes(text) => text.as_bytes().to_vec(),
                        Answer::Large(size) => {
                            let head = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {size}\r\n\r\n");
                            [head.into_bytes(), vec![b'x'; size]].concat()
                        }
                        Answer::Nothing => return std::future::pending().await,
                    };
                    // The gateway may have had enough.
                    let _closed = stream.write_all(&bytes).await;
                    let _closed = stream.shutdown().await;
                });
            }
        });
        Self { origin, received, _serving: serving }
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().expect("nobody panics").clone()
    }
}

/// Whether the head and the body of a request are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().expect("a number"))
}

fn asking(origin: &str, url: &str, timeout: u32) -> Value {
    json!({
        "use": "decision-point",
        "settings": {"url": url},
        "grants": ["http"],
        "http": {"origins": [origin], "timeout_ms": timeout},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_point_decides() {
    let granted = Point::start(Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let refused =
        Point::start(Answer::Bytes("HTTP/1.1 403 Forbidden\r\ncontent-length: 10\r\n\r\nNot today.")).await;
    let elsewhere =
        format!("HTTP/1.1 302 Found\r\nlocation: {}/decide\r\ncontent-length: 0\r\n\r\n", granted.origin);
    let elsewhere = Point::start(Answer::Bytes(elsewhere.leak())).await;
    let large = Point::start(Answer::Large(256 * 1024 + 1)).await;
    let largest = Point::start(Answer::Large(4_000)).await;
    let broken = Point::start(Answer::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")).await;
    let silent = Point::start(Answer::Nothing).await;
    let plugin = |point: &Point| asking(&point.origin, &format!("{}/decide", point.origin), 500);
    let cases = [
        ("granted", plugin(&granted), None),
        ("refused", plugin(&refused), Some("Not today.")),
        ("largest", plugin(&largest), Some("xxxx")),
        (
            "not-allowed",
            asking("https://pdp.example.com", &format!("{}/decide", granted.origin), 500),
            Some("(failed)"),
        ),
        ("elsewhere", plugin(&elsewhere), Some("(failed)")),
        ("large", plugin(&large), Some("(failed)")),
        ("broken", plugin(&broken), Some("(failed)")),
        ("silent", plugin(&silent), Some("(failed)")),
        ("nobody", asking("http://127.0.0.1:1", "http://127.0.0.1:1/decide", 500), Some("(failed)")),
    ];
    let mut servers = json!({});
    for (name, plugin, _) in &cases {
        servers[*name] = gateway::server(FAKE, &[], &allow_with(&json!([plugin])));
    }
    let (serving, _folder) = serve(&["decision-point"], servers).await;
    for (name, _, expected) in cases {
        let answer = Session::begin(serving.url(name)).await.call("echo", &json!({"n": 1})).await;
        match expected {
            None => assert_passed(name, &answer),
            Some(words) => {
                let text = rpc::assert_denied(&answer);
                assert!(text.contains(words), "{name}: {text}");
            }
        }
    }
    let asked = granted.received();
    assert_eq!(asked.len(), 1, "not by the one that may not, and not by a redirect: {asked:?}");
    assert!(asked[0].starts_with("POST /decide HTTP/1.1\r\n"), "{asked:?}");
    assert!(
        asked[0].contains(r#""arguments":{"n":1}"#) && asked[0].contains(r#""tool":"echo""#),
        "{asked:?}"
    );
    let log = serving.log();
    for words in [
        "is not allowed; the policy lists origins",
        "it answered 302",
        "the response is larger than 256 KiB",
        "the response broke off",
        "no answer within 500 ms",
        "no connection",
    ] {
        assert!(log.contains(words), "the log lacks \"{words}\":\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_holds_up_nobody_else() {
    let silent = Point::start(Answer::Nothing).await;
    let slow = allow_with(&json!([asking(&silent.origin, &format!("{}/decide", silent.origin), 5_000)]));
    let servers = json!({
        "slow": gateway::server(FAKE, &[], &slow),
        "calm": gateway::server(FAKE, &[], &allow_with(&json!([]))),
    });
    let (serving, _folder) = serve(&["decision-point"], servers).await;
    let mut waiting_calls = JoinSet::new();
    for _ in 0..8 {
        let session = Session::begin(serving.url("slow")).await;
        waiting_calls.spawn(async move { session.call("echo", &json!({})).await });
    }
    waiting::until("all of them wait", || silent.received().len() == 8).await;
    let begin = Instant::now();
    let calm = Session::begin(serving.url("calm")).await;
    for _ in 0..20 {
        assert_passed("another server", &calm.call("echo", &json!({})).await);
    }
    assert!(waiting_calls.try_join_next().is_none(), "they still wait after {:?}", begin.elapsed());
    while let Some(answer) = waiting_calls.join_next().await {
        rpc::assert_denied(&answer.expect("no test panics"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_in_the_log_are_bounded_and_cannot_be_forged() {
    let message = "one\n2026-01-01T00:00:00Z ERROR two";
    let chatty = json!({
        "use": "chatty", "settings": {"lines": 20, "message": message}, "grants": ["log"],
    });
    let servers = json!({"fake": gateway::server(FAKE, &[], &allow_with(&json!([chatty])))});
    let (serving, _folder) = serve(&["chatty"], servers).await;
    let session = Session::begin(serving.url("fake")).await;
    for round in 1..=2 {
        assert_passed("it only writes", &session.call("echo", &json!({})).await);
        waiting::until("the log says what it has dropped", || {
            serving.log().matches("the plugin wrote more than 16 lines in one evaluation").count() == round
        })
        .await;
    }
    let log = serving.log();
    let lines: Vec<&str> =
        log.lines().filter(|line| line.contains("plugin=chatty") && line.contains(": line ")).collect();
    assert_eq!(lines.len(), 32, "{log}");
    let is_whole =
        |line: &&str| line.contains(r"one\n2026-01-01T00:00:00Z ERROR two") && line.contains("WARN");
    assert!(lines.iter().all(is_whole), "{log}");
    assert!(log.contains("dropped=4"), "{log}");
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01T00:00:00Z ERROR")), "{log}");
}

#[tokio::test]
async fn a_policy_that_does_not_grant_is_told_what_to_write() {
    let cases = [
        ("diary", json!({"use": "diary"}), r#"add "grants": ["memory"]"#),
        (
            "decision-point",
            json!({"use": "decision-point", "settings": {"url": "x"}}),
            r#"add "grants": ["http"], "http": {"origins": ["https://…"]}"#,
        ),
        ("unasked", json!({"use": "unasked"}), "imports `bartizan:policy/log@0.1.0` without asking for it"),
        (
            "chatty",
            json!({"use": "chatty", "grants": ["log", "memory"]}),
            "`memory` is granted, but the plugin does not ask",
        ),
    ];
    for (name, entry, words) in cases {
        let folder = environment::plugins(&[name]);
        let policy = Document::policy(&allow_with(&json!([entry])));
        let mut command = gateway::bartizan(["check", "--policy"]);
        command.arg(policy.path()).arg("--plugins-dir").arg(folder.path());
        let output = command.output().await.expect("the gateway can be run");
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && text.contains(words), "{name}: {text}");
    }
    // Nobody names it, so nobody grants it anything.
    let folder = environment::plugins(&["diary"]);
    let policy = Document::policy(&allow_with(&json!([])));
    let mut command = gateway::bartizan(["check", "--policy"]);
    command.arg(policy.path()).arg("--plugins-dir").arg(folder.path());
    let output = command.output().await.expect("the gateway can be run");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && text.contains("name it in a policy"), "{text}");
}
