//! The locked WASI profile: what components get that import WASI 0.2 because their language's runtime does.
//!
//! Everything is answered here, from the call alone; nothing reaches the system:
//!
//! | what | how it is |
//! |---|---|
//! | files | there are none: no directory is opened in advance, so no descriptor can exist |
//! | network (`wasi:sockets`, `wasi:http`) and anything else | not linked: refused at load, by name |
//! | environment | no variables, no arguments, no directory |
//! | wall clock | the time of the call; 0 in `describe` and `configure` |
//! | monotonic clock | begins with the time of the call, and passes a microsecond each time that it is read |
//! | waiting | is over at once; the monotonic clock has passed as if it had not been |
//! | randomness | follows from the call: no randomness at all. The same input gives the same numbers |
//! | standard input | has ended |
//! | standard output and error | bounded lines in the gateway's log |
//! | `exit` | ends the evaluation like `fault.fail` |
//!
//! Only components that import WASI get a linker with it.

mod clocks;
mod files;
mod output;
mod random;
mod streams;

use std::sync::Arc;

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};

use crate::call::Call;
use crate::contract::{HostState, Raised};
use output::Output;

/// What is linked, without the patch version. What is not here is refused.
const INTERFACES: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Whether the profile has an interface of this name, in any patch version of 0.2.
pub(crate) fn provides(import: &str) -> bool {
    let Some((interface, version)) = import.split_once("@0.2.") else { return false };
    let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    is_number && INTERFACES.contains(&interface)
}

/// A linker that has the profile as well.
pub(crate) fn extend(linker: &Linker<HostState>) -> Result<Linker<HostState>> {
    let mut linker = linker.clone();
    streams::link(&mut linker)?;
    clocks::link(&mut linker)?;
    random::link(&mut linker)?;
    files::link(&mut linker)?;
    environment(&mut linker)?;
    Ok(linker)
}

type Context<'a> = StoreContextMut<'a, HostState>;

/// Kinds of resources. Their representations say all there is to them, so the host keeps none.
struct IoError;
struct Pollable;
struct InputStream;
struct OutputStream;
struct Descriptor;
struct DirectoryEntryStream;
struct TerminalInput;
struct TerminalOutput;

/// What an instance has of WASI.
#[derive(Default)]
pub(crate) struct Wasi {
    /// What the rest stands for: the call that was current when it was last used.
    call: Option<Arc<Call>>,
    /// Nanoseconds that have passed for the guest since the call began.
    passed: u64,
    /// Random bytes that were given.
    given: u64,
    output: Output,
    handles: u32,
}

impl Wasi {
    /// For evaluations of the plugin of this name.
    pub(crate) fn of(plugin: &str, lines: u32) -> Self {
        Self { output: Output::new(plugin, lines), ..Self::default() }
    }

    /// Handles that the guest holds at present. They are not part of its memory.
    pub(crate) fn handles(&self) -> u32 {
        self.handles
    }
}

/// The instance's WASI, as it is for the current call.
fn current<'a>(context: &'a mut Context<'_>) -> &'a mut Wasi {
    let state = context.data_mut();
    let call = state.call().ok().map(Arc::clone);
    let wasi = state.wasi.get_or_insert_default();
    let same = match (&wasi.call, &call) {
        (Some(before), Some(now)) => Arc::ptr_eq(before, now),
        (None, None) => true,
        _ => false,
    };
    if !same {
        wasi.call = call;
        wasi.passed = 0;
        wasi.given = 0;
        wasi.output.begin();
    }
    wasi
}

/// Gives the guest a handle.
fn own<T: 'static>(context: &mut Context<'_>, representation: u32) -> Resource<T> {
    let wasi = current(context);
    wasi.handles = wasi.handles.saturating_add(1);
    Resource::new_own(representation)
}

/// The guest dropped a handle.
fn dropped(mut context: Context<'_>, _representation: u32) -> Result<()> {
    let wasi = current(&mut context);
    wasi.handles = wasi.handles.saturating_sub(1);
    Ok(())
}

fn environment(linker: &mut Linker<HostState>) -> Result<()> {
    let mut environment = linker.instance("wasi:cli/environment@0.2.0")?;
    environment
        .func_wrap("get-environment", |_: Context<'_>, (): ()| Ok((Vec::<(String, String)>::new(),)))?;
    environment.func_wrap("get-arguments", |_: Context<'_>, (): ()| Ok((Vec::<String>::new(),)))?;
    environment.func_wrap("initial-cwd", |_: Context<'_>, (): ()| Ok((None::<String>,)))?;

    let mut exit = linker.instance("wasi:cli/exit@0.2.0")?;
    exit.func_wrap("exit", |_: Context<'_>, (status,): (std::result::Result<(), ()>,)| -> Result<()> {
        let words = if status.is_ok() { "success" } else { "an error" };
        Err(Raised(format!("it called `exit` with {words}; a plugin answers instead")).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_locked_is_provided() {
        for (import, expected) in [
            ("wasi:cli/environment@0.2.0", true),
            ("wasi:io/streams@0.2.12", true),
            ("wasi:filesystem/types@0.2.6", true),
            ("wasi:io/streams@0.3.0", false),
            ("wasi:io/streams@0.2.0-rc-2023-11-10", false),
            ("wasi:io/streams@0.2.", false),
            ("wasi:io/streams", false),
            ("wasi:sockets/tcp@0.2.0", false),
            ("wasi:http/outgoing-handler@0.2.0", false),
            ("wasi:keyvalue/store@0.2.0", false),
        ] {
            assert_eq!(provides(import), expected, "{import}");
        }
    }
}
