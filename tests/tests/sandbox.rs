//! What a plugin gets of the machine: limits by its size, compiling in a process of its own, and the locked
//! profile of WASI.
#![expect(clippy::expect_used, clippy::panic, reason = "a test's helper that cannot go on fails the test")]

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_fixture_hostile::Behaviour;
use bartizan_runtime::{
    Blame, Call, Component, ConfigureError, Decision, Engine, EngineConfig, EvaluationError, Flow, Isolation,
    Judgement, LoadError, Plugin, Sandbox, Settings, SizeClass, Verdict,
};
use bartizan_tests::environment;

/// 2026-11-22T09:21:39.123Z.
const TIME: u64 = 1_795_339_299_123;

fn engine() -> Engine {
    Engine::new(&EngineConfig { slots: 4, ..EngineConfig::default() }).expect("the engine starts")
}

/// One that compiles in a child: the gateway's own program.
fn compiling_engine() -> Engine {
    let config = EngineConfig { slots: 4, compiler: Some(environment::gateway()), ..EngineConfig::default() };
    Engine::new(&config).expect("the engine starts")
}

fn hostile() -> Vec<u8> {
    std::fs::read(environment::fixture("hostile")).expect("a fixture can be read")
}

fn wasi() -> Vec<u8> {
    let path: PathBuf = environment::repository("tests/fixtures/wasi/wasi.wasm");
    std::fs::read(path).expect("a fixture can be read")
}

