//! Builds what runs inside the gateway: the built-in plugins and the plugins that only tests use.
//!
//! A guest is a workspace member in one of two directories. The result is a core module with a
//! `component-type` section; the runtime makes a component of it when it loads it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cache::{self, Cache};
use crate::guest_toolchain::{GuestToolchain, TARGET};
use crate::process;
use crate::step::Step;
use crate::workspace::{Package, Workspace};

/// Where guests are, how their packages are named, and where their modules go.
struct Kind {
    directory: &'static str,
    prefix: &'static str,
    output: &'static str,
}

const KINDS: [Kind; 2] = [
    Kind { directory: "plugins", prefix: "bartizan-plugin-", output: "plugins" },
    Kind { directory: "tests/fixtures", prefix: "bartizan-fixture-", output: "fixtures" },
];

const PROFILE: &str = "guest";

/// Room for the stack of a guest. The default of 1 MiB would be touched, and so copied, in every fresh
/// instance.
const STACK_SIZE: &str = "-Clink-arg=-zstack-size=65536";

/// Guests have no source of randomness. Without this, a library that wants some would import one from
/// JavaScript; a plugin that needs such a library brings a function in its place.
const RANDOMNESS: &str = "--cfg=getrandom_backend=\"custom\"";

pub(crate) fn build(workspace: &Workspace, cache: &Cache) -> Result<()> {
    let toolchain = GuestToolchain::find_or_make(workspace, cache)?;
    let compiler = Compiler::new(workspace, &toolchain)?;
    for kind in &KINDS {
        let mut step = Step::begin(kind.output);
        let (names, changed) = build_kind(&compiler, &mut step, kind)?;
        let outcome = match (names.len(), changed) {
            (0, _) => "none".to_owned(),
            (_, 0) => format!("{} unchanged", names.join(", ")),
            _ => format!("{}; {changed} changed", names.join(", ")),
        };
        step.done(&outcome);
    }
    Ok(())
}

/// Builds all guests of a kind and answers with their names and the number of modules that changed.
fn build_kind(compiler: &Compiler<'_>, step: &mut Step, kind: &Kind) -> Result<(Vec<String>, usize)> {
    let output = compiler.workspace.output(kind.output);
    fs::create_dir_all(&output)?;
    let mut names = Vec::new();
    let mut changed = 0;
    for package in compiler.workspace.packages_under(kind.directory) {
        let Some(library) = package.dynamic_library() else { continue };
        let name = package.name.strip_prefix(kind.prefix).with_context(|| {
            format!("{} is in {}/, so its name must begin with {}", package.name, kind.directory, kind.prefix)
        })?;
        let module = compiler.compile(step, package, &library)?;
        changed += usize::from(replace_if_different(&module, &output.join(name).with_extension("wasm"))?);
        names.push(name.to_owned());
    }
    names.sort();
    changed += remove_others(&output, &names)?;
    Ok((names, changed))
}

struct Compiler<'a> {
    workspace: &'a Workspace,
    toolchain: &'a GuestToolchain,
    target_directory: PathBuf,
    flags: OsString,
}

impl<'a> Compiler<'a> {
    fn new(workspace: &'a Workspace, toolchain: &'a GuestToolchain) -> Result<Self> {
        let target_directory = workspace.output("guests");
        // Cargo takes two compilers of the same version for one, also when the second comes with a
        // standard library that was built anew; what was compiled against the first does not link then.
        if cache::stamp(&target_directory).as_deref() != Some(toolchain.identity()) {
            cache::clear(&target_directory)?;
            cache::complete(&target_directory, toolchain.identity())?;
        }
        // The paths of this machine have no place in the modules, whose bytes name them in caches.
        let remapped = [(workspace.root(), "/bartizan"), (&workspace.cargo_home()?, "/cargo")];
        Ok(Self {
            workspace,
            toolchain,
            target_directory,
            flags: flags(&[STACK_SIZE, RANDOMNESS], &remapped),
        })
    }

    fn compile(&self, step: &mut Step, package: &Package, library: &str) -> Result<PathBuf> {
        // A package that is also an rlib, for the sake of native tests, would be linked without link-time
        // optimisation; so the kind of library is asked for by name, which cargo does for one at a time.
        let mut command = self.workspace.cargo(&["rustc", "--lib", "--crate-type", "cdylib"]);
        command
            .args(["--profile", PROFILE, "--target", TARGET, "--package", &package.name, "--target-dir"])
            .arg(&self.target_directory)
            .env("CARGO_ENCODED_RUSTFLAGS", &self.flags);
        self.toolchain.configure(&mut command);
        process::run(step, command)?;
        let module = self.target_directory.join(TARGET).join(PROFILE).join(library);
        Ok(module.with_extension("wasm"))
    }
}

/// Compiler flags in the form that permits spaces in them.
pub(crate) fn flags(plain: &[&str], remapped: &[(&Path, &str)]) -> OsString {
    let mut flags = OsString::from(plain.join("\x1f"));
    for (path, name) in remapped {
        flags.push("\x1f--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// Leaves a file alone whose bytes are right already: its age decides what cargo builds again.
fn replace_if_different(from: &Path, to: &Path) -> Result<bool> {
    let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(false);
    }
    let beside = to.with_extension("unfinished");
    fs::write(&beside, bytes)?;
    fs::rename(&beside, to)?;
    Ok(true)
}

/// Removes the modules of guests that are no more.
fn remove_others(directory: &Path, names: &[String]) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let known = path.file_stem().is_some_and(|stem| names.iter().any(|name| stem == name.as_str()));
        if !known && path.extension().is_some_and(|ending| ending == "wasm") {
            fs::remove_file(path)?;
            removed += 1;
        }
    }
    Ok(removed)
}
