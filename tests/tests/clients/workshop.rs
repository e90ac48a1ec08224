//! The workshop, a server of both eras, over stdio with `bartizan run` and over HTTP with `bartizan serve`.

use bartizan_tests::clients::{Client, Server};
use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::workshop::Workshop;
use serde_json::{Value, json};

use crate::{
    LEGACY, MODERN, Seen, Steps, assert_denied, assert_ran, assert_unknown, inspector, mcp1, mcp2, rmcp,
    typescript1, typescript2,
};

const DIRECTLY: &str = "directly";
const THROUGH: &str = "through";

/// How much of the conversation a client can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sessions {
    /// All of it, in one session.
    One,
    /// Calls and lists, each in a session of its own.
    OneForEachStep,
}

/// The revision to agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agreed {
    On(&'static str),
    /// The newest that both sides know. `automatic_clients_agree_on_the_revision_that_the_server_offers`
    /// tells whether the gateway knows all that the server does.
    OnTheNewest,
    /// The client does not tell.
    Silently,
}

fn policy() -> Value {
    json!({
        "version": "1",
        "default": "deny",
        "hide": ["secret"],
        "tools": {
            "quick": {},
            "measure": {},
            "slow": {},
            "proceed": {},
            "wait": {},
            "outcome": {},
            "erase": {"action": "deny", "reason": "Erasing is for people."},
            "stamp": {"rate_limit": {"max": 1, "window": 3600}},
        },
    })
}

/// After every call that the gateway refuses comes one that it allows.
fn steps(key: &str, sessions: Sessions) -> Steps {
    let (mut steps, own) = (Steps::default(), json!({"key": key}));
    let quick = |steps: &mut Steps, when: &str| {
        if sessions == Sessions::One || when == "quick at first" {
            steps.step(when, json!({"call": "quick", "arguments": {"text": when}}));
        }
    };
    steps.step("list", json!({"list": "tools"}));
    quick(&mut steps, "quick at first");
    steps.call("erase", &own);
    quick(&mut steps, "quick after erase");
    steps.call("secret", &own);
    quick(&mut steps, "quick after secret");
    steps.call("absent", &own);
    steps.call("unlisted", &own);
    quick(&mut steps, "quick after unlisted");
    steps.call("stamp", &own);
    steps.call("measure", &json!({"text": "four"}));
    if sessions == Sessions::One {
        steps.step("stamp again", json!({"call": "stamp", "arguments": own}));
        quick(&mut steps, "quick after stamp");
        // The server goes on only once the client has seen all of the progress.
        let proceed = json!({"progress": 3, "call": "proceed", "arguments": own});
        let slow = json!({"call": "slow", "arguments": {"key": key, "steps": 3}, "meanwhile": proceed});
        steps.step("slow", slow);
        steps.step("wait", json!({"cancel": "wait", "arguments": own}));
        steps.call("outcome", &own);
        quick(&mut steps, "quick at last");
        steps.step("revision", json!({"tell": "revision"}));
    }
    steps
}

/// What the workshop notes of a conversation, of which it carried out all or what the policy allows.
fn notes(all: bool, sessions: Sessions) -> Vec<&'static str> {
    let mut notes = if all { vec!["erase", "secret", "unlisted", "stamp"] } else { vec!["stamp"] };
    if sessions == Sessions::One {
        if all {
            notes.push("stamp");
        }
        notes.extend(["wait", "cancelled"]);
    }
    notes
}

/// What is the same with the gateway and without it.
fn assert_in_order(seen: &Seen, key: &str, sessions: Sessions) {
    for (name, shown) in seen.iter().filter(|(name, _)| name.starts_with("quick")) {
        assert_eq!(*shown, json!({"is_error": false, "text": format!("quick: {name}")}), "{name}");
    }
    assert_ran(seen, "stamp");
    assert_ran(seen, "measure");
    assert_eq!(seen["measure"]["structured"], json!({"length": 4, "text": "four"}));
    if sessions == Sessions::One {
        assert_eq!(seen["slow"]["text"], "slow: 3 steps", "{}", seen["slow"]);
        let progress = seen["slow"]["progress"].as_array().expect("it was seen");
        let progress: Vec<f64> = progress.iter().filter_map(Value::as_f64).collect();
        assert_eq!(progress, [1.0, 2.0, 3.0]);
        assert_eq!(seen["wait"], json!({"cancelled": true}));
        assert_eq!(seen["outcome"], json!({"is_error": false, "text": format!("cancelled: {key}")}));
    }
}

fn assert_unprotected(seen: &Seen, sessions: Sessions) {
    assert_in_order(seen, DIRECTLY, sessions);
    let listed = seen["list"].as_array().expect("a list");
    assert!(listed.contains(&json!("secret")) && listed.len() == 10, "{listed:?}");
    for step in ["erase", "secret", "unlisted"] {
        assert_ran(seen, step);
    }
    if sessions == Sessions::One {
        assert_ran(seen, "stamp again");
    }
}

fn assert_protected(seen: &Seen, directly: &Seen, sessions: Sessions) {
    assert_in_order(seen, THROUGH, sessions);
    let mut visible = directly["list"].as_array().expect("a list").clone();
    visible.retain(|name| name != "secret");
    assert_eq!(seen["list"], Value::from(visible));
    assert_denied(seen, "erase", "Erasing is for people.");
    assert_denied(seen, "unlisted", "unlisted");
    assert_unknown(seen, "secret", "absent");
    if sessions == Sessions::One {
        assert_eq!(seen["secret"]["code"], -32602, "{}", seen["secret"]);
        assert_denied(seen, "stamp again", "");
    }
}

