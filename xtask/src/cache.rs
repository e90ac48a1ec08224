//! What outlives `target/`: toolchains, Python and Node environments, in the user's cache directory.
//!
//! An entry is a directory that holds a stamp. The stamp is written last, so that a directory without
//! one was left half-made and is made again. Whoever makes an entry holds its lock.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

const STAMP: &str = ".complete";

pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `bartizan/` in the directory of the XDG base directory specification.
    pub(crate) fn locate() -> Result<Self> {
        let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let base = match named {
            Some(path) => path,
            None => env::home_dir().context("neither XDG_CACHE_HOME nor HOME is set")?.join(".cache"),
        };
        Ok(Self { root: base.join("bartizan") })
    }

    pub(crate) fn directory(&self, kind: &str) -> PathBuf {
        self.root.join(kind)
    }

    /// Keeps other runs of xtask away from a kind of entry until the answer is dropped.
    pub(crate) fn lock(&self, kind: &str) -> Result<File> {
        fs::create_dir_all(&self.root).with_context(|| format!("cannot create {}", self.root.display()))?;
        let path = self.root.join(format!("{kind}.lock"));
        let attempt = || {
            let file = File::create(&path)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    eprintln!("· waiting for another cargo xtask");
                    file.lock()?;
                }
                outcome => outcome?,
            }
            Ok::<_, io::Error>(file)
        };
        attempt().with_context(|| format!("cannot lock {}", path.display()))
    }
}

/// What was written when the entry was completed; `None` for an entry that is absent or half-made.
pub(crate) fn stamp(entry: &Path) -> Option<String> {
    fs::read_to_string(entry.join(STAMP)).ok()
}

pub(crate) fn complete(entry: &Path, stamp: &str) -> Result<()> {
    fs::write(entry.join(STAMP), stamp).with_context(|| format!("cannot write into {}", entry.display()))
}

/// An empty directory in place of whatever was there.
pub(crate) fn clear(directory: &Path) -> Result<()> {
    remove(directory)?;
    fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))
}

pub(crate) fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", directory.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{clear, complete, remove, stamp};

    #[test]
    fn an_entry_is_complete_only_once_it_is_stamped() {
        let entry = std::env::temp_dir().join(format!("bartizan-xtask-{}", std::process::id()));
        clear(&entry).unwrap();
        std::fs::write(entry.join("left"), "half-made").unwrap();
        assert_eq!(stamp(&entry), None);

        clear(&entry).unwrap();
        assert!(!entry.join("left").exists());
        complete(&entry, "1").unwrap();
        assert_eq!(stamp(&entry).as_deref(), Some("1"));

        remove(&entry).unwrap();
        assert_eq!(stamp(&entry), None);
        remove(&entry).unwrap();
    }
}
