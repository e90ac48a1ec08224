//! Zig, which compiles C as well.

use std::fs::File;
use std::process::Command;

use super::tools::{self, ToolError, Way};
use super::{BuildError, Project};

const REMEDY: &str = "Get it from your system's packages or from PyPI: python3 -m pip install ziglang";

/// Room for the stack. Zig's own choice would be 16 MiB, which every fresh instance would have.
pub(super) const STACK: &str = "65536";

/// For each module of the program.
const OPTIONS: [&str; 7] = ["-target", "wasm32-wasi", "-O", "ReleaseSmall", "-fstrip", "-lc", "-Isdk"];

pub(super) fn build(project: &Project) -> Result<Vec<u8>, BuildError> {
    let module = project.intermediate.join("module.wasm");
    let contract = project.intermediate.join("contract.zig");
    let failed = |source| BuildError::File { path: contract.clone(), source };
    let mut translate = find(project)?;
    translate
        .args(["translate-c", "-target", "wasm32-wasi", "-lc", "sdk/policy.h"])
        .stdout(File::create(&contract).map_err(failed)?);
    tools::run_with_output(translate)?;

    let mut compile = find(project)?;
    compile
        .arg("build-exe")
        .args(OPTIONS)
        .arg("-cflags")
        .args(project.manifest.hooks.iter().map(|hook| super::c::definition(*hook)))
        .args(["--", "sdk/policy.c", "--dep", "bartizan", "-Mroot=src/policy.zig"])
        .args(OPTIONS)
        .args(["--dep", "contract", "-Mbartizan=sdk/bartizan.zig"])
        .args(OPTIONS)
        .arg(format!("-Mcontract={}", contract.display()))
        .args(["-mexec-model=reactor", "--stack", STACK])
        .arg(format!("-femit-bin={}", module.display()));
    tools::run(compile)?;
    project.encode(&project.read(&module)?, None)
}

pub(super) fn ways() -> [Way; 3] {
    const PROBE: &[&str] = &["version"];
    [
        Way::new(["zig"], PROBE),
        Way::new([".venv/bin/python", "-m", "ziglang"], PROBE),
        Way::new(["python3", "-m", "ziglang"], PROBE),
    ]
}

fn find(project: &Project) -> Result<Command, ToolError> {
    tools::find("Zig", &ways(), &project.directory, REMEDY)
}
