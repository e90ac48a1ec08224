//! The lock file: what each plugin of the folder was when it was accepted.
//!
//! `bartizan plugin lock` writes it. JSON in one form: plugins by name, keys in one order, indented, a line
//! break at the end, so that what has changed is a line in a diff.
//!
//! ```
//! use bartizan_trust::{Lock, LockedPlugin};
//!
//! let mut lock = Lock::default();
//! lock.insert("freeze", LockedPlugin { version: "1.0.0".into(), sha256: "0f".repeat(32), ..Default::default() });
//! let text = lock.to_string();
//! assert!(text.starts_with("{\n  \"version\": \"1\",\n  \"plugins\": {\n    \"freeze\": {\n"));
//! assert_eq!(Lock::parse(&text).unwrap(), lock);
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The plugins that were accepted, by name: the file's name without `.wasm`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    plugins: BTreeMap<String, LockedPlugin>,
}

/// What a plugin was when it was accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPlugin {
    /// The version that it gives itself.
    pub version: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// What it asks for.
    pub asks: BTreeSet<String>,
    /// What it is granted: by which policy, in the words of `grants`. A policy is its file's path from the
    /// folder of the lock file.
    pub grants: BTreeMap<String, BTreeSet<String>>,
}

/// A lock file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is not there.
    #[error("there is no lock file {}; write it with `bartizan plugin lock`", .path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("the lock file {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a lock file.
    #[error("{} is no lock file: {problem}; write it anew with `bartizan plugin lock`", .path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// The document: the only version there is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: Version,
    plugins: BTreeMap<String, LockedPlugin>,
}

#[derive(Serialize, Deserialize)]
enum Version {
    #[serde(rename = "1")]
    One,
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    ///
    /// When it is not there, cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => LockError::Missing { path: path.to_owned() },
            _ => LockError::Unreadable { path: path.to_owned(), source },
        })?;
        Self::parse(&text).map_err(|problem| LockError::Malformed { path: path.to_owned(), problem })
    }

    /// Reads the text of a lock file.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Document { version: Version::One, plugins } =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let is_digest = |text: &str| {
            text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        match plugins.iter().find(|(_, plugin)| !is_digest(&plugin.sha256)) {
            Some((name, _)) => {
                Err(format!("`sha256` of `{}` must be 64 lower-case hex digits", name.escape_debug()))
            }
            None => Ok(Self { plugins }),
        }
    }

    /// Accepts a plugin.
    pub fn insert(&mut self, name: impl Into<String>, plugin: LockedPlugin) {
        self.plugins.insert(name.into(), plugin);
    }

    /// What a plugin was when it was accepted.
    pub fn get(&self, name: &str) -> Option<&LockedPlugin> {
        self.plugins.get(name)
    }

    /// Every plugin, in the order of their names.
    pub fn plugins(&self) -> impl Iterator<Item = (&str, &LockedPlugin)> {
        self.plugins.iter().map(|(name, plugin)| (name.as_str(), plugin))
    }

    /// What another lock accepts that this one did not, and the reverse: a sentence for each.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<&str> =
            self.plugins.keys().chain(other.plugins.keys()).map(String::as_str).collect();
        let mut differences = Vec::new();
        for name in names {
            let shown = name.escape_debug();
            match (self.get(name), other.get(name)) {
                (None, Some(_)) => differences.push(format!("{shown} is new")),
                (Some(_), None) => differences.push(format!("{shown} is gone")),
                (Some(old), Some(new)) => {
                    let changes = [
                        ("its file", old.sha256 != new.sha256),
                        ("its version", old.version != new.version),
                        ("what it asks for", old.asks != new.asks),
                        ("what it is granted", old.grants != new.grants),
                    ];
                    let changed: Vec<&str> =
                        changes.iter().filter(|(_, differs)| *differs).map(|(what, _)| *what).collect();
                    if !changed.is_empty() {
                        differences.push(format!("{shown} has changed: {}", changed.join(", ")));
                    }
                }
                (None, None) => {}
            }
        }
        differences
    }
}

