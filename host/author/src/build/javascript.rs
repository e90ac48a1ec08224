//! JavaScript on QuickJS, and TypeScript before it.

use std::path::Path;
use std::process::Command;

use super::tools::{self, ToolError, Way};
use super::{BuildError, Project};

const REMEDY: &str =
    "Run `npm install` in the project: package.json names the versions. It needs Node.js 18 or later.";

/// Where npm puts the programs of the packages of a project.
const PROGRAMS: &str = "node_modules/.bin";

pub(super) fn build(project: &Project) -> Result<Vec<u8>, BuildError> {
    componentize(project, Path::new("src/policy.js"))
}

pub(super) fn build_typescript(project: &Project) -> Result<Vec<u8>, BuildError> {
    let mut compiler = find("The TypeScript compiler", "tsc", &["--version"], project)?;
    compiler.args(["--project", "."]);
    tools::run(compiler)?;
    componentize(project, &project.intermediate.join("src/policy.js"))
}

fn componentize(project: &Project, source: &Path) -> Result<Vec<u8>, BuildError> {
    let component = project.intermediate.join("component.wasm");
    let mut tool = find("componentize-qjs", "componentize-qjs", &["--help"], project)?;
    tool.args(["--wit", "wit", "--world", "plugin", "--sync", "--stub-wasi", "--opt-size", "--minify"])
        .args(["--module-root", ".", "--js"])
        .arg(source)
        .arg("--output")
        .arg(&component);
    tools::run(tool)?;
    project.read(&component)
}

fn find(
    what: &'static str,
    program: &'static str,
    probe: &'static [&'static str],
    project: &Project,
) -> Result<Command, ToolError> {
    let installed = project.directory.join(PROGRAMS).join(program);
    let ways = [Way::at(installed, &[], probe), Way::new([program], probe)];
    tools::find(what, &ways, &project.directory, REMEDY)
}
