//! Signatures: those of the original minisign, and our own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bartizan_trust::{KeyError, SigningError, SigningKey, Trust, TrustedKey, beside};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/minisign");

fn vector(name: &str) -> PathBuf {
    Path::new(VECTORS).join(name)
}

/// A folder with a file under this name, and a signature beside it.
fn signed(name: &str, signature: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::copy(vector("change-freeze.txt"), &path).unwrap();
    if let Some(signature) = signature {
        fs::copy(vector(signature), beside(&path)).unwrap();
    }
    (folder, path)
}

fn verified(path: &Path, keys: &[TrustedKey]) -> String {
    match Trust::signature(path, &fs::read(path).unwrap(), keys) {
        Ok(signed) => format!("signed with {}: {}", signed.key.id(), signed.comment),
        Err(problem) => {
            let folder = path.parent().unwrap().display().to_string();
            problem.to_string().replace(&folder, "FOLDER")
        }
    }
}

#[test]
fn what_minisign_has_signed_is_verified() {
    let minisign = TrustedKey::read(&vector("minisign.pub")).unwrap();
    let other = TrustedKey::read(&vector("encrypted.pub")).unwrap();
    let comment = "timestamp:1795870071\tfile:change-freeze.wasm\thashed";
    for (name, signature, keys, expected) in [
        (
            "change-freeze.wasm",
            Some("default.minisig"),
            vec![&other, &minisign],
            format!("signed with ADE7DD537E556370: {comment}"),
        ),
        (
            "change-freeze.wasm",
            Some("default.minisig"),
            vec![&other],
            "it is signed with the key ADE7DD537E556370, which is not trusted; trusted are 25F22952D5DF8D26"
                .to_owned(),
        ),
        (
            "change-freeze.wasm",
            None,
            vec![&minisign],
            "it is not signed: there is no FOLDER/change-freeze.wasm.minisig".to_owned(),
        ),
        (
            "renamed.wasm",
            Some("default.minisig"),
            vec![&minisign],
            "its signature is for a file of the name change-freeze.wasm, and it is renamed.wasm".to_owned(),
        ),
        (
            "change-freeze.wasm",
            Some("custom.minisig"),
            vec![&minisign],
            "its signature does not say for which file it is: its trusted comment has no `file:`".to_owned(),
        ),
        (
            "change-freeze.wasm",
            Some("legacy.minisig"),
            vec![&minisign],
            "FOLDER/change-freeze.wasm.minisig is no signature of minisign".to_owned(),
        ),
        (
            "change-freeze.wasm",
            Some("minisign.pub"),
            vec![&minisign],
            "FOLDER/change-freeze.wasm.minisig is no signature of minisign".to_owned(),
        ),
    ] {
        let (_folder, path) = signed(name, signature);
        let keys: Vec<TrustedKey> = keys.into_iter().cloned().collect();
        assert_eq!(verified(&path, &keys), expected, "{name} {signature:?}");
    }
}

#[test]
fn every_changed_byte_is_seen() {
    let keys = [TrustedKey::read(&vector("minisign.pub")).unwrap()];
    let (_folder, path) = signed("change-freeze.wasm", Some("default.minisig"));
    let tampered = "it is not what was signed: the signature FOLDER/change-freeze.wasm.minisig of the key \
                    ADE7DD537E556370 does not fit";
    let content = fs::read(&path).unwrap();
    for place in 0..content.len() {
        let mut changed = content.clone();
        changed[place] ^= 1;
        fs::write(&path, changed).unwrap();
        assert_eq!(verified(&path, &keys), tampered, "byte {place}");
    }
    fs::write(&path, &content).unwrap();
    let signature = fs::read_to_string(beside(&path)).unwrap();
    for (from, to) in [("1795870071", "1795870072"), ("rU82bAvb", "rU82bAvc"), ("krkT1W", "krkT1X")] {
        assert!(signature.contains(from));
        fs::write(beside(&path), signature.replace(from, to)).unwrap();
        assert_eq!(verified(&path, &keys), tampered, "{from}");
    }
    // No cut-off signature makes anything fall over.
    for length in 0..signature.len() {
        fs::write(beside(&path), signature.get(..length).unwrap()).unwrap();
        let told = verified(&path, &keys);
        assert!(
            told.ends_with("is no signature of minisign") || told == tampered || length + 2 > signature.len(),
            "{length}: {told}"
        );
    }
}