/// The text of the file.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let document = Document { version: Version::One, plugins: self.plugins.clone() };
        let text = serde_json::to_string_pretty(&document).map_err(|_| fmt::Error)?;
        writeln!(f, "{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(version: &str, digit: &str, asks: &[&str], grants: &[(&str, &[&str])]) -> LockedPlugin {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        LockedPlugin {
            version: version.to_owned(),
            sha256: digit.repeat(64),
            asks: words(asks),
            grants: grants.iter().map(|(policy, grants)| ((*policy).to_owned(), words(grants))).collect(),
        }
    }

    #[test]
    fn has_one_form() {
        let mut lock = Lock::default();
        let grants: &[(&str, &[&str])] =
            &[("policies/b.json", &["http", "log"]), ("policies/a.json", &["log"])];
        lock.insert("zeta", plugin("1.0.0", "a", &[], &[]));
        lock.insert("alpha", plugin("0.1.0", "b", &["log", "http"], grants));
        let expected = format!(
            r#"{{
  "version": "1",
  "plugins": {{
    "alpha": {{
      "version": "0.1.0",
      "sha256": "{}",
      "asks": [
        "http",
        "log"
      ],
      "grants": {{
        "policies/a.json": [
          "log"
        ],
        "policies/b.json": [
          "http",
          "log"
        ]
      }}
    }},
    "zeta": {{
      "version": "1.0.0",
      "sha256": "{}",
      "asks": [],
      "grants": {{}}
    }}
  }}
}}
"#,
            "b".repeat(64),
            "a".repeat(64)
        );
        assert_eq!(lock.to_string(), expected);
        assert_eq!(Lock::parse(&expected), Ok(lock));
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        let plugin = |members: &str| format!(r#"{{"version": "1", "plugins": {{"a": {{{members}}}}}}}"#);
        for (text, expected) in [
            ("", "EOF while parsing a value at line 1 column 0".to_owned()),
            (
                r#"{"version": "2", "plugins": {}}"#,
                "unknown variant `2`, expected `1` at line 1 column 15".to_owned(),
            ),
            (r#"{"plugins": {}}"#, "missing field `version` at line 1 column 15".to_owned()),
            (
                r#"{"version": "1", "plugins": {}, "more": 1}"#,
                "unknown field `more`, expected `version` or `plugins` at line 1 column 38".to_owned(),
            ),
            (
                &plugin(r#""version": "1", "sha256": "0F", "asks": [], "grants": {}"#),
                "`sha256` of `a` must be 64 lower-case hex digits".to_owned(),
            ),
            (
                &plugin(r#""version": "1", "asks": [], "grants": {}"#),
                "missing field `sha256` at line 1 column 76".to_owned(),
            ),
        ] {
            assert_eq!(Lock::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_a_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plugins.lock");
        let told = |path: &Path| Lock::read(path).unwrap_err().to_string();
        assert!(
            told(&path).ends_with("plugins.lock; write it with `bartizan plugin lock`"),
            "{}",
            told(&path)
        );
        std::fs::write(&path, "{").unwrap();
        assert!(told(&path).contains("plugins.lock is no lock file: EOF"), "{}", told(&path));
        assert!(told(directory.path()).contains("cannot be read: "), "{}", told(directory.path()));
    }

    #[test]
    fn tells_what_changed() {
        let before = {
            let mut lock = Lock::default();
            lock.insert("same", plugin("1", "a", &["log"], &[("p", &["log"])]));
            lock.insert("gone", plugin("1", "a", &[], &[]));
            lock.insert("file", plugin("1", "a", &[], &[]));
            lock.insert("all", plugin("1", "a", &["log"], &[]));
            lock
        };
        let after = {
            let mut lock = Lock::default();
            lock.insert("same", plugin("1", "a", &["log"], &[("p", &["log"])]));
            lock.insert("new", plugin("1", "a", &[], &[]));
            lock.insert("file", plugin("1", "b", &[], &[]));
            lock.insert("all", plugin("2", "b", &["http"], &[("p", &["http"])]));
            lock
        };
        assert_eq!(
            before.differences(&after),
            [
                "all has changed: its file, its version, what it asks for, what it is granted",
                "file has changed: its file",
                "gone is gone",
                "new is new"
            ]
        );
        assert!(before.differences(&before).is_empty());
    }
}
