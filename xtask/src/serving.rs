//! A program that serves, as a child process: started, waited for, ended.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::process;

/// The gateway compiles the plugins when their compiled form is not cached yet.
const TIME_TO_START: Duration = Duration::from_secs(60);
/// The gateway gives upstream servers time to end, too.
const TIME_TO_STOP: Duration = Duration::from_secs(20);
const LOG_LINES_SHOWN: usize = 20;

pub(crate) struct Serving {
    /// As a message names it: `the gateway`.
    name: &'static str,
    child: Child,
    /// Standard output; that it closes is the sign that the program has ended.
    output: Receiver<String>,
    log: PathBuf,
    interruption: Interruption,
}

/// Passes a wish to end on to the program, wherever xtask is at that moment.
struct Interruption {
    happened: Arc<AtomicBool>,
    listening: Handle,
}

impl Serving {
    /// Starts a program with its standard error in `log`, and waits until `announced` has learnt from the
    /// lines of its standard output where it serves.
    pub(crate) fn start<T>(
        name: &'static str,
        mut command: Command,
        log: &Path,
        announced: impl FnMut(&str) -> Option<T>,
    ) -> Result<(Self, T)> {
        if let Some(directory) = log.parent() {
            fs::create_dir_all(directory)?;
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut child =
            command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let stdout = child.stdout.take().with_context(|| format!("{name} has no standard output"))?;
        let interruption = Interruption::watch(Pid::from_child(&child))?;
        let mut serving =
            Self { name, child, output: process::lines(stdout), log: log.to_owned(), interruption };
        let announcement = serving.announcement(announced)?;
        Ok((serving, announcement))
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stop(mut self) -> Result<()> {
        self.ask_to_end()?;
        self.wait(TIME_TO_STOP)
    }

    pub(crate) fn until_interrupted(mut self) -> Result<()> {
        while self.output.recv().is_ok() {}
        ensure!(
            self.interruption.happened.load(Ordering::SeqCst),
            "{} ended by itself{}",
            self.name,
            self.logged()
        );
        self.wait(TIME_TO_STOP)
    }

    fn announcement<T>(&mut self, mut announced: impl FnMut(&str) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + TIME_TO_START;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(announcement) = announced(&line) {
                        return Ok(announcement);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait()?;
                    bail!("{} ended ({status}) before it was ready{}", self.name, self.logged());
                }
                Err(RecvTimeoutError::Timeout) => {
                    let seconds = TIME_TO_START.as_secs();
                    bail!("{} was not ready after {seconds} s{}", self.name, self.logged());
                }
            }
        }
    }

    fn ask_to_end(&self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .with_context(|| format!("cannot signal {}", self.name))
    }

    fn wait(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    bail!(
                        "{} was told to end but still ran after {} s{}",
                        self.name,
                        time.as_secs(),
                        self.logged()
                    );
                }
            }
        }
        self.interruption.listening.close();
        let status = self.child.wait()?;
        let as_told = status.success() || matches!(status.signal(), Some(SIGINT | SIGTERM));
        ensure!(as_told, "{} was told to end, and failed ({status}){}", self.name, self.logged());
        Ok(())
    }

    /// The end of the log, to stand after a message.
    fn logged(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines.get(lines.len().saturating_sub(LOG_LINES_SHOWN)..).unwrap_or_default();
        shown.iter().fold(format!("; {} says:", self.log.display()), |text, line| text + "\n  " + line)
    }
}

/// No way out of xtask leaves the program behind.
impl Drop for Serving {
    fn drop(&mut self) {
        self.interruption.listening.close();
        if matches!(self.child.try_wait(), Ok(None)) && self.ask_to_end().is_ok() {
            let _ = self.wait(TIME_TO_STOP);
        }
        // Nothing happens to a child that has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Interruption {
    fn watch(program: Pid) -> Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot watch for Ctrl-C")?;
        let listening = signals.handle();
        let happened = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&happened);
        std::thread::spawn(move || {
            for _ in &mut signals {
                seen.store(true, Ordering::SeqCst);
                // It may have ended already: Ctrl-C in a terminal reaches every process there.
                let _ = kill_process(program, Signal::TERM);
            }
        });
        Ok(Self { happened, listening })
    }
}
