//! Holding plugins to a lock file and to keys.
//!
//! Two questions, in this order: [`Trust::file`] right after a file was read, before anything looks into it;
//! and [`Trust::plugin`] when the plugin has described itself and a policy grants it something.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::key::TrustedKey;
use crate::lock::{Lock, LockError};
use crate::refusal::Refusal;
use crate::signature::{self, SignatureProblem, Signed};

/// What is asked of plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// The lock file that they must agree with. None: whatever is in the folder may run.
    pub lock: Option<PathBuf>,
    /// The keys of which one must have signed each. None: they need no signature.
    pub keys: Option<Vec<TrustedKey>>,
}

/// Which plugins may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    lock: Option<(PathBuf, Lock)>,
    keys: Option<Vec<TrustedKey>>,
}

/// What a plugin says of itself, as far as it is locked.
#[derive(Clone, Copy, Debug)]
pub struct Described<'d> {
    /// Its version.
    pub version: &'d str,
    /// What it asks for.
    pub asks: &'d [String],
}

impl Trust {
    /// Reads the lock file, if one is asked for.
    ///
    /// # Errors
    ///
    /// When it cannot be used.
    pub fn open(requirements: &Requirements) -> Result<Self, LockError> {
        let lock = match &requirements.lock {
            Some(path) => Some((path.clone(), Lock::read(path)?)),
            None => None,
        };
        Ok(Self { lock, keys: requirements.keys.clone() })
    }

    /// The same without the lock file: for who writes it.
    #[must_use]
    pub fn without_lock(self) -> Self {
        Self { lock: None, ..self }
    }

    /// Whether the content of a file may be used as the plugin of this name.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn file(&self, name: &str, path: &Path, content: &[u8]) -> Result<(), Refusal> {
        if let Some(keys) = &self.keys {
            signature::verify(path, content, keys)
                .map_err(|problem| Refusal::Signature { file: path.to_owned(), problem })?;
        }
        let Some((lock, locked)) = &self.lock else { return Ok(()) };
        let Some(accepted) = locked.get(name) else {
            return Err(Refusal::Unlocked { file: path.to_owned(), lock: lock.clone() });
        };
        let found = crate::sha256(content);
        if found == accepted.sha256 {
            return Ok(());
        }
        let expected = accepted.sha256.clone();
        Err(Refusal::OtherFile { file: path.to_owned(), lock: lock.clone(), expected, found })
    }

    /// Whether a plugin that describes itself so may run under its name, with what a policy grants it.
    /// `policy` is the file of the policy, with the words of its `grants`; None if no policy names the plugin.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn plugin(
        &self,
        name: &str,
        path: &Path,
        described: Described<'_>,
        policy: Option<(&str, &BTreeSet<String>)>,
    ) -> Result<(), Refusal> {
        let Some((lock, locked)) = &self.lock else { return Ok(()) };
        let Some(accepted) = locked.get(name) else {
            return Err(Refusal::Unlocked { file: path.to_owned(), lock: lock.clone() });
        };
        if described.version != accepted.version {
            return Err(Refusal::OtherVersion {
                file: path.to_owned(),
                lock: lock.clone(),
                expected: accepted.version.escape_debug().to_string(),
                found: described.version.escape_debug().to_string(),
            });
        }
        let asks: BTreeSet<&str> = described.asks.iter().map(String::as_str).collect();
        let accepted_asks: BTreeSet<&str> = accepted.asks.iter().map(String::as_str).collect();
        if asks != accepted_asks {
            return Err(Refusal::OtherAsks {
                file: path.to_owned(),
                lock: lock.clone(),
                expected: listed(&accepted_asks),
                found: listed(&asks),
            });
        }
        let Some((policy, grants)) = policy else { return Ok(()) };
        let policy = policy_name(lock, Path::new(policy));
        let none = BTreeSet::new();
        let accepted_grants = accepted.grants.get(&policy).unwrap_or(&none);
        if grants.is_subset(accepted_grants) {
            return Ok(());
        }
        Err(Refusal::OtherGrants {
            plugin: name.to_owned(),
            lock: lock.clone(),
            policy,
            expected: listed(accepted_grants),
            found: listed(grants),
        })
    }

    /// The plugins that were accepted and are not among the files of `folder`: whose names `is_there` denies.
    pub fn gone(&self, folder: &Path, is_there: impl Fn(&str) -> bool) -> Vec<Refusal> {
        let Some((lock, locked)) = &self.lock else { return Vec::new() };
        let gone = locked.plugins().filter(|(name, _)| !is_there(name));
        gone.map(|(name, accepted)| Refusal::Gone {
            file: folder.join(format!("{name}.wasm")),
            lock: lock.clone(),
            expected: accepted.sha256.clone(),
        })
        .collect()
    }

    /// Verifies the signature beside a file with the keys: which of them signed it.
    ///
    /// # Errors
    ///
    /// Why the file does not count as signed.
    pub fn signature(path: &Path, content: &[u8], keys: &[TrustedKey]) -> Result<Signed, SignatureProblem> {
        signature::verify(path, content, keys)
    }
}

/// What a policy is called in a lock file: the path of its file from the folder of the lock file, with slashes.
pub fn policy_name(lock: &Path, policy: &Path) -> String {
    let folder = lock.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let whole = |path: &Path| {
        path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
    };
    let (folder, policy) = (whole(folder), whole(policy));
    let common = folder.components().zip(policy.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(common).map(|_| Component::ParentDir);
    let relative = up.chain(policy.components().skip(common));
    let names: Vec<_> = relative.map(|component| component.as_os_str().to_string_lossy()).collect();
    names.join("/")
}

fn listed<T: AsRef<str>>(words: &BTreeSet<T>) -> String {
    if words.is_empty() {
        return "nothing".to_owned();
    }
    let words: Vec<String> = words.iter().map(|word| format!("`{}`", word.as_ref().escape_debug())).collect();
    words.join(", ")
}
