//! Class 13: how a client could learn of what is hidden from it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::hostile_http::{HostileHttp, discovered, list, message, text};
use bartizan_tests::http::{Http, POST, Session};
use bartizan_tests::served::Served;
use bartizan_tests::waiting::{SOON, within};
use bartizan_tests::{everything, rpc};
use serde_json::{Value, json};

use crate::modern::{Modern, TASKS};
use crate::{HOSTILE, allow, hide};

/// A name as hidden as `delete_run`, since there is none.
const NONE: &str = "delete_nun";

fn with(instructions: &str) -> Value {
    json!({"version": "1", "default": "allow", "hide": ["delete_run", "get-sum"], "instructions": instructions})
}

/// A server whose instructions are this text, in both eras.
async fn instructing(text: &'static str) -> HostileHttp {
    HostileHttp::start(&["get_run", "delete_run"], move |received| match received.method() {
        "initialize" => {
            let result = json!({"protocolVersion": rpc::REVISION, "capabilities": {"tools": {}},
                "serverInfo": {"name": "hostile", "version": "1"}, "instructions": text});
            Some(message(&received.answer(&result)))
        }
        "server/discover" => Some(message(&received.answer(&discovered(&json!({"instructions": text}))))),
        _ => None,
    })
    .await
}

async fn both_instructions(url: &str) -> [Value; 2] {
    let legacy = Http::default().send("POST", url, POST, rpc::initialize(0).to_string()).await.json();
    assert!(legacy["result"].is_object(), "{legacy}");
    let modern = Modern::new(url).request("server/discover", &json!({})).await;
    [legacy, modern].map(|answer| answer["result"].get("instructions").cloned().unwrap_or_default())
}

/// Catches: `Session::guard_instructions`, and `names_nothing_hidden` looking at words as the text separates
/// them, while names may be joined to others.
#[tokio::test]
async fn instructions_do_not_name_what_is_hidden() {
    let cases = [
        ("Begin with get_run.", true),
        ("Never use delete_run_now or get_run/s.", true),
        ("Then use delete_run.", false),
        ("Use `delete_run`, or delete_run(run_id).", false),
        ("Use get_run/delete_run to look and delete.", false),
        ("Use mlflow.delete_run or get_run.", false),
        ("See https://example.com/delete_run/help for more.", false),
        ("get_run:delete_run", false),
        ("pre-delete_run-post", false),
    ];
    for (text, passes) in cases {
        let server = instructing(text).await;
        let serving = Serving::start(&json!({"hostile": server.server(&with("check"))})).await;
        let expected = if passes { json!(text) } else { Value::Null };
        assert_eq!(both_instructions(serving.url("hostile")).await, [expected.clone(), expected], "{text}");
    }
}

/// Catches: the policy's word on instructions, and its default.
#[tokio::test]
async fn a_policy_decides_on_instructions() {
    let server = instructing("Then use delete_run.").await;
    let serving = Serving::start(&json!({
        "default": server.server(&hide()),
        "check": server.server(&with("check")),
        "drop": server.server(&json!({"version": "1", "default": "allow", "instructions": "drop"})),
        "nothing": server.server(&allow()),
        "pass": server.server(&with("pass")),
    }))
    .await;
    let there = json!("Then use delete_run.");
    for (name, expected) in [
        ("default", &Value::Null),
        ("check", &Value::Null),
        ("drop", &Value::Null),
        ("nothing", &there),
        ("pass", &there),
    ] {
        let seen = both_instructions(serving.url(name)).await;
        assert_eq!(seen, [expected.clone(), expected.clone()], "{name}");
    }
    // A real server whose instructions name tools of its own.
    let everything = Served::start(everything::over_http()).await;
    let real = |policy: &Value| json!({"url": everything.url(), "policy": policy});
    let hidden = json!({"version": "1", "default": "allow", "hide": ["*"]});
    let serving = Serving::start(&json!({"hidden": real(&hidden), "shown": real(&allow())})).await;
    for (name, is_there) in [("hidden", false), ("shown", true)] {
        let answer =
            Http::default().send("POST", serving.url(name), POST, rpc::initialize(0).to_string()).await;
        let answer = answer.json();
        assert_eq!(answer["result"]["instructions"].is_string(), is_there, "{name}: {answer}");
    }
}