#[track_caller]
fn assert_agreed(agreed: Agreed, directly: &Seen, through: &Seen) {
    match agreed {
        Agreed::On(revision) => {
            assert_eq!((&directly["revision"], &through["revision"]), (&json!(revision), &json!(revision)));
        }
        Agreed::OnTheNewest => {
            assert_eq!(directly["revision"], MODERN);
            assert!([LEGACY, MODERN].contains(&through["revision"].as_str().unwrap_or_default()));
        }
        Agreed::Silently => {}
    }
}

async fn over_stdio(client: &Client, agreed: Agreed) {
    let sessions = sessions(agreed);
    let workshop = Workshop::new();
    let server = Server::of(&workshop.command(&[]));
    let directly = steps(DIRECTLY, sessions).take(client, &server).await;
    assert_unprotected(&directly, sessions);

    let (policy, Server::Command(words)) = (Document::policy(&policy()), server) else { return };
    let gateway = Server::of(&gateway::run(&policy.path(), words));
    let through = steps(THROUGH, sessions).take(client, &gateway).await;
    assert_protected(&through, &directly, sessions);
    assert_agreed(agreed, &directly, &through);
    assert_noted(&workshop, sessions);
}

async fn over_http(client: &Client, agreed: Agreed) {
    let sessions = sessions(agreed);
    let workshop = Workshop::new();
    let served = workshop.serve().await;
    let directly = steps(DIRECTLY, sessions).take(client, &Server::Url(served.url().to_owned())).await;
    assert_unprotected(&directly, sessions);

    let servers = json!({"workshop": {"type": "http", "url": served.url(), "policy": policy()}});
    let serving = Serving::start(&servers).await;
    let gateway = Server::Url(serving.url("workshop").to_owned());
    let through = steps(THROUGH, sessions).take(client, &gateway).await;
    assert_protected(&through, &directly, sessions);
    assert_agreed(agreed, &directly, &through);
    assert_noted(&workshop, sessions);
}

fn sessions(agreed: Agreed) -> Sessions {
    match agreed {
        Agreed::Silently => Sessions::OneForEachStep,
        Agreed::On(_) | Agreed::OnTheNewest => Sessions::One,
    }
}

/// The server's own word for it.
#[track_caller]
fn assert_noted(workshop: &Workshop, sessions: Sessions) {
    assert_eq!(workshop.notes(DIRECTLY), notes(true, sessions), "directly, every call is carried out");
    assert_eq!(workshop.notes(THROUGH), notes(false, sessions), "no refused call is carried out");
}

/// A client and what it agrees on, tested over both transports.
macro_rules! clients {
    ($($name:ident: $client:expr, $agreed:expr;)*) => {$(
        fn $name() -> (Client, Agreed) {
            ($client, $agreed)
        }

        mod $name {
            #[tokio::test]
            async fn over_stdio() {
                let (client, agreed) = super::$name();
                super::over_stdio(&client, agreed).await;
            }

            #[tokio::test]
            async fn over_http() {
                let (client, agreed) = super::$name();
                super::over_http(&client, agreed).await;
            }
        }
    )*};
}

clients! {
    python_mcp_1: mcp1(), Agreed::On(LEGACY);
    python_mcp_2_legacy: mcp2("legacy"), Agreed::On(LEGACY);
    python_mcp_2_auto: mcp2("auto"), Agreed::OnTheNewest;
    python_mcp_2_modern: mcp2(MODERN), Agreed::On(MODERN);
    fastmcp: Client::fastmcp(), Agreed::OnTheNewest;
    typescript_1: typescript1(), Agreed::On(LEGACY);
    typescript_2_legacy: typescript2("legacy"), Agreed::On(LEGACY);
    typescript_2_auto: typescript2("auto"), Agreed::OnTheNewest;
    inspector_legacy: inspector("legacy"), Agreed::Silently;
    inspector_modern: inspector("modern"), Agreed::Silently;
    rmcp_legacy: rmcp("legacy"), Agreed::On(LEGACY);
    rmcp_auto: rmcp("auto"), Agreed::OnTheNewest;
    rmcp_modern: rmcp("modern"), Agreed::On(MODERN);
}

#[tokio::test]
async fn automatic_clients_agree_on_the_revision_that_the_server_offers() {
    let workshop = Workshop::new();
    let served = workshop.serve().await;
    let servers = json!({"workshop": {"type": "http", "url": served.url(), "policy": policy()}});
    let serving = Serving::start(&servers).await;
    let policy = Document::policy(&policy());
    let mut run = gateway::run(&policy.path(), Vec::<String>::new());
    let direct = workshop.command(&[]);
    run.arg(direct.as_std().get_program()).args(direct.as_std().get_args());
    let mut steps = Steps::default();
    steps.step("revision", json!({"tell": "revision"}));
    for (case, server) in
        [("over HTTP", Server::Url(serving.url("workshop").to_owned())), ("over stdio", Server::of(&run))]
    {
        let clients = [
            ("python mcp 2", mcp2("auto")),
            ("fastmcp", Client::fastmcp()),
            ("typescript 2", typescript2("auto")),
            ("rmcp", rmcp("auto")),
        ];
        for (client, program) in clients {
            assert_eq!(steps.take(&program, &server).await["revision"], MODERN, "{client} {case}");
        }
    }
}
