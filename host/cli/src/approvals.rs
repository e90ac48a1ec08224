//! `bartizan approvals`.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

use bartizan_admin::desk::Desk;
use bartizan_rehearsal::text::whole;
use bartizan_state::approval::{Approval, Decision, Filter, Status, Ticket};
use clap::{Args, Subcommand};

use crate::state;

/// How often `watch` looks for something new.
const LOOK: Duration = Duration::from_millis(500);

/// Decide on calls that wait for a person.
///
/// A policy can demand approval (`"action": "require_approval"`). Such a call is refused with a ticket; once
/// the ticket is approved, the same call goes through, once. Whoever may write to the state directory may
/// decide.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan approvals list\n  bartizan approvals approve apr_… --reason 'agreed with the owner'\n  \
    bartizan approvals watch"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    state: state::Arguments,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show what waits.
    List {
        /// Those that were decided, used or expired as well.
        #[arg(long)]
        all: bool,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Show one ticket: the call with its arguments, who asked and which rule wants it.
    Show {
        /// The ticket.
        ticket: Ticket,
        /// As a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Let a call through, once.
    Approve(Deciding),
    /// Refuse a call.
    Deny(Deciding),
    /// Wait for requests and show each as it comes; on a terminal, ask for a decision.
    Watch {
        /// One JSON object per line, and no questions.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
struct Deciding {
    /// The ticket.
    ticket: Ticket,
    /// Why: the agent is told when it is refused, and the audit log keeps it.
    #[arg(long)]
    reason: Option<String>,
    /// Who decides [default: the user's name].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

pub(crate) fn approvals(arguments: Arguments) -> ExitCode {
    let desk = match state::open_desk(&arguments.state) {
        Ok(desk) => desk,
        Err(problem) => return state::failed(&problem),
    };
    let outcome = match arguments.verb {
        Verb::List { all, json } => list(&desk, if all { Filter::All } else { Filter::Pending }, json),
        Verb::Show { ticket, json } => show(&desk, &ticket, json),
        Verb::Approve(deciding) => decide(&desk, Decision::Approve, &deciding),
        Verb::Deny(deciding) => decide(&desk, Decision::Deny, &deciding),
        Verb::Watch { json } => watch(&desk, json),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => state::failed(&problem),
    }
}

fn list(desk: &Desk, filter: Filter, json: bool) -> Result<(), String> {
    let approvals = desk.list(filter).map_err(|error| error.to_string())?;
    let mut out = io::stdout().lock();
    if json {
        for approval in &approvals {
            line(&mut out, approval)?;
        }
        return Ok(());
    }
    if approvals.is_empty() {
        return say(&mut out, "nothing waits for approval");
    }
    for approval in &approvals {
        let target = approval.request.target.as_deref().unwrap_or(&approval.request.method);
        let until = match approval.status {
            Status::Pending | Status::Approved => format!(" until {}", approval.expires),
            _ => String::new(),
        };
        let text = format!(
            "{}  {:9}{until}  {} · {}",
            approval.ticket,
            approval.status.as_str(),
            approval.request.server,
            whole(target)
        );
        say(&mut out, &text)?;
    }
    Ok(())
}

fn show(desk: &Desk, ticket: &Ticket, json: bool) -> Result<(), String> {
    let approval = desk.find(ticket).map_err(|error| error.to_string())?;
    let approval = approval.ok_or_else(|| format!("there is no ticket {ticket}"))?;
    let mut out = io::stdout().lock();
    if json { line(&mut out, &approval) } else { say(&mut out, &describe(&approval)) }
}

fn decide(desk: &Desk, decision: Decision, deciding: &Deciding) -> Result<(), String> {
    let user = || std::env::var("USER").unwrap_or_else(|_| "a person at the command line".to_owned());
    let by = deciding.by.clone().unwrap_or_else(user);
    let approval = desk
        .decide(&deciding.ticket, decision, &by, deciding.reason.as_deref())
        .map_err(|error| error.to_string())?;
    let text = match decision {
        Decision::Approve => {
            format!("{} is approved: the call goes through once, until {}", approval.ticket, approval.expires)
        }
        Decision::Deny => format!("{} is denied", approval.ticket),
    };
    say(&mut io::stdout().lock(), &text)
}

fn watch(desk: &Desk, json: bool) -> Result<(), String> {
    let mut seen: HashSet<String> = HashSet::new();
    let asks = !json && io::stdin().is_terminal() && io::stdout().is_terminal();
    loop {
        let pending = desk.list(Filter::Pending).map_err(|error| error.to_string())?;
        for approval in pending {
            if !seen.insert(approval.ticket.to_string()) {
                continue;
            }
            let mut out = io::stdout().lock();
            if json {
                line(&mut out, &approval)?;
            } else {
                say(&mut out, &format!("{}\n", describe(&approval)))?;
            }
            if asks {
                ask(desk, &mut out, &approval)?;
            }
        }
        std::thread::park_timeout(LOOK);
    }
}

/// Asks the person at the terminal.
fn ask(desk: &Desk, out: &mut impl io::Write, approval: &Approval) -> Result<(), String> {
    write!(out, "approve? [y]es, [n]o, [l]ater: ").and_then(|()| out.flush()).map_err(|e| e.to_string())?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| error.to_string())?;
    let decision = match answer.trim() {
        "y" | "yes" => Decision::Approve,
        "n" | "no" => Decision::Deny,
        _ => return say(out, "it goes on waiting\n"),
    };
    let by = std::env::var("USER").unwrap_or_else(|_| "a person at the command line".to_owned());
    match desk.decide(&approval.ticket, decision, &by, None) {
        Ok(_) => say(out, "done\n"),
        Err(error) => say(out, &format!("{error}\n")),
    }
}

/// A ticket for people, over several lines.
fn describe(approval: &Approval) -> String {
    let mut lines = vec![
        format!("ticket     {}", approval.ticket),
        format!("status     {}", approval.status.as_str()),
        format!("server     {}", approval.request.server),
        format!("method     {}", whole(&approval.request.method)),
    ];
    let mut add = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name:11}{}", whole(&value))));
    };
    add("target", approval.request.target.as_deref().map(str::to_owned));
    add("arguments", Some(approval.request.arguments.clone()));
    add("question", Some(approval.request.message.clone()));
    add("rules", Some(approval.request.rules.join(", ")).filter(|rules| !rules.is_empty()));
    add("caller", approval.request.principal.as_deref().map(str::to_owned));
    add("asked", Some(approval.created.to_string()));
    add("expires", Some(approval.expires.to_string()));
    add("decided", approval.decided_at.as_ref().map(ToString::to_string));
    add("by", approval.decided_by.clone());
    add("reason", approval.reason.clone());
    add("used", approval.used_at.as_ref().map(ToString::to_string));
    lines.join("\n")
}

fn line(out: &mut impl io::Write, approval: &Approval) -> Result<(), String> {
    let text = serde_json::to_string(approval).map_err(|error| error.to_string())?;
    say(out, &text)
}

/// Writes a line at once: whoever reads may do so through a pipe.
fn say(out: &mut impl io::Write, text: &str) -> Result<(), String> {
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| format!("cannot write: {error}"))
}
