//! Policies that change while they are in force.

use std::fs;

use bartizan_tests::rpc;
use rustix::process::Signal;
use serde_json::json;

use crate::{Scene, edition, name, put};

#[tokio::test]
async fn a_policy_that_changes_holds_from_the_next_call_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.json");
    let allow = json!({"version": "1", "default": "allow"});
    put(&file, allow.to_string().as_bytes());
    let scene = Scene::with(&[], &json!(file), json!({})).await;
    assert_eq!(scene.refused_by().await, None);

    let deny = json!({"version": "1", "default": "allow", "hide": ["secret"],
        "tools": {"echo": {"action": "deny", "reason": "Not today."}}});
    put(&file, deny.to_string().as_bytes());
    while scene.refused_by().await.as_deref() != Some("[POLICY DENIED] Not today.") {}
    let listed = scene.session.request("tools/list", &json!({})).await;
    assert!(!rpc::tools(&listed).contains(&"secret"), "{listed}");

    fs::write(&file, r#"{"version": "1", "default": "alow"}"#).unwrap();
    let status = scene.admin.until("it is refused", |status| status["refused"].is_object()).await;
    let problem = status["refused"]["problems"][0].as_str().unwrap();
    assert!(problem.contains("policy.json:1:") && problem.contains("allow"), "{problem}");
    assert_eq!(scene.refused_by().await.as_deref(), Some("[POLICY DENIED] Not today."));

    put(&file, allow.to_string().as_bytes());
    scene.until_refused_by(None).await;
    let status = scene.admin.status().await;
    assert!(status["refused"].is_null(), "{status}");
}

#[tokio::test]
async fn a_plugin_that_a_policy_names_stays_in_force_when_its_file_is_gone() {
    let policy = json!({"version": "1", "default": "allow",
        "plugins": [{"use": "stopped", "settings": {"except": ["pid"]}}]});
    let scene = Scene::with(&[("stopped.wasm", &edition(0))], &policy, json!({})).await;
    fs::remove_file(scene.plugin("stopped.wasm")).unwrap();
    let status = scene.admin.until("it is missed", |status| status["refused"].is_object()).await;
    let problem = status["refused"]["problems"][0].as_str().unwrap();
    assert!(problem.contains("there is no plugin stopped.wasm"), "{problem}");
    assert_eq!(scene.refused_by().await, Some(name(0)), "a rule is not lost with its file");
    let pid = scene.session.call("pid", &json!({})).await;
    assert_ne!(pid["result"]["isError"], true, "{pid}");
    scene.put("stopped.wasm", &edition(1));
    scene.until_refused_by(Some(1)).await;
}

#[tokio::test]
async fn settings_that_a_new_version_refuses_keep_the_old_one() {
    let policy = json!({"version": "1", "default": "allow",
        "plugins": [{"use": "stopped", "settings": {"except": ["pid"]}}]});
    let scene = Scene::with(&[("stopped.wasm", &edition(0))], &policy, json!({})).await;
    let other = fs::read(bartizan_tests::environment::fixture("hostile")).unwrap();
    scene.put("stopped.wasm", &other);
    let kept = scene.until_plugin("stopped", Some("kept")).await;
    let problem = kept["problem"].as_str().unwrap();
    assert!(problem.contains("refuses its settings"), "{problem}");
    assert_eq!(scene.refused_by().await, Some(name(0)));
}

#[tokio::test]
async fn everything_is_read_again_at_a_signal() {
    let scene = Scene::new(&[]).await;
    let before = scene.admin.status().await["generation"].clone();
    scene.serving.signal(Signal::HUP);
    scene.put("stopped.wasm", &edition(1));
    scene.serving.signal(Signal::HUP);
    scene.until_refused_by(Some(1)).await;
    assert_ne!(scene.admin.status().await["generation"], before);
}
