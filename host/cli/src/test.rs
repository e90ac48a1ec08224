//! `bartizan test`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bartizan_gateway::CacheLocation;
use bartizan_rehearsal::plugins::Plugins;
use bartizan_rehearsal::run::{self, Results};
use bartizan_rehearsal::suite::{self, Defaults};
use bartizan_rehearsal::watch::Watch;
use bartizan_rehearsal::{junit, report as results};
use clap::Args;

use crate::report;

/// The exit status when something could not be run.
const UNREADABLE: u8 = 2;

/// Run the test suites of policies.
///
/// A suite is a file of cases, each a call and what the policy should decide of it; docs/testing-policies.md
/// has the format. Nothing is started: the rules judge as they do behind a gateway, with counters and
/// approvals of their own for each case. The exit status is 0 if every case passes, 1 if one fails, and 2
/// if a suite or something it names cannot be read.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan test policies\n  bartizan test policies --junit results.xml\n  \
    bartizan test policies/mlflow.test.yaml --filter delete --watch"
)]
pub(crate) struct Arguments {
    /// Suites, and directories with suites at any depth: files that end in .test.yaml, .test.yml or
    /// .test.json.
    #[arg(required = true, value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,
    /// The plugins folder, for suites that name none.
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    #[command(flatten)]
    running: Running,
}

/// How suites are run, whatever they test.
#[derive(Args)]
pub(crate) struct Running {
    /// Write the results as JUnit XML as well.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Run again whenever a suite changes, or a file that it names.
    #[arg(long)]
    watch: bool,
    /// Run only cases with this text in their name or in their file's path.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

pub(crate) fn test(arguments: &Arguments) -> ExitCode {
    let defaults = Defaults { plugins_dir: arguments.plugins_dir.clone(), plugin: None };
    Suites { paths: &arguments.paths, defaults, running: &arguments.running }.test()
}

/// What is to be run.
pub(crate) struct Suites<'a> {
    pub(crate) paths: &'a [PathBuf],
    pub(crate) defaults: Defaults,
    pub(crate) running: &'a Running,
}

impl Suites<'_> {
    /// Runs them, once or again and again.
    pub(crate) fn test(&self) -> ExitCode {
        let cache = self.running.cache_dir.clone();
        let plugins = Plugins::new(cache.map_or_else(CacheLocation::default, CacheLocation::Directory));
        if !self.running.watch {
            return match self.run(&plugins) {
                Some(results) => self.show(&results),
                None => ExitCode::from(UNREADABLE),
            };
        }
        match self.watch(&plugins) {
            Ok(code) => code,
            Err(error) => {
                eprintln!("bartizan: files cannot be watched: {error}");
                ExitCode::from(UNREADABLE)
            }
        }
    }

    /// Runs the suites; why that cannot be done is told.
    fn run(&self, plugins: &Plugins) -> Option<Results> {
        let files: BTreeSet<PathBuf> =
            suite::find(self.paths).inspect_err(|error| eprintln!("bartizan: {error}")).ok()?;
        run::run(&files, self.running.filter.as_deref(), &self.defaults, plugins)
            .inspect_err(report::error)
            .ok()
    }

    /// Shows the results.
    fn show(&self, results: &Results) -> ExitCode {
        for problems in results.files.iter().filter_map(|file| file.outcome.as_ref().err()) {
            report::write(problems);
        }
        print!("{}", results::text(results));
        // For who reads along while it is written into a pipe.
        let _ = std::io::stdout().flush();
        if let Some(path) = &self.running.junit
            && let Err(error) = write_junit(path, results)
        {
            eprintln!("bartizan: {}: {error}", path.display());
            return ExitCode::from(UNREADABLE);
        }
        let (passed, failed) = results.counts();
        if results.has_unread() {
            ExitCode::from(UNREADABLE)
        } else if passed + failed == 0 {
            eprintln!("bartizan: no case has the text of --filter in its name or in its file's path");
            ExitCode::from(UNREADABLE)
        } else if failed > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }

    /// Runs again and again, until the process is stopped.
    fn watch(&self, plugins: &Plugins) -> Result<ExitCode, Box<dyn std::error::Error>> {
        let mut watch = Watch::new(self.paths)?;
        let mut always: BTreeSet<PathBuf> =
            self.paths.iter().filter(|path| !path.is_dir()).cloned().collect();
        always.extend(self.defaults.plugins_dir.clone());
        watch.follow(&always)?;
        loop {
            if let Some(results) = self.run(plugins) {
                watch.follow(&results.watched)?;
                self.show(&results);
            }
            eprintln!("waiting for a change; end with Ctrl-C");
            if !watch.wait() {
                return Ok(ExitCode::SUCCESS);
            }
            plugins.forget();
            println!();
        }
    }
}

fn write_junit(path: &Path, results: &Results) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    junit::write(results, &mut file)?;
    file.flush()
}
