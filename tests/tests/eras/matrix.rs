//! Every transport of clients with every transport of servers, in every revision that both have. The servers
//! over HTTP are those of another gateway, which has the one process behind it.

use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::modern;
use bartizan_tests::rpc;
use serde_json::{Value, json};

use crate::link::Link;
use crate::{ERA, allow, era};

/// How a server is reached.
const UPSTREAMS: [&str; 3] = ["stdio", "http", "sse"];

fn policy() -> Value {
    json!({"version": "1", "default": "allow", "hide": ["secret"], "tools": {"erase": {"action": "deny"}}})
}

/// The gateway that stands for servers over HTTP.
async fn far() -> Serving {
    Serving::start(&json!({"far": era("both", &allow())})).await
}

/// Where it is, for a transport.
fn far_url(far: &Serving, upstream: &str) -> String {
    match upstream {
        "sse" => far.url("far").replace("/mcp/", "/sse/"),
        _ => far.url("far").to_owned(),
    }
}

fn near(far: &Serving) -> Value {
    let entry = |upstream: &str| json!({"type": upstream, "url": far_url(far, upstream), "policy": policy()});
    json!({"stdio": era("both", &policy()), "http": entry("http"), "sse": entry("sse")})
}

fn run(far: &Serving, upstream: &str, policy: &Document) -> Link {
    let url = far_url(far, upstream);
    let path = policy.path();
    Link::pipes(match upstream {
        "stdio" => gateway::run(&path, [ERA, "--era", "both"]),
        transport => {
            let mut command = gateway::bartizan(["run", "--transport", transport, "--policy"]);
            command.arg(path).args(["--", &url]);
            command
        }
    })
}

/// What makes messages of a revision.
#[derive(Clone, Copy)]
struct Words {
    revision: &'static str,
    is_modern: bool,
}

impl Words {
    fn request(self, id: i64, method: &str, params: &Value) -> Value {
        if self.is_modern { modern::request(id, method, params) } else { rpc::request(id, method, params) }
    }

    fn call(self, id: i64, tool: &str) -> Value {
        let params =
            json!({"name": tool, "arguments": {"n": 1}, "_meta": {"progressToken": format!("token {id}")}});
        self.request(id, "tools/call", &params)
    }
}

async fn shake_hands(case: &str, link: &mut Link, words: Words) {
    if words.is_modern {
        let discovered = link.request(&words.request(1, "server/discover", &json!({}))).await;
        assert_eq!(discovered[0]["result"]["serverInfo"]["name"], "era", "{case}: {discovered:?}");
        return;
    }
    let mut initialize = rpc::initialize(1);
    initialize["params"]["protocolVersion"] = json!(words.revision);
    initialize["params"]["capabilities"] = json!({"elicitation": {}});
    let agreed = link.request(&initialize).await;
    assert_eq!(agreed[0]["result"]["protocolVersion"], words.revision, "{case}: {agreed:?}");
    link.begin(words.revision).await;
    link.send(&rpc::notification("notifications/initialized", &json!({}))).await;
}

/// All that a client does.
async fn converse(case: &str, mut link: Link, words: Words) {
    shake_hands(case, &mut link, words).await;
    let listed = link.request(&words.request(2, "tools/list", &json!({}))).await;
    let tools = rpc::tools(&listed[0]);
    assert!(tools.contains(&"erase") && !tools.contains(&"secret"), "{case}: {tools:?}");

    let mut steps = link.request(&words.call(3, "steps")).await;
    assert_eq!(rpc::text(&steps.pop().expect("an answer")), "done", "{case}");
    // Over HTTP the answer and the progress may come on different streams.
    while steps.len() < 2 {
        steps.push(link.message().await);
    }
    for (progress, step) in steps.iter().zip(1..) {
        let params = &progress["params"];
        assert_eq!(
            (&params["progressToken"], &params["progress"]),
            (&json!("token 3"), &json!(step)),
            "{case}"
        );
    }
    let denied = link.request(&words.call(4, "erase")).await;
    rpc::assert_denied(denied.last().expect("an answer"));
    let hidden = link.request(&words.call(5, "secret")).await;
    rpc::assert_unknown_tool(hidden.last().expect("an answer"), "secret");
    if words.is_modern {
        rounds(case, &mut link, words).await;
    } else {
        question(case, &mut link, words).await;
        cancel(case, &mut link, words).await;
    }
    if let Link::Pipes(mut program) = link {
        program.close_input();
        let ended = program.end().await;
        assert!(ended.status.success(), "{case}: {}: {}", ended.status, ended.log);
    }
}

