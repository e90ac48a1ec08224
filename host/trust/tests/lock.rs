//! Holding plugins to a lock file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bartizan_trust::{Described, Lock, LockedPlugin, Requirements, Trust, policy_name, sha256};

const CONTENT: &[u8] = b"a plugin";

fn words(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A folder with a policy, and what its lock file accepts: `freeze`, and its grant by the policy.
fn locked() -> (tempfile::TempDir, Trust) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    for name in ["policies/a.json", "policies/b.json"] {
        fs::write(folder.path().join(name), "{}").unwrap();
    }
    let mut lock = Lock::default();
    lock.insert(
        "freeze",
        LockedPlugin {
            version: "1.0.0".to_owned(),
            sha256: sha256(CONTENT),
            asks: words(&["rewrite-arguments", "log"]),
            grants: BTreeMap::from([("policies/a.json".to_owned(), words(&["log"]))]),
        },
    );
    let path = folder.path().join("plugins.lock");
    fs::write(&path, lock.to_string()).unwrap();
    let trust = Trust::open(&Requirements { lock: Some(path), keys: None }).unwrap();
    (folder, trust)
}

fn told<T>(result: Result<T, bartizan_trust::Refusal>, folder: &Path) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(refusal) => {
            assert!(!refusal.remedy().is_empty());
            refusal.to_string().replace(&folder.display().to_string(), "FOLDER")
        }
    }
}

#[test]
fn a_file_is_the_one_that_was_accepted() {
    let (folder, trust) = locked();
    let other = sha256(b"another");
    for (name, content, expected) in [
        ("freeze", CONTENT, "ok".to_owned()),
        (
            "freeze",
            b"another",
            format!(
                "plugins/freeze.wasm is not the file that was accepted: its SHA-256 is {other}, and \
                 FOLDER/plugins.lock expects {}",
                sha256(CONTENT)
            ),
        ),
        ("thaw", CONTENT, "plugins/thaw.wasm is not in the lock file FOLDER/plugins.lock".to_owned()),
    ] {
        let path = format!("plugins/{name}.wasm");
        assert_eq!(told(trust.file(name, Path::new(&path), content), folder.path()), expected);
    }
}

#[test]
fn a_plugin_has_the_version_the_asks_and_the_grants_that_were_accepted() {
    let (folder, trust) = locked();
    let asks = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let accepted = asks(&["log", "rewrite-arguments"]);
    for (version, asks, policy, grants, expected) in [
        ("1.0.0", accepted.clone(), None, words(&[]), "ok"),
        ("1.0.0", accepted.clone(), Some("policies/a.json"), words(&[]), "ok"),
        ("1.0.0", accepted.clone(), Some("policies/a.json"), words(&["log"]), "ok"),
        ("1.0.0", accepted.clone(), Some("policies/../policies/a.json"), words(&["log"]), "ok"),
        (
            "1.0.0",
            accepted.clone(),
            Some("policies/b.json"),
            words(&["log"]),
            "the policy policies/b.json grants `log` to `freeze`, and FOLDER/plugins.lock expects nothing",
        ),
        (
            "1.0.0",
            accepted.clone(),
            Some("policies/a.json"),
            words(&["log", "rewrite-arguments"]),
            "the policy policies/a.json grants `log`, `rewrite-arguments` to `freeze`, and FOLDER/plugins.lock \
             expects `log`",
        ),
        (
            "1.0.1",
            accepted.clone(),
            None,
            words(&[]),
            "freeze.wasm is version 1.0.1, and FOLDER/plugins.lock expects 1.0.0",
        ),
        (
            "1.0.0",
            asks(&["log"]),
            None,
            words(&[]),
            "freeze.wasm asks for `log`, and FOLDER/plugins.lock expects `log`, `rewrite-arguments`",
        ),
    ] {
        let policy = policy.map(|policy| folder.path().join(policy).display().to_string());
        let policy = policy.as_deref().map(|policy| (policy, &grants));
        let described = Described { version, asks: &asks };
        let result = trust.plugin("freeze", Path::new("freeze.wasm"), described, policy);
        assert_eq!(told(result, folder.path()), expected, "{policy:?}");
    }
}

#[test]
fn what_is_gone_is_told() {
    let (folder, trust) = locked();
    assert!(trust.gone(Path::new("plugins"), |name| name == "freeze").is_empty());
    let gone = trust.gone(Path::new("plugins"), |_| false).pop().unwrap();
    let expected = format!(
        "plugins/freeze.wasm is missing: FOLDER/plugins.lock expects it, with the SHA-256 {}",
        sha256(CONTENT)
    );
    assert_eq!(told(Err::<(), _>(gone), folder.path()), expected);
}

#[test]
fn without_requirements_everything_may_run() {
    let trust = Trust::open(&Requirements::default()).unwrap();
    let described = Described { version: "9", asks: &["log".to_owned()] };
    assert!(trust.file("any", Path::new("any.wasm"), b"").is_ok());
    assert!(trust.plugin("any", Path::new("any.wasm"), described, Some(("p", &words(&["log"])))).is_ok());
    assert!(trust.gone(Path::new("plugins"), |_| false).is_empty());
}

#[test]
fn policies_are_named_from_the_folder_of_the_lock_file() {
    let (folder, _) = locked();
    let lock = folder.path().join("policies/plugins.lock");
    for (policy, expected) in [
        ("policies/a.json", "a.json"),
        ("plugins.lock", "../plugins.lock"),
        ("policies/gone/new.json", "gone/new.json"),
    ] {
        assert_eq!(policy_name(&lock, &folder.path().join(policy)), expected);
    }
}