fn settings(behaviour: Behaviour) -> Settings {
    Settings::new(format!(r#"{{"behaviour":"{}"}}"#, behaviour.name()))
}

fn call(tool: &str, time: u64) -> Arc<Call> {
    Arc::new(Call {
        method: "tools/call".into(),
        direction: Flow::ClientToServer,
        server: "server".into(),
        target: Some(tool.into()),
        arguments: Some("{}".into()),
        entry: None,
        session: "session".into(),
        principal: None,
        claims: None,
        time,
    })
}

fn judge(plugin: &Plugin, tool: &str, time: u64) -> Result<Judgement, EvaluationError> {
    plugin.judge(&call(tool, time), None)
}

fn refusal(judgement: Result<Judgement, EvaluationError>) -> String {
    match judgement {
        Ok(Judgement::Decided(Decision { verdict: Verdict::Deny(denial), .. })) => denial.message,
        other => panic!("no refusal: {other:?}"),
    }
}

#[test]
fn limits_are_those_of_the_class_and_what_the_operator_says() {
    let component = Component::load(&engine(), &hostile(), &Sandbox::default(), None).unwrap();
    assert_eq!(component.class(), SizeClass::Small);
    assert_eq!(*component.limits(), SizeClass::Small.limits());

    let second = Some(Duration::from_millis(20));
    let mut small = settings(Behaviour::Loop);
    small.sandbox = Sandbox { deadline: second, ..Sandbox::default() };
    let mut large = small.clone();
    large.sandbox.class = Some(SizeClass::Large);
    for (settings, class) in [(small, SizeClass::Small), (large, SizeClass::Large)] {
        let plugin = component.configure(&settings).unwrap();
        assert_eq!(plugin.class(), class);
        assert_eq!(plugin.limits().memory, class.limits().memory);
        assert!(plugin.is_pristine(), "{class}");
        let begin = Instant::now();
        let error = judge(&plugin, "tool", TIME).unwrap_err();
        assert!(
            matches!(error, EvaluationError::Timeout { deadline } if Some(deadline) == second),
            "{class}: {error}"
        );
        assert!(begin.elapsed() < Duration::from_secs(1), "{class}: {:?}", begin.elapsed());
    }
}

#[test]
fn memory_is_what_the_operator_gives() {
    let component = Component::load(&engine(), &hostile(), &Sandbox::default(), None).unwrap();
    let with = |class, memory: usize| {
        // Time enough to fill it, on a busy machine as well.
        let deadline = Some(Duration::from_secs(10));
        let sandbox = Sandbox { class, deadline, memory: Some(memory << 20), ..Sandbox::default() };
        component.configure(&Settings { sandbox, ..settings(Behaviour::Hoard) })
    };
    for (class, memory) in [(None, 8), (None, 128), (Some(SizeClass::Large), 512)] {
        let error = judge(&with(class, memory).unwrap(), "tool", TIME).unwrap_err();
        let expected = format!("memory limit of {} reached", memory << 20);
        assert!(error.to_string().ends_with(&expected), "{memory} MiB: {error}");
    }
    let error = with(None, 512).unwrap_err();
    assert!(matches!(error, ConfigureError::Memory(_)), "{error}");
    assert_eq!(error.blame(), Blame::Settings);
    assert!(error.to_string().contains("512 MiB") && error.to_string().contains("`large`"), "{error}");
}

#[test]
fn large_plugins_are_told_by_their_size() {
    // A plugin with four megabytes of data in it.
    let padding = format!(r#"(module (memory 100) (data (i32.const 0) "{}"))"#, "x".repeat(4 << 20));
    let large = wat::parse_str(padding).expect("the text is WebAssembly");
    let error = Component::load(&engine(), &large, &Sandbox::default(), None).unwrap_err();
    assert!(matches!(error, LoadError::NotPolicy), "{error}");
    let mut bytes = hostile();
    // A custom section of its own: 4 MiB that mean nothing.
    bytes.extend_from_slice(&[0x00, 0x82, 0x80, 0x80, 0x02, 0x01, b'x']);
    bytes.resize(bytes.len() + (4 << 20), 0);
    let component = Component::load(&engine(), &bytes, &Sandbox::default(), None).unwrap();
    assert_eq!(component.class(), SizeClass::Large);
    let plugin = component.configure(&settings(Behaviour::Deny)).unwrap();
    assert_eq!(plugin.limits(), &SizeClass::Large.limits());
    assert_eq!(refusal(judge(&plugin, "tool", TIME)), "The call is not to its taste.");
}

#[test]
fn a_child_compiles_what_this_process_would() {
    let component = Component::load(&compiling_engine(), &hostile(), &Sandbox::default(), None).unwrap();
    let plugin = component.configure(&settings(Behaviour::Deny)).unwrap();
    assert!(plugin.is_pristine());
    assert_eq!(refusal(judge(&plugin, "tool", TIME)), "The call is not to its taste.");
    // What is not valid is not valid there either, in the same words.
    let broken = wat::parse_str("(component (core module (func (result i32))))").expect("it parses");
    let words = |engine: &Engine| {
        let error = Component::load(engine, &broken, &Sandbox::default(), None).unwrap_err();
        assert!(matches!(error, LoadError::Compile(_)), "{error}");
        error.to_string()
    };
    assert_eq!(words(&compiling_engine()), words(&engine()));
}

#[test]
fn without_a_compiler_plugins_are_compiled_all_the_same() {
    let config = EngineConfig { compiler: Some("/no/such/program".into()), ..EngineConfig::default() };
    let engine = Engine::new(&config).unwrap();
    assert!(Component::load(&engine, &hostile(), &Sandbox::default(), None).is_ok());
}

#[test]
fn the_counters_of_a_plugin_count() {
    let component = Component::load(&engine(), &hostile(), &Sandbox::default(), None).unwrap();
    let plugin = component.configure(&settings(Behaviour::Trap)).unwrap();
    for _ in 0..7 {
        judge(&plugin, "tool", TIME).unwrap_err();
    }
    let statistics = plugin.statistics();
    assert_eq!(statistics.evaluations, 5);
    assert_eq!(statistics.failures, [("trap", 5), ("quarantined", 2)]);
    assert_eq!(statistics.quarantines, 1);
    assert!(statistics.times.quantile(0.99) >= statistics.times.quantile(0.5));
    assert!(statistics.times.quantile(0.5).is_some());
}

/// What `std` of Rust finds in the locked profile.
#[test]
fn a_plugin_with_wasi_learns_nothing_but_the_call() {
    let component = Component::load(&engine(), &wasi(), &Sandbox::default(), None).unwrap();
    assert_eq!(component.class(), SizeClass::Small);
    let pristine = component.configure(&Settings::new("{}")).unwrap();
    assert!(pristine.is_pristine());
    let begin = Instant::now();
    let facts = refusal(judge(&pristine, "tool", TIME));
    assert!(begin.elapsed() < Duration::from_secs(1), "an hour of sleep is over at once");
    let expected = format!(
        "wall {TIME}; slept 3600; input Ok(0); file Err(NotFound); folder Err(NotFound); \
         written Err(NotFound); environment 0; arguments 0; {{\"flushed\": true}}; random "
    );
    assert!(facts.starts_with(&expected), "{facts}\n{expected}");

    // The same input, the same answer, in whatever instance; another input, other numbers.
    let fresh = Settings { isolation: Isolation::Fresh, ..Settings::new("{}") };
    let fresh = component.configure(&fresh).unwrap();
    assert_eq!(refusal(judge(&pristine, "tool", TIME)), facts);
    assert_eq!(refusal(judge(&fresh, "tool", TIME)), facts);
    assert_ne!(refusal(judge(&pristine, "another", TIME)), facts);
}

#[test]
fn wasi_output_and_exit_are_no_way_out() {
    let component = Component::load(&engine(), &wasi(), &Sandbox::default(), None).unwrap();
    let reuse = Isolation::Reuse { invocations: NonZeroU32::MAX };
    for isolation in [Isolation::Pristine, Isolation::Fresh, reuse] {
        let hello = Settings { isolation, ..Settings::new(r#"{"hello":"configured"}"#) };
        let plugin = component.configure(&hello).unwrap();
        assert_eq!(judge(&plugin, "write", TIME).unwrap(), Judgement::Decided(Decision::PASS));
        let error = judge(&plugin, "exit", TIME).unwrap_err();
        assert!(matches!(&error, EvaluationError::Failed(words) if words.contains("`exit`")), "{error}");
        assert_eq!(judge(&plugin, "write", TIME).unwrap(), Judgement::Decided(Decision::PASS));
    }
}

#[test]
fn what_wasi_has_beyond_the_profile_is_refused_by_name() {
    let component = wat::parse_str(
        r#"(component
            (import "wasi:cli/stdout@0.2.3" (instance))
            (import "wasi:sockets/tcp@0.2.0" (instance))
            (import "wasi:http/outgoing-handler@0.2.0" (instance))
        )"#,
    )
    .expect("the text is WebAssembly");
    let error = Component::load(&engine(), &component, &Sandbox::default(), None).unwrap_err();
    let LoadError::Imports { imports } = error else { panic!("{error}") };
    assert_eq!(imports, ["wasi:sockets/tcp@0.2.0", "wasi:http/outgoing-handler@0.2.0"]);
}
