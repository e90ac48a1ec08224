//! C, by the compiler in Zig, or by clang with wasi-libc.

use std::process::Command;

use super::tools::{self, ToolError, Way};
use super::{BuildError, Project, zig};
use crate::Hook;

const REMEDY: &str = "Either of these does:\n  \
    - Zig, which has a C compiler and a libc in it: python3 -m pip install ziglang\n  \
    - clang with lld and wasi-libc; on Debian and its relatives: \
    apt-get install clang lld wasi-libc libclang-rt-dev-wasm32";

/// A file of the SDK that needs the compiler and the headers of a libc.
const PROBE: [&str; 5] = ["--target=wasm32-wasi", "-fsyntax-only", "-Isdk", "sdk/json.c", "-Werror"];

pub(super) fn build(project: &Project) -> Result<Vec<u8>, BuildError> {
    let module = project.intermediate.join("module.wasm");
    let mut compiler = find(project)?;
    compiler
        .args(["-mexec-model=reactor", "-Os", "-Wall", "-Wextra", "-Isdk"])
        .args(project.manifest.hooks.iter().map(|hook| definition(*hook)))
        .arg("-o")
        .arg(&module)
        .args(project.sources("src", "c")?)
        .args(project.sources("sdk", "c")?)
        .args(["-Wl,--strip-all", &format!("-Wl,-z,stack-size={}", zig::STACK)]);
    tools::run(compiler)?;
    project.encode(&project.read(&module)?, None)
}

/// What has the generated code call a hook.
pub(super) fn definition(hook: Hook) -> String {
    format!("-DBARTIZAN_{}", hook.name().to_uppercase())
}

fn find(project: &Project) -> Result<Command, ToolError> {
    let mut ways: Vec<Way> = zig::ways().into();
    ways.push(Way::new(["clang"], &PROBE));
    let mut command = tools::find("A C compiler for WebAssembly", &ways, &project.directory, REMEDY)?;
    if command.get_program() == "clang" {
        command.arg("--target=wasm32-wasi");
    } else {
        command.args(["cc", "-target", "wasm32-wasi"]);
    }
    Ok(command)
}