/// Catches: anything that is said of a request before it is known that its target is hidden
/// (`Session::judge_request`): its headers, its `requestState`, its progress token, its task.
#[tokio::test]
async fn what_is_hidden_and_what_is_not_there_are_refused_alike() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "A"}}});
    let server = HostileHttp::start(&[], move |received| {
        let tool = |name: &str| json!({"name": name, "inputSchema": schema});
        let result = json!({"resultType": "complete", "tools": [tool("a"), tool("delete_run")], "ttlMs": 0,
            "cacheScope": "public", "prompts": [{"name": "p"}, {"name": "delete_run"}],
            "resources": [{"name": "r", "uri": "test://delete_run"}]});
        received.method().ends_with("/list").then(|| message(&received.answer(&result)))
    })
    .await;
    let policy = json!({"version": "1", "default": "allow", "hide": ["delete_run", "test://delete_*"]});
    let serving = Serving::start(&json!({"hostile": server.server(&policy)})).await;
    let url = serving.url("hostile");
    let (modern, session) =
        (Modern::able(url, json!({"extensions": {TASKS: {}}})), Session::begin(url).await);
    let cases = [
        ("tools/call", json!({"name": "?", "arguments": {}})),
        ("tools/call", json!({"name": "?", "arguments": {"a": "x"}})),
        ("tools/call", json!({"name": "?", "arguments": {}, "requestState": "forged"})),
        ("tools/call", json!({"name": "?", "arguments": {}, "requestState": 1})),
        ("tools/call", json!({"name": "?", "arguments": {}, "task": {"ttl": 1}})),
        ("tools/call", json!({"name": "?", "arguments": {}, "_meta": {"progressToken": 1}})),
        ("prompts/get", json!({"name": "?"})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "?"}, "argument": {"name": "a", "value": ""}}),
        ),
        ("tasks/get", json!({"taskId": "?"})),
    ];
    for (method, params) in cases {
        let named = |name: &str| -> Value {
            serde_json::from_str(&params.to_string().replace('?', name)).expect("it is still JSON")
        };
        for id in [50, 51] {
            // Twice: what the gateway has learnt by the first must not show in the second.
            let mut seen = Vec::new();
            for name in ["delete_run", NONE] {
                let mut message = modern.message(method, &named(name));
                message["id"] = json!(id);
                let stateless = modern.post(&message, &[]).await;
                let legacy = session.post(rpc::request(id, method, &named(name)).to_string()).await;
                let bodies = [stateless, legacy]
                    .map(|answer| (answer.status, answer.json().to_string().replace(name, "?")));
                seen.push(bodies);
            }
            assert_eq!(seen[0], seen[1], "{method} {params}");
        }
    }
    let hidden = modern.request("resources/read", &json!({"uri": "test://delete_run"})).await;
    assert_eq!(rpc::error(&hidden), (-32602, "Resource not found"));
    for method in ["tools/call", "prompts/get", "resources/read"] {
        assert_eq!(server.count(|received| received.method() == method), 0, "{method}");
    }
}

/// Catches: the time that it takes to look for a name that is on no list, and that it does not take to refuse
/// one that is (`Catalogue::pretend_to_search`).
#[tokio::test]
async fn what_is_hidden_takes_as_long_as_what_is_not_there() {
    let server = HostileHttp::start(&[], |received| {
        let mut result = list(&["a", "delete_run"]);
        // It says that the list stays as it is: only the name can be a reason to ask again.
        result["ttlMs"] = json!(300_000);
        (received.method() == "tools/list").then(|| message(&received.answer(&result)))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&hide())})).await;
    let lists = || server.count(|received| received.method() == "tools/list");
    for name in [NONE, "delete_run"] {
        let session = Session::begin(serving.url("hostile")).await;
        rpc::assert_unknown_tool(&session.call(name, &Value::Null).await, name);
        let before = lists();
        // The list is read again for a name that is not on it, once it has a certain age.
        within(SOON, &format!("the server is asked again for {name}"), async {
            while lists() == before {
                rpc::assert_unknown_tool(&session.call(name, &Value::Null).await, name);
            }
        })
        .await;
    }
}

