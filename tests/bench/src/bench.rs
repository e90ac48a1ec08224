//! What every bench is given: programs, options, a place for files, and wrk.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::process::Command;

use crate::Options;
use crate::client::Client;
use crate::question::Question;
use crate::wrk::{Load, Sample, Wrk};

pub(crate) struct Bench {
    pub(crate) options: Options,
    pub(crate) client: Client,
    pub(crate) wrk: Wrk,
    directory: TempDir,
}

impl Bench {
    pub(crate) fn new(options: Options) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("bartizan-bench-").tempdir();
        let directory = directory.context("cannot create a temporary directory")?;
        let wrk = Wrk::new(options.wrk.clone(), options.wrk_libraries.clone(), directory.path().to_owned());
        Ok(Self { options, client: Client::default(), wrk, directory })
    }

    /// A path in the bench's own directory, which goes when the bench ends.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// One of the programs of the benches.
    pub(crate) fn program(&self, name: &str) -> Command {
        Command::new(self.options.programs.join(name))
    }

    pub(crate) fn rounds(&self) -> usize {
        if self.options.smoke { 1 } else { self.options.rounds }
    }

    pub(crate) fn seconds(&self) -> u64 {
        if self.options.smoke { 1 } else { self.options.seconds }
    }

    /// The values of a curve: all, or with `--smoke` the first ones.
    pub(crate) fn some_of<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let count = if self.options.smoke { 2 } else { values.len() };
        values.iter().take(count).copied().collect()
    }
}

/// Someone who answers questions, with sessions that are open.
pub(crate) struct Target {
    pub(crate) name: String,
    url: String,
    sessions: Vec<String>,
}

impl Target {
    /// Opens so many sessions, between which questions take turns: one session has a limit of requests at once.
    pub(crate) async fn open(bench: &Bench, name: &str, url: &str, sessions: usize) -> Result<Self> {
        let mut ids = Vec::with_capacity(sessions);
        for _ in 0..sessions {
            ids.push(bench.client.open_session(url).await.with_context(|| format!("target {name}"))?);
        }
        Ok(Self { name: name.to_owned(), url: url.to_owned(), sessions: ids })
    }

    /// Sees that every session gets a real answer; the messages of the last one.
    pub(crate) async fn check(&self, bench: &Bench, question: Question) -> Result<Vec<serde_json::Value>> {
        let mut messages = Vec::new();
        for session in &self.sessions {
            let asked = bench.client.ask(&self.url, session, question).await;
            messages = asked.with_context(|| format!("target {}", self.name))?;
        }
        Ok(messages)
    }

    /// Makes a load for so long. Before and after it there must be real answers.
    pub(crate) async fn measure(
        &self,
        bench: &Bench,
        question: Question,
        connections: usize,
        seconds: u64,
    ) -> Result<Sample> {
        self.check(bench, question).await?;
        let load = Load { url: &self.url, sessions: &self.sessions, question, connections, seconds };
        let sample = bench.wrk.run(&load).await.with_context(|| format!("target {}", self.name))?;
        self.check(bench, question).await?;
        Ok(sample)
    }
}

/// The samples of targets: of each, one for each round.
///
/// Targets take turns, in every second round the other way round, so that what else the machine does meanwhile
/// favours none.
pub(crate) async fn alternate(
    bench: &Bench,
    targets: &[&Target],
    question: Question,
    connections: usize,
    gateways: &[&crate::processes::Process],
) -> Result<Vec<Vec<Sample>>> {
    let mut samples = vec![Vec::with_capacity(bench.rounds()); targets.len()];
    if !bench.options.smoke {
        for target in targets {
            target.measure(bench, question, connections, 1).await?;
        }
    }
    for round in 0..bench.rounds() {
        let mut turn: Vec<_> = targets.iter().zip(&mut samples).collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for (target, samples) in turn {
            samples.push(target.measure(bench, question, connections, bench.seconds()).await?);
            for gateway in gateways {
                gateway.check_log()?;
            }
        }
    }
    Ok(samples)
}
