//! The programs of a bench, as child processes. They end with their owner.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::bench::Bench;

/// A gateway compiles its plugins when their compiled form is not cached yet.
const TIME_TO_ANSWER: Duration = Duration::from_secs(300);
const TIME_TO_STOP: Duration = Duration::from_secs(20);
const LOG_LINES_SHOWN: usize = 20;
/// How decisions in the log say that they refuse.
const REFUSALS: [&str; 2] = [r#"verdict="deny""#, r#"verdict="hidden""#];

/// A running program.
pub(crate) struct Process {
    /// As a message names it: `the gateway`.
    name: &'static str,
    child: Child,
    /// Closing it ends a program that reads it.
    pub(crate) input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Process {
    /// Starts it with its standard error in a file.
    pub(crate) fn start(name: &'static str, mut command: Command, log: PathBuf) -> Result<Self> {
        // Appending, so that the file can be emptied meanwhile.
        let errors = File::options().create(true).append(true).open(&log);
        let errors = errors.with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| {
            format!("cannot run {name}, {}", Path::new(command.as_std().get_program()).display())
        })?;
        let output = child.stdout.take().with_context(|| format!("{name} has no standard output"))?;
        Ok(Self { name, input: child.stdin.take(), child, output: BufReader::new(output).lines(), log })
    }

    /// The next line of its standard output.
    pub(crate) async fn line(&mut self) -> Result<String> {
        let line = timeout(TIME_TO_ANSWER, self.output.next_line()).await;
        match line.with_context(|| format!("{} says nothing{}", self.name, self.logged()))?? {
            Some(line) => Ok(line),
            None => bail!("{} ended{}", self.name, self.logged()),
        }
    }

    /// Sees that its log, if it is a gateway's and has decisions in it, tells of no refusal: wrk does not look into
    /// answers. Empties it then, since it may be long.
    pub(crate) fn check_log(&self) -> Result<()> {
        let log = fs::read(&self.log).with_context(|| format!("cannot read {}", self.log.display()))?;
        if let Some(line) = refusal(&String::from_utf8_lossy(&log)) {
            bail!("{} refused something that was measured: {line}", self.name);
        }
        let emptied = File::options().write(true).truncate(true).open(&self.log);
        emptied.with_context(|| format!("cannot empty {}", self.log.display())).map(drop)
    }

    /// How much memory it has, in bytes: its resident set.
    pub(crate) fn memory(&self) -> Result<f64> {
        let id = self.child.id().with_context(|| format!("{} has ended{}", self.name, self.logged()))?;
        let path = format!("/proc/{id}/status");
        let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        resident(&status).with_context(|| format!("{path} does not say how much memory is resident"))
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let id = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let id = id.with_context(|| format!("{} has ended by itself{}", self.name, self.logged()))?;
        kill_process(id, Signal::TERM).with_context(|| format!("cannot signal {}", self.name))?;
        let ended = timeout(TIME_TO_STOP, self.child.wait()).await;
        ended.with_context(|| format!("{} was told to end and does not{}", self.name, self.logged()))??;
        Ok(())
    }

    /// The end of its log, to stand after a message.
    fn logged(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines.get(lines.len().saturating_sub(LOG_LINES_SHOWN)..).unwrap_or_default();
        if shown.is_empty() { String::new() } else { format!("; it says:\n  {}", shown.join("\n  ")) }
    }
}

/// The first line of a gateway's log about a decision that refuses.
fn refusal(log: &str) -> Option<&str> {
    let place = REFUSALS.iter().filter_map(|refusal| log.find(refusal)).min()?;
    let (before, after) = log.split_at_checked(place)?;
    let begin = before.rfind('\n').map_or(0, |end| end + 1);
    let end = after.find('\n').map_or(log.len(), |end| place + end);
    log.get(begin..end)
}

/// Of the text of `/proc/PID/status`.
fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// An upstream or a proxy, and where it serves.
pub(crate) struct Server {
    _process: Process,
    pub(crate) url: String,
}

impl Server {
    /// An upstream with so many tools, or those of MLflow.
    pub(crate) async fn upstream(bench: &Bench, tools: Option<usize>) -> Result<Self> {
        let mut command = bench.program("bartizan-bench-upstream");
        if let Some(tools) = tools {
            command.args(["--tools", &tools.to_string()]);
        }
        Self::start(Process::start("the upstream", command, bench.path("upstream.log"))?).await
    }

    /// The bare proxy in front of it.
    pub(crate) async fn proxy(bench: &Bench, upstream: &Self) -> Result<Self> {
        let mut command = bench.program("bartizan-bench-proxy");
        command.arg(&upstream.url);
        Self::start(Process::start("the proxy", command, bench.path("proxy.log"))?).await
    }

    async fn start(mut process: Process) -> Result<Self> {
        let url = process.line().await?;
        Ok(Self { _process: process, url })
    }
}

/// A directory for a gateway: its configuration, state and log. The cache may be shared.
pub(crate) struct Home {
    pub(crate) directory: PathBuf,
    pub(crate) cache: PathBuf,
}

impl Home {
    /// A directory of this name; the cache is the bench's.
    pub(crate) fn new(bench: &Bench, name: &str) -> Result<Self> {
        let directory = bench.path(name);
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        Ok(Self { directory, cache: bench.path("cache") })
    }
}

/// A running `bartizan serve`, and where its servers are.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    /// When its process was started, and how long it took until it had said where it serves.
    pub(crate) started: Instant,
    pub(crate) ready_after: Duration,
    urls: BTreeMap<String, String>,
}

