//! Compiling, in a process of its own where there is a program for it.
//!
//! Cranelift's time and memory depend on what it compiles, which a stranger wrote. A child has a deadline, CPU
//! time and memory of its own and a low priority; what it used goes back to the system when it ends, and the
//! gateway that serves meanwhile is not disturbed. See docs/decisions/0010-compiling-in-a-child.md.

mod child;

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub use child::{compile_plugin, refusal_status};

use crate::class::SizeClass;
use crate::engine::Engine;
use crate::native::NativeCode;

/// The first argument of a program that is to compile.
const VERB: &str = "compile-plugin";
/// The most that is read of what the child says went wrong, in bytes.
const WORDS: u64 = 4 << 10;
/// The most native code that is taken, in bytes. That of Python is 35 MB.
const CODE: u64 = 1 << 30;

/// The signal that a process gets when its time on the processor is used up.
const OUT_OF_TIME: i32 = rustix::process::Signal::XCPU.as_raw();

/// How much longer than its time on the processor the child may take: others want the machine as well, and
/// come first.
const PATIENCE: u32 = 6;

/// A component that was not compiled.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CompileError {
    /// It is not valid.
    #[error("{0}")]
    Invalid(String),
    /// It takes too long.
    #[error("it was not compiled in {} s of processor time", .time.as_secs())]
    Timeout {
        /// The time that it may take.
        time: Duration,
    },
    /// The process that compiled it crashed, or ran out of memory or CPU time.
    #[error("compiling it used up more memory or CPU time than the compiler may have ({0})")]
    Crashed(String),
}

/// The door to Cranelift.
pub(crate) struct Compiler {
    program: Option<PathBuf>,
}

impl Compiler {
    pub(crate) fn new(program: Option<PathBuf>) -> Self {
        Self { program }
    }

    /// Compiles a component for this engine.
    pub(crate) fn compile(&self, engine: &Engine, component: &[u8]) -> Result<NativeCode, CompileError> {
        if let Some(program) = &self.program {
            match spawn(program, engine.class()) {
                Ok(child) => return follow(child, component, engine.class().engine().compile_time),
                Err(error) => tracing::warn!(
                    program = %program.display(),
                    %error,
                    "the plugin compiler cannot be started: compiling in this process, without limits"
                ),
            }
        }
        precompile(engine.wasmtime(), component)
    }
}

fn precompile(engine: &wasmtime::Engine, component: &[u8]) -> Result<NativeCode, CompileError> {
    let code = engine.precompile_component(component);
    code.map(NativeCode::vouched).map_err(|error| CompileError::Invalid(format!("{error:#}")))
}

fn spawn(program: &Path, class: SizeClass) -> std::io::Result<Child> {
    // Half of the machine, so that calls find the other half.
    let threads = thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2));
    Command::new(program)
        .args([OsStr::new(VERB), OsStr::new(class.as_str())])
        // No secrets of the gateway; the number is for Cranelift's thread pool.
        .env_clear()
        .env("RAYON_NUM_THREADS", threads.to_string())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Hands the component over, and waits for the code. The child ends by itself when it has used up its time on
/// the processor.
fn follow(mut child: Child, component: &[u8], time: Duration) -> Result<NativeCode, CompileError> {
    let (input, output, words) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (done, ended) = mpsc::channel();
    let (code, status, words) = thread::scope(|scope| {
        scope.spawn(move || {
            // A child that ends early has its reason, which it says.
            let _given = input.map(|mut input| input.write_all(component));
        });
        let words = scope.spawn(move || {
            let mut text = Vec::new();
            let _read = words.map(|words| words.take(WORDS).read_to_end(&mut text));
            String::from_utf8_lossy(&text).trim().to_owned()
        });
        let code = scope.spawn(move || {
            let mut code = Vec::new();
            let read = output.map(|output| output.take(CODE).read_to_end(&mut code));
            // Whoever waits may have given up.
            let _told = done.send(());
            read.is_some_and(|read| read.is_ok()).then_some(code)
        });
        let in_time = ended.recv_timeout(time.saturating_mul(PATIENCE)).is_ok();
        if !in_time {
            // It fails only if the child has ended meanwhile. Its pipes close, which ends the threads.
            let _ended = child.kill();
        }
        let status = child.wait();
        let code = code.join().ok().flatten();
        (code, status.ok().filter(|_| in_time), words.join().unwrap_or_default())
    });
    let Some(status) = status.filter(|status| status.signal() != Some(OUT_OF_TIME)) else {
        return Err(CompileError::Timeout { time });
    };
    match (status.success(), code) {
        (true, Some(code)) => Ok(NativeCode::vouched(code)),
        _ if status.code() == Some(i32::from(child::INVALID)) => Err(CompileError::Invalid(words)),
        _ => Err(CompileError::Crashed(ending(status))),
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("it was ended by signal {signal}"),
        (None, Some(code)) => format!("it ended with status {code}"),
        (None, None) => "it ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Child {
        Command::new("sh")
            .args(["-c", text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    #[test]
    fn every_way_to_end_has_its_error() {
        let long = vec![0; 1 << 20];
        for (case, text, expected) in [
            ("code", "cat > /dev/null; printf code", "code"),
            ("without reading", "printf code", "code"),
            ("invalid", "echo 'no type 7' >&2; exit 3", "no type 7"),
            (
                "crashed",
                "kill -ABRT $$",
                "compiling it used up more memory or CPU time than the compiler may have (it was ended by signal 6)",
            ),
            (
                "half of it",
                "printf half; exit 9",
                "compiling it used up more memory or CPU time than the compiler may have (it ended with status 9)",
            ),
        ] {
            let found = match follow(script(text), &long, Duration::from_secs(20)) {
                Ok(code) => String::from_utf8(code.as_bytes().to_vec()).unwrap(),
                Err(error) => error.to_string(),
            };
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn a_child_that_does_not_end_is_ended() {
        let time = Duration::from_millis(20);
        for text in ["exec sleep 600", "kill -XCPU $$"] {
            let outcome = follow(script(text), &[], time);
            assert!(matches!(outcome, Err(CompileError::Timeout { time: said }) if said == time), "{text}");
        }
    }
}