/// Catches: public lists, and lists for ever (`Listing::filter`): a shared cache would show one client's to another.
#[tokio::test]
async fn a_filtered_list_is_for_its_client_alone() {
    let server = HostileHttp::start(&[], |received| {
        let mut result = list(&["a", "delete_run"]);
        result["ttlMs"] = json!(86_400_000);
        result["_meta"] = json!({"kept": true});
        (received.method() == "tools/list").then(|| message(&received.answer(&result)))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&hide())})).await;
    let answer = Modern::new(serving.url("hostile")).request("tools/list", &json!({})).await;
    assert_eq!(rpc::tools(&answer), ["a"]);
    assert_eq!(answer["result"]["cacheScope"], "private");
    assert_eq!(answer["result"]["ttlMs"], 60_000);
    assert_eq!(answer["result"]["_meta"]["kept"], true);
}

/// Catches: `tasks/list` showing tasks of calls that this client has not made (`Session::filter`).
#[tokio::test]
async fn a_list_of_tasks_has_none_of_others() {
    let tasks = AtomicUsize::new(0);
    let server = HostileHttp::start(&["a"], move |received| {
        let task = |id: &str| json!({"taskId": id, "status": "working", "ttl": 60000, "createdAt": "2025-11-25T00:00:00Z"});
        match received.method() {
            "tools/call" => {
                let number = tasks.fetch_add(1, Ordering::Relaxed);
                Some(message(&received.answer(&json!({"task": task(&format!("own-{number}"))}))))
            }
            "tasks/list" => Some(message(&received.answer(&json!({"tasks": [task("own-0"), task("another's")]})))),
            "tasks/result" => Some(message(&received.answer(&text("another's result")))),
            _ => None,
        }
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let session = Session::begin(serving.url("hostile")).await;
    let params = json!({"name": "a", "arguments": {}, "task": {"ttl": 60000}});
    assert_eq!(session.request("tools/call", &params).await["result"]["task"]["taskId"], "own-0");
    let listed = session.request("tasks/list", &json!({})).await;
    let names: Vec<_> =
        listed["result"]["tasks"].as_array().expect("a list").iter().map(|task| &task["taskId"]).collect();
    assert_eq!(names, ["own-0"]);
    let other = session.request("tasks/result", &json!({"taskId": "another's"})).await;
    assert_eq!(rpc::error(&other), (-32602, "Unknown task: another's"));
    assert_eq!(server.count(|received| received.method() == "tasks/result"), 0);
}

/// What the gateway says of itself does not tell where a server is, or how it is reached.
#[tokio::test]
async fn errors_say_nothing_of_addresses_and_secrets() {
    let server = HostileHttp::start(&["a"], |_| None).await;
    let (entry, origin) = (server.server(&allow()), server.origin().to_owned());
    let serving =
        Serving::start(&json!({"up": entry, "pipes": gateway::server(HOSTILE, &[], &allow())})).await;
    let session = Session::begin(serving.url("up")).await;
    assert_eq!(rpc::text(&session.call("a", &Value::Null).await), "a");
    drop(server);
    let modern = Modern::new(serving.url("up"));
    for answer in [session.call("a", &Value::Null).await, modern.call("a", &Value::Null).await] {
        let text = answer["error"].to_string();
        let address = origin.trim_start_matches("http://");
        assert!(!text.contains("secret") && !text.contains(address), "{text}");
    }
    let pipes = Session::begin(serving.url("pipes")).await;
    let gone = pipes.call("half", &Value::Null).await["error"].to_string();
    assert!(!gone.contains(HOSTILE), "{gone}");
}
