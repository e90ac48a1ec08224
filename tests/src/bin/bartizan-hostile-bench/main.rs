//! What hostile plugins cost somebody else: the clients and plugins of `cargo xtask bench hostile`.
//!
//! `bartizan-hostile-bench --server PROGRAM --json FILE [--rounds NUMBER] [--seconds NUMBER]
//! [--bar RATIO] [--plugin NAME]…`
//!
//! There are two gateways, each in front of a fast server. In both, a well-behaved client calls a tool of a
//! server that no hostile plugin guards, so many times a second, and another client calls a tool of a second
//! server in the same way. In the one gateway nothing guards that second server; the other one has all of
//! the hostile plugins loaded, and each guards a server. They take turns: a round without, a round with. What counts is the
//! well-behaved client's p99 with a plugin over that without: of each the median of its rounds, so that what
//! else the machine does in between decides nothing.
//!
//! Prints a table, and ends with status 1 if any plugin costs more than [`BAR`].
#![forbid(unsafe_code)]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what cannot go on ends the bench, and says why"
)]

mod clients;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bartizan_tests::gateway::Serving;
use bartizan_tests::hostile;
use bartizan_tests::program::Program;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::clients::Client;
use crate::table::{Rounds, Row};

/// How many times its p99 without a hostile plugin a well-behaved client's may be with it.
const BAR: f64 = 2.0;
/// The names of the servers that no hostile plugin guards.
const CALM: &str = "calm";
const OTHER: &str = "other";

/// The plugins: at least one for each thing that can be had too much of.
const PLUGINS: [&str; 16] = [
    "check-loop",
    "check-slow",
    "check-slow-at-times",
    "check-fills-memory-forever",
    "check-reads-forever",
    "check-long-pointers",
    "check-hoards",
    "check-uses-what-it-may",
    "check-overlapping-notes",
    "check-grows-a-table",
    "check-recursion",
    "check-trap",
    "check-every-second-traps",
    "visible-loop",
    "reply-loop",
    "configure-fills-memory",
];

struct Arguments {
    server: PathBuf,
    json: PathBuf,
    rounds: usize,
    time: Duration,
    bar: f64,
    plugins: Vec<&'static str>,
}

impl Arguments {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let (mut server, mut json, mut rounds, mut seconds) = (None, None, 5, 3.0);
        let (mut bar, mut plugins) = (BAR, Vec::new());
        let mut arguments = std::env::args().skip(1);
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or("an option has a value")?;
            match option.as_str() {
                "--server" => server = Some(value.into()),
                "--json" => json = Some(value.into()),
                "--rounds" => rounds = value.parse()?,
                "--seconds" => seconds = value.parse()?,
                "--bar" => bar = value.parse()?,
                "--plugin" => {
                    let known = PLUGINS.iter().find(|plugin| **plugin == value);
                    plugins.push(
                        *known.ok_or_else(|| format!("there is no plugin {value}; there are {PLUGINS:?}"))?,
                    );
                }
                _ => return Err(format!("unknown option {option}").into()),
            }
        }
        if plugins.is_empty() {
            plugins.extend(PLUGINS);
        }
        let (Some(server), Some(json)) = (server, json) else {
            return Err("--server and --json are needed".into());
        };
        Ok(Self { server, json, rounds, time: Duration::from_secs_f64(seconds), bar, plugins })
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(&arguments))
}

async fn measure(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let mut server = Program::start(Command::new(&arguments.server));
    let upstream = server.line().await.ok_or("the server ends before it serves")?;
    let folder = hostile::plugins(arguments.plugins.iter().copied());
    let without = Serving::start(&servers(&upstream, &[])).await;
    let with = Serving::start_with(json!({
        "plugins": {"dir": folder.path()},
        "mcpServers": servers(&upstream, &arguments.plugins),
    }))
    .await;
    let calm = [Client::begin(without.url(CALM)).await, Client::begin(with.url(CALM)).await];
    let other = Client::begin(without.url(OTHER)).await;
    // What is made at the first use counts for neither.
    for client in &calm {
        client.call_for(Duration::from_secs(1)).await;
    }
    let mut rows = Vec::new();
    for plugin in &arguments.plugins {
        eprintln!("{plugin}");
        let hostile = Client::begin(with.url(plugin)).await;
        let mut rounds = Rounds::default();
        for _ in 0..arguments.rounds {
            rounds.without.push(side_by_side(&calm[0], &other, arguments.time).await);
            rounds.with.push(side_by_side(&calm[1], &hostile, arguments.time).await);
        }
        rows.push(Row::new(plugin, &rounds));
    }
    print!("{}", table::markdown(&rows));
    let report = json!({"bar": arguments.bar, "rounds": arguments.rounds, "plugins": rows.iter().map(Row::json).collect::<Vec<_>>()});
    std::fs::write(&arguments.json, format!("{report:#}\n"))?;
    let missed: Vec<&str> =
        rows.iter().filter(|row| row.ratio() > arguments.bar).map(|row| row.plugin).collect();
    if missed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nMore than {} times the p99 without: {}", arguments.bar, missed.join(", "));
    Ok(ExitCode::FAILURE)
}

/// The answers that a well-behaved client gets while another client calls as often.
async fn side_by_side(calm: &Client, other: &Client, time: Duration) -> Vec<Duration> {
    let (mut calm, _) = tokio::join!(calm.call_for(time), other.call_for(time));
    calm.sort_unstable();
    calm
}

/// Servers of a configuration: two that allow everything, and one for each plugin.
fn servers(upstream: &str, plugins: &[&str]) -> Value {
    let server = |plugins: &[Value]| json!({"url": upstream, "policy": {"version": "1", "default": "allow", "plugins": plugins}});
    let mut servers = json!({CALM: server(&[]), OTHER: server(&[])});
    for plugin in plugins {
        servers[plugin] = server(&[json!({"use": plugin})]);
    }
    servers
}
