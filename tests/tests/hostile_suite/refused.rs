//! Plugins that are not loaded, or do not take their settings: the reason comes in time, in few words, and
//! none that do anything to the terminal or log that shows them.

use std::time::{Duration, Instant};

use bartizan_runtime::{
    Capability, Component, ConfigureError, Engine, EngineConfig, LoadError, Sandbox, Settings,
};
use bartizan_tests::hostile;

use crate::rows::{self, Holds};

/// Describing and configuring have 2 s each; compiling is not among what these do to excess.
const AT_MOST: Duration = Duration::from_secs(10);
/// The longest reason, in bytes.
const WORDS: usize = 8 << 10;

fn engine() -> Engine {
    Engine::new(&EngineConfig { slots: 4, ..EngineConfig::default() }).expect("the engine starts")
}

/// What is wrong with a reason, if anything is.
fn problem(words: &str, reason: &str) -> Option<String> {
    if !reason.contains(words) {
        Some(format!("no `{words}` in: {reason:.2000}"))
    } else if reason.len() > WORDS {
        Some(format!("a reason of {} bytes", reason.len()))
    } else {
        reason.chars().any(char::is_control).then(|| format!("it does something to a terminal: {reason:?}"))
    }
}

fn load(engine: &Engine, bytes: &[u8]) -> Result<Component, LoadError> {
    Component::load(engine, bytes, &Sandbox::default(), None)
}

/// Tries something, and says what is wrong with its refusal.
fn refused<T, E: std::fmt::Display>(words: &str, attempt: impl FnOnce() -> Result<T, E>) -> Option<String> {
    let begin = Instant::now();
    let outcome = attempt();
    let time = begin.elapsed();
    match outcome {
        _ if time > AT_MOST => Some(format!("it took {time:?}")),
        Ok(_) => Some("it was not refused".to_owned()),
        Err(error) => problem(words, &error.to_string()),
    }
}

#[test]
fn what_cannot_be_loaded_is_refused_in_time() {
    let engine = engine();
    let mut wrong = Vec::new();
    for (plugin, holds) in rows::ROWS {
        let words = match holds {
            Holds::Unloadable(words) => words,
            Holds::ServesGranted(capability, _) if Capability::parse(capability).is_none() => capability,
            _ => continue,
        };
        let bytes = hostile::wasm(plugin);
        wrong.extend(refused(words, || load(&engine, &bytes)).map(|problem| (plugin, problem)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_usable(&engine);
}

#[test]
fn what_does_not_take_its_settings_is_refused_in_time() {
    let engine = engine();
    let mut wrong = Vec::new();
    for (plugin, holds) in rows::ROWS {
        let Holds::Unconfigurable(words) = holds else { continue };
        match load(&engine, &hostile::wasm(plugin)) {
            Ok(component) => {
                let configured = || component.configure(&Settings::new("{}"));
                wrong.extend(refused(words, configured).map(|problem| (plugin, problem)));
            }
            Err(error) => wrong.push((plugin, format!("it is not loaded: {error}"))),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_usable(&engine);
}

#[test]
fn every_import_that_the_host_lacks_is_named() {
    let engine = engine();
    for plugin in ["imports-sockets-and-http", "imports-the-rest-of-wasi"] {
        let error = load(&engine, &hostile::wasm(plugin)).expect_err("it is refused");
        assert!(matches!(error, LoadError::Imports { .. }), "{plugin}: {error:?}");
        let text = std::fs::read_to_string(bartizan_tests::environment::repository(&format!(
            "tests/hostile/{plugin}.wat"
        )))
        .expect("it is a text");
        let imports: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
        assert!(imports.len() > 10, "{imports:?}");
        for import in imports {
            assert!(error.to_string().contains(&format!("`{import}`")), "{plugin}: no {import} in {error}");
        }
    }
}

/// Settings that are larger than what a plugin can have are refused, and do no harm.
#[test]
fn settings_that_do_not_fit_are_refused_in_time() {
    let engine = engine();
    let component = load(&engine, &hostile::wasm("check-slow")).expect("it is loaded");
    for megabytes in [1_usize, 16, 200] {
        let settings = format!(r#"{{"text":"{}"}}"#, "a".repeat(megabytes << 20));
        let begin = Instant::now();
        match (megabytes, component.configure(&Settings::new(settings))) {
            (1, configured) => drop(configured.expect("1 MiB fits")),
            (200, configured) => {
                let error = configured.expect_err("200 MiB do not fit");
                assert!(matches!(error, ConfigureError::Failed(_)), "{error}");
                assert_eq!(problem("", &error.to_string()), None);
            }
            _ => {}
        }
        assert!(begin.elapsed() < AT_MOST, "{megabytes} MiB took {:?}", begin.elapsed());
    }
    assert_usable(&engine);
}

/// Whatever was refused before, the next plugin is served.
fn assert_usable(engine: &Engine) {
    let component = load(engine, &hostile::wasm("check-nan-bits")).expect("a usable plugin is loaded");
    let plugin = component.configure(&Settings::new("{}")).expect("it takes its settings");
    plugin.instantiate().expect("it can be run");
}
