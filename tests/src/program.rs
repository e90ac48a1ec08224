//! A child process with its three pipes.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::waiting::{SOON, START, within};

/// A running program; killed when it is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    log: Arc<Mutex<Vec<u8>>>,
    logging: tokio::task::JoinHandle<()>,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to standard error.
    pub log: String,
}

impl Program {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{command:?} does not start: {error}"),
        };
        let output = BufReader::new(child.stdout.take().expect("standard output is a pipe")).lines();
        let mut errors = child.stderr.take().expect("standard error is a pipe");
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        let logging = tokio::spawn(async move {
            let mut chunk = vec![0; 4096];
            while let Ok(read @ 1..) = errors.read(&mut chunk).await {
                kept.lock().expect("nobody panics with the log").extend_from_slice(&chunk[..read]);
            }
        });
        Self { input: child.stdin.take(), child, output, log, logging }
    }

    /// Writes bytes to its standard input. That it does not read is the test's business.
    pub async fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the input is open");
        let written = async {
            input.write_all(bytes).await?;
            input.flush().await
        };
        if let Err(error) = within(SOON, "the program reads its input", written).await {
            panic!("the program does not read: {error}\n{}", self.log());
        }
    }

    /// Ends its standard input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// The next line of its standard output; `None` when that has ended.
    pub async fn line(&mut self) -> Option<String> {
        match within(START, "a line on standard output", self.output.next_line()).await {
            Ok(line) => line,
            Err(error) => panic!("standard output cannot be read: {error}"),
        }
    }

    /// What it wrote to standard error until now.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().expect("nobody panics with the log")).into_owned()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a running program takes signals");
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        id.expect("the program was not waited for yet")
    }

    /// Waits until it has ended.
    pub async fn end(mut self) -> Ended {
        let status = within(SOON, "the program ends", self.child.wait()).await;
        let status = status.expect("a child can be waited for");
        // What it left running may hold its standard error open.
        let _unread = tokio::time::timeout(SOON, &mut self.logging).await;
        Ended { status, log: self.log() }
    }
}

/// Whether there is a process of this id.
pub fn is_alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}
