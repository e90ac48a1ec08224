//! What the suite is run at: our server, and the gateway in front of it, over HTTP and over stdio.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::serving::Serving;

/// An endpoint that the suite is run at.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Target {
    /// Our server itself.
    Direct,
    /// The gateway, in front of our server over HTTP.
    Http,
    /// The gateway, in front of our server over stdio.
    Stdio,
}

impl Target {
    pub(super) const ALL: [Self; 3] = [Self::Direct, Self::Http, Self::Stdio];

    /// The name of the server in the gateway's configuration, and of the directory of results.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Http => "http",
            Self::Stdio => "stdio",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Direct => "the server itself",
            Self::Http => "gateway, HTTP upstream",
            Self::Stdio => "gateway, stdio upstream",
        }
    }
}

/// Everything that serves. The gateway has a server of its own behind it: what one run does, such as
/// announcing a change of a list, is not seen in another.
pub(super) struct Targets {
    urls: BTreeMap<Target, String>,
    /// The gateway before the server behind it.
    processes: Vec<Serving>,
}

impl Targets {
    pub(super) fn start(gateway: &Path, fixture: &Path, directory: &Path, compiled: &Path) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let (direct, direct_url) = serve_fixture(fixture, &directory.join("direct.log"))?;
        let (upstream, upstream_url) = serve_fixture(fixture, &directory.join("upstream.log"))?;

        let configuration = directory.join("bartizan.json");
        fs::write(&configuration, format!("{:#}\n", behind_gateway(&upstream_url, fixture)))?;
        let mut command = Command::new(gateway);
        command
            .arg("serve")
            .arg("--config")
            .arg(&configuration)
            .args(["--listen", "127.0.0.1:0", "--log", "warn,bartizan::decision=debug"])
            .env("BARTIZAN_STATE_DIR", compiled.with_file_name("state"))
            .env("BARTIZAN_CACHE_DIR", compiled);
        let mut urls = BTreeMap::from([(Target::Direct, direct_url)]);
        // The gateway writes a line for each server, its name and its URL.
        let (gateway, urls) =
            Serving::start("the gateway", command, &directory.join("gateway.log"), |line| {
                let (name, url) = line.split_once(' ')?;
                let target = Target::ALL.into_iter().find(|target| target.name() == name)?;
                urls.insert(target, url.trim().to_owned());
                (urls.len() == Target::ALL.len()).then(|| urls.clone())
            })?;
        Ok(Self { urls, processes: vec![gateway, upstream, direct] })
    }

    pub(super) fn url(&self, target: Target) -> Result<&str> {
        self.urls.get(&target).map(String::as_str).with_context(|| format!("{} has no URL", target.title()))
    }

    pub(super) fn stop(self) -> Result<()> {
        self.processes.into_iter().try_for_each(Serving::stop)
    }
}

fn serve_fixture(fixture: &Path, log: &Path) -> Result<(Serving, String)> {
    let mut command = Command::new(fixture);
    command.args(["--http", "127.0.0.1:0"]);
    Serving::start("the conformance server", command, log, |line| Some(line.to_owned()))
}

/// A configuration that refuses nothing, and yet has the built-in plugins judge: nothing is hidden, and
/// every call is counted against a limit that none reaches.
fn behind_gateway(url: &str, fixture: &Path) -> Value {
    let policy = json!({
        "version": "1",
        "default": "allow",
        "hide": ["no_such_tool"],
        "tools": {"*": {"rate_limit": {"max": 1_000_000_000, "window": 60}}},
    });
    json!({"mcpServers": {
        (Target::Http.name()): {"url": url, "policy": policy},
        (Target::Stdio.name()): {"command": fixture, "args": ["--stdio"], "policy": policy},
    }})
}
