//! Names and settings that are hostile: two files that are one plugin, two entries of one plugin, settings of
//! a megabyte.

use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::{hostile, rpc};
use serde_json::json;

use crate::{CALM, FAKE, assert_passed, call, policy};

/// Two files say that they are the same plugin. Each is known by its file.
#[tokio::test]
async fn plugins_of_one_name_are_told_apart_by_their_files() {
    let folder = hostile::plugins(["check-trap"]);
    let twin = folder.path().join("twin.wasm");
    let text =
        std::fs::read_to_string(bartizan_tests::environment::repository("tests/hostile/check-slow.wat"))
            .expect("a text can be read");
    std::fs::write(twin, hostile::assemble("check-trap", &text)).expect("a file can be written");
    let configuration = json!({
        "plugins": {"dir": folder.path()},
        "mcpServers": {
            "first": gateway::server(FAKE, &[], &policy(&["check-trap"])),
            "second": gateway::server(FAKE, &[], &policy(&["twin"])),
        },
    });
    let serving = Serving::start_with(configuration).await;
    let first = Session::begin(serving.url("first")).await;
    let second = Session::begin(serving.url("second")).await;
    for _ in 0..7 {
        let answer = call(&first, 1).await;
        let text = rpc::assert_denied(&answer);
        assert!(text.contains("`check-trap` could not decide"), "{text}");
        // The other is not quarantined with it.
        assert_passed("the twin", 1, &call(&second, 1).await);
    }
}

/// A policy with two entries of one plugin asks it twice, and a quarantine of one is none of the other.
#[tokio::test]
async fn two_entries_of_one_plugin_are_two_plugins() {
    let folder = hostile::plugins(["check-every-second-traps"]);
    let twice = json!({"version": "1", "default": "allow", "plugins": [
        {"use": "check-every-second-traps", "tools": ["echo"]},
        {"use": "check-every-second-traps", "tools": ["other"], "settings": {"second": true}},
    ]});
    let configuration = json!({
        "plugins": {"dir": folder.path()},
        "mcpServers": {CALM: gateway::server(FAKE, &["--tools", "echo,other"], &twice)},
    });
    let serving = Serving::start_with(configuration).await;
    let session = Session::begin(serving.url(CALM)).await;
    for number in 1..=7 {
        let answer = call(&session, 1).await;
        let denial = &answer["result"]["_meta"]["bartizan/denial"];
        assert_eq!(denial["rule"], "/plugins/0", "call {number}: {answer}");
        assert_eq!(denial.get("retryAfter").is_some(), number > 5, "call {number}: {answer}");
    }
    let answer = session.call("other", &json!({"n": 1})).await;
    let denial = &answer["result"]["_meta"]["bartizan/denial"];
    assert_eq!((&denial["rule"], denial.get("retryAfter")), (&json!("/plugins/1"), None), "{answer}");
}

/// Settings of nearly all of a policy's megabyte.
#[tokio::test]
async fn large_settings_are_taken() {
    let folder = hostile::plugins(["check-nan-bits"]);
    let large = json!({"version": "1", "default": "allow", "plugins": [
        {"use": "check-nan-bits", "settings": {"words": vec!["word"; 100_000]}},
    ]});
    let configuration = json!({
        "plugins": {"dir": folder.path()},
        "mcpServers": {CALM: gateway::server(FAKE, &[], &large)},
    });
    let serving = Serving::start_with(configuration).await;
    let session = Session::begin(serving.url(CALM)).await;
    assert_passed("large settings", 1, &call(&session, 1).await);
}
