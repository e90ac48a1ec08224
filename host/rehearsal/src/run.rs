//! Running suites: each case by itself, several at a time.

mod compare;
mod difference;
mod refusal;
mod steps;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bartizan_gateway::StartError;
use bartizan_policy::diagnostics::Diagnostics;
use bartizan_policy::source::Position;
use parking_lot::Mutex;

pub use difference::{Difference, Line, Spoke};

use crate::plugins::Plugins;
use crate::suite::{Case, Content, Defaults, Policies, Suite, Unread};

/// The most threads that judge. Each case takes microseconds; what takes long is to start.
const THREADS: usize = 8;

/// What came of suites.
#[derive(Debug, Default)]
pub struct Results {
    /// Each file, in the order of their paths.
    pub files: Vec<FileResult>,
    /// Every file that they depend on.
    pub watched: BTreeSet<PathBuf>,
}

/// What came of one file.
#[derive(Debug)]
pub struct FileResult {
    /// The file, as it was named.
    pub file: String,
    /// Its cases, or why there are none.
    pub outcome: Result<Vec<CaseResult>, Diagnostics>,
}

/// What came of one case.
#[derive(Debug)]
pub struct CaseResult {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub position: Position,
    /// How long it took.
    pub duration: Duration,
    /// What is not as it was expected; boxed, since most cases have none.
    pub failure: Option<Box<Difference>>,
}

impl Results {
    /// How many cases passed, and how many failed.
    pub fn counts(&self) -> (usize, usize) {
        let cases = || self.files.iter().filter_map(|file| file.outcome.as_ref().ok()).flatten();
        let failed = cases().filter(|case| case.failure.is_some()).count();
        (cases().count() - failed, failed)
    }

    /// Whether a file could not be read.
    pub fn has_unread(&self) -> bool {
        self.files.iter().any(|file| file.outcome.is_err())
    }
}

/// Reads and runs suites. Only those cases are run whose name, or whose file's path, has `filter` in it.
///
/// # Errors
///
/// When plugins cannot be run at all.
pub fn run(
    files: &BTreeSet<PathBuf>,
    filter: Option<&str>,
    defaults: &Defaults,
    plugins: &Plugins,
) -> Result<Results, StartError> {
    let mut policies = Policies::default();
    let mut results = Results::default();
    let mut suites: Vec<Result<Suite, Unread>> =
        files.iter().map(|file| crate::suite::read(file, defaults, &mut policies)).collect();
    for suite in &mut suites {
        if let Ok(read) = suite {
            if let Some(filter) = filter.filter(|filter| !read.file.contains(filter)) {
                read.cases.retain(|case| case.name.contains(filter));
            }
            let problems = load(read, plugins)?;
            if problems.has_errors() {
                let (file, files) = (read.file.clone(), read.files.clone());
                *suite = Err(Unread { file, problems, files });
            }
        }
    }
    let cases: Vec<&Case> =
        suites.iter().filter_map(|suite| suite.as_ref().ok()).flat_map(|suite| &suite.cases).collect();
    let mut judged = judge(&cases, plugins)?.into_iter();
    for suite in suites {
        let (file, outcome, files) = match suite {
            Ok(suite) => (suite.file, Ok(judged.by_ref().take(suite.cases.len()).collect()), suite.files),
            Err(unread) => (unread.file, Err(unread.problems), unread.files),
        };
        results.watched.extend(files);
        results.files.push(FileResult { file, outcome });
    }
    Ok(results)
}

/// Loads every policy of a suite, to see whether its plugins are there.
fn load(suite: &Suite, plugins: &Plugins) -> Result<Diagnostics, StartError> {
    let mut problems = Diagnostics::default();
    let mut loaded = BTreeSet::new();
    for case in &suite.cases {
        let digest = &case.policy.plan.digest;
        let is_refusal = matches!(case.content, Content::Refusal { .. });
        if loaded.insert((case.policy.document.source().name(), digest, &case.origin, is_refusal)) {
            let loaded = match case.content {
                Content::Steps { .. } => plugins.judge_from(&case.policy, &case.origin).map(drop),
                Content::Refusal { .. } => plugins.settings(&case.policy, &case.origin).map(drop),
            };
            match loaded {
                Ok(()) => {}
                Err(StartError::Diagnostics(more)) => problems.extend(more),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(problems)
}

/// Judges all cases, in threads; the results are in their order.
fn judge(cases: &[&Case], plugins: &Plugins) -> Result<Vec<CaseResult>, StartError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, CaseResult)>> = Mutex::default();
    let failed: Mutex<Option<StartError>> = Mutex::default();
    let work = || {
        while let Some((index, case)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            cases.get(index).map(|case| (index, case))
        } {
            match judge_case(case, plugins) {
                Ok(result) => done.lock().push((index, result)),
                Err(error) => {
                    failed.lock().get_or_insert(error);
                    return;
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS);
    std::thread::scope(|scope| {
        for _ in 1..threads.min(cases.len()) {
            scope.spawn(work);
        }
        work();
    });
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    let mut done = done.into_inner();
    done.sort_by_key(|(index, _)| *index);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

fn judge_case(case: &Case, plugins: &Plugins) -> Result<CaseResult, StartError> {
    let begin = Instant::now();
    let failure = match &case.content {
        Content::Steps { steps, is_sequence } => {
            let judge = plugins.judge_from(&case.policy, &case.origin)?;
            steps::run(steps, *is_sequence, &judge).err()
        }
        Content::Refusal { text } => {
            let taking = plugins.settings(&case.policy, &case.origin)?;
            refusal::compare(case, text, &taking).err()
        }
    };
    Ok(CaseResult { name: case.name.clone(), position: case.position, duration: begin.elapsed(), failure })
}
