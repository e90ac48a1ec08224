//! Which files of the plugins folder may run: what the lock file and the trusted keys say, as the loader asks.
//!
//! Built-in plugins are part of the program and are not asked about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bartizan_policy::Policy;
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::plan::Grant;
use bartizan_policy::source::{Format, Source};
use bartizan_runtime::Component;
use bartizan_trust::{Described, LockError, Refusal, Requirements, Trust};

use crate::config::{Config, PluginsConfig};

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
#[derive(Clone, Debug)]
pub struct Vetting {
    autoload: bool,
    trust: Trust,
}

impl Default for Vetting {
    /// Whatever is in the folder.
    fn default() -> Self {
        Self { autoload: true, trust: Trust::default() }
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
            about(&path, Problem::error_in_file("plugins-lock", error.to_string()))
        })?;
        Ok(Self { autoload, trust })
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
            all.extend(about(folder, problem(&refusal)));
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

/// The files of a plugins folder by the names of their plugins.
///
/// # Errors
///
/// When the folder cannot be read.
pub(crate) fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Diagnostics> {
    let failed = |error: std::io::Error| {
        let problem = format!("the plugins folder cannot be read: {error}");
        about(
            folder,
            Problem::error_in_file("plugins-folder", problem).help("make the folder, or name another one"),
        )
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "wasm")
            && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
        {
            files.insert(name.to_owned(), path);
        }
    }
    Ok(files)
}

/// A problem with a file that is no document.
pub(crate) fn about(path: &Path, problem: Problem) -> Diagnostics {
    let source = Source::new(path.display().to_string(), "", Format::Json);
    let mut report = Report::new(&source);
    report.push(problem);
    report.finish()
}
