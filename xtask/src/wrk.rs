//! wrk, which makes the load of the benches: the system's own, or Debian's, unpacked into the cache directory
//! without being installed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::apt::Apt;
use crate::cache::{self, Cache};
use crate::step::Step;

/// A directory in the cache.
const KIND: &str = "wrk";
/// The name of the program and of its package.
const WRK: &str = "wrk";

pub(crate) struct Wrk {
    pub(crate) program: PathBuf,
    /// Where its libraries are, if they are not the system's.
    pub(crate) libraries: Option<PathBuf>,
}

impl Wrk {
    pub(crate) fn find_or_fetch(cache: &Cache) -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let installed = env::split_paths(&path).map(|directory| directory.join(WRK));
        if let Some(program) = installed.into_iter().find(|program| program.is_file()) {
            return Ok(Self { program, libraries: None });
        }
        let directory = cache.directory(KIND);
        if let Some(wrk) = Self::open(&directory) {
            return Ok(wrk);
        }
        fetch(cache, &directory).context(
            "wrk makes the load of this bench. It is not installed, and cannot be had from this machine's \
             package sources: install it, from your distribution or https://github.com/wg/wrk, and run this again",
        )?;
        Self::open(&directory).context("wrk vanished as soon as it was fetched")
    }

    /// Debian's, if it is there.
    fn open(directory: &Path) -> Option<Self> {
        cache::stamp(directory)?;
        let program = directory.join("usr/bin").join(WRK);
        program.is_file().then(|| Self { libraries: libraries(directory), program })
    }
}

fn fetch(cache: &Cache, directory: &Path) -> Result<()> {
    let _lock = cache.lock(KIND)?;
    // Another run may have fetched it while this one waited for the lock.
    if Wrk::open(directory).is_some() {
        return Ok(());
    }
    cache::clear(directory)?;
    let workshop = directory.join("unfinished");
    let apt = Apt::open(&workshop.join("apt"))?;
    let mut step = Step::begin("Debian's package lists");
    // A source that cannot be reached matters only if it is the one that has the package.
    let updated = apt.update(&mut step);
    let Some(version) = apt.candidate(WRK) else {
        updated?;
        anyhow::bail!("no package source of this machine has {WRK}");
    };
    step.done(&format!("{WRK} {version}"));
    apt.fetch(&apt.missing_dependencies(WRK)?, &workshop.join("packages"), directory)?;
    cache::remove(&workshop)?;
    cache::complete(directory, &version)
}

/// The directory that has LuaJIT, `usr/lib/x86_64-linux-gnu` for one.
fn libraries(directory: &Path) -> Option<PathBuf> {
    let architectures = fs::read_dir(directory.join("usr/lib")).ok()?;
    architectures.flatten().map(|entry| entry.path()).find(|path| {
        let files = fs::read_dir(path).into_iter().flatten().flatten();
        files.into_iter().any(|file| file.file_name().as_encoded_bytes().starts_with(b"libluajit"))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Wrk, libraries};
    use crate::cache;

    #[test]
    fn it_is_there_when_it_was_fetched_as_a_whole() {
        let directory = std::env::temp_dir().join(format!("bartizan-xtask-wrk-{}", std::process::id()));
        cache::clear(&directory).unwrap();
        let place = directory.join("usr/lib/an-architecture");
        fs::create_dir_all(directory.join("usr/bin")).unwrap();
        fs::create_dir_all(&place).unwrap();
        assert_eq!(libraries(&directory), None);
        fs::write(place.join("libluajit-5.1.so.2"), "").unwrap();
        assert_eq!(libraries(&directory), Some(place));

        fs::write(directory.join("usr/bin/wrk"), "").unwrap();
        assert!(Wrk::open(&directory).is_none());
        cache::complete(&directory, "1").unwrap();
        assert!(Wrk::open(&directory).is_some_and(|wrk| wrk.program.ends_with("usr/bin/wrk")));
        cache::remove(&directory).unwrap();
    }
}
