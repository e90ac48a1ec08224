//! The plugins that judge, by the folder that they come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bartizan_gateway::offline::{Judge, Judges};
use bartizan_gateway::{CacheLocation, StartError};
use bartizan_policy::Policy;
use parking_lot::Mutex;

/// Makes policies ready to judge. Every plugin is loaded once.
pub struct Plugins {
    cache: CacheLocation,
    folders: Mutex<BTreeMap<Option<PathBuf>, Judges>>,
}

impl Plugins {
    /// Nothing is loaded yet. `cache` is where compiled plugins are kept.
    pub fn new(cache: CacheLocation) -> Self {
        Self { cache, folders: Mutex::default() }
    }

    /// A judge that has counted nothing yet. `folder` has the plugins that the policy names.
    ///
    /// # Errors
    ///
    /// Every plugin that cannot be used.
    pub fn judge(&self, policy: &Policy, folder: Option<&Path>) -> Result<Judge, StartError> {
        let mut folders = self.folders.lock();
        let key = folder.map(Path::to_owned);
        if !folders.contains_key(&key) {
            folders.insert(key.clone(), Judges::new(folder, &self.cache)?);
        }
        match folders.get_mut(&key) {
            Some(judges) => Ok(judges.load(policy)?),
            // It was put there just now.
            None => Ok(Judges::new(folder, &self.cache)?.load(policy)?),
        }
    }

    /// Reads the plugins anew from now on.
    pub fn forget(&self) {
        self.folders.lock().clear();
    }
}