impl Gateway {
    /// Serves a configuration on a free port, with everything else as by default; only the oldest files of the
    /// audit log are not kept.
    pub(crate) async fn start(bench: &Bench, home: &Home, configuration: &Value) -> Result<Self> {
        let mut configuration = configuration.clone();
        if let Some(keys) = configuration.as_object_mut() {
            keys.insert("audit".to_owned(), serde_json::json!({"keep": 2}));
        }
        let servers =
            configuration.get("mcpServers").and_then(Value::as_object).map_or(0, serde_json::Map::len);
        let path = home.directory.join("bartizan.json");
        fs::write(&path, configuration.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = Command::new(&bench.options.gateway);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--log", &bench.options.log, "--config"])
            .arg(&path)
            .arg("--state-dir")
            .arg(home.directory.join("state"))
            .arg("--cache-dir")
            .arg(&home.cache);
        let started = Instant::now();
        let mut process = Process::start("the gateway", command, home.directory.join("log"))?;
        let mut urls = BTreeMap::new();
        for _ in 0..servers {
            let line = process.line().await?;
            let (name, url) = line.split_once(' ').with_context(|| format!("no name and URL: {line}"))?;
            urls.insert(name.to_owned(), url.trim().to_owned());
        }
        ensure!(urls.len() == servers, "the gateway serves {} of {servers} servers", urls.len());
        Ok(Self { process, started, ready_after: started.elapsed(), urls })
    }

    pub(crate) fn url(&self, server: &str) -> Result<&str> {
        self.urls
            .get(server)
            .map(String::as_str)
            .with_context(|| format!("the gateway does not serve {server}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{refusal, resident};

    #[test]
    fn finds_a_refusal_in_a_log() {
        let log = "INFO decision verdict=\"allow\" a\nINFO decision verdict=\"deny\" b\nINFO c\n";
        assert_eq!(refusal(log), Some("INFO decision verdict=\"deny\" b"));
        assert_eq!(refusal("INFO decision verdict=\"allow\" a\n"), None);
    }

    #[test]
    fn reads_the_resident_set() {
        let status = "Name:\tbartizan\nVmHWM:\t   50000 kB\nVmRSS:\t   40000 kB\nThreads:\t4\n";
        assert_eq!(resident(status), Some(40_000.0 * 1024.0));
        assert_eq!(resident("Name:\tbartizan\n"), None);
    }
}
