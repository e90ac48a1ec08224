//! Which plugins may run, on the command line of verbs that have no configuration.

use std::path::{Path, PathBuf};

use bartizan_gateway::{Locking, Vetting};
use bartizan_policy::diagnostics::Diagnostics;
use bartizan_trust::Requirements;
use clap::Args;

/// What the lock file is called.
const LOCK: &str = "plugins.lock";

/// Whether plugins are held to the lock file.
#[derive(Args, Clone, Copy)]
pub(crate) struct Locked {
    /// Refuse every plugin that differs from the lock file, which `bartizan plugin lock` writes.
    #[arg(long)]
    locked: bool,
}

impl Locked {
    pub(crate) fn locking(self) -> Locking {
        if self.locked { Locking::On } else { Locking::Off }
    }

    /// What is demanded of the plugins in a folder; `lock` is the lock file if it is not beside the folder.
    pub(crate) fn vetting(self, folder: Option<&Path>, lock: Option<&Path>) -> Result<Vetting, Diagnostics> {
        let lock = match (self.locking(), folder) {
            (Locking::On, Some(folder)) => Some(lock.map_or_else(|| beside(folder), Path::to_owned)),
            _ => None,
        };
        Vetting::open(true, &Requirements { lock, keys: None })
    }
}

/// The lock file beside a plugins folder.
pub(crate) fn beside(folder: &Path) -> PathBuf {
    // `.` and `..` have no parent in their text.
    match folder.canonicalize() {
        Ok(whole) => whole.with_file_name(LOCK),
        Err(_) => folder.with_file_name(LOCK),
    }
}
