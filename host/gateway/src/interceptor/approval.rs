//! What calls take: the approval of a person and quota, from asking to settling.
//!
//! A call that needs an approval is refused with a ticket, or held open for a while where the policy says
//! so; a call that is held gets the ticket in the end as well if nobody decides.

use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::event::{self, ApprovalStep};
use bartizan_audit::record::{RuleRecord, Timestamp};
use bartizan_policy::document::ApprovalMode;
use bartizan_state::approval::{Approval, Status, Ticket};
use bartizan_state::quota::Millis;
use bartizan_wire::denial::Denial;
use bartizan_wire::json::Document;
use bartizan_wire::message::Id;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::admission::{self, Admission, Refused, Ruling, Underway, Waiting};
use crate::clock;
use crate::judge::{Judged, Opinion, Passed};
use crate::pace::blocking;
use crate::plan::ActivePlan;
use crate::session::{Outgoing, Session};

/// How often a held call looks whether somebody has decided; another process may have.
const LOOK: Duration = Duration::from_millis(200);
/// How often the client of a held call hears that it still waits.
const REMINDER: Duration = Duration::from_secs(5);

/// What became of a call that was forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server answered, or nobody knows.
    Done,
    /// The server answered with an error.
    Failed,
    /// It did not reach the server.
    NotSent,
}

/// Who waits while a call is held.
pub(super) struct Waiter<'a> {
    /// The request's number, by which it can be cancelled.
    pub(super) number: &'a Id,
    pub(super) reply: &'a mpsc::Sender<Outgoing>,
    /// The client's token for notifications of progress.
    pub(super) progress: Option<&'a Id>,
}

impl Session {
    /// Makes a ruling of an opinion.
    pub(super) fn admit(
        &self,
        opinion: Opinion,
        plan: Option<&ActivePlan>,
        rules: &mut Vec<RuleRecord>,
    ) -> Ruling {
        let ruling = admission::admit(opinion, plan, &self.shared.stores, now(), rules);
        if let Ruling::Waiting(waiting) = &ruling {
            self.announce(waiting);
        }
        ruling
    }

    /// As [`Session::admit`], but holds a call that needs approval open if the policy wants that.
    pub(super) async fn admit_or_wait(
        &self,
        judged: Judged<Opinion>,
        plan: Option<&ActivePlan>,
        waiter: &Waiter<'_>,
    ) -> Judged<Ruling> {
        let hold = plan.map(|plan| plan.document.approvals.mode);
        let (Some(ApprovalMode::Hold(seconds)), Opinion::Passed(passed)) = (hold, &judged.ruling) else {
            return judged.map(|opinion, rules| self.admit(opinion, plan, rules));
        };
        let patience = Duration::from_secs(u64::from(seconds));
        let mut rules = Vec::new();
        let ruling = match Box::pin(self.hold(passed, plan, patience, waiter, &mut rules)).await {
            Ok(admission) => Ruling::Allowed {
                call: Arc::clone(&passed.call),
                arguments: passed.arguments.clone(),
                admission,
                memory: passed.memory.clone(),
            },
            Err(Refused::Denied(denial)) => Ruling::Denied(denial),
            Err(Refused::Waiting(waiting)) => Ruling::Waiting(waiting),
        };
        judged.map(|_, all| {
            all.append(&mut rules);
            ruling
        })
    }

    /// Takes what a call needs, as soon as somebody has decided.
    async fn hold(
        &self,
        passed: &Passed,
        plan: Option<&ActivePlan>,
        patience: Duration,
        waiter: &Waiter<'_>,
        rules: &mut Vec<RuleRecord>,
    ) -> Result<Admission, Refused> {
        let end = Instant::now() + patience;
        loop {
            let waiting = match admission::take(passed, plan, &self.shared.stores, now(), rules) {
                Err(Refused::Waiting(waiting)) => waiting,
                taken => return taken,
            };
            self.announce(&waiting);
            let decided = self.decided(&waiting, end, waiter).await?;
            if decided == Status::Pending {
                return Err(Refused::Waiting(waiting));
            }
            let digest = self.server.plan().map(|plan| Arc::clone(&plan.digest));
            if digest.as_ref() != plan.map(|plan| &plan.digest) {
                let reason = "The policy has changed while this call waited for approval.".to_owned();
                return Err(Refused::Denied(Denial { reason, ..Denial::default() }));
            }
            if decided == Status::Expired {
                let reason = format!("Nobody decided in time on the ticket {}.", waiting.approval.ticket);
                let rule = waiting.approval.request.rules.first().cloned();
                return Err(Refused::Denied(Denial { reason, rule, ..Denial::default() }));
            }
        }
    }

