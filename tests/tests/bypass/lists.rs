//! Classes 14 and 15: lists in pages, and lists that change.

use bartizan_tests::gateway::Serving;
use bartizan_tests::hostile_http::{HostileHttp, message};
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use bartizan_tests::waiting::until;
use serde_json::{Value, json};

use crate::modern::Modern;
use crate::{HOSTILE, Record, allow, hide};

/// No arguments.
const NOTHING: Value = Value::Null;

/// Class 14. Catches: filtering of the first page only, or of what the gateway itself has asked for
/// (`Session::filter`); and a tool that exists since one page names it (`Catalogue::find`).
#[tokio::test]
async fn every_page_is_filtered_whatever_its_cursor() {
    let server = HostileHttp::start(&[], |received| {
        if received.method() != "tools/list" {
            return None;
        }
        let cursor = received.message["params"]["cursor"].as_str();
        let (names, next) = match cursor {
            None => (&["a"][..], Some("")),
            Some("") => (&["delete_run"][..], Some("last")),
            Some("last") => (&["delete_run", "b"][..], None),
            Some(_) => (&["delete_run", "backdoor"][..], None),
        };
        let mut result = bartizan_tests::hostile_http::list(names);
        if let Some(next) = next {
            result["nextCursor"] = json!(next);
        }
        Some(message(&received.answer(&result)))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&hide())})).await;
    let (modern, session) =
        (Modern::new(serving.url("hostile")), Session::begin(serving.url("hostile")).await);
    for (params, names, next) in [
        (json!({}), &["a"][..], json!("")),
        (json!({"cursor": ""}), &[][..], json!("last")),
        (json!({"cursor": "last"}), &["b"][..], Value::Null),
        (json!({"cursor": "crafted"}), &["backdoor"][..], Value::Null),
    ] {
        for page in
            [modern.request("tools/list", &params).await, session.request("tools/list", &params).await]
        {
            assert_eq!(rpc::tools(&page), names, "{params}");
            assert_eq!(page["result"].get("nextCursor").cloned().unwrap_or_default(), next, "{params}");
        }
    }
    for name in ["delete_run", "backdoor"] {
        // What is on no page that is reached from the first one does not exist.
        rpc::assert_unknown_tool(&modern.call(name, &NOTHING).await, name);
        rpc::assert_unknown_tool(&session.call(name, &NOTHING).await, name);
        assert_eq!(server.calls(name), 0);
    }
    for client in [modern.call("b", &NOTHING).await, session.call("b", &NOTHING).await] {
        assert_eq!(rpc::text(&client), "b");
    }
}

/// Class 14. Catches: names that two entries have, or that entries hide in ways of their own.
#[tokio::test]
async fn what_cannot_be_judged_is_not_listed() {
    let server = HostileHttp::start(&[], |received| {
        let tools = json!([
            {"name": "a"}, {"Name": "delete_run"}, "delete_run", {"name": ["delete_run"]}, {"name": null},
            {"name": "twin", "description": "benign"}, {"name": "tw\u{69}n", "description": "other"}, ["delete_run"],
        ]);
        let result = json!({"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "public"});
        (received.method() == "tools/list").then(|| message(&received.answer(&result)))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&hide())})).await;
    let (modern, session) =
        (Modern::new(serving.url("hostile")), Session::begin(serving.url("hostile")).await);
    for answer in
        [modern.request("tools/list", &json!({})).await, session.request("tools/list", &json!({})).await]
    {
        assert_eq!(answer["result"]["tools"], json!([{"name": "a"}]));
    }
    rpc::assert_unknown_tool(&modern.call("twin", &NOTHING).await, "twin");
    rpc::assert_unknown_tool(&session.call("twin", &NOTHING).await, "twin");
}

/// Class 15. Catches: definitions that are kept although the server says that they have changed
/// (`Catalogue::forget`), or that come from elsewhere than the server's list.
#[tokio::test]
async fn a_list_that_changed_is_read_again_before_the_next_call() {
    let record = Record::new();
    let policy = json!({"version": "1", "default": "deny", "tools": {"turn": {}, "echo": {}, "l*": {"action": "deny"}}});
    for (policy, is_allowed) in [(allow(), true), (policy, false)] {
        let serving = Serving::start(&json!({"hostile": record.server(HOSTILE, &policy)})).await;
        let session = Session::begin(serving.url("hostile")).await;
        rpc::assert_unknown_tool(&session.call("late", &NOTHING).await, "late");
        // It does not exist before the server has said so, whatever a call of it would do.
        assert_eq!(rpc::text(&session.call("turn", &json!({})).await), "turn");
        rpc::assert_unknown_tool(&session.call("late", &NOTHING).await, "late");
        let lists = record.count("\"tools/list\"");
        assert_eq!(rpc::text(&session.call("turn", &json!({"tells": true})).await), "turn");
        let late = session.call("late", &NOTHING).await;
        assert_eq!(record.count("\"tools/list\""), lists + 1);
        if is_allowed {
            assert_eq!(rpc::text(&late), "late");
        } else {
            rpc::assert_denied(&late);
        }
    }
    assert_eq!(record.calls("late"), 1);
}

/// Class 15. Catches: a list that was asked for before a change and came after it, taken for the new one
/// (`Shelf::read`).
#[tokio::test]
async fn a_list_from_before_a_change_is_not_kept() {
    let lists = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (count, ordering) = (std::sync::Arc::clone(&lists), std::sync::atomic::Ordering::SeqCst);
    let server = HostileHttp::start(&[], move |received| {
        if received.method() != "tools/list" {
            return None;
        }
        let is_first = count.fetch_add(1, ordering) == 0;
        let names: &[&str] = if is_first { &["a"] } else { &["a", "b"] };
        let changed = rpc::notification("notifications/tools/list_changed", &json!({}));
        let mut result = bartizan_tests::hostile_http::list(names);
        result["ttlMs"] = json!(300_000);
        let messages = [changed, received.answer(&result)];
        let messages = if is_first { &messages[..] } else { &messages[1..] };
        Some(bartizan_tests::hostile_http::events(bartizan_tests::hostile_http::framed(messages)))
    })
    .await;
    let serving = Serving::start(&json!({"hostile": server.server(&allow())})).await;
    let session = Session::begin(serving.url("hostile")).await;
    rpc::assert_unknown_tool(&session.call("b", &NOTHING).await, "b");
    assert_eq!(rpc::text(&session.call("b", &NOTHING).await), "b");
    until("it is asked twice", || lists.load(ordering) == 2).await;
}
