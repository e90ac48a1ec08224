//! wrk, which makes the load and measures it: <https://github.com/wg/wrk>.
//!
//! A run gets a script of its own. The script has the requests' bytes at hand and puts only their numbers in,
//! so that the load costs little of the processors that it shares with what is measured.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::question::{FIRST, Question};

/// No run asks so many questions.
const QUESTIONS_PER_RUN: u64 = 10_000_000;
/// What a run tells when it is over, as a line of JSON.
const DONE: &str = r#"
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"duration_us":%d,"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d},' ..
    '"p50_us":%d,"p90_us":%d,"p99_us":%d,"p999_us":%d}\n',
    summary.requests, summary.duration,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency:percentile(99.9)))
end
"#;

/// The program.
pub(crate) struct Wrk {
    pub(crate) program: PathBuf,
    /// Where its libraries are, if the system does not have them.
    pub(crate) libraries: Option<PathBuf>,
    /// For scripts.
    pub(crate) directory: PathBuf,
    runs: AtomicU64,
}

/// What is asked of whom, over how many connections, for how long.
pub(crate) struct Load<'l> {
    pub(crate) url: &'l str,
    pub(crate) sessions: &'l [String],
    pub(crate) question: Question,
    pub(crate) connections: usize,
    pub(crate) seconds: u64,
}

/// What was measured in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Answers per second.
    pub(crate) throughput: f64,
    /// Microseconds that 50, 90, 99 and 99.9 of 100 answers did not exceed.
    pub(crate) latency: [f64; 4],
}

/// A run as the script tells of it.
#[derive(Deserialize)]
struct Told {
    requests: f64,
    duration_us: f64,
    errors: Errors,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    p999_us: f64,
}

#[derive(Debug, Deserialize)]
struct Errors {
    connect: u64,
    read: u64,
    write: u64,
    status: u64,
    timeout: u64,
}

impl Wrk {
    pub(crate) fn new(program: PathBuf, libraries: Option<PathBuf>, directory: PathBuf) -> Self {
        Self { program, libraries, directory, runs: AtomicU64::new(0) }
    }

    /// Its name and version.
    pub(crate) async fn version(&self) -> Result<String> {
        // It tells its version and ends with status 1.
        let output = self.command().arg("--version").output().await;
        let output = output.with_context(|| format!("cannot run {}", self.program.display()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        match said.split(['[', '\n']).next().map(str::trim) {
            Some(version) if version.starts_with("wrk") => Ok(version.to_owned()),
            _ => bail!(
                "{} is not wrk: {}",
                self.program.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        }
    }

    /// Makes a load. Whoever is asked must answer every request with success.
    pub(crate) async fn run(&self, load: &Load<'_>) -> Result<Sample> {
        let first = FIRST + self.runs.fetch_add(1, Ordering::Relaxed) % 800 * QUESTIONS_PER_RUN;
        let script = self.directory.join("load.lua");
        fs::write(&script, script_of(load, first)?)
            .with_context(|| format!("cannot write {}", script.display()))?;
        let mut command = self.command();
        command
            .args(["--threads", "1", "--timeout", "30s"])
            .args(["--connections", &load.connections.to_string()])
            .args(["--duration", &format!("{}s", load.seconds)])
            .arg("--script")
            .arg(&script)
            .arg(load.url)
            .kill_on_drop(true);
        let output = command.output().await.context("cannot run wrk")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "wrk failed ({}): {said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        sample(&said).with_context(|| {
            format!("{:?} of {} over {} connections", load.question, load.url, load.connections)
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// The questions with numbers from `first` on, from the sessions by turns.
fn script_of(load: &Load<'_>, first: u64) -> Result<String> {
    let (authority, path) = load
        .url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .with_context(|| format!("{} is no address of an MCP server", load.url))?;
    let mut script = String::from("local heads = {}\n");
    for session in load.sessions {
        let head = load.question.head(&format!("/{path}"), authority, session);
        writeln!(script, "heads[#heads + 1] = {}", lua(&head))?;
    }
    let pieces: Vec<String> = load.question.pieces().iter().map(|piece| lua(piece)).collect();
    writeln!(script, "local number, turn = {first}, 0")?;
    writeln!(script, "request = function()")?;
    writeln!(script, "  number = number + 1")?;
    writeln!(script, "  turn = turn % #heads + 1")?;
    writeln!(script, "  return heads[turn] .. {}", pieces.join(" .. number .. "))?;
    writeln!(script, "end")?;
    script.push_str(DONE);
    Ok(script)
}

/// A text as Lua writes it.
fn lua(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\r' => quoted.push_str("\\r"),
            '\n' => quoted.push_str("\\n"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// What wrk measured, from what it said.
fn sample(said: &str) -> Result<Sample> {
    let line = said.lines().find(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("wrk tells nothing of its run: {said}"))?;
    let told: Told = serde_json::from_str(line).with_context(|| format!("wrk tells {line}"))?;
    let Errors { connect, read, write, status, timeout } = told.errors;
    ensure!(
        [connect, read, write, status, timeout] == [0; 5],
        "not every request was answered with success: {:?} of {} requests",
        told.errors,
        told.requests
    );
    ensure!(told.requests > 0.0 && told.duration_us > 0.0, "no request was answered");
    Ok(Sample {
        throughput: told.requests / told.duration_us * 1e6,
        latency: [told.p50_us, told.p90_us, told.p99_us, told.p999_us],
    })
}

#[cfg(test)]
mod tests {
    use super::{Load, Sample, lua, sample, script_of};
    use crate::question::Question;

    #[test]
    fn reads_what_wrk_tells() {
        let said = "Running 3s test\n  12000 requests in 3.00s\n\
            {\"requests\":12000,\"duration_us\":3000000,\"errors\":{\"connect\":0,\"read\":0,\"write\":0,\
            \"status\":0,\"timeout\":0},\"p50_us\":60,\"p90_us\":80,\"p99_us\":120,\"p999_us\":900}\n";
        let read = sample(said).unwrap();
        assert_eq!(read, Sample { throughput: 4000.0, latency: [60.0, 80.0, 120.0, 900.0] });

        let failed = said.replace("\"status\":0", "\"status\":3");
        let error = sample(&failed).unwrap_err().to_string();
        assert!(error.contains("status: 3"), "{error}");
        assert!(sample("Running 3s test").is_err());
    }

    #[test]
    fn a_script_takes_the_sessions_by_turns() {
        let sessions = ["a".to_owned(), "b".to_owned()];
        let load = Load {
            url: "http://127.0.0.1:80/mcp/x",
            sessions: &sessions,
            question: Question::List,
            connections: 1,
            seconds: 1,
        };
        let script = script_of(&load, 5).unwrap();
        assert_eq!(script.matches("heads[#heads + 1] = \"POST /mcp/x HTTP/1.1\\r\\n").count(), 2);
        assert!(script.contains("local number, turn = 5, 0"), "{script}");
        assert!(script.contains(" .. number .. "), "{script}");
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(lua("a\"b\\c\r\n"), "\"a\\\"b\\\\c\\r\\n\"");
    }
}