/// A question of the server and its answer, in the era that has them.
async fn question(case: &str, link: &mut Link, words: Words) {
    link.send(&words.call(6, "ask")).await;
    let question = link.message().await;
    assert_eq!(question["method"], "elicitation/create", "{case}: {question}");
    let result = json!({"action": "accept", "content": {"name": "Ada"}});
    link.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": result})).await;
    let answer = link.message().await;
    assert_eq!(answer["id"], 6, "{case}: {answer}");
    assert!(rpc::text(&answer).contains("Ada"), "{case}: {answer}");
}

/// The same in the era that has results for it.
async fn rounds(case: &str, link: &mut Link, words: Words) {
    let mut request = words.call(6, "ask");
    let asked = link.request(&request).await.pop().expect("an answer");
    assert_eq!(asked["result"]["resultType"], "input_required", "{case}: {asked}");
    request["id"] = json!(7);
    request["params"]["requestState"] = asked["result"]["requestState"].clone();
    request["params"]["inputResponses"] = json!({"name": {"action": "accept", "content": {"name": "Ada"}}});
    let answer = link.request(&request).await.pop().expect("an answer");
    let text = rpc::text(&answer);
    assert!(text.contains("Ada") && text.contains("the server's own"), "{case}: {answer}");
}

async fn cancel(case: &str, link: &mut Link, words: Words) {
    link.send(&words.call(8, "hold")).await;
    let held = link.message().await;
    assert_eq!(held["params"]["progressToken"], "token 8", "{case}: {held}");
    link.send(&rpc::notification("notifications/cancelled", &json!({"requestId": 8}))).await;
    let released = link.request(&words.call(9, "release")).await;
    assert_eq!(released.len(), 1, "{case}: what was cancelled is not answered: {released:?}");
    assert_eq!(rpc::text(&released[0]), "released", "{case}");
}

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

fn legacy(revision: &'static str) -> Words {
    Words { revision, is_modern: false }
}

const MODERN: Words = Words { revision: modern::REVISION, is_modern: true };

#[tokio::test]
async fn clients_over_streamable_http_reach_every_server() {
    let far = far().await;
    let near = Serving::start(&near(&far)).await;
    for upstream in UPSTREAMS {
        for revision in &LEGACY[1..] {
            let case = format!("{revision} to {upstream}");
            converse(&case, Link::streamable(near.url(upstream)), legacy(revision)).await;
        }
    }
}

#[tokio::test]
async fn clients_over_http_with_sse_reach_every_server() {
    let far = far().await;
    let near = Serving::start(&near(&far)).await;
    for upstream in UPSTREAMS {
        let url = near.url(upstream).replace("/mcp/", "/sse/");
        converse(&format!("SSE to {upstream}"), Link::pair(&url).await, legacy(LEGACY[0])).await;
    }
}

#[tokio::test]
async fn clients_on_pipes_reach_every_server() {
    let (far, policy) = (far().await, Document::policy(&policy()));
    for upstream in UPSTREAMS {
        for revision in LEGACY {
            let case = format!("pipes in {revision} to {upstream}");
            converse(&case, run(&far, upstream, &policy), legacy(revision)).await;
        }
    }
}

#[tokio::test]
async fn modern_clients_reach_every_server_of_their_era() {
    let (far, policy) = (far().await, Document::policy(&policy()));
    let near = Serving::start(&near(&far)).await;
    for upstream in ["stdio", "http"] {
        converse(&format!("modern to {upstream}"), Link::streamable(near.url(upstream)), MODERN).await;
        converse(&format!("modern on pipes to {upstream}"), run(&far, upstream, &policy), MODERN).await;
    }
    // HTTP+SSE is a transport of the other era.
    let client = modern::Modern::new(near.url("sse"));
    let answer = client.post(&modern::request(1, "server/discover", &json!({}))).await;
    assert_eq!((answer.status, rpc::error(&answer.json()).0), (400, -32601), "{answer:?}");
}