#[test]
fn what_is_signed_here_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    for (name, password) in [("plain", None), ("encrypted", Some("a password".to_owned()))] {
        let secret = folder.path().join(name).with_extension("key");
        let public = folder.path().join(name).with_extension("pub");
        let text = SigningKey::generate(&secret, &public, password.as_deref()).unwrap();
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        let again = SigningKey::generate(&secret, &public, None);
        assert!(matches!(again, Err(SigningError::Exists { .. })), "{name}");

        let (_folder, path) = signed("change-freeze.wasm", None);
        let key = SigningKey::read(&secret, || password.clone()).unwrap();
        assert_eq!(key.public(), text);
        assert_eq!(key.sign(&path, 7).unwrap(), beside(&path));
        let trusted = TrustedKey::read(&public).unwrap();
        assert_eq!(trusted, TrustedKey::parse(&text).unwrap());
        let expected = format!("signed with {}: timestamp:7\tfile:change-freeze.wasm\thashed", trusted.id());
        assert_eq!(verified(&path, std::slice::from_ref(&trusted)), expected);

        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = SigningKey::read(&secret, || password.clone());
        assert!(matches!(exposed, Err(SigningError::Exposed { .. })), "{name}");
    }
}

#[test]
fn a_key_of_minisign_signs_with_its_password_only() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("minisign.key");
    fs::copy(vector("encrypted.key"), &secret).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let key = SigningKey::read(&secret, || Some("secret password".to_owned())).unwrap();
    let (_folder, path) = signed("change-freeze.wasm", None);
    key.sign(&path, 7).unwrap();
    let told = verified(&path, &[TrustedKey::read(&vector("encrypted.pub")).unwrap()]);
    assert!(told.starts_with("signed with 25F22952D5DF8D26: "), "{told}");

    // A wrong password is tried with keys of our own, which take less than minisign's 1 GiB of memory.
    let told = || SigningKey::read(&secret, || None).err().unwrap().to_string();
    assert!(
        told()
            .contains("has a password, and there is none in the environment variable BARTIZAN_KEY_PASSWORD")
    );
    fs::write(&secret, "untrusted comment: x\nRWQ\n").unwrap();
    assert!(told().contains("minisign.key cannot be used: "), "{}", told());
}

#[test]
fn a_key_that_minisign_made_without_a_password_signs() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("minisign.key");
    fs::copy(vector("plain.key"), &secret).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let key = SigningKey::read(&secret, || panic!("there is no password to ask for")).unwrap();
    let (_folder, path) = signed("change-freeze.wasm", None);
    key.sign(&path, 1_795_870_071).unwrap();
    // Ed25519 is deterministic: the same time gives what minisign itself has written.
    let lines = |path: &Path| -> Vec<String> {
        fs::read_to_string(path).unwrap().lines().skip(1).map(str::to_owned).collect()
    };
    assert_eq!(lines(&beside(&path)), lines(&vector("default.minisig")));
}

#[test]
fn what_is_no_key_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(vector("minisign.pub")).unwrap();
    let key = text.lines().nth(1).unwrap();
    let file = folder.path().join("key.pub");
    for (content, is_one) in
        [(text.as_str(), true), (key, true), ("untrusted comment: x\n", false), ("", false), ("RWQ\n", false)]
    {
        fs::write(&file, content).unwrap();
        assert_eq!(TrustedKey::read(&file).is_ok(), is_one, "{content}");
    }
    assert!(matches!(TrustedKey::read(&folder.path().join("gone")), Err(KeyError::Unreadable { .. })));
    for (text, is_meant) in [(key, true), ("keys/minisign.pub", false), ("RWQ", false), ("", false)] {
        assert_eq!(TrustedKey::is_meant(text), is_meant, "{text}");
    }
    assert!(TrustedKey::parse(&key.replacen("RW", "AA", 1)).is_err());
}
