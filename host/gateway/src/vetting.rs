//! Which files of the plugins folder may run: what the lock file and the trusted keys say, as the loader asks.
//!
//! Built-in plugins are part of the program and are not asked about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bartizan_policy::Policy;
use bartizan_policy::diagnostics::{Diagnostics, Problem};
use bartizan_policy::plan::Grant;
use bartizan_runtime::Component;
use bartizan_trust::{Described, LockError, Refusal, Requirements, Trust};

use crate::config::{Config, PluginsConfig};
use crate::loader::about_file;

/// Whether plugins are held to the lock file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locking {
    /// Whatever is in the folder may run.
    #[default]
    Off,
    /// What differs from the lock file is refused.
    On,
}

/// Which plugins may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vetting {
    autoload: bool,
    requirements: Requirements,
    trust: Trust,
}

impl Default for Vetting {
    /// Whatever is in the folder.
    fn default() -> Self {
        Self { autoload: true, requirements: Requirements::default(), trust: Trust::default() }
    }
}

impl Vetting {
    /// Reads the lock file, if one is asked for. `autoload` is whether plugins run that no policy names.
    ///
    /// # Errors
    ///
    /// When the lock file cannot be used.
    pub fn open(autoload: bool, requirements: &Requirements) -> Result<Self, Diagnostics> {
        let trust = Trust::open(requirements).map_err(|error| {
            let path = match &error {
                LockError::Missing { path }
                | LockError::Unreadable { path, .. }
                | LockError::Malformed { path, .. } => path.clone(),
            };
            about_file(&path, Problem::error_in_file("plugins-lock", error.to_string()))
        })?;
        Ok(Self { autoload, requirements: requirements.clone(), trust })
    }

    /// What a configuration demands.
    ///
    /// # Errors
    ///
    /// When the lock file cannot be used.
    pub fn of(config: &Config, locking: Locking) -> Result<Self, Diagnostics> {
        let PluginsConfig { autoload, lock, trusted_keys } = &config.plugins;
        // Without a folder there is nothing to lock.
        let is_locked = locking == Locking::On && config.plugins_dir.is_some();
        let lock = is_locked.then(|| lock.clone());
        Self::open(*autoload, &Requirements { lock, keys: trusted_keys.clone() })
    }

    /// The same with the lock file as it is now.
    pub(crate) fn again(&self) -> Result<Self, Diagnostics> {
        Self::open(self.autoload, &self.requirements)
    }

    /// The lock file, if there is one to agree with.
    pub(crate) fn lock_file(&self) -> Option<&Path> {
        self.requirements.lock.as_deref()
    }

    /// The signature that a file needs: where it is.
    pub(crate) fn signature(&self, path: &Path) -> Option<PathBuf> {
        self.requirements.keys.as_ref().map(|_| bartizan_trust::beside(path))
    }

    /// Whether a plugin runs that no policy names.
    pub(crate) fn autoloads(&self) -> bool {
        self.autoload
    }

    /// Whether the content of a file may be used: asked right after it was read.
    pub(crate) fn file(&self, name: &str, path: &Path, content: &[u8]) -> Result<(), Problem> {
        self.trust.file(name, path, content).map_err(|refusal| problem(&refusal))
    }

    /// Whether a plugin may run with what a policy grants it; `policy` is None if none names it.
    pub(crate) fn plugin(
        &self,
        name: &str,
        path: &Path,
        component: &Component,
        policy: Option<(&Policy, &BTreeSet<Grant>)>,
    ) -> Result<(), Problem> {
        let description = component.description();
        let described = Described { version: &description.version, asks: &description.asks };
        let granted = policy.map(|(policy, grants)| {
            let words: BTreeSet<String> = grants.iter().map(|grant| grant.as_str().to_owned()).collect();
            (policy.document.source().name(), words)
        });
        let granted = granted.as_ref().map(|(policy, words)| (*policy, words));
        self.trust.plugin(name, path, described, granted).map_err(|refusal| problem(&refusal))
    }

    /// The plugins that the lock file expects in the folder and that are not there.
    pub(crate) fn gone(&self, folder: &Path, is_there: impl Fn(&str) -> bool) -> Diagnostics {
        let mut all = Diagnostics::default();
        for refusal in self.trust.gone(folder, is_there) {
            all.extend(about_file(folder, problem(&refusal)));
        }
        all
    }
}

fn problem(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::Signature { .. } => "plugin-signature",
        _ => "plugin-locked",
    };
    Problem::error_in_file(code, refusal.to_string()).help(refusal.remedy())
}
