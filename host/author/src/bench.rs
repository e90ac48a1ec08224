//! What an evaluation by a plugin costs, on this machine.
//!
//! Each figure comes from a loop of its own, after a warm-up, for a second or ten thousand times. Times of a busy
//! machine are those of a busy machine; instructions are the same everywhere.

mod call;
mod report;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bartizan_rehearsal::explain::Asked;
use bartizan_runtime::{
    Cache, Component, Engine, EngineConfig, EvaluationError, Isolation, Plugin, Snapshotting, Taken,
};

use self::call::Subject;
use crate::plugin::{LoadingError, Settings, load, read};

/// The most time for one figure.
const BUDGET: Duration = Duration::from_secs(1);
/// The most repetitions for one figure.
const REPETITIONS: usize = 10_000;
/// Repetitions before the clock counts.
const WARM_UP: usize = 100;

/// What evaluations cost.
#[derive(Debug)]
pub struct Bench {
    /// The plugin's file.
    pub file: PathBuf,
    /// Its name and version.
    pub plugin: (String, String),
    /// What was judged, for people: `tools/call delete_run`.
    pub call: String,
    /// Evaluations that start from the configured memory; or why there are none.
    pub pristine: Result<Timing, String>,
    /// Evaluations in an instance that has judged before.
    pub reused: Timing,
    /// Evaluations with `configure` in each instance.
    pub fresh: Timing,
    /// Making an instance and dropping it.
    pub instantiation: Timing,
    /// What one evaluation takes: pristine where that is possible.
    pub taken: Taken,
    /// Bytes of memory that one evaluation changes, in pages of 4 KiB. None if that cannot be found out.
    pub dirtied: Option<usize>,
    /// Compiling and configuring.
    pub compiled: Duration,
    /// The same with the compiled code in the cache.
    pub cached: Duration,
}

/// How long something took, so many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Half of them took at most this.
    pub p50: Duration,
    /// Ninety-nine in a hundred took at most this.
    pub p99: Duration,
    /// How often it was done.
    pub count: usize,
}

/// Measures a plugin. `asked` is the call to judge; without one it is a call that the plugin is interested in.
///
/// # Errors
///
/// When the file is no plugin, does not take its settings, has no interest in the call, or fails on it.
pub fn bench(file: &Path, settings: &Settings, asked: Option<&Asked>) -> Result<Bench, LoadingError> {
    let bytes = read(file)?;
    let engine = Engine::new(&EngineConfig::default())?;
    let refused = |error| LoadingError::Settings { file: file.to_owned(), error };
    let failed = |error: EvaluationError| LoadingError::Evaluation { file: file.to_owned(), error };

    let begin = Instant::now();
    let (component, _) = load(&engine, file, &bytes, None)?;
    let pristine = configure(&component, settings, Isolation::Pristine).map_err(refused)?;
    let compiled = begin.elapsed();
    let cached = from_cache(&engine, file, &bytes, settings)?;

    let subject = Subject::new(&pristine, asked)?;
    let fresh = configure(&component, settings, Isolation::Fresh).map_err(refused)?;
    let reused = configure(&component, settings, Isolation::Reuse { invocations: NonZeroU32::MAX })
        .map_err(refused)?;
    let evaluations = |plugin: &Plugin| timing(|| subject.judge(plugin)).map_err(failed);
    let pristine_timing = if pristine.is_pristine() {
        Ok(evaluations(&pristine)?)
    } else {
        match component.snapshotting(settings.as_str()).map_err(refused)? {
            Snapshotting::Impossible(reason) => Err(reason),
            Snapshotting::Possible { .. } => Err("it was not when the plugin was loaded".to_owned()),
        }
    };
    Ok(Bench {
        file: file.to_owned(),
        plugin: (component.description().name.clone(), component.description().version.clone()),
        call: subject.to_string(),
        pristine: pristine_timing,
        reused: evaluations(&reused)?,
        fresh: evaluations(&fresh)?,
        instantiation: timing(|| pristine.instantiate()).map_err(failed)?,
        dirtied: component.dirtied(settings.as_str(), subject.call(), subject.reply()),
        taken: taken(file, &bytes, settings, &subject)?,
        compiled,
        cached,
    })
}

fn configure(
    component: &Component,
    settings: &Settings,
    isolation: Isolation,
) -> Result<Plugin, bartizan_runtime::ConfigureError> {
    // What a plugin asks for it gets: what it does with it is not what is measured.
    let grants = component.asks().iter().copied().collect();
    component.configure(&bartizan_runtime::Settings {
        grants,
        isolation,
        ..bartizan_runtime::Settings::new(settings.as_str())
    })
}

/// Loads and configures the plugin twice with a new cache: how long the second time takes.
fn from_cache(
    engine: &Engine,
    file: &Path,
    bytes: &[u8],
    settings: &Settings,
) -> Result<Duration, LoadingError> {
    let machine = |error: &dyn std::fmt::Display| LoadingError::Machine(error.to_string());
    let directory = tempfile::tempdir().map_err(|error| machine(&error))?;
    let cache = Cache::open(directory.path()).map_err(|error| machine(&error))?;
    let mut took = Duration::ZERO;
    for _ in 0..2 {
        let begin = Instant::now();
        let (component, _) = load(engine, file, bytes, Some(&cache))?;
        configure(&component, settings, Isolation::Pristine)
            .map_err(|error| LoadingError::Settings { file: file.to_owned(), error })?;
        took = begin.elapsed();
    }
    Ok(took)
}

/// Counts in an engine that counts instructions.
fn taken(file: &Path, bytes: &[u8], settings: &Settings, subject: &Subject) -> Result<Taken, LoadingError> {
    let engine = Engine::new(&EngineConfig { counts_fuel: true, ..EngineConfig::default() })?;
    let (component, _) = load(&engine, file, bytes, None)?;
    let plugin = configure(&component, settings, Isolation::Pristine)
        .map_err(|error| LoadingError::Settings { file: file.to_owned(), error })?;
    plugin
        .measure(subject.call(), subject.reply())
        .map_err(|error| LoadingError::Evaluation { file: file.to_owned(), error })
}

fn timing(act: impl Fn() -> Result<(), EvaluationError>) -> Result<Timing, EvaluationError> {
    for _ in 0..WARM_UP {
        act()?;
    }
    let begin = Instant::now();
    let mut times = Vec::with_capacity(REPETITIONS);
    while times.len() < REPETITIONS && begin.elapsed() < BUDGET {
        let start = Instant::now();
        act()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |percent: usize| {
        times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
    };
    Ok(Timing { p50: at(50), p99: at(99), count: times.len() })
}
