//! The child's side: one component from standard input to standard output.

use std::io::{Read, Write};

use rustix::process::{Resource, Rlimit};

use super::{CompileError, precompile};
use crate::class::SizeClass;
use crate::pool::wasmtime_config;

/// The exit status for a component that is not valid, whose reason is on standard error.
pub(super) const INVALID: u8 = 3;
/// By how much the child is nicer than the gateway.
const NICE: i32 = 5;

/// Compiles a component for plugins of this class, with little of the machine: what a program does when its
/// first argument is `compile-plugin` and the second names the class. For [`EngineConfig::compiler`].
///
/// It limits the process that it runs in for good: to be called in one of its own, before anything else.
///
/// [`EngineConfig::compiler`]: crate::EngineConfig::compiler
///
/// # Errors
///
/// When the component is not valid, the class is unknown, or input and output do not work.
pub fn compile_plugin(class: &str, mut input: impl Read, mut output: impl Write) -> Result<(), CompileError> {
    let invalid = |problem: String| CompileError::Invalid(problem);
    let class =
        SizeClass::parse(class).ok_or_else(|| invalid(format!("there is no size class `{class}`")))?;
    confine(class);
    let mut component = Vec::new();
    input.read_to_end(&mut component).map_err(|error| invalid(format!("cannot read it: {error}")))?;
    let engine = wasmtime::Engine::new(&wasmtime_config(class)).map_err(|e| invalid(format!("{e:#}")))?;
    let code = precompile(&engine, &component)?;
    output
        .write_all(code.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| invalid(format!("cannot hand it over: {error}")))
}

/// The exit status of a program for which [`compile_plugin`] failed.
pub fn refusal_status() -> std::process::ExitCode {
    INVALID.into()
}

/// Takes less of the machine. What the system does not let be limited is not, but for the deadline that the
/// gateway keeps.
fn confine(class: SizeClass) {
    let limits = class.engine();
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2));
    let seconds = limits.compile_time.as_secs().saturating_mul(u64::try_from(threads).unwrap_or(1));
    let most = |amount: u64| Rlimit { current: Some(amount), maximum: Some(amount) };
    for (resource, limit) in [
        // At the first limit it is told what it ends of, at the second it ends.
        (Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds.saturating_add(1)) }),
        (Resource::Data, most(limits.compile_memory)),
        // It writes no files, the image of a crash included.
        (Resource::Fsize, most(0)),
        (Resource::Core, most(0)),
    ] {
        let _limited = rustix::process::setrlimit(resource, limit);
    }
    let _nicer = rustix::process::nice(NICE);
    #[cfg(target_os = "linux")]
    let _with_the_gateway =
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}
