//! Lock files and signatures, with a gateway that serves: what was accepted and what was signed runs, and nothing
//! else does.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test's helper that cannot go on fails the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_tests::admin::Admin;
use bartizan_tests::environment;
use bartizan_tests::gateway::{self, bartizan};
use bartizan_tests::http::Session;
use bartizan_tests::program::Program;
use bartizan_tests::rpc;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The server behind the gateway.
const FAKE: &str = env!("CARGO_BIN_EXE_bartizan-fake-server");

/// A folder with a configuration, a policy and a plugin that refuses every call.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new(plugins: &Value) -> Self {
        let scene = Self { folder: tempfile::tempdir().expect("a directory can be made") };
        fs::create_dir(scene.path("plugins")).expect("a directory can be made");
        fs::copy(environment::fixture("hostile"), scene.path("plugins/hostile.wasm"))
            .expect("it can be copied");
        scene.grant(&[]);
        scene.configure(plugins);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the policy: the plugin is granted this.
    fn grant(&self, grants: &[&str]) {
        let entry = json!({"use": "hostile", "settings": {"behaviour": "deny"}, "grants": grants});
        let policy = json!({"version": "1", "default": "allow", "plugins": [entry]});
        fs::write(self.path("policy.json"), policy.to_string()).expect("a file can be written");
    }

    /// Writes the configuration: what it says of plugins besides where they are.
    fn configure(&self, plugins: &Value) {
        let server = gateway::server(FAKE, &[], &json!("policy.json"));
        let mut all = json!({"dir": "plugins"});
        for (key, value) in plugins.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        let configuration = json!({
            "listen": "127.0.0.1:0",
            "state": {"dir": "state"},
            "admin": {"listen": "127.0.0.1:0"},
            "plugins": all,
            "mcpServers": {"fake": server},
        });
        fs::write(self.path("bartizan.json"), configuration.to_string()).expect("a file can be written");
    }

    /// Runs a command to its end, which is a good one: what it prints.
    async fn run(&self, arguments: &[&str]) -> String {
        let mut command = bartizan(arguments);
        command.current_dir(self.folder.path()).env_remove("BARTIZAN_STATE_DIR");
        let output = command.output().await.expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it prints text")
    }

    /// Serves: the running gateway with its URL, or why it does not start.
    async fn serve(&self, options: &[&str]) -> Result<(Program, String), String> {
        let mut command = bartizan(["serve", "--config", "bartizan.json"]);
        command.args(options).current_dir(self.folder.path()).env_remove("BARTIZAN_STATE_DIR");
        let mut program = Program::start(command);
        match program.line().await {
            Some(line) => {
                let (_, url) = line.split_once(' ').expect("a line has a name and a URL");
                Ok((program, url.trim().to_owned()))
            }
            None => Err(program.end().await.log),
        }
    }

    /// Serves, and the plugin refuses a call.
    async fn assert_serves(&self, options: &[&str]) {
        match self.serve(options).await {
            Ok((_program, url)) => assert_refused(&Session::begin(&url).await).await,
            Err(log) => panic!("it does not start: {log}"),
        }
    }

    /// Does not start, and says all of this.
    async fn assert_does_not_start(&self, options: &[&str], expected: &[&str]) {
        match self.serve(options).await {
            Ok(_) => panic!("it starts, and should say {expected:?}"),
            Err(log) => {
                for expected in expected {
                    assert!(log.contains(expected), "{expected}: {log}");
                }
            }
        }
    }
}

async fn assert_refused(session: &Session) {
    let answer = session.call("echo", &json!({"n": 1})).await;
    assert_eq!(rpc::assert_denied(&answer), "[POLICY DENIED] The call is not to its taste.");
}

/// Other bytes that are a plugin as well: a custom section is added at the end.
fn tamper(path: &Path) {
    let mut module = fs::read(path).expect("the plugin is there");
    module.extend([0, 3, 1, b'x', b'y']);
    fs::write(path, module).expect("it can be written");
}

