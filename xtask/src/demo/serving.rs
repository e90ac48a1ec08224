//! A gateway that serves, as a child process: started, waited for, ended.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
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

use super::{Layout, SERVER, Store};
use crate::process;
use crate::python::Environment;
use crate::step::Step;

/// Loading compiles the plugins when their compiled form is not cached yet.
const TIME_TO_START: Duration = Duration::from_secs(60);
const TIME_TO_CONNECT: Duration = Duration::from_secs(5);
/// Upstream servers get time to end, too.
const TIME_TO_STOP: Duration = Duration::from_secs(20);
const LOG_LINES_SHOWN: usize = 20;

pub(super) struct Serving {
    child: Child,
    /// Standard output; that it closes is the sign that the gateway has ended.
    output: Receiver<String>,
    url: String,
    log: PathBuf,
    interruption: Interruption,
}

/// Passes a wish to end on to the gateway, wherever xtask is at that moment.
struct Interruption {
    happened: Arc<AtomicBool>,
    listening: Handle,
}

impl Serving {
    pub(super) fn start(
        executable: &Path,
        layout: &Layout,
        environment: &Environment,
        store: &Store,
        address: SocketAddr,
    ) -> Result<Self> {
        let step = Step::begin("gateway start");
        if let Some(directory) = layout.log.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut command = Command::new(executable);
        command
            .arg("serve")
            .arg("--config")
            .arg(&layout.configuration)
            .args(["--listen", &address.to_string()])
            .env("PATH", environment.path()?)
            .env("MLFLOW_TRACKING_URI", store.tracking_uri())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&layout.log)?);
        let mut child = command.spawn().with_context(|| format!("cannot run {}", executable.display()))?;
        let stdout = child.stdout.take().context("the gateway has no standard output")?;
        let interruption = Interruption::watch(Pid::from_child(&child))?;
        let mut serving = Self {
            child,
            output: process::lines(stdout),
            url: String::new(),
            log: layout.log.clone(),
            interruption,
        };
        serving.url = serving.announced_url()?;
        TcpStream::connect_timeout(&address, TIME_TO_CONNECT)
            .with_context(|| format!("the gateway says that it is ready, but not at {address}"))?;
        step.done(&serving.url);
        Ok(serving)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn stop(mut self) -> Result<()> {
        let step = Step::begin("gateway stop");
        self.ask_to_end()?;
        self.wait(TIME_TO_STOP)?;
        step.done("ended");
        Ok(())
    }

    pub(super) fn until_interrupted(mut self) -> Result<()> {
        while self.output.recv().is_ok() {}
        ensure!(
            self.interruption.happened.load(Ordering::SeqCst),
            "the gateway ended by itself{}",
            self.logged()
        );
        self.wait(TIME_TO_STOP)
    }

    /// The gateway writes a line for each server, its name and its URL, once it accepts connections.
    fn announced_url(&mut self) -> Result<String> {
        let deadline = Instant::now() + TIME_TO_START;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let [SERVER, url] = line.split_whitespace().collect::<Vec<_>>().as_slice() {
                        return Ok((*url).to_owned());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the gateway ended ({}) before it was ready{}", self.child.wait()?, self.logged());
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the gateway was not ready after {} s{}", TIME_TO_START.as_secs(), self.logged());
                }
            }
        }
    }

    fn ask_to_end(&self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("cannot signal the gateway")
    }

    fn wait(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    bail!(
                        "the gateway was told to end but still ran after {} s{}",
                        time.as_secs(),
                        self.logged()
                    );
                }
            }
        }
        self.interruption.listening.close();
        let status = self.child.wait()?;
        let as_told = status.success() || matches!(status.signal(), Some(SIGINT | SIGTERM));
        ensure!(as_told, "the gateway was told to end, and failed ({status}){}", self.logged());
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

/// No way out of xtask leaves a gateway behind.
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
    fn watch(gateway: Pid) -> Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot watch for Ctrl-C")?;
        let listening = signals.handle();
        let happened = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&happened);
        std::thread::spawn(move || {
            for _ in &mut signals {
                seen.store(true, Ordering::SeqCst);
                // It may have ended already: Ctrl-C in a terminal reaches every process there.
                let _ = kill_process(gateway, Signal::TERM);
            }
        });
        Ok(Self { happened, listening })
    }
}
