//! What one evaluation leaves behind, no other one finds: neither of the same plugin nor of another.
//!
//! The plugins that try are in `tests/hostile/isolation`. That they would notice is shown by
//! `Isolation::Reuse`, in which the same plugin does find what it left.
#![expect(clippy::expect_used, clippy::panic, reason = "a test's helper that cannot go on fails the test")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bartizan_runtime::{
    Call, Component, Decision, Engine, EngineConfig, EvaluationError, Flow, Isolation, Judgement, Plugin,
    Sandbox, Settings, Verdict,
};
use bartizan_tests::{environment, hostile};

/// As many as the machine may have at once, and more than it has slots.
const THREADS: u32 = 6;
const EVALUATIONS: u32 = 10_000;

fn engine(slots: usize) -> Engine {
    Engine::new(&EngineConfig { slots, ..EngineConfig::default() }).expect("the engine starts")
}

/// The machine may be busy, and what is tested is not how long it takes.
fn patient() -> Sandbox {
    Sandbox { deadline: Some(Duration::from_secs(20)), ..Sandbox::default() }
}

/// A plugin of `tests/hostile/isolation`. Under different names it is different plugins.
fn plugin(engine: &Engine, text: &str, name: &str, isolation: Isolation) -> Plugin {
    let path = environment::repository("tests/hostile/isolation").join(text).with_extension("wat");
    let text = std::fs::read_to_string(path).expect("a text can be read");
    let component = Component::load(engine, &hostile::assemble(name, &text), &patient(), None)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let settings = Settings { isolation, ..Settings::new("{}") };
    let plugin = component.configure(&settings).unwrap_or_else(|error| panic!("{name}: {error}"));
    // Tables and vectors cannot be snapshotted: what has them is configured in each evaluation.
    let has_snapshot = isolation != Isolation::Fresh && !name.starts_with("keeps-tables");
    assert_eq!(plugin.is_pristine(), has_snapshot, "{name}");
    plugin
}

fn call(arguments: String) -> Arc<Call> {
    Arc::new(Call {
        method: "tools/call".into(),
        direction: Flow::ClientToServer,
        server: "server".into(),
        target: Some("tool".into()),
        arguments: Some(arguments.into()),
        entry: None,
        session: "session".into(),
        principal: None,
        claims: None,
        time: 1_795_350_099_000,
    })
}

fn judge(plugin: &Plugin, number: u32) -> Result<Judgement, EvaluationError> {
    plugin.judge(&call(format!(r#"{{"secret":"s{number:07}"}}"#)), None)
}

/// Where a plugin found something that it should not.
fn found(judgement: Result<Judgement, EvaluationError>) -> Option<String> {
    match judgement {
        Ok(Judgement::Decided(Decision { verdict: Verdict::Pass, .. })) => None,
        Ok(Judgement::Decided(Decision { verdict: Verdict::Deny(denial), .. })) => Some(denial.message),
        other => panic!("it could not look: {other:?}"),
    }
}

/// Evaluates plugins by turns on all threads, until each evaluation was made.
fn by_turns(plugins: &[Plugin], evaluations: u32) {
    let next = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= evaluations {
                        return;
                    }
                    let turn = number as usize % plugins.len();
                    let found = plugins.get(turn).and_then(|plugin| found(judge(plugin, number)));
                    assert_eq!(found, None, "evaluation {number}, of {:?}", plugins.get(turn));
                }
            });
        }
    });
}

#[test]
fn a_plugin_finds_nothing_of_its_earlier_evaluations() {
    let engine = engine(4);
    for (text, isolation, evaluations) in [
        ("keeps-everything", Isolation::Pristine, EVALUATIONS),
        ("keeps-everything", Isolation::Fresh, EVALUATIONS / 5),
        ("keeps-tables", Isolation::Pristine, EVALUATIONS / 5),
    ] {
        by_turns(&[plugin(&engine, text, text, isolation)], evaluations);
    }
}

#[test]
fn a_reused_instance_finds_what_it_left() {
    // At most half of the slots are for instances that wait to be used again.
    let engine = engine(4);
    let invocations = NonZeroU32::new(2).expect("two is not zero");
    for (text, place) in [("keeps-everything", "global"), ("keeps-tables", "vector")] {
        let plugin = plugin(&engine, text, text, Isolation::Reuse { invocations });
        for round in 0..3 {
            assert_eq!(found(judge(&plugin, round)), None, "{text}: the first evaluation of an instance");
            assert_eq!(found(judge(&plugin, round)).as_deref(), Some(place), "{text}: the second one");
        }
    }
}

/// More plugins than there are places for memories, so that each gets places that others had.
#[test]
fn a_plugin_finds_nothing_of_others() {
    let engine = engine(1);
    let mut plugins = Vec::new();
    for number in 0..3 {
        for text in ["keeps-everything", "looks-for-others", "keeps-tables"] {
            plugins.push(plugin(&engine, text, &format!("{text}-{number}"), Isolation::Pristine));
        }
    }
    by_turns(&plugins, EVALUATIONS / 2);
}

#[test]
fn nothing_can_be_read_beyond_the_memory() {
    let engine = engine(4);
    let plugin = plugin(&engine, "reads-beyond", "reads-beyond", Isolation::Pristine);
    let read = |at: u64, far: u32| plugin.judge(&call(format!(r#"{{"at":{at},"far":{far}}}"#)), None);
    assert_eq!(found(read(0, 0)), None, "its own memory can be read");
    const MEMORY: u64 = 128 << 10;
    for (at, far) in [
        (MEMORY - 7, 0),
        (MEMORY, 0),
        (MEMORY + 4096, 0),
        (64 << 20, 0),
        (256 << 20, 0),
        (2 << 30, 0),
        (u64::from(u32::MAX), 0),
        (0, 1),
        (4096, 1),
        (u64::from(u32::MAX), 1),
    ] {
        let error = read(at, far).expect_err("it reads beyond its memory");
        assert!(matches!(error, EvaluationError::Trap(_)), "{at}, {far}: {error}");
        // A success in between, so that it is not quarantined for its attempts.
        assert_eq!(found(read(0, 0)), None);
    }
}
