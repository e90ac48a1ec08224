//! The runtime by itself, with the built-in plugins and with hostile ones: what is loaded, what an
//! evaluation can see and use, what is kept.
#![expect(clippy::expect_used, clippy::panic, reason = "a test's helper that cannot go on fails the test")]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_fixture_hostile::{Behaviour, HIDDEN_TOOL, REWRITTEN};
use bartizan_runtime::{
    Blame, Cache, Call, Capability, Component, ConfigureError, Decision, Engine, EngineConfig, Entry,
    EvaluationError, Flow, Health, Isolation, Judgement, LoadError, Plugin, Reply, Sandbox, Settings,
    Verdict,
};
use bartizan_tests::environment;

/// Two evaluations of 100 ms each, and a machine that does other things as well.
const AT_MOST: Duration = Duration::from_secs(1);

fn engine() -> Engine {
    Engine::new(&EngineConfig { slots: 4, ..EngineConfig::default() }).expect("the engine starts")
}

fn hostile() -> Vec<u8> {
    std::fs::read(environment::fixture("hostile")).expect("a fixture can be read")
}

fn load(bytes: &[u8]) -> Result<Component, LoadError> {
    let cache = Cache::open(environment::compiled()).expect("the tests' cache can be opened");
    Component::load(&engine(), bytes, &Sandbox::default(), Some(&cache))
}

