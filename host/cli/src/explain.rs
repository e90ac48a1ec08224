//! `bartizan explain`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use bartizan_gateway::CacheLocation;
use bartizan_policy::diagnostics::Diagnostics;
use bartizan_rehearsal::call::Circumstances;
use bartizan_rehearsal::definitions::{Definitions, Kind};
use bartizan_rehearsal::explain::{self, Asked};
use bartizan_rehearsal::plugins::Plugins;
use clap::Args;

use crate::report;

/// The exit status when there is no answer.
const UNANSWERED: u8 = 2;

/// Say what a policy decides of a call, and why.
///
/// Shows the verdict and every rule that spoke, in order: where it stands in the policy, what it says, and
/// what of the call mattered. Nothing is started and nothing is counted. A call is described as in a test
/// suite, {"tool": "x", "arguments": {…}}, or as a JSON-RPC request; with who makes it and when as
/// {"call": …, "principal": …, "time": …}. The exit status is 0 whatever is decided, and 2 if the policy
/// or the call cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:\n  bartizan explain --policy policy.json --call call.json\n  \
    echo '{\"tool\": \"delete_run\", \"arguments\": {\"run_id\": \"1\"}}' | bartizan explain --policy policy.json --call -")]
pub(crate) struct Arguments {
    /// The policy.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The call: a JSON or YAML file, or - for standard input.
    #[arg(long, value_name = "FILE")]
    call: PathBuf,
    /// The server's tools: a saved answer to tools/list.
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// The server's prompts: a saved answer to prompts/list.
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// Who calls.
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// The session.
    #[arg(long, value_name = "NAME")]
    session: Option<String>,
    /// The server's name.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// The plugins folder, for a policy that names plugins.
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    /// As a JSON object.
    #[arg(long)]
    json: bool,
    /// Where compiled plugins are kept [default: the user's cache folder].
    #[arg(long, value_name = "DIR", env = "BARTIZAN_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

pub(crate) fn explain(arguments: &Arguments) -> ExitCode {
    match told(arguments) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(problem) => unanswered(problem),
    }
}

/// Says why there is no answer.
pub(crate) fn unanswered(problem: Problem) -> ExitCode {
    match problem {
        Problem::Diagnostics(problems) => report::write(&problems),
        Problem::Start(error) => report::error(&error),
        Problem::Other(problem) => eprintln!("bartizan: {problem}"),
    }
    ExitCode::from(UNANSWERED)
}

/// Why there is no answer.
pub(crate) enum Problem {
    Diagnostics(Diagnostics),
    Start(bartizan_gateway::StartError),
    Other(String),
}

impl From<Diagnostics> for Problem {
    fn from(problems: Diagnostics) -> Self {
        Self::Diagnostics(problems)
    }
}

fn told(arguments: &Arguments) -> Result<String, Problem> {
    let cache = arguments.cache_dir.clone().map_or_else(CacheLocation::default, CacheLocation::Directory);
    let policy = bartizan_policy::load(&arguments.policy);
    let mut asked = asked(&arguments.call);
    // Both are told at once.
    if let (Err(problems), Err(Problem::Diagnostics(more))) = (&policy, &asked) {
        let mut problems = problems.clone();
        problems.extend(more.clone());
        return Err(problems.into());
    }
    let policy = policy?;
    if let Ok(asked) = &mut asked {
        let circumstances = &mut asked.circumstances;
        if let Some(principal) = &arguments.principal {
            circumstances.principal = Some(principal.as_str().into());
        }
        if let Some(session) = &arguments.session {
            circumstances.session = session.as_str().into();
        }
        if let Some(server) = &arguments.server {
            circumstances.server = server.as_str().into();
        }
    }
    let asked = asked?;
    let mut definitions = Definitions::default();
    for (kind, path) in [(Kind::Tools, &arguments.tools), (Kind::Prompts, &arguments.prompts)] {
        if let Some(path) = path {
            definitions.set(kind, Definitions::load(path, kind)?);
        }
    }
    report::write(&policy.warnings);
    let plugins = Plugins::new(cache);
    let judge = plugins.judge(&policy, arguments.plugins_dir.as_deref()).map_err(Problem::Start)?;
    let explanation = explain::explain(&policy, &judge, &asked, &definitions);
    if arguments.json {
        explanation.to_json().map_err(|error| Problem::Other(error.to_string()))
    } else {
        Ok(explanation.to_string())
    }
}

/// The call, made now unless it says otherwise.
pub(crate) fn asked(path: &Path) -> Result<Asked, Problem> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let circumstances = Circumstances { time, ..Circumstances::default() };
    if path != Path::new("-") {
        return Ok(Asked::load(path, &circumstances)?);
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Problem::Other(format!("the call cannot be read from standard input: {error}")))?;
    Ok(Asked::parse("standard input", &text, &circumstances)?)
}
