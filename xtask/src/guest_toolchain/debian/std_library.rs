//! Compiles the standard library for the guests' target from packaged sources.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use super::Sysroot;
use crate::guest_toolchain::TARGET;
use crate::guests::flags;
use crate::process;
use crate::step::Step;
use crate::workspace::Workspace;

const PACKAGE: &str = "bartizan-std";

/// A package without code: building it builds the standard library.
const MANIFEST: &str = r#"[package]
name = "bartizan-std"
version = "0.0.0"
edition = "2024"

[profile.release]
panic = "abort"

[workspace]
"#;

pub(super) fn build(workspace: &Workspace, sysroot: &Sysroot, directory: &Path) -> Result<()> {
    let mut step = Step::begin(format!("standard library for {TARGET}"));
    fs::create_dir_all(directory.join("src"))?;
    fs::write(directory.join("Cargo.toml"), MANIFEST)?;
    fs::write(directory.join("src/lib.rs"), "")?;

    let mut command =
        workspace.cargo(&["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET]);
    let target_directory = directory.join("target");
    sysroot.configure(&mut command);
    let sources = sysroot.sources();
    // Cargo names the sources by the link, and some by the place that it leads to.
    let remapped = [
        (sources.as_path(), "/rust"),
        (&fs::canonicalize(&sources)?, "/rust"),
        (&workspace.cargo_home()?, "/cargo"),
    ];
    command
        .current_dir(directory)
        .arg("--target-dir")
        .arg(&target_directory)
        // The sources are those of a stable release, which -Zbuild-std refuses otherwise.
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode in the library there is no link-time optimisation of guests.
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&["-Cembed-bitcode=yes"], &remapped));
    process::run(&mut step, command)?;

    let copied =
        copy_libraries(&target_directory.join(TARGET).join("release/deps"), &sysroot.libraries_for(TARGET))?;
    ensure!(copied > 0, "building the standard library left no library");
    step.done("compiled");
    Ok(())
}

fn copy_libraries(from: &Path, to: &Path) -> Result<usize> {
    fs::create_dir_all(to)?;
    let own = format!("lib{}", PACKAGE.replace('-', "_"));
    let mut copied = 0;
    for library in fs::read_dir(from)? {
        let library = library?;
        let name = library.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with(&own) {
            fs::copy(library.path(), to.join(&*name))?;
            copied += 1;
        }
    }
    Ok(copied)
}
