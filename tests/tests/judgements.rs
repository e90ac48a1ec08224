//! Judgements that are kept: only those that follow from what the plugin has read, and from nothing else.
#![expect(clippy::expect_used, clippy::panic, reason = "a test's helper that cannot go on fails the test")]

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use bartizan_runtime::{
    Call, Capability, Component, Decision, Engine, EngineConfig, Entry, EvaluationError, Flow, Isolation,
    Judgement, Judgements, Plugin, Remembered, Sandbox, Settings,
};
use bartizan_tests::hostile;

fn load(name: &str, bytes: &[u8]) -> Component {
    let engine = Engine::new(&EngineConfig::default()).expect("the engine starts");
    Component::load(&engine, bytes, &Sandbox::default(), None)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn builtin(name: &str, settings: &str) -> Plugin {
    let wasm = bartizan_builtins::find(name).expect("it is built in").wasm;
    load(name, wasm).configure(&Settings::new(settings)).expect("it takes its settings")
}

/// A plugin that makes one call of the host, with parameters as in the contract's ABI, and passes.
fn reading(function: &str, signature: &str, parameters: &str) -> Component {
    let text = format!(
        r#"(module
  (import "bartizan:policy/call@0.1.0" "{function}" (func $read {signature}))
  ;;+ memory realloc describe configure
  (func (export "bartizan:policy/calls@0.1.0#check") (result i32)
    {parameters}
    (i32.const 128)))"#
    );
    load(function, &hostile::assemble("reads", &text))
}

