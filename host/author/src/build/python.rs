//! Python, by componentize-py, which puts CPython into the component.

use super::tools::{self, Way};
use super::{BuildError, Project};

const REMEDY: &str = "Get it from PyPI, into an environment of the project:\n  \
    python3 -m venv .venv && .venv/bin/python -m pip install -r requirements.txt";

pub(super) fn build(project: &Project) -> Result<Vec<u8>, BuildError> {
    const PROBE: &[&str] = &["--version"];
    let component = project.intermediate.join("component.wasm");
    let ways = [
        Way::new([".venv/bin/componentize-py"], PROBE),
        Way::new(["componentize-py"], PROBE),
        Way::new(["python3", "-m", "componentize_py"], PROBE),
    ];
    let mut tool = tools::find("componentize-py", &ways, &project.directory, REMEDY)?;
    tool.args(["--quiet", "--wit-path", "wit", "--world", "plugin", "componentize", "--stub-wasi"])
        .args(["--python-path", "src", "--python-path", "sdk", "policy", "--output"])
        .arg(&component);
    tools::run(tool)?;
    project.read(&component)
}
