//! Plugins that misbehave in a gateway that serves: each costs its own calls at most.

use bartizan_runtime::Capability;
use bartizan_tests::http::Session;
use bartizan_tests::waiting;
use serde_json::Value;

use crate::process::Footprint;
use crate::rows::{self, Answer, Holds};
use crate::{CALM, UNGRANTED, assert_passed, call, serve};

/// Two calls of the session that judges and the calm one, a list, and what waits to be used again.
const SPARE_DESCRIPTORS: usize = 16;
/// Tokio has a thread for each evaluation that was slow of late, and keeps it for ten seconds.
const SPARE_THREADS: u64 = 32;

/// What is wrong with an answer, if anything is.
fn problem(plugin: &str, expected: Answer, answer: &Value) -> Option<String> {
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
    let as_expected = match expected {
        Answer::Passes => serde_json::from_str(text).is_ok_and(|echoed: Value| echoed["tool"] == "echo"),
        Answer::Denies(words) => text.starts_with("[POLICY DENIED] ") && text.contains(words),
        Answer::Fails(code) => {
            text == format!(
                "[POLICY DENIED] The policy plugin `{plugin}` could not decide ({code}), so the call is refused."
            )
        }
    };
    (!as_expected).then(|| format!("{plugin}: instead of {expected:?}: {answer}"))
}

#[tokio::test]
async fn every_plugin_costs_no_more_than_its_own_calls() {
    let rows: Vec<(&str, Answer, &[&str])> = rows::ROWS
        .iter()
        .filter_map(|(plugin, holds)| match holds {
            Holds::Serves(answer) => Some((*plugin, *answer, UNGRANTED)),
            Holds::ServesGranted(capability, answer) if Capability::parse(capability).is_some() => {
                Some((*plugin, *answer, std::slice::from_ref(capability)))
            }
            _ => None,
        })
        .collect();
    let plugins: Vec<(&str, &[&str])> = rows.iter().map(|(plugin, _, grants)| (*plugin, *grants)).collect();
    let (serving, _folder) = serve(&plugins).await;
    let calm = Session::begin(serving.url(CALM)).await;
    let before = Footprint::of_gateway(&serving);
    let mut wrong = Vec::new();
    for (plugin, expected, _) in &rows {
        let session = Session::begin(serving.url(plugin)).await;
        let (answer, meanwhile) = tokio::join!(call(&session, 1), call(&calm, 1));
        wrong.extend(problem(plugin, *expected, &answer));
        assert_passed(&format!("calm during {plugin}"), 1, &meanwhile);
        session.assert_usable(plugin).await;
        assert_passed(&format!("calm after {plugin}"), 1, &call(&calm, 1).await);
        session.delete().await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let log = serving.log();
    let forged = log.lines().find(|line| line.trim_start().starts_with("INFO all is well"));
    assert!(!log.contains('\u{1b}') && forged.is_none(), "a plugin writes to the terminal: {forged:?}");
    // Servers of sessions that are over take a moment to end. What each plugin's memory begins with is a
    // file in memory, made at its first call.
    let images = plugins.len();
    waiting::until("descriptors and threads are given back", || {
        let after = Footprint::of_gateway(&serving);
        after.descriptors <= before.descriptors + images + SPARE_DESCRIPTORS
            && after.threads <= before.threads + SPARE_THREADS
    })
    .await;
}

/// A plugin that traps on every second call is never quarantined, and costs only those.
#[tokio::test]
async fn traps_on_every_second_call_refuse_every_second_call() {
    const PLUGIN: &str = "check-every-second-traps";
    let (serving, _folder) = serve(&[(PLUGIN, UNGRANTED)]).await;
    let session = Session::begin(serving.url(PLUGIN)).await;
    for number in 0..40 {
        let answer = call(&session, number % 10).await;
        match number % 2 {
            0 => assert_passed(PLUGIN, number % 10, &answer),
            _ => assert_eq!(problem(PLUGIN, Answer::Fails("trap"), &answer), None),
        }
    }
}
