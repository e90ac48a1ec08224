//! What another policy would have decided of the calls in an audit log.
//!
//! Every decision is judged again in order of time, with its own time, session, caller and arguments;
//! counters and approvals begin empty. What a call took is settled as it was then, and what people approved
//! then is approved again. Where the log does not say what the policy would look at, the answer is
//! "unknown", never a guess. Replies are not recorded, so rules about results are not judged again.

mod log;
mod needs;
mod past;
mod text;

use std::collections::HashMap;
use std::path::Path;

use bartizan_audit::event::{Approval, ApprovalStep};
use bartizan_audit::read::ReadError;
use bartizan_audit::record::{Record, Upstream, Verdict};
use bartizan_gateway::offline::{Ending, Judge, Outcome};
use bartizan_policy::Policy;
use bartizan_runtime::Call;
use bartizan_state::approval::{Decision, Ticket};
use serde::Serialize;

use self::log::Happening;
use self::needs::Needs;
use self::past::Past;
use crate::text::without_tickets;

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// The verdict.
    pub verdict: &'static str,
    /// The rule that decided, if one objected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A call that would be decided differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When it was made.
    pub time: String,
    /// To which server.
    pub server: String,
    /// In which session.
    pub session: String,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The method.
    pub method: String,
    /// What it acts on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What was decided then.
    pub before: Decided,
    /// What the other policy decides.
    pub after: Decided,
}

/// What a replay has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// How many decisions were looked at: the sum of the next six.
    pub decisions: usize,
    /// Decided as then, by the same rule.
    pub same: usize,
    /// Decided as then, by another rule.
    pub other_rule: usize,
    /// Decided differently.
    pub different: usize,
    /// Not judged, since the policy reads arguments, claims or a definition that were not recorded.
    pub unrecorded: usize,
    /// Not judged, since what the policy reads was redacted in the log.
    pub redacted: usize,
    /// The call passes, and its reply was withheld then: replies are not recorded.
    pub withheld_replies: usize,
    /// Decided by the gateway itself and not by a policy: no part of `decisions`.
    pub by_gateway: usize,
    /// Lines that this version cannot read: no part of `decisions`.
    pub unreadable: usize,
    /// What is decided differently, in order of time.
    pub changes: Vec<Change>,
}

impl Replay {
    /// How many decisions could not be judged again.
    pub fn unknown(&self) -> usize {
        self.unrecorded + self.redacted + self.withheld_replies
    }

    /// The replay as indented JSON, with a line break at the end.
    ///
    /// # Errors
    ///
    /// None for any replay that can be made: every part has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}

/// Why a log cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is nothing in it.
    #[error("there are no decisions {of}in {path}", of = of(.server.as_deref()))]
    Empty {
        /// The log.
        path: String,
        /// The server whose decisions were wanted.
        server: Option<String>,
    },
}

fn of(server: Option<&str>) -> String {
    server.map(|server| format!("of the server `{server}` ")).unwrap_or_default()
}

/// Judges the decisions of a log again: a file, or the directory of a log. With `server` only those of that
/// server. `judge` is the policy's, and has counted nothing yet.
///
/// # Errors
///
/// When the log cannot be read, or has no decisions.
pub fn replay(
    path: &Path,
    server: Option<&str>,
    policy: &Policy,
    judge: &Judge,
) -> Result<Replay, ReplayError> {
    let (happenings, unreadable) = log::read(path, server)?;
    let mut course =
        Course { policy, judge, tickets: HashMap::new(), replay: Replay { unreadable, ..Replay::default() } };
    for happening in &happenings {
        match happening {
            Happening::Decision(record) => course.decision(record),
            Happening::Approval(approval) => course.approval(approval),
        }
    }
    let replay = course.replay;
    if replay.decisions + replay.by_gateway == 0 {
        return Err(ReplayError::Empty {
            path: path.display().to_string(),
            server: server.map(str::to_owned),
        });
    }
    Ok(replay)
}

/// A replay under way.
struct Course<'a> {
    policy: &'a Policy,
    judge: &'a Judge,
    /// From the tickets of the log to those of the replay.
    tickets: HashMap<String, Ticket>,
    replay: Replay,
}

