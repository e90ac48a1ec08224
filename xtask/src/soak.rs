//! The soak: many sessions with streams for a while, in rounds, at the gateway as it is shipped, between
//! clients and a server of our own that cost little.
//!
//! A leak grows with every round; what an allocator keeps does not. So a first round only warms up, and the
//! level of memory after the last round is held against the one after the round before. Descriptors must
//! come down to what they were before any client came.

mod level;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use self::level::{Reading, Watch};
use self::report::{Report, Round};
use crate::cache::Cache;
use crate::process;
use crate::serving::Serving;
use crate::step::{self, Step};
use crate::workspace::Workspace;
use crate::{gateway, guests};

/// The name of the server in the gateway's configuration.
const SERVER: &str = "soak";
/// Warming up takes this part of the time of a round, but not less than that.
const WARM_UP: u64 = 6;
const SHORTEST_WARM_UP: u64 = 5;
/// How many descriptors more than before there may be after a round.
const SPARE_DESCRIPTORS: u64 = 8;
/// How long the gateway may take until its descriptors are down: sessions are swept after five to ten
/// seconds, and connections to the server that were without use for a minute are looked for once a minute.
const TIME_TO_SETTLE: Duration = Duration::from_secs(150);
/// How many seconds after that its memory is read.
const CALM: usize = 3;
/// How long after the time is up clients may still be at something.
const TIME_TO_FINISH: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
/// Clients, gateway and server need this many descriptors for each session, with room to spare.
const DESCRIPTORS_PER_SESSION: u64 = 8;

#[derive(Args)]
pub(crate) struct Arguments {
    /// How many sessions there are at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    sessions: u32,
    /// How long each of the two rounds lasts
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// A short one for CI: 100 sessions, 10 seconds, and a server that closes idle connections itself
    #[arg(long, conflicts_with_all = ["sessions", "seconds"])]
    smoke: bool,
    /// Another soak: replace a plugin so often while clients call
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["sessions", "seconds", "smoke"], value_parser = clap::value_parser!(u32).range(20..))]
    reloads: Option<u32>,
}

/// What a soak is made of.
struct Plan {
    sessions: u32,
    seconds: u64,
    closes_idle: bool,
}

pub(crate) fn run(workspace: &Workspace, cache: &Cache, arguments: &Arguments) -> Result<()> {
    ensure!(Path::new("/proc/self/fd").is_dir(), "the soak reads /proc, which this system does not have");
    let plan = match arguments.smoke {
        true => Plan { sessions: 100, seconds: 10, closes_idle: true },
        false => Plan { sessions: arguments.sessions, seconds: arguments.seconds, closes_idle: false },
    };
    guests::build(workspace, cache)?;
    let gateway = gateway::build(workspace)?;
    if let Some(number) = arguments.reloads {
        return reload(workspace, &gateway, number);
    }
    let clients = workspace.executable("bartizan-soak-clients");
    raise_descriptor_limit(&plan)?;

    let directory = workspace.output("soak");
    fs::create_dir_all(&directory)?;
    let (server, upstream) = start_server(&plan, &workspace.executable("bartizan-soak-server"), &directory)?;
    let (serving, url) = start_gateway(&gateway, &upstream, &directory, &cache.directory("compiled"))?;
    let mut watch = Watch::new(serving.pid(), &directory.join("readings.csv"))?;

    let before = watch.read("before")?;
    let warm_up = (plan.seconds / WARM_UP).max(SHORTEST_WARM_UP);
    let mut rounds = Vec::new();
    for (name, seconds) in [("warm-up", warm_up), ("round 1", plan.seconds), ("round 2", plan.seconds)] {
        let load = Load { clients: &clients, url: &url, sessions: plan.sessions, seconds };
        rounds.push(round(name, &load, &before, &mut watch, &directory)?);
    }
    print!("\n{}\n", report::table(&before, &rounds));
    let problems = report::judge(&plan, &before, &rounds);
    ensure!(
        problems.is_empty(),
        "the gateway does not hold:\n  {}\nLogs and readings are in {}",
        problems.join("\n  "),
        directory.display()
    );
    serving.stop()?;
    server.stop()?;
    step::note("nothing stuck, nothing leaked");
    Ok(())
}

/// Replaces a plugin again and again while clients call: no call fails, nothing leaks.
fn reload(workspace: &Workspace, gateway: &Path, number: u32) -> Result<()> {
    let mut command = Command::new(workspace.executable("bartizan-reload-soak"));
    command.arg(number.to_string()).env(crate::tests::GATEWAY, gateway);
    process::show(command)?;
    step::note("no call failed, nothing leaked");
    Ok(())
}

