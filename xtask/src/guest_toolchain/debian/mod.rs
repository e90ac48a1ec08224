//! A toolchain from the packages of Debian or a relative, unpacked without being installed: for networks
//! that reach a package mirror but not rustup's servers.
//!
//! Debian packages rustc and the sources of the standard library, but no standard library for the
//! guests' target, so that is compiled here, once.

mod std_library;
mod sysroot;

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow, bail};

pub(crate) use self::sysroot::Sysroot;
use super::probe;
use crate::apt::Apt;
use crate::cache::{self, Cache};
use crate::step::Step;
use crate::version::RustVersion;
use crate::workspace::Workspace;

/// A directory in the cache with an entry for each version.
const KIND: &str = "guest-toolchain";

/// Packages of one Rust: the compiler, the library that it and its programs need, and the sources.
struct Family {
    compiler: &'static str,
    library: &'static str,
    source: &'static str,
}

const FAMILIES: [Family; 2] = [
    // Follows Rust's releases even in Debian's stable distributions, for the sake of web browsers.
    Family { compiler: "rustc-web", library: "libstd-rust-web-dev", source: "rust-web-src" },
    Family { compiler: "rustc", library: "libstd-rust-dev", source: "rust-src" },
];

/// What to download: packages, and the version that names the result.
struct Selection {
    version: String,
    packages: Vec<String>,
}

/// The newest toolchain in the cache that is recent enough and still works.
pub(super) fn made_earlier(workspace: &Workspace, cache: &Cache) -> Result<Sysroot> {
    let directory = cache.directory(KIND);
    let entries =
        fs::read_dir(&directory).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let newest = entries
        .iter()
        .filter_map(|entry| {
            let version = RustVersion::parse(entry.file_name().to_str()?)?;
            let sysroot = Sysroot::open(&entry.path())?;
            (version >= workspace.minimum_rust).then_some((version, sysroot))
        })
        .max_by_key(|(version, _)| *version);
    let (_, sysroot) = newest.with_context(|| format!("none in {}", directory.display()))?;
    check(workspace, &sysroot)?;
    Ok(sysroot)
}

pub(super) fn make(workspace: &Workspace, cache: &Cache) -> Result<Sysroot> {
    let _lock = cache.lock(KIND)?;
    // Another run may have made it while this one waited for the lock.
    if let Ok(sysroot) = made_earlier(workspace, cache) {
        return Ok(sysroot);
    }
    let directory = cache.directory(KIND);
    let workshop = directory.join(".unfinished");
    cache::clear(&workshop)?;

    let apt = Apt::open(&workshop.join("apt"))?;
    let mut step = Step::begin("Debian's package lists");
    // A source that cannot be reached matters only if it is the one that has the packages.
    let updated = apt.update(&mut step);
    let selection = select(workspace, &apt).map_err(|error| match &updated {
        Err(reason) => anyhow!("{error:#}\n{reason:#}"),
        Ok(()) => error,
    })?;
    step.done(&format!("Rust {}", selection.version));

    let root = workshop.join("root");
    apt.fetch(&selection.packages, &workshop.join("packages"), &root)?;
    let sysroot = Sysroot::assemble(&root)?;
    std_library::build(workspace, &sysroot, &workshop.join("std"))?;
    check(workspace, &sysroot)?;

    let entry = directory.join(&selection.version);
    finish(&root, &entry)?;
    cache::remove(&workshop)?;
    Sysroot::open(&entry).context("the toolchain vanished as soon as it was made")
}

fn select(workspace: &Workspace, apt: &Apt) -> Result<Selection> {
    let offers = FAMILIES.iter().filter_map(|family| {
        let version = apt.candidate(family.compiler)?;
        Some((RustVersion::parse(&version)?, version, family))
    });
    let Some((rust, version, family)) = offers.max_by_key(|(rust, ..)| *rust) else {
        bail!(
            "no package source of this machine has {}",
            FAMILIES.map(|family| family.compiler).join(" or ")
        );
    };
    if rust < workspace.minimum_rust {
        bail!(
            "the newest compiler among them is {} {version}; Rust {} is needed",
            family.compiler,
            workspace.minimum_rust
        );
    }
    // The names of the libraries contain version numbers that move; apt knows them.
    let mut packages = apt.missing_dependencies(family.library)?;
    if sysroot::linker_in_use().is_err() {
        let llvm = packages.iter().find_map(|name| name.strip_prefix("libllvm"));
        let llvm = llvm.context("cannot tell which LLVM the compiler was built with")?;
        packages.extend(apt.missing_dependencies(&format!("lld-{llvm}"))?);
    }
    packages.extend([family.compiler, family.source].map(str::to_owned));
    packages.sort();
    packages.dedup();
    Ok(Selection { version, packages })
}

fn check(workspace: &Workspace, sysroot: &Sysroot) -> Result<()> {
    sysroot.ensure_linker()?;
    let mut rustc = std::process::Command::new(sysroot.rustc());
    sysroot.configure(&mut rustc);
    probe::compile(workspace, rustc).context("it does not work")
}

/// Moves a toolchain that works into its place, in one step.
fn finish(root: &Path, entry: &Path) -> Result<()> {
    for unneeded in ["usr/src", "usr/share", "usr/lib/rustlib/src"] {
        cache::remove(&root.join(unneeded))?;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    cache::complete(root, &format!("{} made at {}", entry.display(), now.as_nanos()))?;
    cache::remove(entry)?;
    fs::rename(root, entry).with_context(|| format!("cannot move the toolchain to {}", entry.display()))
}
