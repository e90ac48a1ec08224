//! A server that is a child process: JSON-RPC lines on its standard input and output.
//!
//! The child has a process group of its own, so that what it starts ends with it, and is closed as the
//! specification says: its input ends, then SIGTERM, then SIGKILL.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_wire::message::{Id, Message};
use bartizan_wire::stdio::{Line, Lines, frame};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};

use super::{UpstreamError, closed};
use crate::config::CommandConfig;
use crate::session::Session;

/// How many messages may wait for the child to read them.
const BACKLOG: usize = 64;
/// Bytes read from the child at once.
const CHUNK: usize = 64 << 10;
/// How long the child may take to end by itself once its input has ended.
const END_PATIENCE: Duration = Duration::from_secs(2);
/// How long it may take after SIGTERM.
const TERMINATE_PATIENCE: Duration = Duration::from_secs(2);
/// How long the client may take to read what a child left behind.
const DRAIN_PATIENCE: Duration = Duration::from_secs(30);
/// The longest line of a child's log that is kept, in bytes.
const LOG_LINE: u64 = 8 << 10;

/// What becomes of the child's standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StandardError {
    /// It goes where the gateway's own goes.
    Inherited,
    /// It goes to the log, line by line, with the server's name.
    Logged,
}

/// A running child.
pub(crate) struct StdioUpstream {
    input: Mutex<Option<mpsc::Sender<Vec<u8>>>>,
    closing: watch::Sender<bool>,
    group: Option<Pid>,
}

/// A child that was started: connect its session, then let [`Attendance::attend`] run.
pub(crate) struct Started {
    pub(crate) upstream: StdioUpstream,
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    frames: mpsc::Receiver<Vec<u8>>,
    closing: watch::Receiver<bool>,
}

/// Starts the command.
///
/// # Errors
///
/// When there is no such program or it cannot be started.
pub(crate) fn spawn(
    name: &str,
    config: &CommandConfig,
    standard_error: StandardError,
) -> std::io::Result<Started> {
    let mut command = Command::new(&config.command);
    command
        .args(&config.args)
        .envs(config.env.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(match standard_error {
            StandardError::Inherited => Stdio::inherit(),
            StandardError::Logged => Stdio::piped(),
        })
        .process_group(0)
        .kill_on_drop(true);
    if let Some(directory) = &config.cwd {
        command.current_dir(directory);
    }
    let mut child = command.spawn()?;
    let missing = || std::io::Error::other("the child has no pipes");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    if let Some(stderr) = child.stderr.take() {
        tokio::spawn(log_lines(name.to_owned(), stderr));
    }
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let (input, frames) = mpsc::channel(BACKLOG);
    let (closing_sender, closing) = watch::channel(false);
    let upstream = StdioUpstream { input: Mutex::new(Some(input)), closing: closing_sender, group };
    Ok(Started { upstream, child, stdin, stdout, frames, closing })
}

impl StdioUpstream {
    pub(super) async fn send(&self, message: &Message) -> Result<(), UpstreamError> {
        let input = self.input.lock().clone().ok_or(UpstreamError::Ended)?;
        input.send(frame(message.document())).await.map_err(|_closed| UpstreamError::Ended)
    }

    /// Ends the child's input, and gives the child all the time it wants to end.
    pub(crate) fn end_input(&self) {
        *self.input.lock() = None;
    }

    /// Ends the child's input, and the child if it does not end by itself.
    pub(crate) fn close(&self) {
        self.end_input();
        self.closing.send_replace(true);
    }

    /// Sends a signal to the child and all that it started.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It fails only if they have ended already.
            let _ended = kill_process_group(group, signal);
        }
    }
}

impl Started {
    /// Splits into the upstream, for the session, and what has to be attended to.
    pub(crate) fn split(self) -> (StdioUpstream, Attendance) {
        let Self { upstream, child, stdin, stdout, frames, closing } = self;
        let (group, begin) = (upstream.group, Instant::now());
        (upstream, Attendance { child, stdin, stdout, frames, closing, group, begin })
    }
}

/// The child's pipes and its end.
pub(crate) struct Attendance {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    frames: mpsc::Receiver<Vec<u8>>,
    closing: watch::Receiver<bool>,
    group: Option<Pid>,
    begin: Instant,
}

