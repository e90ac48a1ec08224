//! The plugins that judge, by where they come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bartizan_gateway::offline::{Judge, Judges, Taking};
use bartizan_gateway::{CacheLocation, StartError};
use bartizan_policy::Policy;
use parking_lot::Mutex;

/// Where the plugins come from that a policy names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// There are none but the built-in ones.
    #[default]
    Nowhere,
    /// A plugins folder.
    Folder(PathBuf),
    /// One file: the only plugin, under the name by which the policy calls it.
    File {
        /// The name.
        name: String,
        /// The file.
        path: PathBuf,
    },
}

impl From<Option<PathBuf>> for Origin {
    fn from(folder: Option<PathBuf>) -> Self {
        folder.map_or(Self::Nowhere, Self::Folder)
    }
}

/// Makes policies ready to judge. Every plugin is loaded once.
pub struct Plugins {
    cache: CacheLocation,
    judges: Mutex<BTreeMap<Origin, Judges>>,
}

impl Plugins {
    /// Nothing is loaded yet. `cache` is where compiled plugins are kept.
    pub fn new(cache: CacheLocation) -> Self {
        Self { cache, judges: Mutex::default() }
    }

    /// A judge that has counted nothing yet. `folder` has the plugins that the policy names.
    ///
    /// # Errors
    ///
    /// Every plugin that cannot be used.
    pub fn judge(&self, policy: &Policy, folder: Option<&Path>) -> Result<Judge, StartError> {
        self.judge_from(policy, &folder.map(Path::to_owned).into())
    }

    /// A judge that has counted nothing yet.
    ///
    /// # Errors
    ///
    /// Every plugin that cannot be used.
    pub fn judge_from(&self, policy: &Policy, origin: &Origin) -> Result<Judge, StartError> {
        self.with(origin, |judges| Ok(judges.load(policy)?))
    }

    /// What the plugins that a policy names make of their settings.
    ///
    /// # Errors
    ///
    /// Every plugin that cannot be used, whatever its settings.
    pub fn settings(&self, policy: &Policy, origin: &Origin) -> Result<Taking, StartError> {
        self.with(origin, |judges| Ok(judges.settings(policy)?))
    }

    /// Reads the plugins anew from now on.
    pub fn forget(&self) {
        self.judges.lock().clear();
    }

    fn with<T>(
        &self,
        origin: &Origin,
        act: impl FnOnce(&mut Judges) -> Result<T, StartError>,
    ) -> Result<T, StartError> {
        let mut known = self.judges.lock();
        if let Some(judges) = known.get_mut(origin) {
            return act(judges);
        }
        let mut judges = match origin {
            Origin::Nowhere => Judges::new(None, &self.cache)?,
            Origin::Folder(folder) => Judges::new(Some(folder), &self.cache)?,
            Origin::File { name, path } => Judges::of_plugin(name, path, &self.cache)?,
        };
        let outcome = act(&mut judges);
        known.insert(origin.clone(), judges);
        outcome
    }
}