fn settings(behaviour: Behaviour) -> Settings {
    Settings::new(format!(r#"{{"behaviour":"{}"}}"#, behaviour.name()))
}

fn configured(component: &Component, behaviour: Behaviour, isolation: Isolation) -> Plugin {
    let settings = Settings { isolation, ..settings(behaviour) };
    component.configure(&settings).expect("the plugin takes its settings")
}

fn call(method: &str, target: Option<&str>) -> Arc<Call> {
    Arc::new(Call {
        method: method.into(),
        direction: Flow::ClientToServer,
        server: "server".into(),
        target: target.map(Into::into),
        arguments: Some("{}".into()),
        entry: target.map(|name| Arc::new(entry(name))),
        session: "session".into(),
        principal: None,
        claims: None,
        time: 1_795_350_099_000,
    })
}

fn entry(name: &str) -> Entry {
    Entry { name: name.to_owned(), digest: "0".repeat(64), definition: format!(r#"{{"name":"{name}"}}"#) }
}

fn judge(plugin: &Plugin, tool: &str) -> Result<Judgement, EvaluationError> {
    plugin.judge(&call("tools/call", Some(tool)), Some(&call("tools/list", None)))
}

/// The words of a refusal.
fn refusal(judgement: Result<Judgement, EvaluationError>) -> String {
    match judgement {
        Ok(Judgement::Decided(Decision { verdict: Verdict::Deny(denial), .. })) => denial.message,
        other => panic!("no refusal: {other:?}"),
    }
}

#[test]
fn an_evaluation_sees_nothing_of_another_unless_instances_are_reused() {
    let component = load(&hostile()).unwrap();
    let three = NonZeroU32::new(3).unwrap();
    for (isolation, pristine, expected) in [
        (Isolation::Pristine, true, [1, 1, 1, 1]),
        (Isolation::Fresh, false, [1, 1, 1, 1]),
        (Isolation::Reuse { invocations: three }, true, [1, 2, 3, 1]),
    ] {
        let plugin = configured(&component, Behaviour::Count, isolation);
        assert_eq!(plugin.is_pristine(), pristine, "{isolation:?}");
        for number in expected {
            let words = refusal(judge(&plugin, "tool"));
            assert_eq!(words, format!("This is call number {number}."), "{isolation:?}");
        }
    }
}

#[test]
fn a_failed_evaluation_ends_a_reused_instance() {
    let component = load(&hostile()).unwrap();
    let isolation = Isolation::Reuse { invocations: NonZeroU32::MAX };
    let plugin = configured(&component, Behaviour::ReplyPanic, isolation);
    let (call, reply) = (call("tools/call", Some("tool")), Reply { is_error: false, value: "{}".into() });
    let reply = Arc::new(reply);
    for _ in 0..2 {
        let error = plugin.check_reply(&call, &reply).unwrap_err();
        assert!(matches!(&error, EvaluationError::Failed(words) if words.contains("on purpose")), "{error}");
        // A poisoned instance would trap here.
        assert_eq!(judge(&plugin, "tool").unwrap(), Judgement::Decided(Decision::PASS));
    }
}

/// What an evaluation comes to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passes,
    Hides,
    Denies,
    Asks,
    Rewrites,
    /// Fails, with this code.
    Fails(&'static str),
    /// Is never configured.
    NotConfigured,
}

/// Without a catch-all: a behaviour without a test does not compile. Everything is granted.
fn expected(behaviour: Behaviour) -> Outcome {
    use Outcome::{Asks, Denies, Fails, Hides, NotConfigured, Passes, Rewrites};
    match behaviour {
        Behaviour::Pass => Passes,
        Behaviour::Deny | Behaviour::Count | Behaviour::ReplyDeny => Denies,
        Behaviour::Ask => Asks,
        Behaviour::Loop | Behaviour::ListingLoop | Behaviour::ReplyLoop => Fails("timeout"),
        Behaviour::Allocate | Behaviour::Hoard => Fails("memory"),
        Behaviour::Trap => Fails("trap"),
        Behaviour::Recurse => Fails("stack"),
        Behaviour::Panic | Behaviour::ListingPanic | Behaviour::ReplyPanic => Fails("failed"),
        Behaviour::Flood | Behaviour::LongMessage | Behaviour::GiantMessage => Fails("answer"),
        Behaviour::ReplyAsk | Behaviour::ReplyCharge => Fails("answer"),
        // What charges and rewrites mean is read by the gateway.
        Behaviour::Overcharge => Passes,
        Behaviour::Rewrite | Behaviour::RewriteAmbiguous | Behaviour::ReplyRewrite => Rewrites,
        Behaviour::Hide => Hides,
        Behaviour::ConfigureRefuse | Behaviour::ConfigureLoop | Behaviour::ConfigurePanic => NotConfigured,
    }
}

/// Asks all hooks, as a call that is answered does, until one has something to say.
fn evaluate(plugin: &Plugin) -> Outcome {
    let verdict = |decision: Decision| match decision.verdict {
        Verdict::Pass => Outcome::Passes,
        Verdict::Deny(_) => Outcome::Denies,
        Verdict::Ask(_) => Outcome::Asks,
        Verdict::Rewrite(_) => Outcome::Rewrites,
    };
    let outcome = match judge(plugin, HIDDEN_TOOL) {
        Ok(Judgement::Hidden) => Outcome::Hides,
        Ok(Judgement::Decided(decision)) => verdict(decision),
        Err(error) => Outcome::Fails(error.code()),
    };
    if outcome != Outcome::Passes {
        return outcome;
    }
    let reply = Arc::new(Reply { is_error: false, value: r#"{"content":[]}"#.into() });
    match plugin.check_reply(&call("tools/call", Some(HIDDEN_TOOL)), &reply) {
        Ok(decision) => verdict(decision),
        Err(error) => {
            assert_eq!(error.blame(), Blame::Plugin, "{error}");
            Outcome::Fails(error.code())
        }
    }
}

/// What the fixture asks for.
const REWRITES: [Capability; 2] = [Capability::RewriteArguments, Capability::RewriteResults];

#[test]
fn every_behaviour_ends_by_its_deadline() {
    let component = load(&hostile()).unwrap();
    for isolation in [Isolation::Pristine, Isolation::Fresh] {
        for &behaviour in Behaviour::ALL {
            let mut settings = Settings { isolation, ..settings(behaviour) };
            settings.grants.extend(REWRITES);
            let outcome = match component.configure(&settings) {
                Ok(plugin) => {
                    let begin = Instant::now();
                    let outcome = evaluate(&plugin);
                    assert!(begin.elapsed() < AT_MOST, "{behaviour:?} took {:?}", begin.elapsed());
                    outcome
                }
                Err(_) => Outcome::NotConfigured,
            };
            assert_eq!(outcome, expected(behaviour), "{behaviour:?}, {isolation:?}");
        }
    }
}

#[test]
fn a_rewrite_needs_its_own_grant() {
    let component = load(&hostile()).unwrap();
    assert_eq!(component.asks(), REWRITES);
    let reply = Arc::new(Reply { is_error: false, value: "{}".into() });
    for (behaviour, needed) in [
        (Behaviour::Rewrite, Capability::RewriteArguments),
        (Behaviour::ReplyRewrite, Capability::RewriteResults),
    ] {
        for granted in REWRITES {
            let mut settings = settings(behaviour);
            settings.grants.insert(granted);
            let plugin = component.configure(&settings).unwrap();
            let verdict = match behaviour {
                Behaviour::Rewrite => match judge(&plugin, "tool").unwrap() {
                    Judgement::Decided(decision) => decision.verdict,
                    Judgement::Hidden => panic!("it hides"),
                },
                _ => plugin.check_reply(&call("tools/call", Some("tool")), &reply).unwrap().verdict,
            };
            match verdict {
                Verdict::Rewrite(text) => assert_eq!((granted, text.as_str()), (needed, REWRITTEN)),
                Verdict::Deny(denial) => {
                    assert_ne!(granted, needed);
                    assert!(denial.message.contains(needed.as_str()), "{}", denial.message);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn five_failures_in_a_row_quarantine_a_plugin() {
    let component = load(&hostile()).unwrap();
    let plugin = configured(&component, Behaviour::Trap, Isolation::Pristine);
    assert_eq!(plugin.health(), Health::Healthy);
    for failures in 1..=4 {
        assert!(matches!(judge(&plugin, "tool"), Err(EvaluationError::Trap(_))));
        assert_eq!(plugin.health(), Health::Failing { failures });
    }
    assert!(matches!(judge(&plugin, "tool"), Err(EvaluationError::Trap(_))));
    assert!(matches!(judge(&plugin, "tool"), Err(EvaluationError::Quarantined { failures: 5, .. })));
    assert!(matches!(plugin.health(), Health::Quarantined { failures: 5, .. }));
}

/// The files of a cache: their inodes, which change when one is written again, and their sizes.
fn files(directory: &Path) -> BTreeMap<String, (u64, u64)> {
    let files = std::fs::read_dir(directory).expect("the cache can be read");
    files
        .map(|file| {
            let file = file.expect("the cache can be read");
            let metadata = file.metadata().expect("a file has metadata");
            (file.file_name().to_string_lossy().into_owned(), (metadata.ino(), metadata.len()))
        })
        .collect()
}

#[test]
fn compiled_code_is_kept_and_damaged_code_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path().join("compiled")).unwrap();
    let place = directory.path().join("compiled");
    let words = || {
        let component = Component::load(&engine(), &hostile(), &Sandbox::default(), Some(&cache)).unwrap();
        refusal(judge(&configured(&component, Behaviour::Deny, Isolation::Pristine), "tool"))
    };
    assert_eq!(words(), "The call is not to its taste.");
    let made = files(&place);
    assert_eq!(made.len(), 2, "the component, and its snapshot with these settings: {made:?}");

    assert_eq!(words(), "The call is not to its taste.");
    assert_eq!(files(&place), made, "nothing was compiled again");

    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
        ("emptied", Vec::clear),
        ("a flipped bit in the code", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }),
        ("a flipped bit in the checksum", |bytes| bytes[0] ^= 1),
    ];
    for (case, damage) in damages {
        for name in made.keys() {
            let mut bytes = std::fs::read(place.join(name)).unwrap();
            damage(&mut bytes);
            std::fs::write(place.join(name), bytes).unwrap();
        }
        let damaged = files(&place);
        assert_eq!(words(), "The call is not to its taste.", "{case}");
        let again = files(&place);
        assert!(again.keys().eq(made.keys()), "{case}: {again:?}");
        for (name, (inode, size)) in &again {
            assert_ne!(*inode, damaged[name].0, "{case}: {name} was written again");
            assert_eq!(*size, made[name].1, "{case}: {name} is whole");
        }
    }

    let component = Component::load(&engine(), &hostile(), &Sandbox::default(), Some(&cache)).unwrap();
    configured(&component, Behaviour::Pass, Isolation::Pristine);
    assert_eq!(files(&place).len(), 3, "other settings are another snapshot");
}

#[test]
fn what_is_not_a_plugin_is_not_loaded() {
    let wat = |text: &str| wat::parse_str(text).expect("the text is WebAssembly");
    let unknown_imports = wat(r#"(component
        (import "wasi:sockets/tcp@0.2.0" (instance))
        (import "bartizan:policy/secrets@0.1.0" (instance))
    )"#);
    let compiled = {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path()).unwrap();
        Component::load(&engine(), &hostile(), &Sandbox::default(), Some(&cache)).unwrap();
        let name = files(directory.path()).into_keys().next().unwrap();
        // Native code comes after a checksum of 32 bytes.
        std::fs::read(directory.path().join(name)).unwrap().split_off(32)
    };
    type Refused = fn(&LoadError) -> bool;
    let cases: [(&str, Vec<u8>, Blame, &str, Refused); 8] = [
        ("nothing", vec![], Blame::Operator, "not WebAssembly", |e| matches!(e, LoadError::NotWasm)),
        ("text", b"policy".to_vec(), Blame::Operator, "not WebAssembly", |e| matches!(e, LoadError::NotWasm)),
        ("native code", compiled, Blame::Operator, "precompiled", |e| matches!(e, LoadError::Precompiled)),
        ("a module", wat("(module)"), Blame::Plugin, "Bartizan SDK", |e| matches!(e, LoadError::NotPolicy)),
        ("half a plugin", hostile()[..10_000].to_vec(), Blame::Plugin, "compile", |e| {
            matches!(e, LoadError::Compile(_))
        }),
        ("a component", wat("(component)"), Blame::Plugin, "contract", |e| {
            matches!(e, LoadError::Contract(_))
        }),
        ("an import", unknown_imports.clone(), Blame::Plugin, "`wasi:sockets/tcp@0.2.0`", |e| {
            matches!(e, LoadError::Imports { .. })
        }),
        ("another", unknown_imports, Blame::Plugin, "`bartizan:policy/secrets@0.1.0`", |e| {
            matches!(e, LoadError::Imports { .. })
        }),
    ];
    for (case, bytes, blame, words, refused) in cases {
        let error = load(&bytes).unwrap_err();
        assert!(refused(&error), "{case}: {error:?}");
        assert_eq!(error.blame(), blame, "{case}");
        assert!(error.to_string().contains(words), "{case}: {error}");
    }

    let sandbox = Sandbox { component: Some(1000), ..Sandbox::default() };
    let error = Component::load(&engine(), &hostile(), &sandbox, None).unwrap_err();
    assert!(matches!(error, LoadError::TooLarge { limit: 1000, .. }), "{error}");
}

#[test]
fn a_plugin_that_never_describes_itself_is_given_up() {
    let wasm = std::fs::read(environment::fixture("endless")).unwrap();
    let patience = Duration::from_millis(200);
    let sandbox = Sandbox { load_deadline: Some(patience), ..Sandbox::default() };
    let begin = Instant::now();
    let error = Component::load(&engine(), &wasm, &sandbox, None).unwrap_err();
    assert!(
        matches!(&error, LoadError::Describe(EvaluationError::Timeout { deadline }) if *deadline == patience),
        "{error:?}"
    );
    assert_eq!(error.blame(), Blame::Plugin);
    // Compiling is not part of it, but small.
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
}

#[test]
fn settings_are_refused_in_words() {
    let component = load(&hostile()).unwrap();
    type Refused = fn(&ConfigureError) -> bool;
    let cases: [(&str, &str, Blame, &str, Refused); 6] = [
        ("refused by the plugin", r#"{"behaviour":"configure-refuse"}"#, Blame::Settings, "taste", |e| {
            matches!(e, ConfigureError::Refused(_))
        }),
        ("missing", "{}", Blame::Settings, "missing field `behaviour`", |e| {
            matches!(e, ConfigureError::Refused(_))
        }),
        ("unknown key", r#"{"behaviour":"pass","x":1}"#, Blame::Settings, "unknown field `x`", |e| {
            matches!(e, ConfigureError::Refused(_))
        }),
        ("unknown value", r#"{"behaviour":"nice"}"#, Blame::Settings, "unknown variant `nice`", |e| {
            matches!(e, ConfigureError::Refused(_))
        }),
        ("panic", r#"{"behaviour":"configure-panic"}"#, Blame::Plugin, "on purpose", |e| {
            matches!(e, ConfigureError::Failed(EvaluationError::Failed(_)))
        }),
        ("loop", r#"{"behaviour":"configure-loop"}"#, Blame::Plugin, "2000 ms", |e| {
            matches!(e, ConfigureError::Failed(EvaluationError::Timeout { .. }))
        }),
    ];
    for isolation in [Isolation::Pristine, Isolation::Fresh] {
        for (case, json, blame, words, refused) in cases {
            let error = component.configure(&Settings { isolation, ..Settings::new(json) }).unwrap_err();
            assert!(refused(&error), "{case}, {isolation:?}: {error:?}");
            assert_eq!(error.blame(), blame, "{case}");
            assert!(error.to_string().contains(words), "{case}: {error}");
        }
    }
}

#[test]
fn the_built_in_plugins_are_plugins_like_any_other() {
    let builtin = |name: &str, json: &str| -> Plugin {
        let wasm = bartizan_builtins::find(name).expect("it is built in").wasm;
        load(wasm).expect("it loads").configure(&Settings::new(json)).expect("it takes its settings")
    };
    let access = builtin(
        "access",
        r#"{"default":"deny","hide":["purge_*"],"tools":[{"pattern":"get_*","action":"allow","rule":"/tools/get_*"}]}"#,
    );
    assert!(access.is_pristine());
    assert!(matches!(judge(&access, "purge_all"), Ok(Judgement::Hidden)));
    assert_eq!(judge(&access, "get_run").unwrap(), Judgement::Decided(Decision::PASS));
    assert_eq!(refusal(judge(&access, "set_tag")), "The policy does not allow set_tag.");
    let entries = ["get_run", "purge_all", "set_tag"].map(entry);
    assert_eq!(access.visible(&call("tools/list", None), &entries).unwrap(), [true, false, true]);

    let limit = r#"{"tools":[{"pattern":"set_*","rate_limit":{"max":3,"window":60},"rule":"/r"}]}"#;
    let rate_limit = builtin("rate-limit", limit);
    assert!(rate_limit.is_pristine());
    let Ok(Judgement::Decided(decision)) = judge(&rate_limit, "set_tag") else { panic!("it decides") };
    assert_eq!(decision.charges.len(), 1, "{decision:?}");
    assert_eq!((decision.charges[0].cost.as_str(), decision.charges[0].limit.as_str()), ("1", "3"));

    let wasm = bartizan_builtins::find("access").unwrap().wasm;
    let mut settings = Settings::new(r#"{"default":"deny"}"#);
    settings.grants.insert(Capability::RewriteArguments);
    let error = load(wasm).unwrap().configure(&settings).unwrap_err();
    assert!(matches!(error, ConfigureError::NotAsked { grant: "rewrite-arguments" }), "{error}");
}
