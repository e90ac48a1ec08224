//! Class 10: calls that take several rounds, and who answers for what. (A human's approval, out of band, is a
//! feature that is not there yet.)

use bartizan_tests::gateway::Serving;
use bartizan_tests::hostile_http::{HostileHttp, message, text};
use bartizan_tests::rpc;
use serde_json::{Value, json};

use crate::allow;
use crate::modern::Modern;

/// A server whose tools first ask for a confirmation, and remember the call by their own state.
async fn asking() -> HostileHttp {
    HostileHttp::start(&["pay", "refund"], |received| {
        if received.method() != "tools/call" {
            return None;
        }
        let params = &received.message["params"];
        let answer = match params.get("requestState") {
            Some(state) => text(&format!("{state} {} {}", params["name"], params["arguments"])),
            None => json!({
                "resultType": "input_required",
                "requestState": format!("state of {}", params["arguments"]),
                "inputRequests": {"q": {"method": "elicitation/create", "params": {"message": "Really?",
                    "requestedSchema": {"type": "object", "properties": {}}}}},
            }),
        };
        Some(message(&received.answer(&answer)))
    })
    .await
}

fn able(url: &str) -> Modern {
    Modern::able(url, json!({"elicitation": {}}))
}

fn pay(amount: u32, state: &Value) -> Value {
    let answers = json!({"q": {"action": "accept", "content": {}}});
    json!({"name": "pay", "arguments": {"amount": amount}, "requestState": state, "inputResponses": answers})
}

/// Catches: a state that is not sealed, or to less than the whole call (`Subject::digest`, `open_round`).
#[tokio::test]
async fn a_state_comes_back_with_its_own_call_only() {
    let server = asking().await;
    let serving =
        Serving::start(&json!({"one": server.server(&allow()), "two": server.server(&allow())})).await;
    let client = able(serving.url("one"));
    let first = client.call("pay", &json!({"amount": 1})).await;
    let state = first["result"]["requestState"].clone();
    let sealed = state.as_str().expect("there is a state");
    assert!(!sealed.contains("state of"), "the server's own words are not for the client: {sealed}");

    let before = server.calls("pay") + server.calls("refund");
    let last = if sealed.ends_with('A') { 'B' } else { 'A' };
    let mut refund = pay(1, &state);
    refund["name"] = json!("refund");
    let mut other_text = pay(1, &state);
    other_text["arguments"] = json!({"amount": "1"});
    let mut more = pay(1, &state);
    more["arguments"]["to"] = json!("me");
    for (case, params) in [
        ("other arguments", pay(9_999, &state)),
        ("arguments of another type", other_text),
        ("more arguments", more),
        ("another tool", refund),
        ("changed", pay(1, &json!(format!("{last}{}", &sealed[1..])))),
        ("cut", pay(1, &json!(&sealed[..sealed.len() - 8]))),
        ("the server's own", pay(1, &json!("state of {\"amount\":1}"))),
        ("empty", pay(1, &json!(""))),
        ("a number", pay(1, &json!(1))),
        ("nothing", pay(1, &Value::Null)),
    ] {
        let answer = client.request("tools/call", &params).await;
        assert_eq!(rpc::error(&answer).0, -32602, "{case}: {answer}");
    }
    let elsewhere = able(serving.url("two")).request("tools/call", &pay(1, &state)).await;
    assert_eq!(rpc::error(&elsewhere).0, -32602, "another server: {elsewhere}");
    let read = client.request("resources/read", &json!({"uri": "pay", "requestState": state})).await;
    assert_eq!(rpc::error(&read).0, -32602, "another method: {read}");
    assert_eq!(server.calls("pay") + server.calls("refund"), before, "none of it reached the server");

    let second = client.request("tools/call", &pay(1, &state)).await;
    assert_eq!(rpc::text(&second), r#""state of {\"amount\":1}" "pay" {"amount":1}"#);
}

/// Catches: a retry that is not judged again (`judge_request` after `open_round`), and one that costs again.
#[tokio::test]
async fn each_round_is_judged_and_the_first_is_charged() {
    let server = asking().await;
    let policy = json!({"version": "1", "default": "allow",
        "tools": {"pay": {"rate_limit": {"max": 1, "window": 3600}}}});
    let serving = Serving::start(&json!({"one": server.server(&policy)})).await;
    let client = able(serving.url("one"));
    let first = client.call("pay", &json!({"amount": 1})).await;
    let state = first["result"]["requestState"].clone();
    rpc::assert_denied(&client.call("pay", &json!({"amount": 1})).await);
    assert!(rpc::text(&client.request("tools/call", &pay(1, &state)).await).starts_with("\"state of"));
    // What was answered once is a new call.
    rpc::assert_denied(&client.request("tools/call", &pay(1, &state)).await);
    assert_eq!(server.calls("pay"), 2);
}

/// Catches: questions that the policy was not asked about, or that the client cannot be asked
/// (`judge_questions`, `Meta::lacks`).
#[tokio::test]
async fn a_server_asks_what_the_policy_and_the_client_allow() {
    let question = |method: &str, params: Value| json!({"q": {"method": method, "params": params}});
    let url = json!({"mode": "url", "message": "m", "url": "https://evil.example/", "elicitationId": "e"});
    let kinds = [
        question("elicitation/create", json!({"message": "m", "requestedSchema": {"type": "object"}})),
        question("elicitation/create", url),
        question("sampling/createMessage", json!({"messages": [], "maxTokens": 1})),
        question("roots/list", json!({})),
        question("tools/call", json!({"name": "a", "arguments": {}})),
        question("x/vendor", json!({})),
        json!({"q": {"params": {}}}),
        json!({"q": 1}),
        json!([]),
        json!("q"),
    ];
    let asked = kinds.clone();
    let tools: Vec<String> = (0..kinds.len()).map(|index| index.to_string()).collect();
    let names: Vec<&str> = tools.iter().map(String::as_str).collect();
    let server = HostileHttp::start(&names, move |received| {
        let index: usize = received.message["params"]["name"].as_str()?.parse().ok()?;
        let result = json!({"resultType": "input_required", "inputRequests": asked.get(index)?});
        Some(message(&received.answer(&result)))
    })
    .await;
    let deny = json!({"version": "1", "default": "deny", "tools": {"*": {}}});
    let serving =
        Serving::start(&json!({"allow": server.server(&allow()), "deny": server.server(&deny)})).await;
    let all = json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
    let form = json!({"elicitation": {}});
    for (name, capabilities, asks) in [
        ("allow", &all, &[0, 1, 2, 3][..]),
        ("allow", &form, &[0][..]),
        ("allow", &json!({}), &[][..]),
        ("deny", &all, &[][..]),
    ] {
        let client = Modern::able(serving.url(name), capabilities.clone());
        for (index, tool) in names.iter().enumerate() {
            let answer = client.call(tool, &json!({})).await;
            let is_asked = answer["result"].get("inputRequests").is_some();
            assert_eq!(
                is_asked,
                asks.contains(&index),
                "{name} {capabilities} {:?}: {answer}",
                kinds.get(index)
            );
        }
    }
}