#[tokio::test]
async fn what_was_locked_runs_and_nothing_else() {
    const LOCKED: &[&str] = &["--locked"];
    let scene = Scene::new(&json!({}));
    scene
        .assert_does_not_start(LOCKED, &["there is no lock file", "write it with `bartizan plugin lock`"])
        .await;
    let printed = scene.run(&["plugin", "lock", "--config", "bartizan.json"]).await;
    assert!(printed.starts_with("hostile is new\n1 plugin accepted in "), "{printed}");
    scene.assert_serves(LOCKED).await;

    let plugin = scene.path("plugins/hostile.wasm");
    let accepted = fs::read(&plugin).unwrap();
    tamper(&plugin);
    let expected =
        ["hostile.wasm is not the file that was accepted: its SHA-256 is ", "put the accepted file back"];
    scene.assert_does_not_start(LOCKED, &expected).await;
    scene.assert_serves(&[]).await;
    fs::write(&plugin, accepted).unwrap();

    scene.grant(&["rewrite-arguments"]);
    let expected = [
        "the policy policy.json grants `rewrite-arguments` to `hostile`, and ",
        "plugins.lock expects nothing",
    ];
    scene.assert_does_not_start(LOCKED, &expected).await;
    scene.run(&["plugin", "lock", "--config", "bartizan.json"]).await;
    scene.assert_serves(LOCKED).await;
    scene.grant(&[]);
    scene.assert_serves(LOCKED).await;

    fs::copy(&plugin, scene.path("plugins/new.wasm")).unwrap();
    scene.assert_does_not_start(LOCKED, &["new.wasm is not in the lock file "]).await;
    scene.configure(&json!({"autoload": false}));
    scene.assert_serves(LOCKED).await;
    fs::remove_file(scene.path("plugins/new.wasm")).unwrap();

    fs::rename(&plugin, scene.path("plugins/renamed.wasm")).unwrap();
    scene.assert_does_not_start(LOCKED, &["hostile.wasm is missing: ", "put the file back"]).await;
}

#[tokio::test]
async fn what_is_signed_runs_and_nothing_else() {
    let scene = Scene::new(&json!({}));
    for key in ["ours", "theirs"] {
        scene.run(&["plugin", "keygen", "--key", &format!("{key}.key")]).await;
    }
    scene.configure(&json!({"trusted_keys": ["ours.pub"]}));
    let (plugin, signature) =
        (scene.path("plugins/hostile.wasm"), scene.path("plugins/hostile.wasm.minisig"));
    let file = "plugins/hostile.wasm";
    scene.assert_does_not_start(&[], &["it is not signed: there is no plugins/hostile.wasm.minisig"]).await;
    scene.run(&["plugin", "sign", file, "--key", "theirs.key"]).await;
    scene
        .assert_does_not_start(&[], &["it is signed with the key ", ", which is not trusted; trusted are "])
        .await;
    scene.run(&["plugin", "sign", file, "--key", "ours.key"]).await;
    scene.assert_serves(&[]).await;

    let good = fs::read(&plugin).unwrap();
    tamper(&plugin);
    scene.assert_does_not_start(&[], &["it is not what was signed", "do not use this file"]).await;
    fs::write(&plugin, &good).unwrap();
    // A signed plugin in the place of another one.
    fs::rename(&plugin, scene.path("plugins/other.wasm")).unwrap();
    fs::rename(&signature, scene.path("plugins/other.wasm.minisig")).unwrap();
    let expected = ["its signature is for a file of the name hostile.wasm, and it is other.wasm"];
    scene.assert_does_not_start(&[], &expected).await;
    fs::rename(scene.path("plugins/other.wasm"), &plugin).unwrap();
    fs::rename(scene.path("plugins/other.wasm.minisig"), &signature).unwrap();
    scene.assert_serves(&[]).await;
    fs::write(&signature, "untrusted comment: nothing\n").unwrap();
    scene.assert_does_not_start(&[], &["is no signature of minisign"]).await;
}

#[tokio::test]
async fn a_gateway_that_serves_keeps_the_signed_plugin_until_there_is_another_signed_one() {
    let scene = Scene::new(&json!({}));
    scene.run(&["plugin", "keygen", "--key", "ours.key"]).await;
    scene.run(&["plugin", "sign", "plugins/hostile.wasm", "--key", "ours.key"]).await;
    scene.configure(&json!({"trusted_keys": ["ours.pub"]}));
    let (program, url) = scene.serve(&[]).await.expect("it starts");
    let admin = Admin::of_program(&program, &scene.path("state")).await;
    let session = Session::begin(&url).await;
    assert_refused(&session).await;

    tamper(&scene.path("plugins/hostile.wasm"));
    let plugin = until(&admin, "kept").await;
    let problem = plugin["problem"].as_str().unwrap();
    assert!(problem.contains("it is not what was signed"), "{problem}");
    assert_refused(&session).await;
    // The signature comes after the file.
    scene.run(&["plugin", "sign", "plugins/hostile.wasm", "--key", "ours.key"]).await;
    until(&admin, "live").await;
    assert_refused(&session).await;
}

/// Waits until the plugin is in this state.
async fn until(admin: &Admin, state: &str) -> Value {
    let find = |status: &Value| status["plugins"].as_array().and_then(|plugins| plugins.first().cloned());
    let status =
        admin.until(state, |status| find(status).is_some_and(|plugin| plugin["state"] == state)).await;
    find(&status).expect("there is one")
}