impl Attendance {
    /// Carries messages until the child has ended, and ends the session then.
    ///
    /// The child's exit status, or why it cannot be had.
    pub(crate) async fn attend(self, session: &Arc<Session>) -> std::io::Result<ExitStatus> {
        let Self { mut child, stdin, stdout, frames, closing, group, begin } = self;
        let reaper = session.shared.reaper.as_ref();
        if let (Some(reaper), Some(group)) = (reaper, group) {
            reaper.watch(group);
        }
        let writing = tokio::spawn(write_frames(stdin, frames));
        let mut reading = tokio::spawn(read_messages(stdout, Arc::clone(session)));
        let status = tokio::select! {
            status = child.wait() => {
                if !session.is_probe() {
                    session.server.starts.ended(begin, Instant::now());
                }
                status
            }
            () = closed(closing) => finish(&mut child, group).await,
        };
        if let Some(group) = group {
            // Whatever of its group is left has no reason to be, and may hold the output open.
            let _ended = kill_process_group(group, Signal::KILL);
            if let Some(reaper) = reaper {
                reaper.release(group);
            }
        }
        // What the child wrote before it ended still counts, as fast as the client reads it.
        if tokio::time::timeout(DRAIN_PATIENCE, &mut reading).await.is_err() {
            reading.abort();
        }
        writing.abort();
        session.end(&match &status {
            Ok(status) => format!("its process has ended ({status})"),
            Err(error) => format!("its process is lost: {error}"),
        });
        session.upstream_is_gone();
        status
    }
}

async fn finish(child: &mut Child, group: Option<Pid>) -> std::io::Result<ExitStatus> {
    for (patience, signal) in [(END_PATIENCE, Signal::TERM), (TERMINATE_PATIENCE, Signal::KILL)] {
        if let Ok(status) = tokio::time::timeout(patience, child.wait()).await {
            return status;
        }
        if let Some(group) = group {
            // It fails only if they have ended meanwhile.
            let _ended = kill_process_group(group, signal);
        }
    }
    child.wait().await
}

async fn write_frames(mut stdin: ChildStdin, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if let Err(error) = stdin.write_all(&frame).await {
            tracing::debug!(%error, "the server does not read any more");
            return;
        }
    }
}

async fn read_messages(mut stdout: ChildStdout, session: Arc<Session>) {
    let limits = session.shared.server_limits;
    let mut lines = Lines::new(limits.bytes);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match stdout.read(&mut chunk).await {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(server = %session.server.name, %error, "the server's output cannot be read");
                break;
            }
        };
        lines.push(chunk.get(..read).unwrap_or_default());
        take_lines(&mut lines, &session).await;
    }
    lines.finish();
    take_lines(&mut lines, &session).await;
}

async fn take_lines(lines: &mut Lines, session: &Arc<Session>) {
    while let Some(line) = lines.next_line() {
        match line {
            Line::Message(bytes) => {
                if let Err(error) = session.from_server_text(&bytes, None).await
                    && let Some(number) = probable_number(&bytes)
                {
                    session.give_up(&number, &format!("its answer is malformed: {error}"));
                }
            }
            Line::TooLong { begin, end } => {
                let limit = session.shared.server_limits.bytes;
                tracing::warn!(
                    server = %session.server.name,
                    limit,
                    "a line of the server is longer than the limit; it is dropped"
                );
                if let Some(number) = probable_number(&begin).or_else(|| probable_number(&end)) {
                    session.give_up(&number, &format!("its answer is longer than {limit} bytes"));
                }
            }
        }
    }
}

/// Which request a malformed line probably answers: our numbers are plain integers. It only decides whose
/// caller learns that the answer is unusable.
fn probable_number(line: &[u8]) -> Option<Id> {
    let text = String::from_utf8_lossy(line);
    let (_, after) = text.split_once("\"id\"")?;
    let digits = after.trim_start().strip_prefix(':')?.trim_start();
    let end = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse::<u64>().ok().map(Id::from)
}

/// Carries a child's log into ours.
async fn log_lines(name: String, stderr: impl AsyncRead + Unpin) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line without end must not fill the memory: it is cut into pieces.
        match (&mut reader).take(LOG_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                tracing::info!(target: "bartizan::server", server = %name, "{}", text.trim_end());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_request_that_a_malformed_answer_is_for() {
        for (line, expected) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":NaN}"#, Some(7)),
            (r#"{"id" : 12 ,"result":"\ud800"}"#, Some(12)),
            (r#"{"id":"7","result":NaN}"#, None),
            (r#"{"result":NaN}"#, None),
            ("starting up", None),
        ] {
            assert_eq!(probable_number(line.as_bytes()), expected.map(Id::from), "{line}");
        }
    }
}
