//! What one evaluation of a built-in costs, and what it is made of, in one run:
//!
//! - `instantiate`: a bare instance of the same component and its drop, the floor;
//! - `pristine`: an evaluation in a new instance that starts configured;
//! - `fresh`: an evaluation in a new instance that is configured first, what it would cost without
//!   snapshots;
//! - `reused`: an evaluation in an instance that served before.
//!
//! Needs the plugins that `cargo xtask build` compiles (or others of the same names in the folder
//! `BARTIZAN_PLUGINS`).
#![expect(clippy::expect_used, reason = "a bench that cannot run has nobody to tell but its user")]

use std::hint::black_box;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_runtime::{
    Call, Component, Engine, EngineConfig, Entry, Flow, Isolation, Plugin, Sandbox, Settings,
};
use criterion::{Criterion, criterion_group, criterion_main};

fn call(method: &str, target: Option<&str>) -> Arc<Call> {
    Arc::new(Call {
        method: method.into(),
        direction: Flow::ClientToServer,
        server: "mlflow".into(),
        target: target.map(Into::into),
        arguments: Some(r#"{"run_id":"0123456789abcdef","key":"owner","value":"me"}"#.into()),
        entry: target.map(|name| {
            Arc::new(Entry {
                name: name.to_owned(),
                digest: "0".repeat(64),
                definition: format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#),
            })
        }),
        session: "session".into(),
        principal: None,
        claims: None,
        time: 1_795_350_099_000,
    })
}

fn settings(plugin: &str, rules: usize) -> String {
    let mut tools: Vec<String> = (0..rules)
        .map(|index| match plugin {
            "access" => format!(r#"{{"pattern":"tool_{index}","action":"allow","rule":"/tools/tool_{index}"}}"#),
            _ => format!(
                r#"{{"pattern":"tool_{index}","rate_limit":{{"max":10,"window":60}},"rule":"/tools/tool_{index}/rate_limit"}}"#
            ),
        })
        .collect();
    let tools = {
        tools.push(match plugin {
            "access" => r#"{"pattern":"get_*","action":"allow","rule":"/tools/get_*"}"#.to_owned(),
            _ => r#"{"pattern":"get_*"}"#.to_owned(),
        });
        tools.join(",")
    };
    match plugin {
        "access" => format!(r#"{{"default":"deny","hide":["delete_run"],"tools":[{tools}]}}"#),
        _ => format!(r#"{{"tools":[{tools}]}}"#),
    }
}

fn configured(component: &Component, json: &str, isolation: Isolation) -> Plugin {
    let mut settings = Settings::new(json);
    settings.isolation = isolation;
    component.configure(&settings).expect("the built-in takes its settings")
}

fn evaluation(criterion: &mut Criterion) {
    let engine = Engine::new(&EngineConfig::default()).expect("the engine starts");
    let plugins = match std::env::var_os("BARTIZAN_PLUGINS") {
        Some(directory) => PathBuf::from(directory),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins"),
    };
    for name in ["access", "rate-limit"] {
        let wasm = std::fs::read(plugins.join(format!("{name}.wasm")))
            .expect("the plugins are compiled: run `cargo xtask build`");
        let component = Component::load(&engine, &wasm, &Sandbox::default(), None).expect("the plugin loads");
        for rules in [1, 100, 10_000] {
            let json = settings(name, rules);
            let fresh = configured(&component, &json, Isolation::Fresh);
            let pristine = configured(&component, &json, Isolation::Pristine);
            let invocations = NonZeroU32::MAX;
            let reused = configured(&component, &json, Isolation::Reuse { invocations });
            assert!(pristine.is_pristine(), "{name} can be snapshotted");

            let tool = call("tools/call", Some("tool_0"));
            let listing = call("tools/list", None);
            let judge = |plugin: &Plugin| plugin.judge(black_box(&tool), Some(&listing)).expect("it judges");
            let mut group = criterion.benchmark_group(format!("{name}/{rules} rules"));
            group.bench_function("instantiate", |bencher| {
                bencher.iter(|| pristine.instantiate().expect("it instantiates"));
            });
            group.bench_function("pristine", |bencher| bencher.iter(|| judge(&pristine)));
            group.bench_function("fresh", |bencher| bencher.iter(|| judge(&fresh)));
            group.bench_function("reused", |bencher| bencher.iter(|| judge(&reused)));
            group.finish();
        }
    }
}

criterion_group!(benches, evaluation);
criterion_main!(benches);
