//! What is said of certificates that cannot be used.

use std::os::unix::fs::PermissionsExt as _;

use bartizan_policy::diagnostics::Diagnostics;
use tempfile::TempDir;

use crate::config::Config;

/// A folder with certificates in it, and broken ones.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    for name in ["one", "two"] {
        let made = rcgen::generate_simple_self_signed(["gateway.example".to_owned()]).unwrap();
        write(&format!("{name}.pem"), &made.cert.pem());
        write(&format!("{name}.key"), &made.signing_key.serialize_pem());
    }
    write("text.pem", "not a certificate");
    write("empty.pem", "");
    write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    write("broken.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    write(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    folder
}

fn load(folder: &TempDir, tls: &str) -> Result<Config, Diagnostics> {
    let path = folder.path().join("bartizan.json");
    let servers = r#"{"s": {"command": "x", "policy": {"version": "1", "default": "allow"}}}"#;
    std::fs::write(&path, format!("{{\n\"tls\": {tls},\n\"mcpServers\": {servers}}}")).unwrap();
    Config::load(&path)
}

#[test]
fn paths_are_relative_to_the_configuration() {
    let folder = folder();
    let config = load(&folder, r#"{"certificate": "one.pem", "key": "one.key"}"#).unwrap();
    let tls = config.tls.unwrap();
    assert_eq!(tls.certificate, folder.path().join("one.pem"));
    tls.load().unwrap();
    assert!(config.warnings.is_empty(), "{}", config.warnings);
}

#[test]
fn says_where_the_fault_is() {
    let folder = folder();
    for (tls, place, expected) in [
        (r#"{"certificate": "no.pem", "key": "one.key"}"#, "2:24", "cannot be read: No such file"),
        (r#"{"certificate": "one.pem", "key": "no.key"}"#, "2:42", "cannot be read: No such file"),
        (r#"{"certificate": "text.pem", "key": "one.key"}"#, "2:24", "has no PEM block of that kind"),
        (r#"{"certificate": "empty.pem", "key": "one.key"}"#, "2:24", "has no PEM block of that kind"),
        (r#"{"certificate": "one.key", "key": "one.key"}"#, "2:24", "has no PEM block of that kind"),
        (
            r#"{"certificate": "broken.pem", "key": "one.key"}"#,
            "2:24",
            "cannot be used: invalid peer certificate",
        ),
        (r#"{"certificate": "one.pem", "key": "one.pem"}"#, "2:42", "has no PEM block of that kind"),
        (r#"{"certificate": "one.pem", "key": "broken.key"}"#, "2:42", "cannot be used"),
        (r#"{"certificate": "one.pem", "key": "encrypted.key"}"#, "2:42", "is encrypted"),
        (r#"{"certificate": "one.pem", "key": "two.key"}"#, "2:42", "does not fit the certificate"),
        (r#"{"certificate": "one.pem"}"#, "2:1", "`tls` must have the key `key`"),
        (r#"{"certificate": "one.pem", "key": "one.key", "ceritficate": 1}"#, "2:53", "unknown key"),
        (r#"{"certificate": 1, "key": "one.key"}"#, "2:24", "must be a string"),
    ] {
        let errors = load(&folder, tls).unwrap_err().to_string();
        let found = errors.contains(&format!("bartizan.json:{place}: error: ")) && errors.contains(expected);
        assert!(found, "{tls}: {errors}");
    }
}

#[test]
fn warns_of_a_key_that_everybody_can_read() {
    let folder = folder();
    let key = folder.path().join("one.key");
    for (mode, expected) in [(0o600, None), (0o640, None), (0o644, Some("tls-key-readable"))] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let config = load(&folder, r#"{"certificate": "one.pem", "key": "one.key"}"#).unwrap();
        let code = config.warnings.iter().next().map(bartizan_policy::diagnostics::Diagnostic::code);
        assert_eq!(code, expected, "{mode:o}");
    }
}