impl Course<'_> {
    fn decision(&mut self, record: &Record) {
        if past::is_by_gateway(record) {
            self.replay.by_gateway += 1;
            return;
        }
        self.replay.decisions += 1;
        let Some(past) = Past::of(record) else {
            self.replay.unrecorded += 1;
            return;
        };
        let needs = Needs::of(self.policy, self.judge, &past.message);
        let mut outcome = self.judge(record, &past);
        let is_certain = needs::is_certain(&outcome, needs);
        let is_unrecorded = !is_certain && past.lacks(needs);
        let is_redacted = !is_certain && past.is_redacted && needs.arguments;
        // What may not have passed takes nothing, unless it did then.
        let is_guess = (is_unrecorded || is_redacted) && record.verdict != Verdict::Allow;
        self.judge.settle(&mut outcome, if is_guess { Ending::NotSent } else { ending(record) });
        if is_unrecorded {
            self.replay.unrecorded += 1;
        } else if is_redacted {
            self.replay.redacted += 1;
        } else if was_withheld(record) && outcome.verdict == Verdict::Allow {
            self.replay.withheld_replies += 1;
        } else {
            self.compare(record, &outcome);
        }
    }

    /// Judges a call again, approved if it was approved then.
    fn judge(&mut self, record: &Record, past: &Past) -> Outcome {
        let call = || Call { ..past.call.clone() };
        let outcome = self.judge.call(call(), past.message.noun());
        if outcome.verdict != Verdict::Ask {
            return outcome;
        }
        let (Some(then), Some(now)) = (&record.approval, &outcome.ticket) else { return outcome };
        self.tickets.insert(then.to_string(), now.clone());
        if record.verdict != Verdict::Allow {
            return outcome;
        }
        // A person approved this very call, while it was held or in answer to another policy's ticket.
        match self.judge.decide(now, Decision::Approve, "the audit log", past.call.time) {
            Ok(()) => self.judge.call(call(), past.message.noun()),
            Err(_) => outcome,
        }
    }

    fn approval(&mut self, approval: &Approval) {
        let decision = match approval.step {
            ApprovalStep::Approved => Decision::Approve,
            ApprovalStep::Denied => Decision::Deny,
            _ => return,
        };
        if let Some(ticket) = self.tickets.get(&*approval.ticket) {
            let by = approval.by.as_deref().unwrap_or("a person");
            // It may have been decided already, for a call that was held.
            let _ = self.judge.decide(ticket, decision, by, past::millis(approval.time));
        }
    }

    fn compare(&mut self, record: &Record, outcome: &Outcome) {
        if record.verdict == outcome.verdict {
            match record.rule == outcome.rule {
                true => self.replay.same += 1,
                false => self.replay.other_rule += 1,
            }
            return;
        }
        self.replay.different += 1;
        let ticket = outcome.ticket.as_ref().map(ToString::to_string);
        self.replay.changes.push(Change {
            time: record.time.to_string(),
            server: record.server.to_string(),
            session: record.session.to_string(),
            principal: record.principal.as_deref().map(str::to_owned),
            method: record.method.to_string(),
            target: record.target.as_deref().map(str::to_owned),
            before: Decided {
                verdict: record.verdict.as_str(),
                rule: record.rule.clone(),
                reason: record.reason.clone(),
            },
            after: Decided {
                verdict: outcome.verdict.as_str(),
                rule: outcome.rule.clone(),
                reason: outcome.reason.as_deref().map(|reason| without_tickets(reason, ticket.as_deref())),
            },
        });
    }
}

/// How the call ended then. One that was refused then would have gone well, for all that is known.
fn ending(record: &Record) -> Ending {
    match record.upstream {
        Upstream::Ok { .. } | Upstream::NotForwarded => Ending::Done,
        Upstream::Error { .. } => Ending::Failed,
        Upstream::Unavailable { .. } => Ending::NotSent,
    }
}

/// Whether the call went through then, and its reply was kept from the caller.
fn was_withheld(record: &Record) -> bool {
    record.verdict == Verdict::Deny && record.upstream != Upstream::NotForwarded
}
