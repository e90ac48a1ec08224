//! A rustc of Debian's, unpacked somewhere else than it was built for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::super::rustc_in_use;
use crate::cache;
use crate::process;

pub(crate) struct Sysroot {
    /// What is `/` for an installed package.
    root: PathBuf,
    identity: String,
}

impl Sysroot {
    /// A toolchain that was completed earlier.
    pub(super) fn open(root: &Path) -> Option<Self> {
        Some(Self { root: root.to_owned(), identity: cache::stamp(root)? })
    }

    /// Turns unpacked packages into a compiler that runs.
    pub(super) fn assemble(root: &Path) -> Result<Self> {
        let sysroot = Self { root: root.to_owned(), identity: String::new() };
        sysroot.gather_libraries()?;
        sysroot.ensure_linker()?;
        Ok(sysroot)
    }

    pub(crate) fn rustc(&self) -> PathBuf {
        self.root.join("usr/bin/rustc")
    }

    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// The only place where rustc looks for its own and for its shared libraries.
    fn libraries(&self) -> PathBuf {
        self.root.join("usr/lib")
    }

    pub(super) fn sources(&self) -> PathBuf {
        self.libraries().join("rustlib/src/rust")
    }

    /// Where rustc looks for the standard library of a target.
    pub(super) fn libraries_for(&self, target: &str) -> PathBuf {
        self.libraries().join("rustlib").join(target).join("lib")
    }

    pub(crate) fn configure(&self, command: &mut Command) {
        command.env("RUSTC", self.rustc()).env("LD_LIBRARY_PATH", self.libraries());
    }

    /// Links the shared libraries, which Debian keeps in a directory for each architecture, to where
    /// rustc finds itself by them.
    fn gather_libraries(&self) -> Result<()> {
        for place in ["lib", "usr/lib"] {
            let Ok(directories) = fs::read_dir(self.root.join(place)) else { continue };
            for directory in directories {
                let directory = directory?.path();
                if directory.is_dir() && !directory.ends_with("rustlib") {
                    self.gather_from(&directory)?;
                }
            }
        }
        Ok(())
    }

    fn gather_from(&self, directory: &Path) -> Result<()> {
        let inside = directory.strip_prefix(&self.root)?;
        for library in fs::read_dir(directory)? {
            let name = library?.file_name();
            let link = self.libraries().join(&name);
            if name.to_string_lossy().contains(".so") && !link.exists() {
                symlink(Path::new("../..").join(inside).join(&name), link)?;
            }
        }
        Ok(())
    }

    /// Provides the linker: the one of the rustc in use, or else Debian's. Called again for a toolchain made
    /// earlier, since the rustc that was in use then may be gone.
    pub(super) fn ensure_linker(&self) -> Result<()> {
        let mut command = Command::new(self.rustc());
        self.configure(&mut command);
        let link = tools(&self.libraries().join("rustlib"), command)?.join("rust-lld");
        if link.exists() {
            return Ok(());
        }
        if let Some(directory) = link.parent() {
            fs::create_dir_all(directory)?;
        }
        if link.is_symlink() {
            fs::remove_file(&link)?;
        }
        let linker = linker_in_use().or_else(|reason| self.unpacked_linker().ok_or(reason))?;
        symlink(&linker, &link).with_context(|| format!("cannot link {}", link.display()))
    }

    fn unpacked_linker(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.libraries()).ok()?;
        entries.flatten().find_map(|entry| {
            let name = entry.file_name();
            let linker = entry.path().join("bin/lld");
            (name.to_str()?.starts_with("llvm-") && linker.exists())
                .then(|| Path::new("../../..").join(name).join("bin/lld"))
        })
    }
}

/// The `rust-lld` of the rustc in use. Distributions leave it out.
pub(super) fn linker_in_use() -> Result<PathBuf> {
    let rustc = || Command::new(rustc_in_use());
    let mut command = rustc();
    command.args(["--print", "sysroot"]);
    let sysroot = process::query(command)?;
    let linker = tools(&Path::new(sysroot.trim()).join("lib/rustlib"), rustc())?.join("rust-lld");
    ensure!(linker.exists(), "the rustc in use comes without rust-lld");
    Ok(linker)
}

/// The directory of a rustc's own tools.
fn tools(rustlib: &Path, mut rustc: Command) -> Result<PathBuf> {
    rustc.args(["--version", "--verbose"]);
    let version = process::query(rustc)?;
    match version.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(rustlib.join(host).join("bin")),
        None => bail!("rustc does not say for which host it is:\n{version}"),
    }
}
