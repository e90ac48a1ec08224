//! Plugins that misbehave, as real Wasm, in a gateway that serves: each costs its own calls at most.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

use std::time::{Duration, Instant};

use bartizan_fixture_hostile::{Behaviour, HIDDEN_TOOL, REWRITTEN};
use bartizan_tests::environment;
use bartizan_tests::gateway::{self, Document, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use serde_json::{Value, json};

/// The server whose tools misbehave, or do not.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");
/// No arguments.
const NOTHING: Value = Value::Null;
/// Far more than the deadline of an evaluation (100 ms), far less than a client's patience.
const AT_MOST: Duration = Duration::from_secs(2);
/// The deadline of an evaluation.
const DEADLINE: Duration = Duration::from_millis(100);

/// What a plugin's doing means for a call of `echo`.
#[derive(Debug)]
enum Outcome {
    /// It reaches the server, whose answer comes back.
    Passed,
    /// It reaches the server with other arguments.
    Rewritten,
    /// It is refused with these words.
    Denied(&'static str),
    /// The plugin failed in this way, so it is refused.
    Failed(&'static str),
    /// It reaches the server, whose answer is replaced.
    ResultRewritten,
    /// The gateway does not start, and says this.
    NotStarted(&'static str),
}

/// Without a catch-all: a behaviour without a test does not compile.
fn outcome(behaviour: Behaviour, granted: bool) -> Outcome {
    use Outcome::{Denied, Failed, NotStarted, Passed, ResultRewritten, Rewritten};
    match behaviour {
        Behaviour::Pass | Behaviour::Hide => Passed,
        Behaviour::Deny => Denied("The call is not to its taste."),
        Behaviour::Ask => Denied("May it? It needs a person's approval"),
        Behaviour::Count => Denied("This is call number 1."),
        Behaviour::Loop | Behaviour::ListingLoop | Behaviour::ReplyLoop => Failed("timeout"),
        Behaviour::Allocate | Behaviour::Hoard => Failed("memory"),
        Behaviour::Trap => Failed("trap"),
        Behaviour::Recurse => Failed("stack"),
        Behaviour::Panic | Behaviour::ListingPanic | Behaviour::ReplyPanic => Failed("failed"),
        Behaviour::Flood
        | Behaviour::LongMessage
        | Behaviour::GiantMessage
        | Behaviour::Overcharge
        | Behaviour::ReplyAsk
        | Behaviour::ReplyCharge => Failed("answer"),
        Behaviour::Rewrite if granted => Rewritten,
        Behaviour::Rewrite => Denied("has no grant (`rewrite-arguments`)"),
        Behaviour::RewriteAmbiguous if granted => Failed("answer"),
        Behaviour::RewriteAmbiguous => Denied("has no grant (`rewrite-arguments`)"),
        Behaviour::ReplyDeny => Denied("The result is not to its taste."),
        Behaviour::ReplyRewrite if granted => ResultRewritten,
        Behaviour::ReplyRewrite => Denied("has no grant (`rewrite-results`)"),
        Behaviour::ConfigureRefuse => NotStarted("`behaviour` is not to its taste"),
        Behaviour::ConfigureLoop => NotStarted("it was not done within 2000 ms"),
        Behaviour::ConfigurePanic => NotStarted("it bursts on purpose"),
    }
}

/// A policy with the hostile plugin in it; `more` is merged into its entry.
fn policy(behaviour: Behaviour, more: &Value) -> Value {
    let mut entry = json!({"use": "hostile", "settings": {"behaviour": behaviour.name()}});
    for (key, value) in more.as_object().into_iter().flatten() {
        entry[key] = value.clone();
    }
    json!({"version": "1", "default": "allow", "plugins": [entry]})
}

/// Serves a fake server behind each policy, and one named `calm` without a plugin of its own.
async fn serve(policies: impl IntoIterator<Item = (String, Value)>) -> (Serving, tempfile::TempDir) {
    let plugins = environment::plugins(&["hostile"]);
    let mut servers = json!({});
    let calm = json!({"version": "1", "default": "allow"});
    for (name, policy) in policies.into_iter().chain([("calm".to_owned(), calm)]) {
        servers[name] = gateway::server(FAKE, &[], &policy);
    }
    let configuration = json!({"plugins": {"dir": plugins.path()}, "mcpServers": servers});
    (Serving::start_with(configuration).await, plugins)
}

fn starts(behaviour: Behaviour) -> bool {
    !matches!(outcome(behaviour, false), Outcome::NotStarted(_))
}

/// Calls a tool, and asserts that the answer comes in good time.
async fn call(session: &Session, tool: &str) -> Value {
    let begin = Instant::now();
    let answer = session.call(tool, &json!({"n": 1})).await;
    assert!(begin.elapsed() < AT_MOST, "{tool} took {:?}", begin.elapsed());
    answer
}

fn assert_passed(case: &str, answer: &Value) {
    let expected = json!({"tool": "echo", "arguments": {"n": 1}});
    let echoed: Value = serde_json::from_str(rpc::text(answer)).unwrap_or_default();
    assert_eq!(echoed, expected, "{case}: {answer}");
}

fn assert_outcome(case: &str, expected: &Outcome, answer: &Value) {
    match expected {
        Outcome::Passed => assert_passed(case, answer),
        Outcome::Rewritten => {
            let echoed: Value = serde_json::from_str(rpc::text(answer)).unwrap_or_default();
            let rewritten: Value = serde_json::from_str(REWRITTEN).unwrap_or_default();
            assert_eq!(echoed["arguments"], rewritten, "{case}: {answer}");
        }
        Outcome::ResultRewritten => {
            let rewritten: Value = serde_json::from_str(REWRITTEN).unwrap_or_default();
            assert_eq!(answer["result"], rewritten, "{case}: {answer}");
        }
        Outcome::Denied(words) => {
            let text = rpc::assert_denied(answer);
            assert!(text.contains(words), "{case}: {text}");
        }
        Outcome::Failed(code) => {
            let text = rpc::assert_denied(answer);
            let expected = format!(
                "[POLICY DENIED] The policy plugin `hostile` could not decide ({code}), so the call is refused."
            );
            assert_eq!(text, expected, "{case}");
            let rule = &answer["result"]["_meta"]["bartizan/denial"]["rule"];
            assert_eq!(rule, "/plugins/0", "{case}: it names the entry to look at");
        }
        Outcome::NotStarted(_) => panic!("{case} was served"),
    }
}

#[tokio::test]
async fn every_behaviour_costs_no_more_than_its_own_calls() {
    for grants in [json!([]), json!(["rewrite-arguments", "rewrite-results"])] {
        let granted = grants != json!([]);
        let more = json!({"grants": grants});
        let served = || Behaviour::ALL.iter().copied().filter(|&behaviour| starts(behaviour));
        let (serving, _plugins) =
            serve(served().map(|behaviour| (behaviour.name().to_owned(), policy(behaviour, &more)))).await;
        let calm = Session::begin(serving.url("calm")).await;
        for behaviour in served() {
            let case = format!("{}, granted: {granted}", behaviour.name());
            let session = Session::begin(serving.url(behaviour.name())).await;
            let (answer, meanwhile) = tokio::join!(call(&session, "echo"), call(&calm, "echo"));
            assert_outcome(&case, &outcome(behaviour, granted), &answer);
            assert_passed(&format!("calm during {case}"), &meanwhile);
            session.assert_usable(&case).await;
        }
    }
}

#[tokio::test]
async fn a_plugin_that_does_not_take_its_settings_is_an_error_of_the_start() {
    let plugins = environment::plugins(&["hostile"]);
    let refused: Vec<Behaviour> =
        Behaviour::ALL.iter().copied().filter(|&behaviour| !starts(behaviour)).collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    for behaviour in refused {
        let Outcome::NotStarted(words) = outcome(behaviour, false) else { unreachable!() };
        let policy = Document::policy(&policy(behaviour, &json!({})));
        let mut check = gateway::bartizan(["check", "--policy"]);
        check.arg(policy.path()).arg("--plugins-dir").arg(plugins.path()).kill_on_drop(true);
        let output =
            bartizan_tests::waiting::within(bartizan_tests::waiting::SOON, behaviour.name(), check.output());
        let output = output.await.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{}: {errors}", behaviour.name());
        assert!(errors.contains(words) && errors.contains("`hostile`"), "{}: {errors}", behaviour.name());
        assert!(errors.contains("policy.json:1:"), "it says where: {errors}");
    }
}

#[tokio::test]
async fn on_error_allow_lets_calls_pass_without_the_plugin() {
    let failing = || {
        Behaviour::ALL
            .iter()
            .copied()
            .filter(|&behaviour| matches!(outcome(behaviour, true), Outcome::Failed(_)))
    };
    let more = json!({"on_error": "allow", "grants": ["rewrite-arguments", "rewrite-results"]});
    let (serving, _plugins) =
        serve(failing().map(|behaviour| (behaviour.name().to_owned(), policy(behaviour, &more)))).await;
    for behaviour in failing() {
        let session = Session::begin(serving.url(behaviour.name())).await;
        assert_passed(behaviour.name(), &call(&session, "echo").await);
    }
    // It is for failures only: what the plugin decides counts.
    let (serving, _plugins) = serve([("deny".to_owned(), policy(Behaviour::Deny, &more))]).await;
    let session = Session::begin(serving.url("deny")).await;
    rpc::assert_denied(&call(&session, "echo").await);
}

#[tokio::test]
async fn in_monitor_mode_nothing_has_an_effect() {
    let served = || Behaviour::ALL.iter().copied().filter(|&behaviour| starts(behaviour));
    let more = json!({"mode": "monitor", "grants": ["rewrite-arguments", "rewrite-results"]});
    let (serving, _plugins) =
        serve(served().map(|behaviour| (behaviour.name().to_owned(), policy(behaviour, &more)))).await;
    for behaviour in served() {
        let session = Session::begin(serving.url(behaviour.name())).await;
        assert_passed(behaviour.name(), &call(&session, "echo").await);
        let tools = session.request("tools/list", &json!({})).await;
        assert!(rpc::tools(&tools).contains(&HIDDEN_TOOL), "{}", behaviour.name());
    }
}

#[tokio::test]
async fn what_a_plugin_filters_out_does_not_exist() {
    let (serving, _plugins) = serve([("hide".to_owned(), policy(Behaviour::Hide, &json!({})))]).await;
    let session = Session::begin(serving.url("hide")).await;
    rpc::assert_unknown_tool(&session.call(HIDDEN_TOOL, &NOTHING).await, HIDDEN_TOOL);
    let tools = session.request("tools/list", &json!({})).await;
    assert!(!rpc::tools(&tools).contains(&HIDDEN_TOOL), "{tools}");
    assert!(rpc::tools(&tools).contains(&"echo"), "{tools}");
    let calm = Session::begin(serving.url("calm")).await;
    assert!(rpc::text(&calm.call(HIDDEN_TOOL, &NOTHING).await).contains(HIDDEN_TOOL), "nobody else's tools");
}

#[tokio::test]
async fn a_list_that_cannot_be_filtered_is_refused() {
    let behaviours = [(Behaviour::ListingLoop, "timeout"), (Behaviour::ListingPanic, "failed")];
    let (serving, _plugins) =
        serve(behaviours.map(|(behaviour, _)| (behaviour.name().to_owned(), policy(behaviour, &json!({})))))
            .await;
    for (behaviour, code) in behaviours {
        let session = Session::begin(serving.url(behaviour.name())).await;
        let answer = session.request("tools/list", &json!({})).await;
        let (number, message) = rpc::error(&answer);
        assert_eq!(number, 403, "{message}");
        assert!(message.contains(&format!("`hostile` could not decide ({code})")), "{message}");
    }
}

#[tokio::test]
async fn a_plugin_that_keeps_failing_is_quarantined() {
    let (serving, _plugins) = serve([("loop".to_owned(), policy(Behaviour::Loop, &json!({})))]).await;
    let session = Session::begin(serving.url("loop")).await;
    for number in 1..=5 {
        let answer = call(&session, "echo").await;
        assert_outcome(&format!("call {number}"), &Outcome::Failed("timeout"), &answer);
    }
    let answer = call(&session, "echo").await;
    assert_outcome("the call after", &Outcome::Failed("quarantined"), &answer);
    let retry_after = answer["result"]["_meta"]["bartizan/denial"]["retryAfter"].as_u64();
    assert!(matches!(retry_after, Some(1..=2)), "{answer}");

    // Not asked, it costs nothing; any single call may be late on a busy machine.
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let begin = Instant::now();
        if rpc::text(&call(&session, "echo").await).contains("(quarantined)") {
            fastest = fastest.min(begin.elapsed());
        }
    }
    assert!(fastest < DEADLINE / 2, "a quarantined plugin costs {fastest:?}");
}

#[tokio::test]
async fn plugins_that_loop_do_not_stop_other_servers() {
    // Fewer than the failures that begin a quarantine, which would end the looping.
    const AT_ONCE: usize = 4;
    let names: Vec<String> = (0..AT_ONCE).map(|number| format!("loop-{number}")).collect();
    let (serving, _plugins) =
        serve(names.iter().map(|name| (name.clone(), policy(Behaviour::Loop, &json!({}))))).await;
    let calm = Session::begin(serving.url("calm")).await;
    assert_passed("before", &call(&calm, "echo").await);
    let mut looping = tokio::task::JoinSet::new();
    for name in names {
        let session = Session::begin(serving.url(&name)).await;
        looping.spawn(async move { call(&session, "echo").await });
    }
    let mut answered_meanwhile = 0;
    while !looping.is_empty() {
        tokio::select! {
            Some(answer) = looping.join_next() => {
                rpc::assert_denied(&answer.unwrap());
            }
            answer = call(&calm, "echo") => {
                assert_passed("meanwhile", &answer);
                answered_meanwhile += 1;
            }
        }
    }
    assert!(answered_meanwhile > 0, "the calm server had to wait for all of them");
}

#[tokio::test]
async fn a_plugin_of_the_folder_that_no_policy_names_runs_for_every_server() {
    let plugins = environment::plugins(&["hostile"]);
    let allow = json!({"version": "1", "default": "allow"});
    // It cannot run without settings, and says what to do about that.
    let configuration = json!({
        "plugins": {"dir": plugins.path()},
        "mcpServers": {"fake": gateway::server(FAKE, &[], &allow)},
    });
    let configuration = Document::new("bartizan.json", &configuration.to_string());
    let mut check = gateway::bartizan(["check", "--config"]);
    let output = check.arg(configuration.path()).output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    for words in [
        "hostile.wasm",
        "cannot run unless a policy names it",
        "missing field `behaviour`",
        r#""use": "hostile""#,
    ] {
        assert!(errors.contains(words), "no {words} in {errors}");
    }
}

#[tokio::test]
async fn a_session_over_stdio_survives_as_well() {
    let plugins = environment::plugins(&["hostile"]);
    for behaviour in [Behaviour::Loop, Behaviour::Allocate, Behaviour::Trap] {
        let policy = Document::policy(&policy(behaviour, &json!({})));
        let mut command = gateway::bartizan(["run", "--policy"]);
        command.arg(policy.path()).arg("--plugins-dir").arg(plugins.path()).args(["--", FAKE]);
        let mut client = bartizan_tests::stdio::StdioClient::start(command).await;
        let begin = Instant::now();
        let answer = client.call("echo", &json!({"n": 1})).await;
        assert!(begin.elapsed() < AT_MOST, "{behaviour:?} took {:?}", begin.elapsed());
        assert_outcome(behaviour.name(), &outcome(behaviour, false), &answer);
        client.assert_usable(behaviour.name()).await;
        assert!(client.end().await.status.success());
    }
}
