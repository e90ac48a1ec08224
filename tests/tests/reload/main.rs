//! Loading again while serving: plugins that come, change, break and go; policies and configurations that
//! change. What is under way goes on, and what is wrong changes nothing.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test's helper that cannot go on fails the test"
)]

mod configurations;
mod plugins;
mod policies;
mod stdio;

use std::path::{Path, PathBuf};

use bartizan_fixture_stopped::EDITION;
use bartizan_tests::admin::Admin;
use bartizan_tests::environment;
use bartizan_tests::gateway::{self, Serving};
use bartizan_tests::http::Session;
use bartizan_tests::rpc;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The server behind the gateway.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");

/// An edition of the plugin that refuses everything. All are of one length.
fn edition(number: u16) -> Vec<u8> {
    let module = std::fs::read(environment::fixture("stopped")).expect("the fixture is there");
    let name = name(number);
    let at: Vec<usize> = module
        .windows(EDITION.len())
        .enumerate()
        .filter(|(_, window)| *window == EDITION.as_bytes())
        .map(|(at, _)| at)
        .collect();
    assert!(!at.is_empty(), "the module has the text");
    let mut module = module;
    for at in at {
        module[at..at + name.len()].copy_from_slice(name.as_bytes());
    }
    module
}

fn name(number: u16) -> String {
    format!("edition-{number:04}")
}

/// A gateway with a plugins folder that is empty at first.
struct Scene {
    serving: Serving,
    admin: Admin,
    session: Session,
    plugins: TempDir,
    _state: TempDir,
}

impl Scene {
    /// With a policy that allows everything, and these plugins.
    async fn new(plugins: &[(&str, &[u8])]) -> Self {
        Self::with(plugins, &json!({"version": "1", "default": "allow"}), json!({})).await
    }

    async fn with(plugins: &[(&str, &[u8])], policy: &Value, more: Value) -> Self {
        let folder = tempfile::tempdir().expect("a directory can be made");
        for (name, bytes) in plugins {
            std::fs::write(folder.path().join(name), bytes).expect("a file can be written");
        }
        let state = tempfile::tempdir().expect("a directory can be made");
        let mut configuration = json!({
            "state": {"dir": state.path()},
            "admin": {"listen": "127.0.0.1:0"},
            "plugins": {"dir": folder.path()},
            "mcpServers": {"fake": gateway::server(FAKE, &[], policy)},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            configuration[key] = value.clone();
        }
        let variables = [("BARTIZAN_STATE_DIR", state.path())];
        let serving = Serving::start_in(configuration, &variables).await;
        let admin = Admin::of(&serving, state.path()).await;
        let session = Session::begin(serving.url("fake")).await;
        Self { serving, admin, session, plugins: folder, _state: state }
    }

    fn plugin(&self, name: &str) -> PathBuf {
        self.plugins.path().join(name)
    }

    /// Puts a file in the folder at once, as one should.
    fn put(&self, name: &str, bytes: &[u8]) {
        put(&self.plugin(name), bytes);
    }

    /// What a call of `echo` comes to: the edition that refuses it, or nothing.
    async fn refused_by(&self) -> Option<String> {
        refused_by(&self.session).await
    }

    /// Waits until what a plugin is in the status.
    async fn until_plugin(&self, name: &str, state: Option<&str>) -> Value {
        let status = self
            .admin
            .until(&format!("{name} is {state:?}"), |status| {
                plugin(status, name).and_then(|plugin| plugin["state"].as_str()) == state
            })
            .await;
        plugin(&status, name).cloned().unwrap_or_default()
    }

    /// Calls until an edition refuses, or none does. Every call is answered.
    async fn until_refused_by(&self, expected: Option<u16>) {
        let expected = expected.map(name);
        let begin = std::time::Instant::now();
        while self.refused_by().await != expected {
            assert!(begin.elapsed() < bartizan_tests::waiting::SOON, "it is never {expected:?}");
        }
    }

    /// Reads the configuration, changes it and puts it in its place.
    fn reconfigure(&self, change: impl FnOnce(&mut Value)) {
        let path = self.serving.configuration();
        let text = std::fs::read_to_string(&path).expect("it is there");
        let mut configuration: Value = serde_json::from_str(&text).expect("it is JSON");
        change(&mut configuration);
        put(&path, configuration.to_string().as_bytes());
    }
}

fn put(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).expect("a file can be written");
    std::fs::rename(&beside, path).expect("a file can be renamed");
}

fn plugin<'s>(status: &'s Value, name: &str) -> Option<&'s Value> {
    let plugins = status["plugins"].as_array().expect("there is a list");
    plugins.iter().find(|plugin| plugin["name"] == name)
}

async fn refused_by(session: &Session) -> Option<String> {
    let answer = session.call("echo", &json!({"n": 1})).await;
    if answer["result"]["isError"] == true {
        let text = rpc::assert_denied(&answer);
        return Some(text.strip_prefix("[POLICY DENIED] stopped by ").unwrap_or(text).to_owned());
    }
    let echoed: Value = serde_json::from_str(rpc::text(&answer)).expect("the server answers");
    assert_eq!(echoed, json!({"tool": "echo", "arguments": {"n": 1}}));
    None
}
