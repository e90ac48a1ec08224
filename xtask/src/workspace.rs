//! Where things are: the workspace as cargo describes it, and the paths that xtask gives meaning to.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::process;
use crate::version::RustVersion;

/// How the variables begin in which `cargo run` says what it runs.
const DESCRIBES_XTASK: [&[u8]; 2] = [b"CARGO_MANIFEST_", b"CARGO_PKG_"];

pub(crate) struct Workspace {
    cargo: OsString,
    metadata: Metadata,
    pub(crate) minimum_rust: RustVersion,
}

/// What `cargo metadata --no-deps` says, as far as it is used here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    manifest_path: PathBuf,
    rust_version: Option<String>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

impl Package {
    /// The file name, without ending, of the dynamic library that the package makes.
    pub(crate) fn dynamic_library(&self) -> Option<String> {
        let target =
            self.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))?;
        Some(target.name.replace('-', "_"))
    }
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("Cargo.toml");
        let mut command = Command::new(&cargo);
        command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]).arg(manifest);
        let metadata: Metadata = serde_json::from_str(&process::query(command)?)
            .context("cargo metadata answered in a form that xtask does not know")?;
        let minimum_rust = metadata
            .packages
            .iter()
            .filter_map(|package| RustVersion::parse(package.rust_version.as_deref()?))
            .max()
            .context("no package of the workspace says which Rust version it needs")?;
        Ok(Self { cargo, metadata, minimum_rust })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.metadata.workspace_root
    }

    /// A path inside the workspace's own `target/`, which holds what xtask makes wherever cargo's target
    /// directory may be: the build script of the crate that embeds the plugins looks for them there.
    pub(crate) fn output(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root().join("target").join(path)
    }

    /// An executable that `cargo build --release` leaves.
    pub(crate) fn executable(&self, name: &str) -> PathBuf {
        let name = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.metadata.target_directory.join("release").join(name)
    }

    /// The packages under a directory of the workspace.
    pub(crate) fn packages_under(&self, directory: &str) -> impl Iterator<Item = &Package> {
        let directory = self.root().join(directory);
        self.metadata.packages.iter().filter(move |package| package.manifest_path.starts_with(&directory))
    }

    /// The cargo that started xtask, to be run at the workspace's root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(self.root()).args(arguments);
        // Cargo describes xtask to xtask. Build scripts that look at such variables (ring's does) would run
        // again whenever cargo is used with and without xtask by turns, and with it all of TLS and the
        // gateway be compiled again.
        for (variable, _) in env::vars_os() {
            if DESCRIBES_XTASK.iter().any(|beginning| variable.as_encoded_bytes().starts_with(beginning)) {
                command.env_remove(variable);
            }
        }
        command
    }

    /// Cargo's own directory: the sources of dependencies are in it.
    pub(crate) fn cargo_home(&self) -> Result<PathBuf> {
        let home = match env::var_os("CARGO_HOME") {
            Some(home) => PathBuf::from(home),
            None => env::home_dir().context("neither CARGO_HOME nor HOME is set")?.join(".cargo"),
        };
        ensure!(home.is_absolute(), "CARGO_HOME is a relative path: {}", home.display());
        Ok(home)
    }
}
