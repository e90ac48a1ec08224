//! What was built against a version of the contract loads, and decides the same, forever.
//!
//! The components in `tests/fixtures/contract` never change: their digests are checked first. A host that
//! cannot load one, or in which one decides otherwise, breaks somebody's plugin.
#![expect(clippy::expect_used, clippy::panic, reason = "a test's helper that cannot go on fails the test")]

use std::path::PathBuf;
use std::sync::Arc;

use bartizan_runtime::{
    Cache, Call, Capability, Component, Decision, Engine, EngineConfig, Entry, Flow, Hooks, Judgement,
    LoadError, Plugin, Reply, Sandbox, Settings, Verdict,
};
use bartizan_tests::environment;

fn directory() -> PathBuf {
    environment::repository("tests/fixtures/contract/0.1.0")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(directory().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files and their digests, as `sha256sum` writes them.
fn digests() -> Vec<(String, String)> {
    let list = String::from_utf8(read("SHA256SUMS")).expect("the list is text");
    list.lines()
        .map(|line| {
            let (digest, name) = line.split_once("  ").expect("a line is a digest and a name");
            (name.to_owned(), digest.to_owned())
        })
        .collect()
}

fn engine() -> Engine {
    Engine::new(&EngineConfig { slots: 4, ..EngineConfig::default() }).expect("the engine starts")
}

fn load(engine: &Engine, name: &str) -> Result<Component, LoadError> {
    let cache = Cache::open(environment::compiled()).expect("the tests' cache can be opened");
    Component::load(engine, &read(&format!("{name}.wasm")), &Sandbox::default(), Some(&cache))
}

/// A loaded plugin with everything granted that it asks for.
fn plugin(engine: &Engine, name: &str, settings: &str) -> Plugin {
    let component = load(engine, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut settings = Settings::new(settings);
    settings.grants.extend(component.asks().iter().copied());
    component.configure(&settings).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn call(method: &str, target: Option<&str>, arguments: &str, time: u64) -> Arc<Call> {
    Arc::new(Call {
        method: method.into(),
        direction: Flow::ClientToServer,
        server: "server".into(),
        target: target.map(Into::into),
        arguments: Some(arguments.into()),
        entry: target.map(|name| Arc::new(entry(name))),
        session: "session".into(),
        principal: Some("ada".into()),
        claims: Some(r#"{"team":"red"}"#.into()),
        time,
    })
}

fn entry(name: &str) -> Entry {
    Entry { name: name.to_owned(), digest: "0".repeat(64), definition: format!(r#"{{"name":"{name}"}}"#) }
}

/// What a plugin says to a call of a tool, in short.
fn said(plugin: &Plugin, tool: &str, arguments: &str, time: u64) -> String {
    let (call, listing) =
        (call("tools/call", Some(tool), arguments, time), call("tools/list", None, "{}", time));
    match plugin.judge(&call, Some(&listing)) {
        Ok(Judgement::Hidden) => "hidden".to_owned(),
        Ok(Judgement::Decided(decision)) => in_short(&decision),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

fn in_short(decision: &Decision) -> String {
    let mut text = match &decision.verdict {
        Verdict::Pass => "pass".to_owned(),
        Verdict::Deny(denial) => format!("deny {:?} {}", denial.rule, denial.message),
        Verdict::Ask(approval) => format!("ask {}", approval.message),
        Verdict::Rewrite(text) => format!("rewrite {text}"),
    };
    for charge in &decision.charges {
        text += &format!(
            " charge {} {:?} {}/{} {:?} {}",
            charge.counter, charge.scope, charge.cost, charge.limit, charge.window, charge.counts_errors
        );
    }
    decision.notes.iter().fold(text, |text, note| text + &format!(" note {}={}", note.key, note.value))
}

#[test]
fn they_never_change() {
    let digests = digests();
    let mut files: Vec<String> = std::fs::read_dir(directory())
        .expect("the folder can be read")
        .map(|file| file.expect("the folder can be read").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".wasm"))
        .collect();
    files.sort();
    let named: Vec<&String> = digests.iter().map(|(name, _)| name).collect();
    assert_eq!(named, files.iter().collect::<Vec<_>>(), "each file stands in SHA256SUMS");
    for (name, expected) in &digests {
        let digest = ring::digest::digest(&ring::digest::SHA256, &read(name));
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&digest, expected, "{name} is not what it was");
    }
}

#[test]
fn they_load_and_describe_themselves() {
    let engine = engine();
    let hooks = |calls, listings, replies| Hooks { calls, listings, replies };
    for (name, described, version, expected) in [
        ("calls", "calls", "0.1.0", hooks(true, false, false)),
        ("listings", "listings", "0.1.0", hooks(false, true, false)),
        ("replies", "replies", "0.1.0", hooks(false, false, true)),
        ("later", "later", "0.1.0", hooks(true, false, false)),
        ("everything", "everything", "1.2.3", hooks(true, true, true)),
    ] {
        let component = load(&engine, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(component.hooks(), expected, "{name}");
        let description = component.description();
        assert_eq!((description.name.as_str(), description.version.as_str()), (described, version));
    }
}

#[test]
fn calls_are_judged_as_ever() {
    let engine = engine();
    let words = r#"{"words":"No:"}"#;
    let charge = "pass charge calls Principal 1/10 Fixed(Minute) true";
    for (name, settings, tool, arguments, time, expected) in [
        ("calls", "{}", "tool", "{}", 1, charge),
        ("calls", "{}", "tool", r#"{"path":1.10}"#, 1, "deny None 1.10"),
        ("calls", "{}", "tool", r#"{"path":"/etc/é"}"#, 1, "deny None \"/etc/é\""),
        ("later", "{}", "tool", "{}", 1_795_350_099_001, "pass"),
        ("later", "{}", "tool", "{}", 1_795_350_099_000, "deny None The time is even."),
        ("listings", "{}", "tool", "{}", 1, "pass"),
        ("listings", "{}", "secret", "{}", 1, "hidden"),
        ("everything", words, "tool", "{}", 1, "pass"),
        ("everything", words, "hidden", "{}", 1, "hidden"),
        ("everything", words, "ask", "{}", 1, "ask May it? note why=\"asked\""),
        ("everything", words, "rewrite", "{}", 1, r#"rewrite {"rewritten":true}"#),
        ("everything", words, "charge", "{}", 1, "pass charge charges Session 1/3 Sliding(60) false"),
        (
            "everything",
            words,
            "deny",
            r#"{"path":[1]}"#,
            1_795_350_099_000,
            concat!(
                r#"deny Some("everything") No: tools/call Some("ada") server session Some("\"red\"") "#,
                r#"ClientToServer Some("[1]") None Some("{\"name\":\"deny\"}") 1795350099000"#
            ),
        ),
    ] {
        let plugin = plugin(&engine, name, settings);
        assert!(plugin.is_pristine(), "{name}");
        assert_eq!(said(&plugin, tool, arguments, time), expected, "{name}, {tool}, {arguments}");
    }
    let plugin = plugin(&engine, "everything", words);
    let failed = said(&plugin, "fail", "{}", 1);
    assert!(failed.starts_with("failed: ") && failed.contains("It cannot decide."), "{failed}");
}

#[test]
fn settings_are_refused_as_ever() {
    let component = load(&engine(), "everything").expect("it is loaded");
    let error = component.configure(&Settings::new(r#"{"words":""}"#)).expect_err("it refuses them");
    assert_eq!(error.to_string(), "the plugin refuses its settings: `words` is empty");
}

#[test]
fn lists_are_filtered_as_ever() {
    let engine = engine();
    let listing = call("tools/list", None, "{}", 1);
    let entries = ["tool", "secret", "hidden"].map(entry);
    for (name, settings, expected) in
        [("listings", "{}", [true, false, true]), ("everything", r#"{"words":"No:"}"#, [true, true, false])]
    {
        let visible = plugin(&engine, name, settings).visible(&listing, &entries);
        assert_eq!(visible.expect("it filters"), expected, "{name}");
    }
}

#[test]
fn replies_are_judged_as_ever() {
    let engine = engine();
    let call = call("tools/call", Some("tool"), "{}", 1);
    for (name, settings, is_error, value, expected) in [
        ("replies", "{}", false, r#"{"content":[]}"#, "pass"),
        ("replies", "{}", false, r#"{"secret":42}"#, "deny None 42"),
        ("replies", "{}", true, "{}", "deny None It failed."),
        ("everything", r#"{"words":"No:"}"#, true, "{}", "deny None An error."),
        ("everything", r#"{"words":"No:"}"#, false, "{}", "pass"),
    ] {
        let reply = Arc::new(Reply { is_error, value: value.into() });
        let decision = plugin(&engine, name, settings).check_reply(&call, &reply).expect("it judges");
        assert_eq!(in_short(&decision), expected, "{name}, {value}");
    }
}

/// Those that import an interface that has to be asked for. A host that does not know it says which.
#[test]
fn what_has_to_be_asked_for_is_had_or_named() {
    let engine = engine();
    for (name, expected) in [("log", "pass"), ("memory", "pass"), ("http", "pass")] {
        match Capability::parse(name) {
            Some(_) => assert_eq!(said(&plugin(&engine, name, "{}"), "tool", "{}", 1), expected, "{name}"),
            None => {
                let error = load(&engine, name).expect_err("the host lacks it");
                assert!(error.to_string().contains(name), "{name}: {error}");
            }
        }
    }
}
