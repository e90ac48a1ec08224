//! What a configuration may be, and what is said of one that may not.

use super::*;

fn load(text: &str) -> Result<Config, Diagnostics> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bartizan.json");
    std::fs::write(&path, text).unwrap();
    std::fs::write(directory.path().join("ok.json"), r#"{"version":"1","default":"allow"}"#).unwrap();
    Config::load(&path)
}

#[test]
fn takes_what_clients_have() {
    let config = load(
            r#"{
                // as pasted
                "mcpServers": {
                    "a": {"command": "x", "args": ["1"], "env": {"K": "v"}, "disabled": false, "policy": "ok.json", "timeout": 5},
                    "off": {"command": "x", "disabled": true},
                    "b": {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer t"},
                          "policy": {"version": "1", "default": "allow"}},
                    "c": {"command": "y"}
                }
            }"#,
        )
        .unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8750");
    assert_eq!(config.servers.len(), 3);
    assert!(config.servers["c"].policy.is_none());
    let warnings: Vec<_> =
        config.warnings.iter().map(bartizan_policy::diagnostics::Diagnostic::code).collect();
    assert_eq!(warnings, ["client-key", "disabled", "no-policy"]);
}

#[test]
fn says_everything_that_is_wrong() {
    let errors = load(
        r#"{
  "listen": "8750",
  "plugin": {},
  "mcpServers": {
    "a b": {"command": "x", "policy": "ok.json"},
    "b": {"policy": "ok.json"},
    "c": {"command": "x", "url": "http://e/", "policy": "missing.json"},
    "d": {"url": "ftp://e/", "policy": {"version": "1"}},
    "e": {"command": "x", "env": {"K": "${env:BARTIZAN_TEST_UNSET}"}, "policy": 1},
    "f": {"type": "sse", "command": "x", "policy": "ok.json"}
  }
}"#,
    )
    .unwrap_err();
    let found: Vec<String> = errors
        .iter()
        .map(|error| {
            let line = error.position().map(|position| position.line).unwrap_or_default();
            format!("{line} {}", error.code())
        })
        .collect();
    assert_eq!(
        found,
        [
            "2 listen",
            "3 unknown-key",
            "5 server-name",
            "6 upstream",
            "7 upstream",
            "7 policy-file",
            "8 url",
            "8 missing-key",
            "9 environment",
            "9 wrong-value",
            "10 transport",
        ],
        "{errors}"
    );
}

#[test]
fn plugins_may_have_to_be_signed_or_named() {
    const KEY: &str = "RWRwY1V+U93nrQZsaFindDN1uEuvdQHkui1+K4HPyt/MLqC0f4h+RcQf";
    let servers = r#""mcpServers": {"a": {"command": "x", "policy": "ok.json"}}"#;
    let config = load(&format!("{{{servers}}}")).unwrap();
    assert!(config.plugins.autoload && config.plugins.trusted_keys.is_none());
    assert!(config.plugins.lock.ends_with("plugins.lock"));

    let plugins = r#"{"dir": "plugins", "autoload": false, "lock": "locks/p.lock", "trusted_keys": ["KEY"]}"#;
    let config = load(&format!(r#"{{"plugins": {}, {servers}}}"#, plugins.replace("KEY", KEY))).unwrap();
    assert!(!config.plugins.autoload);
    assert!(config.plugins.lock.ends_with("locks/p.lock"));
    let keys: Vec<&str> =
        config.plugins.trusted_keys.iter().flatten().map(bartizan_trust::TrustedKey::as_str).collect();
    assert_eq!(keys, [KEY]);

    for (keys, code) in [
        (r#"[]"#, "no-keys"),
        (r#"["gone.pub"]"#, "trusted-key"),
        (r#"["ok.json"]"#, "trusted-key"),
        ("7", "wrong-value"),
    ] {
        let text = format!(r#"{{"plugins": {{"dir": "p", "trusted_keys": {keys}}}, {servers}}}"#);
        let errors = load(&text).unwrap_err();
        let codes: Vec<&str> = errors.iter().map(bartizan_policy::diagnostics::Diagnostic::code).collect();
        assert_eq!(codes, [code], "{keys}: {errors}");
    }
}
