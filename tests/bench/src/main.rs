//! Benches of the gateway as it is shipped, as a process among other processes: what `cargo xtask bench gateway`,
//! `scale` and `startup` run.
//!
//! Each of them starts what it needs in a temporary directory, measures in rounds in which all take turns, prints
//! tables, and leaves a report as JSON and Markdown and plots as SVG in a directory. The exit status is 1 if a bar
//! does not hold.
#![forbid(unsafe_code)]

mod bench;
mod client;
mod curve;
mod gateway;
mod plot;
mod plugins;
mod policies;
mod processes;
mod question;
mod report;
mod scale;
mod startup;
mod statistics;
mod stdio;
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::bench::Bench;

/// Measures the gateway as a process.
#[derive(Parser)]
pub(crate) struct Options {
    /// What to measure
    measured: Measured,
    /// The gateway: the `bartizan` program
    #[arg(long, value_name = "PROGRAM")]
    gateway: PathBuf,
    /// Where the other programs of the benches are
    #[arg(long, value_name = "DIR")]
    programs: PathBuf,
    /// Where the built-in plugins are, as files
    #[arg(long, value_name = "DIR")]
    plugins: PathBuf,
    /// Where the plugins are that only tests use
    #[arg(long, value_name = "DIR")]
    fixtures: PathBuf,
    /// wrk, which makes the load
    #[arg(long, value_name = "PROGRAM", default_value = "wrk")]
    wrk: PathBuf,
    /// Where wrk's libraries are, if it is not installed
    #[arg(long, value_name = "DIR")]
    wrk_libraries: Option<PathBuf>,
    /// Where the report and the plots go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How often everything is measured
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    rounds: usize,
    /// How long each measurement takes: whole seconds, as wrk has it
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// One round of a second with few targets, to see that the bench works; no bar decides anything
    #[arg(long)]
    smoke: bool,
    /// An earlier report, as JSON: what got worse by more than a tenth is marked
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// What the gateway logs; its own default if absent
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Measured {
    /// Throughput and latency, held against a bare proxy
    Gateway,
    /// Cost against the number of rules, tools, plugins, servers, sessions and calls at once
    Scale,
    /// Time until it serves, memory when idle, and time until a dropped plugin judges
    Startup,
}

/// As many descriptors as 512 connections through a proxy and a gateway take, with room to spare.
const DESCRIPTORS: u64 = 16_384;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<bool> {
    raise_descriptor_limit()?;
    let (measured, is_smoke) = (options.measured, options.smoke);
    let bench = Bench::new(options)?;
    let (name, report) = match measured {
        Measured::Gateway => ("gateway", gateway::run(&bench).await?),
        Measured::Scale => ("scale", scale::run(&bench).await?),
        Measured::Startup => ("startup", startup::run(&bench).await?),
    };
    let holds = report.finish(&bench, name).await?;
    Ok(holds || is_smoke)
}

/// The descriptors of children are limited as the bench's own.
fn raise_descriptor_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(DESCRIPTORS, |maximum| maximum.min(DESCRIPTORS));
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })
        .context("cannot raise the limit of file descriptors")
}