fn call(target: &str) -> Call {
    Call {
        method: "tools/call".into(),
        direction: Flow::ClientToServer,
        server: "server".into(),
        target: Some(target.into()),
        arguments: Some(r#"{"n":1}"#.into()),
        entry: Some(Arc::new(Entry {
            name: target.to_owned(),
            digest: "0".repeat(64),
            definition: format!(r#"{{"name":"{target}"}}"#),
        })),
        session: "session".into(),
        principal: None,
        claims: None,
        time: 1_795_350_099_000,
    }
}

fn listing() -> Arc<Call> {
    Arc::new(Call { method: "tools/list".into(), target: None, entry: None, ..call("") })
}

/// Judges, as the gateway does, and says whether the plugin was asked.
fn judge(
    judgements: &Judgements,
    plugin: &Plugin,
    call: Call,
    listing: Option<&Arc<Call>>,
) -> (bool, Result<Judgement, EvaluationError>) {
    match judgements.known(plugin, &call, listing) {
        Some(judgement) => (false, Ok(judgement)),
        None => (true, judgements.judge(plugin, &Arc::new(call), listing, &Remembered::NOTHING)),
    }
}

#[test]
fn what_calls_have_in_common_is_judged_once() {
    let settings = r#"{"default":"deny","hide":["purge_*"],
        "tools":[{"pattern":"get_*","action":"allow","rule":"/tools/get_*"}]}"#;
    let plugin = builtin("access", settings);
    let (judgements, listing) = (Judgements::default(), listing());
    for round in 0..3_u32 {
        for tool in ["get_run", "purge_all", "set_tag"] {
            // What is different about it, the plugin does not ask for.
            let call = Call {
                arguments: Some(format!(r#"{{"n":{round}}}"#).into()),
                session: round.to_string().into(),
                time: u64::from(round),
                ..call(tool)
            };
            let expected = plugin.judge(&Arc::new(call.clone()), Some(&listing)).unwrap();
            let (asked, judged) = judge(&judgements, &plugin, call, Some(&listing));
            assert_eq!(judged.unwrap(), expected, "{tool}");
            assert_eq!(asked, round == 0, "{tool}");
        }
    }
    assert_eq!(plugin.statistics().spared, 6);
}

#[test]
fn what_differs_in_anything_that_is_kept_by_is_asked_about() {
    let plugin = builtin("access", r#"{"default":"allow"}"#);
    let judgements = Judgements::default();
    let entry = |digest: &str, definition: &str| {
        let (digest, definition) = (digest.to_owned(), definition.to_owned());
        Some(Arc::new(Entry { name: "get_run".to_owned(), digest, definition }))
    };
    let (plain, listing) = (call("get_run"), listing());
    let calls = [
        ("the first", plain.clone(), None),
        ("another list", plain.clone(), Some(&listing)),
        ("another target", call("get_runs"), None),
        ("no target", Call { target: None, ..plain.clone() }, None),
        ("another method", Call { method: "prompts/get".into(), ..plain.clone() }, None),
        ("another server", Call { server: "other".into(), ..plain.clone() }, None),
        ("the other way", Call { direction: Flow::ServerToClient, ..plain.clone() }, None),
        ("another caller", Call { principal: Some("ann".into()), ..plain.clone() }, None),
        ("another digest", Call { entry: entry("1", r#"{"name":"get_run"}"#), ..plain.clone() }, None),
        // Whoever makes up a digest gains nothing.
        ("another definition", Call { entry: entry(&"0".repeat(64), "{}"), ..plain.clone() }, None),
        ("no definition", Call { entry: None, ..plain }, None),
    ];
    for (case, call, listing) in &calls {
        let (asked, judged) = judge(&judgements, &plugin, call.clone(), *listing);
        assert_eq!(judged.unwrap(), Judgement::Decided(Decision::PASS), "{case}");
        assert!(asked, "{case}");
    }
    for (case, call, listing) in calls {
        assert!(!judge(&judgements, &plugin, call, listing).0, "{case}");
    }
}

#[test]
fn a_list_request_of_somebody_else_is_never_kept_by() {
    let plugin = builtin("access", r#"{"default":"allow"}"#);
    let judgements = Judgements::default();
    let listing = Arc::new(Call { principal: Some("ann".into()), ..Call::clone(&listing()) });
    for _ in 0..2 {
        assert!(judge(&judgements, &plugin, call("get_run"), Some(&listing)).0);
    }
}

#[test]
fn whoever_reads_what_no_two_calls_share_is_asked_each_time() {
    let text = "(call $read (i32.const 512) (i32.const 0) (i32.const 528))";
    let cases = [
        ("argument", "(param i32 i32 i32)", text, true),
        ("claim", "(param i32 i32 i32)", text, true),
        ("session", "(param i32)", "(call $read (i32.const 528))", true),
        ("time", "(result f64)", "(drop (call $read))", true),
        ("method", "(param i32)", "(call $read (i32.const 528))", false),
        ("direction", "(result i32)", "(drop (call $read))", false),
        ("server", "(param i32)", "(call $read (i32.const 528))", false),
        ("target", "(param i32)", "(call $read (i32.const 528))", false),
        ("principal", "(param i32)", "(call $read (i32.const 528))", false),
    ];
    for (function, signature, parameters, is_particular) in cases {
        let component = reading(function, signature, parameters);
        let plugin = component.configure(&Settings::new("{}")).unwrap();
        let judgements = Judgements::default();
        for round in 0..3 {
            let (asked, judged) = judge(&judgements, &plugin, call("get_run"), None);
            assert_eq!(judged.unwrap(), Judgement::Decided(Decision::PASS), "{function}");
            assert_eq!(asked, round == 0 || is_particular, "{function}, round {round}");
        }
    }
}

#[test]
fn who_keeps_memory_or_fails_is_asked_each_time() {
    let reused = Isolation::Reuse { invocations: NonZeroU32::MAX };
    let component = reading("method", "(param i32)", "(call $read (i32.const 528))");
    let plugin = component.configure(&Settings { isolation: reused, ..Settings::new("{}") }).unwrap();
    let judgements = Judgements::default();
    for _ in 0..3 {
        assert!(judge(&judgements, &plugin, call("get_run"), None).0, "reused");
    }

    let plugin = load("check-trap", &hostile::wasm("check-trap")).configure(&Settings::new("{}")).unwrap();
    let judgements = Judgements::default();
    for _ in 0..3 {
        let (asked, judged) = judge(&judgements, &plugin, call("get_run"), None);
        assert!(asked && judged.is_err());
    }
}

#[test]
fn who_may_log_is_asked_each_time() {
    let grants = BTreeSet::from([Capability::Log]);
    let component = load("log-flood", &hostile::wasm("log-flood"));
    let plugin = component.configure(&Settings { grants, ..Settings::new("{}") }).unwrap();
    let judgements = Judgements::default();
    for _ in 0..2 {
        let (asked, judged) = judge(&judgements, &plugin, call("get_run"), None);
        assert_eq!(judged.unwrap(), Judgement::Decided(Decision::PASS));
        assert!(asked);
    }
}
