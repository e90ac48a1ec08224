//! `bartizan audit`.

use std::error::Error;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use bartizan_audit::event::Event;
use bartizan_audit::read::{self, Entry, Filter, Line, Stats, Tail};
use bartizan_audit::record::{Timestamp, Verdict};
use bartizan_audit::verify::{Anchor, verify_with};
use clap::{Args, Subcommand, ValueEnum};

use crate::state;

/// Read the audit log, and prove that it is complete.
///
/// The log has a line of JSON for every decision and approval, each with the hash of the line before. It is
/// in the state directory, in `audit`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan audit tail --follow\n  bartizan audit query --verdict deny --since 2h\n  \
    bartizan audit stats --server mlflow\n  bartizan audit verify"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    state: state::Arguments,
    /// The log's folder, instead of that of the state directory.
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show the last lines.
    Tail {
        /// How many.
        #[arg(long, short = 'n', default_value_t = 10)]
        lines: usize,
        /// Go on with what is added.
        #[arg(long, short)]
        follow: bool,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Show every line that meets all conditions, oldest first.
    Query {
        /// No more than so many.
        #[arg(long)]
        limit: Option<usize>,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Prove that no line was changed, cut, moved or removed. The exit status is 1 if one was.
    Verify {
        /// The last line that an earlier `verify` printed, kept elsewhere: proves that the log up to it was not
        /// written anew.
        #[arg(long, value_name = "NUMBER:HASH", value_parser = anchor)]
        anchor: Vec<Anchor>,
        /// As a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Count decisions by verdict, server, rule and target.
    Stats {
        #[command(flatten)]
        wanted: Wanted,
    },
}

/// Which lines are wanted.
#[derive(Args)]
struct Wanted {
    /// Of this server.
    #[arg(long)]
    server: Option<String>,
    /// Of this tool, prompt or resource.
    #[arg(long)]
    target: Option<String>,
    /// Of this MCP method.
    #[arg(long)]
    method: Option<String>,
    /// With this verdict.
    #[arg(long, value_enum)]
    verdict: Option<Decided>,
    /// With a rule that begins so.
    #[arg(long, value_name = "PREFIX")]
    rule: Option<String>,
    /// Of this caller.
    #[arg(long)]
    principal: Option<String>,
    /// Of this session.
    #[arg(long)]
    session: Option<String>,
    /// Not earlier than this: an RFC 3339 time, or a duration before now such as 2h.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Earlier than this.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Of this kind: decision, approval, load, start, stop.
    #[arg(long, value_name = "KIND")]
    event: Option<String>,
    /// The lines as they are in the log.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Decided {
    Allow,
    Deny,
    Hidden,
    Ask,
}

impl Wanted {
    fn filter(&self, limit: Option<usize>) -> Result<Filter, String> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_unix_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        let time = |text: &Option<String>| {
            text.as_deref()
                .map(|text| read::instant(text, now))
                .transpose()
                .map_err(|error| error.to_string())
        };
        Ok(Filter {
            server: self.server.clone(),
            target: self.target.clone(),
            method: self.method.clone(),
            verdict: self.verdict.map(|verdict| match verdict {
                Decided::Allow => Verdict::Allow,
                Decided::Deny => Verdict::Deny,
                Decided::Hidden => Verdict::Hidden,
                Decided::Ask => Verdict::Ask,
            }),
            rule: self.rule.clone(),
            principal: self.principal.clone(),
            session: self.session.clone(),
            since: time(&self.since)?,
            until: time(&self.until)?,
            kind: self.event.clone(),
            limit,
        })
    }
}

pub(crate) fn audit(arguments: &Arguments) -> ExitCode {
    match run(arguments) {
        Ok(code) => code,
        Err(problem) => state::failed(&problem),
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let directory = match &arguments.dir {
        Some(directory) => directory.clone(),
        None => arguments.state.location(None).audit().map_err(|error| error.to_string())?,
    };
    match &arguments.verb {
        Verb::Tail { lines, follow, wanted } => {
            let mut tail = Tail::new(&directory, wanted.filter(Some(*lines))?);
            for line in tail.last().map_err(|error| words(&error))? {
                show(&line, wanted.json)?;
            }
            if *follow {
                let mut problem = None;
                tail.follow(|line| match line.map(|line| show(&line, wanted.json)) {
                    Some(Err(error)) => {
                        problem = Some(error);
                        ControlFlow::Break(())
                    }
                    Some(Ok(())) | None => ControlFlow::Continue(()),
                })
                .map_err(|error| words(&error))?;
                if let Some(problem) = problem {
                    return Err(problem);
                }
            }
        }
        Verb::Query { limit, wanted } => {
            for line in read::query(&directory, wanted.filter(*limit)?).map_err(|error| words(&error))? {
                show(&line.map_err(|error| words(&error))?, wanted.json)?;
            }
        }
        Verb::Stats { wanted } => {
            let lines = read::query(&directory, wanted.filter(None)?).map_err(|error| words(&error))?;
            let stats = Stats::of(lines).map_err(|error| words(&error))?;
            if wanted.json {
                say(&serde_json::to_string(&stats).map_err(|error| error.to_string())?)?;
            } else {
                say(&stats.to_string())?;
            }
        }
        Verb::Verify { anchor, json } => match verify_with(&directory, anchor) {
            Ok(verified) if *json => {
                say(&serde_json::to_string(&verified).map_err(|error| error.to_string())?)?;
            }
            Ok(verified) => say(&verified.to_string())?,
            Err(error) => {
                eprintln!("bartizan: the audit log is not proven: {}", words(&error));
                return Ok(ExitCode::FAILURE);
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// A line by number and hash.
fn anchor(text: &str) -> Result<Anchor, String> {
    let parts = text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash.parse().ok()?)));
    let (seq, hash) = parts.ok_or("an anchor is the number of a line, a colon and its hash")?;
    Ok(Anchor { seq, hash })
}

/// An error with its causes.
fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn show(line: &Line, json: bool) -> Result<(), String> {
    if json { say(&line.text) } else { say(&describe(line)) }
}

/// A line for people.
fn describe(line: &Line) -> String {
    let time = line.entry.time();
    match &line.entry {
        Entry::Event(Event::Decision(record)) => {
            let target = record.target.as_deref().unwrap_or_default().escape_debug();
            let rule =
                record.rule.as_deref().map(|rule| format!("  {}", rule.escape_debug())).unwrap_or_default();
            let reason = record.reason.as_deref().map(|reason| format!("  {}", reason.escape_debug()));
            format!(
                "{time}  {:6}  {} {} {target}{rule}{}",
                record.verdict.as_str(),
                record.server,
                record.method.escape_debug(),
                reason.unwrap_or_default()
            )
        }
        Entry::Event(Event::Approval(approval)) => {
            let target = approval.target.as_deref().unwrap_or_default().escape_debug();
            let by =
                approval.by.as_deref().map(|by| format!("  by {}", by.escape_debug())).unwrap_or_default();
            format!(
                "{time}  {}  {} {} {target}{by}",
                approval.step.as_str(),
                approval.ticket,
                approval.server
            )
        }
        Entry::Event(Event::Load(load)) => {
            format!("{time}  load    {} {}", load.server, load.outcome.as_str())
        }
        other => format!("{time}  {}", other.kind()),
    }
}

/// Writes a line at once: whoever reads may do so through a pipe.
fn say(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| format!("cannot write: {error}"))
}
