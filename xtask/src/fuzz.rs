//! The fuzz targets of `tests/fuzz`, by cargo-fuzz on the toolchain in use.
//!
//! Coverage counters are ordinary options of code generation; only sanitizers need a nightly compiler, and
//! the code under test has no `unsafe` for them to watch. What a run finds goes to a working corpus
//! under `target/`, so that the committed one changes only when somebody means it to.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::cache::{self, Cache};
use crate::process;
use crate::step::Step;
use crate::workspace::Workspace;

const KIND: &str = "fuzz";
const VERSION: &str = "0.13.2";
const DIRECTORY: &str = "tests/fuzz";
const SMOKE_SECONDS: u64 = 20;
/// An input that takes longer is a finding.
const INPUT_SECONDS: u64 = 20;
/// What a run may take beyond its time: the corpus is read first, and the last input is let finish.
const GRACE: Duration = Duration::from_secs(120);

#[derive(Args)]
pub(crate) struct Arguments {
    /// The target to run, by the name of its file in tests/fuzz/fuzz_targets; each in turn if absent
    target: Option<String>,
    /// How long to run each target
    #[arg(long, default_value_t = 600, value_name = "N")]
    seconds: u64,
    /// A short run of each target, with its output shown only if it finds something
    #[arg(long, conflicts_with = "seconds")]
    smoke: bool,
    /// Do not run, but add to the committed corpus what earlier runs found and what reaches code that
    /// the corpus does not
    #[arg(long, conflicts_with_all = ["seconds", "smoke"])]
    keep: bool,
}

pub(crate) fn run(workspace: &Workspace, cache: &Cache, arguments: &Arguments) -> Result<()> {
    let fuzzer = Fuzzer { workspace, program: install(workspace, cache)? };
    let all = fuzzer.targets()?;
    if let Some(target) = &arguments.target {
        ensure!(all.contains(target), "there is no target {target}; there are: {}", all.join(", "));
    }
    fuzzer.build()?;
    let chosen = |name: &&String| arguments.target.as_ref().is_none_or(|target| target == *name);
    all.iter().filter(chosen).try_for_each(|target| fuzzer.run(target, arguments))
}

/// cargo-fuzz of the pinned version, from the cache.
fn install(workspace: &Workspace, cache: &Cache) -> Result<PathBuf> {
    let directory = cache.directory(KIND).join(format!("cargo-fuzz-{VERSION}"));
    let program = directory.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    if cache::stamp(&directory).is_some() {
        return Ok(program);
    }
    let mut step = Step::begin(format!("cargo-fuzz {VERSION}"));
    let _lock = cache.lock(KIND)?;
    if cache::stamp(&directory).is_none() {
        cache::clear(&directory)?;
        let mut command =
            workspace.cargo(&["install", "cargo-fuzz", "--locked", "--version", VERSION, "--root"]);
        command.arg(&directory);
        process::run(&mut step, command).context("cannot install cargo-fuzz")?;
        cache::complete(&directory, VERSION)?;
    }
    step.done("installed");
    Ok(program)
}

struct Fuzzer<'a> {
    workspace: &'a Workspace,
    program: PathBuf,
}

impl Fuzzer<'_> {
    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(self.workspace.root()).args(["fuzz", verb, "--fuzz-dir", DIRECTORY]);
        command
    }

    /// Shared by building and running, or the one would not find what the other made.
    fn instrumented(&self, verb: &str) -> Command {
        let mut command = self.command(verb);
        command.args(["--sanitizer=none", "--target-dir"]).arg(self.working("target"));
        command
    }

    fn working(&self, name: impl AsRef<Path>) -> PathBuf {
        self.workspace.output(KIND).join(name)
    }

    fn targets(&self) -> Result<Vec<String>> {
        Ok(process::query(self.command("list"))?.lines().map(str::to_owned).collect())
    }

    fn build(&self) -> Result<()> {
        let mut step = Step::begin("fuzz targets");
        process::run(&mut step, self.instrumented("build"))
            .context("cannot build the fuzz targets; a C++ compiler is needed")?;
        step.done("compiled");
        Ok(())
    }

    fn run(&self, target: &str, arguments: &Arguments) -> Result<()> {
        let seconds = if arguments.smoke { SMOKE_SECONDS } else { arguments.seconds };
        let found = self.working("corpus").join(target);
        fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
        let committed = self.workspace.root().join(DIRECTORY).join("corpus").join(target);
        let mut command = self.instrumented("run");
        command.arg(target);
        if arguments.keep {
            // By edges and not by how often each is taken: a corpus in version control is to stay small.
            command.args([committed.as_os_str(), found.as_os_str(), OsStr::new("--")]);
            command.args(["-set_cover_merge=1", "-use_counters=0"]);
            return process::show(command);
        }
        command.args([found.as_os_str(), committed.as_os_str(), OsStr::new("--")]);
        command.args([
            format!("-dict={}", dictionary(self.workspace, target).display()),
            format!("-max_total_time={seconds}"),
            format!("-timeout={INPUT_SECONDS}"),
            "-print_final_stats=1".to_owned(),
        ]);
        if !arguments.smoke {
            return process::show(command);
        }
        let mut step = Step::begin(format!("fuzzing {target}"));
        process::run_within(&mut step, command, Duration::from_secs(seconds) + GRACE)?;
        step.done("nothing found");
        Ok(())
    }
}

/// A target's own dictionary, or that of JSON.
fn dictionary(workspace: &Workspace, target: &str) -> PathBuf {
    let directory = workspace.root().join(DIRECTORY).join("dictionaries");
    let own = directory.join(target).with_extension("dict");
    if own.exists() { own } else { directory.join("json.dict") }
}
