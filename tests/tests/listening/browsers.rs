//! What pages in a browser are told.

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::{Http, POST};
use bartizan_tests::rpc;
use serde_json::json;

use crate::{FAKE, allow_all};

const APP: &str = "https://app.example";

async fn serving() -> Serving {
    let servers = json!({"fake": gateway::server(FAKE, &[], &allow_all())});
    Serving::start_with(json!({"allowed_origins": [APP], "mcpServers": servers})).await
}

#[tokio::test]
async fn a_page_may_ask_whether_it_may_call() {
    let serving = serving().await;
    let wanted = "content-type,mcp-session-id,mcp-param-region,x-evil";
    for (origin, allowed) in [
        (APP, true),
        ("http://localhost:3000", true),
        ("https://evil.example", false),
        ("http://app.example", false),
        ("null", false),
    ] {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", wanted),
        ];
        let answer = Http::default().send("OPTIONS", serving.url("fake"), &headers, "").await;
        if !allowed {
            assert_eq!(answer.status, 403, "{origin}");
            let told = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
            assert!(!told, "{origin}: {answer:?}");
            continue;
        }
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{origin}");
        for (name, expected) in [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", "POST, GET, DELETE"),
            (
                "access-control-allow-headers",
                "content-type, accept, authorization, mcp-session-id, mcp-protocol-version, mcp-method, \
                 mcp-name, last-event-id, mcp-param-region",
            ),
            ("access-control-max-age", "600"),
        ] {
            assert_eq!(answer.header(name), Some(expected), "{origin}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{origin}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert!(vary.iter().any(|value| *value == "origin"), "{origin}: {vary:?}");
    }
}

#[tokio::test]
async fn a_page_may_read_what_it_is_answered() {
    let serving = serving().await;
    let url = serving.url("fake");
    let missing = format!("{url}-missing");
    let initialize = rpc::initialize(0).to_string();
    for (case, url, origin, status, allowed) in [
        ("an answer", url, Some(APP), 200, true),
        ("a refusal", missing.as_str(), Some(APP), 404, true),
        ("no page", url, None, 200, false),
        ("a strange page", url, Some("https://evil.example"), 403, false),
    ] {
        let origin = origin.map(|origin| ("origin", origin));
        let headers: Vec<_> = POST.iter().copied().chain(origin).collect();
        let answer = Http::default().send("POST", url, &headers, initialize.clone()).await;
        assert_eq!(answer.status, status, "{case}");
        for (name, expected) in [
            ("access-control-allow-origin", APP),
            ("access-control-expose-headers", "mcp-session-id"),
            ("vary", "origin"),
        ] {
            assert_eq!(answer.header(name), allowed.then_some(expected), "{case}");
        }
    }
}