    /// Waits until somebody has decided, or the time is over: then it is still pending.
    async fn decided(&self, waiting: &Waiting, end: Instant, waiter: &Waiter<'_>) -> Result<Status, Refused> {
        let ticket = &waiting.approval.ticket;
        let mut reminder = tokio::time::interval(REMINDER);
        let mut look = tokio::time::interval(LOOK);
        let mut reminders = 0_u32;
        loop {
            tokio::select! {
                _ = reminder.tick() => {
                    reminders += 1;
                    if let Some(progress) = waiter.progress.map(|token| progress(token, reminders, ticket)) {
                        // A client that does not read is not waited for.
                        let _full_or_gone = waiter.reply.try_send(Outgoing::Message(progress));
                    }
                }
                _ = look.tick() => {
                    let is_gone = waiter.reply.is_closed() || self.is_input_over();
                    if is_gone || self.flights.lock().is_cancelled(waiter.number) {
                        if waiting.is_new {
                            self.withdraw(&waiting.approval);
                        }
                        let reason = "It was cancelled while it waited for approval.".to_owned();
                        return Err(Refused::Denied(Denial { reason, ..Denial::default() }));
                    }
                    let found = blocking(|| self.shared.stores.approvals.find(ticket, now()));
                    let status = match found {
                        Ok(found) => found.map_or(Status::Expired, |approval| approval.status),
                        Err(error) => {
                            tracing::error!(%ticket, %error, "an approval cannot be looked up");
                            Status::Pending
                        }
                    };
                    if status != Status::Pending || Instant::now() >= end {
                        return Ok(status);
                    }
                }
            }
        }
    }

    /// Takes back a request for approval that nobody waits for any more.
    fn withdraw(&self, approval: &Approval) {
        match blocking(|| self.shared.stores.approvals.withdraw(&approval.ticket, now())) {
            Ok(_) => self.record_approval(approval, ApprovalStep::Withdrawn),
            // Somebody may just have decided.
            Err(error) => tracing::info!(ticket = %approval.ticket, %error, "a request for approval stays"),
        }
    }

    /// Lets people know that a call waits for them.
    fn announce(&self, waiting: &Waiting) {
        if !waiting.is_new {
            return;
        }
        let approval = &waiting.approval;
        tracing::info!(
            ticket = %approval.ticket,
            server = approval.request.server,
            target = approval.request.target,
            "a call waits for approval: bartizan approvals show {}",
            approval.ticket
        );
        self.record_approval(approval, ApprovalStep::Requested);
        if let Some(webhook) = &self.shared.webhook {
            webhook.announce(approval);
        }
    }

    /// Records a step in the life of an approval.
    fn record_approval(&self, approval: &Approval, step: ApprovalStep) {
        let request = &approval.request;
        let line = event::Approval {
            time: Timestamp::from_unix_millis(clock::now()),
            event: event::kind::Approval,
            step,
            ticket: approval.ticket.as_str().into(),
            server: request.server.as_str().into(),
            method: request.method.as_str().into(),
            target: request.target.as_deref().map(Into::into),
            principal: request.principal.as_deref().map(Into::into),
            by: None,
            reason: Some(request.message.clone()),
            rules: request.rules.clone(),
        };
        self.log(&line.into());
    }

    /// Settles what a call that was forwarded has taken.
    pub(crate) fn settle(&self, taken: Underway, outcome: Outcome) {
        match outcome {
            Outcome::Done => taken.commit(),
            Outcome::Failed => blocking(|| taken.failed()),
            Outcome::NotSent => blocking(|| taken.rollback()),
        }
    }
}

fn now() -> Millis {
    Millis::new(clock::now())
}

fn progress(token: &Id, count: u32, ticket: &Ticket) -> Document {
    Document::from(&serde_json::json!({
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {
            "progressToken": serde_json::from_str::<serde_json::Value>(token.as_json()).unwrap_or_default(),
            "progress": count,
            "message": format!("Waiting for a person's approval (ticket {ticket})."),
        },
    }))
}