/// The descriptors of children are limited as xtask's own.
fn raise_descriptor_limit(plan: &Plan) -> Result<()> {
    let needed = u64::from(plan.sessions) * DESCRIPTORS_PER_SESSION + 256;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    ensure!(
        allowed >= needed,
        "{} sessions need {needed} file descriptors, but {allowed} is the limit here (`ulimit -Hn`)",
        plan.sessions
    );
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum })
        .context("cannot raise the limit of file descriptors")
}

fn start_server(plan: &Plan, executable: &Path, directory: &Path) -> Result<(Serving, String)> {
    let mut command = Command::new(executable);
    if plan.closes_idle {
        command.arg("--close-idle");
    }
    Serving::start("the server", command, &directory.join("server.log"), |line| Some(line.to_owned()))
}

fn start_gateway(
    executable: &Path,
    upstream: &str,
    directory: &Path,
    compiled: &Path,
) -> Result<(Serving, String)> {
    // What clients expect of the tools is in tests/src/bin/bartizan-soak-clients.
    let policy = json!({
        "version": "1",
        "default": "allow",
        "hide": ["secret"],
        "tools": {
            "echo": {"rate_limit": {"max": 1_000_000, "window": 10}},
            "limited": {"rate_limit": {"max": 3, "window": 60}},
        },
    });
    let most = 1_000_000;
    let configuration = json!({
        "mcpServers": {SERVER: {"url": upstream, "policy": policy}},
        "limits": {
            "session_idle": "5s",
            "connections": most, "sessions": most, "sessions_per_client": most, "streams": most,
        },
    });
    let path = directory.join("bartizan.json");
    fs::write(&path, format!("{configuration:#}\n"))?;
    let mut command = Command::new(executable);
    command
        .arg("serve")
        .arg("--config")
        .arg(&path)
        .args(["--listen", "127.0.0.1:0", "--log", "warn"])
        .env("BARTIZAN_STATE_DIR", compiled.with_file_name("state"))
        .env("BARTIZAN_CACHE_DIR", compiled);
    Serving::start("the gateway", command, &directory.join("gateway.log"), |line| {
        Some(line.split_once(' ')?.1.trim().to_owned())
    })
}

/// What clients do in a round.
struct Load<'l> {
    clients: &'l Path,
    url: &'l str,
    sessions: u32,
    seconds: u64,
}

/// Has clients come and go, and waits until they have left no trace or the time for that is up.
fn round(
    name: &'static str,
    load: &Load<'_>,
    before: &Reading,
    watch: &mut Watch,
    directory: &Path,
) -> Result<Round> {
    let mut step = Step::begin(name);
    step.show(format!("{} sessions for {} s", load.sessions, load.seconds));
    let mut clients = Clients::start(load, directory.join("clients.log"))?;
    let mut most = *before;
    let report = loop {
        step.alive();
        match clients.report_within(SECOND)? {
            Some(report) => break report,
            None => most = most.most(&watch.read(name)?),
        }
    };
    drop(clients);

    step.show("waiting for the sessions to be swept");
    let gone = Instant::now();
    let mut level = watch.read(name)?;
    while level.descriptors > before.descriptors + SPARE_DESCRIPTORS && gone.elapsed() < TIME_TO_SETTLE {
        step.alive();
        level = watch.read_after(SECOND, name)?;
    }
    let settled_after = gone.elapsed();
    for _ in 0..CALM {
        level = watch.read_after(SECOND, name)?;
    }
    step.done(&format!("{} answers", report.count("answers")));
    Ok(Round { name, report, most, level, settled_after })
}

/// The clients' process; it ends with this.
struct Clients {
    child: Child,
    output: std::sync::mpsc::Receiver<String>,
    deadline: Instant,
    log: PathBuf,
}

impl Clients {
    fn start(load: &Load<'_>, log: PathBuf) -> Result<Self> {
        let mut command = Command::new(load.clients);
        command
            .args(["--url", load.url])
            .args(["--sessions", &load.sessions.to_string()])
            .args(["--seconds", &load.seconds.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?);
        let mut child = command.spawn().context("cannot run the clients")?;
        let stdout = child.stdout.take().context("the clients have no standard output")?;
        let deadline = Instant::now() + Duration::from_secs(load.seconds) + TIME_TO_FINISH;
        Ok(Self { child, output: process::lines(stdout), deadline, log })
    }

    /// What they counted, if they are done in this time.
    fn report_within(&mut self, time: Duration) -> Result<Option<Report>> {
        match self.output.recv_timeout(time) {
            Ok(line) => {
                let report = serde_json::from_str(&line).context("the clients report something else")?;
                let status = self.child.wait()?;
                ensure!(status.success(), "the clients failed ({status})");
                Ok(Some(report))
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < self.deadline => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                bail!("clients are still stuck {} s after their time was up", TIME_TO_FINISH.as_secs())
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait()?;
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("the clients ended without a report ({status}): {}", log.trim_end())
            }
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // Nothing happens to a child that has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
