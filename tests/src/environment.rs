//! What `cargo xtask test` prepares for the tests, and where.

use std::path::{Path, PathBuf};

/// The official Python SDKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// `mcp` 1.30.0, in an environment with MLflow and `mlflow-mcp` 0.4.1.
    Mcp1,
    /// `mcp` 2.3.0.
    Mcp2,
}

impl Sdk {
    fn environment(self) -> PathBuf {
        prepared(match self {
            Self::Mcp1 => "BARTIZAN_TEST_VENV_MCP1",
            Self::Mcp2 => "BARTIZAN_TEST_VENV_MCP2",
        })
    }

    /// A program of the SDK's environment.
    pub fn program(self, name: &str) -> PathBuf {
        present(self.environment().join("bin").join(name))
    }
}

/// The gateway's executable.
pub fn gateway() -> PathBuf {
    prepared("BARTIZAN_TEST_GATEWAY")
}

/// The module of a plugin that only tests use.
pub fn fixture(name: &str) -> PathBuf {
    present(target("fixtures").join(name).with_extension("wasm"))
}

/// A plugins folder with these fixtures in it, and no others: a gateway loads all it finds.
pub fn plugins(names: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    for name in names {
        let to = directory.path().join(name).with_extension("wasm");
        std::fs::copy(fixture(name), to).expect("a fixture can be copied");
    }
    directory
}

/// Where the gateways of tests keep compiled plugins: not where the user's own do.
pub fn compiled() -> PathBuf {
    target("tests/compiled")
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace").join(path)
}

/// A path in the workspace's own `target/`.
pub fn target(path: &str) -> PathBuf {
    repository("target").join(path)
}

fn prepared(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => present(path.into()),
        None => panic!("{variable} is not set: run the tests with `cargo xtask test`"),
    }
}

fn present(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is not there: run the tests with `cargo xtask test`", path.display());
    path
}
