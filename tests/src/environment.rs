//! What `cargo xtask test` prepares for the tests, and where.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The variable by which scripts find the Node environment as well.
pub const NODE_ENVIRONMENT: &str = "BARTIZAN_TEST_NODE_ENVIRONMENT";

/// The official Python SDKs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// `mcp` 1.30.0, in an environment with MLflow and `mlflow-mcp` 0.4.1.
    Mcp1,
    /// `mcp` 2.3.0, in an environment with FastMCP 4.1.2 and the servers for git, time and fetching.
    Mcp2,
    /// `mcp` 1.30.0, in an environment with `mcp-server-sqlite` 2025.4.25.
    Sqlite,
}

impl Sdk {
    fn environment(self) -> PathBuf {
        prepared(match self {
            Self::Mcp1 => "BARTIZAN_TEST_VENV_MCP1",
            Self::Mcp2 => "BARTIZAN_TEST_VENV_MCP2",
            Self::Sqlite => "BARTIZAN_TEST_VENV_SQLITE",
        })
    }

    /// A program of the SDK's environment.
    pub fn program(self, name: &str) -> PathBuf {
        present(self.environment().join("bin").join(name))
    }
}

/// Node.
pub fn node() -> PathBuf {
    prepared("BARTIZAN_TEST_NODE")
}

/// The directory whose `node_modules` holds the official TypeScript SDKs, the inspector, and servers.
pub fn node_environment() -> PathBuf {
    prepared(NODE_ENVIRONMENT)
}

/// The script of a program of the Node environment, to be run with [`node`].
pub fn node_program(name: &str) -> PathBuf {
    present(node_environment().join("node_modules/.bin").join(name))
}

/// The gateway's executable.
pub fn gateway() -> PathBuf {
    prepared("BARTIZAN_TEST_GATEWAY")
}

/// The client of the official Rust SDK, which is built along with the gateway.
pub fn rmcp_client() -> PathBuf {
    present(gateway().with_file_name("bartizan-rmcp-client"))
}

/// A value of `PATH` with which the tools for plugins in a language are found.
pub fn tools(language: &str) -> OsString {
    let variable = format!("BARTIZAN_TEST_PATH_{}", language.to_uppercase());
    match std::env::var_os(&variable) {
        Some(path) => path,
        None => panic!("{variable} is not set: run the tests with `cargo xtask test --languages {language}`"),
    }
}

/// Variables with which cargo builds guests on this machine.
pub fn guest_compiler() -> Vec<(&'static str, OsString)> {
    [("RUSTC", "BARTIZAN_TEST_GUEST_RUSTC"), ("LD_LIBRARY_PATH", "BARTIZAN_TEST_GUEST_LD_LIBRARY_PATH")]
        .into_iter()
        .filter_map(|(name, prepared)| Some((name, std::env::var_os(prepared)?)))
        .collect()
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

/// Where the gateways of this test's process keep their state: not where the user's own do.
pub fn state() -> PathBuf {
    static STATE: LazyLock<PathBuf> = LazyLock::new(|| {
        let directory = target("tests/state").join(std::process::id().to_string());
        // Left by an earlier process of the same number.
        let _none = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).expect("a directory can be made in target/");
        directory
    });
    STATE.clone()
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
