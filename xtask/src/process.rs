//! Runs other programs: as part of a step with their output kept back, as a question whose answer is
//! their output, or in plain sight.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::step::Step;

/// No program that xtask starts is meant to take longer.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);
const HEARTBEAT: Duration = Duration::from_millis(200);
const REMEMBERED_LINES: usize = 400;
const SHOWN_LINES: usize = 60;

/// First words of the lines in which cargo tells of its progress: they would crowd out the reason of a
/// failure.
const CARGO_PROGRESS: [&str; 11] = [
    "Adding",
    "Blocking",
    "Checking",
    "Compiling",
    "Documenting",
    "Downloaded",
    "Downloading",
    "Fresh",
    "Locking",
    "Running",
    "Updating",
];

/// Runs a program as part of a step. Its output is shown only if it fails.
pub(crate) fn run(step: &mut Step, command: Command) -> Result<()> {
    run_within(step, command, LONGEST)
}

/// As [`run`], but ends the program and fails when the time is up.
pub(crate) fn run_within(step: &mut Step, mut command: Command, time: Duration) -> Result<()> {
    let name = name(&command);
    let (output, input) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
    let mut child = command.spawn().with_context(|| format!("cannot run `{name}`"))?;
    // The command holds the writing end of the pipe, which would otherwise never be seen to close.
    drop(command);

    let mut remembered = VecDeque::with_capacity(REMEMBERED_LINES);
    let status = follow(step, &mut child, &lines(output), Instant::now() + time, &mut remembered)?;
    step.show("");
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("`{name}` failed ({status}){}", ending(&remembered)),
        None => bail!("`{name}` was not done after {} s{}", time.as_secs(), ending(&remembered)),
    }
}

/// Runs a program and answers with what it wrote to standard output.
pub(crate) fn query(mut command: Command) -> Result<String> {
    let name = name(&command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{name}`"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{name}` failed ({}){}",
            output.status,
            ending(&complaint.lines().map(str::to_owned).collect())
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{name}` wrote something other than UTF-8"))
}

/// Runs a program with its output in a file. `None` if it had to be ended because the time was up.
pub(crate) fn record(mut command: Command, log: &Path, time: Duration) -> Result<Option<ExitStatus>> {
    let name = name(&command);
    let (output, input) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(input.try_clone()?).stderr(input);
    let mut child = command.spawn().with_context(|| format!("cannot run `{name}`"))?;
    drop(command);

    let mut file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let lines = lines(output);
    let deadline = Instant::now() + time;
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => writeln!(file, "{line}")?,
            Err(RecvTimeoutError::Disconnected) => return Ok(Some(child.wait()?)),
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
        }
    }
}

/// Runs a program whose output is what the user came for.
pub(crate) fn show(mut command: Command) -> Result<()> {
    let name = name(&command);
    let status = command.status().with_context(|| format!("cannot run `{name}`"))?;
    ensure!(status.success(), "`{name}` failed ({status})");
    Ok(())
}

/// The lines that a pipe carries, read in the background.
pub(crate) fn lines(pipe: impl io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            // A closed channel is no reason to stop reading: the writer would be stopped by a full pipe.
            let _ = sender.send(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    });
    receiver
}

/// Follows a program until it ends; `None` if it had to be ended at the deadline.
fn follow(
    step: &mut Step,
    child: &mut Child,
    lines: &Receiver<String>,
    deadline: Instant,
    remembered: &mut VecDeque<String>,
) -> Result<Option<ExitStatus>> {
    let mut remember = |line: String| {
        if remembered.len() == REMEMBERED_LINES {
            remembered.pop_front();
        }
        remembered.push_back(line);
    };
    loop {
        step.alive();
        match lines.recv_timeout(HEARTBEAT) {
            Ok(line) => {
                step.show(line.trim());
                remember(line);
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(Some(child.wait()?)),
            // A process left behind may hold the pipe open after the program itself has ended.
            Err(RecvTimeoutError::Timeout) => {
                if let Some(status) = child.try_wait()? {
                    lines.try_iter().for_each(remember);
                    return Ok(Some(status));
                }
            }
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
    }
}

/// The last lines of an output, to stand after a message.
fn ending(lines: &VecDeque<String>) -> String {
    let telling: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.trim().is_empty() && !tells_progress(line))
        .collect();
    let shown = telling.get(telling.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default();
    shown.iter().fold(String::new(), |text, line| text + "\n  " + line)
}

fn tells_progress(line: &str) -> bool {
    line.split_whitespace().next().is_some_and(|word| CARGO_PROGRESS.contains(&word))
}

/// A command as a person would say it: the program's file name and what distinguishes the call.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program()).to_string_lossy();
    command.get_args().fold(program.into_owned(), |name, argument| name + " " + &argument.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_shows_both_outputs_but_no_progress() {
        let script = "echo '   Compiling a v1.0.0'; echo out; echo err >&2; exit 3";
        let error = run(&mut Step::begin("test"), shell(script)).unwrap_err().to_string();
        assert!(error.ends_with("(exit status: 3)\n  out\n  err"), "{error}");
    }

    #[test]
    fn a_program_is_ended_when_its_time_is_up() {
        let error = run_within(
            &mut Step::begin("test"),
            shell("echo begun; exec sleep 60"),
            Duration::from_millis(300),
        );
        let error = error.unwrap_err().to_string();
        assert!(error.contains("was not done") && error.ends_with("begun"), "{error}");
    }

    #[test]
    fn a_recorded_program_leaves_its_output_and_its_status() {
        let log = std::env::temp_dir().join(format!("bartizan-xtask-{}.log", std::process::id()));
        let status = record(shell("echo out; echo err >&2; exit 3"), &log, Duration::from_secs(20)).unwrap();
        assert_eq!(status.and_then(|status| status.code()), Some(3));
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "out\nerr\n");

        let status = record(shell("echo begun; exec sleep 60"), &log, Duration::from_millis(300)).unwrap();
        assert_eq!(status, None);
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "begun\n");
        std::fs::remove_file(&log).unwrap();
    }

    #[test]
    fn a_process_left_behind_holds_nobody_up() {
        let started = Instant::now();
        run(&mut Step::begin("test"), shell("sleep 30 & echo done")).unwrap();
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = query(Command::new("no-such-program-anywhere")).unwrap_err().to_string();
        assert_eq!(error, "cannot run `no-such-program-anywhere`");
    }
}
