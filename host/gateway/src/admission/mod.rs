//! From an opinion to a ruling: the approval that a call needs and the quota it takes.
//!
//! In this order: a person's approval first, then all charges in one step, so that a call that waits for
//! approval takes no quota, and one that finds a limit reached keeps its approval. What was taken is given
//! back when the call does not happen ([`Admission`] dropped), and settled by its outcome once it was
//! forwarded ([`Underway`]).

mod binding;

use std::sync::Arc;

use bartizan_audit::record::{RuleRecord, RuleVerdict};
use bartizan_policy::document::Approvals as ApprovalSettings;
use bartizan_runtime::Call;
use bartizan_state::approval::{Approval, ApprovalError, Approvals, Demand, Grant, Request, Ticket};
use bartizan_state::quota::{Charge, Forwarded, Millis, QuotaError, Quotas, Reservation, ScopeKey};
use bartizan_wire::denial::Denial;
use bartizan_wire::json::{Document, Limits, canonical};

use crate::charges;
use crate::judge::{Opinion, Passed, Spoken};
use crate::memory::Changes;
use crate::pace::blocking;
use crate::plan::ActivePlan;

/// Where quota is counted and approvals are kept.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) quotas: Arc<dyn Quotas>,
    pub(crate) approvals: Arc<dyn Approvals>,
}

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Ruling {
    /// Its target does not exist for this caller.
    Hidden,
    /// It is refused.
    Denied(Denial),
    /// It is refused until a person approves.
    Waiting(Box<Waiting>),
    /// It goes on, with these arguments instead of its own if a plugin rewrote them, and with what it takes.
    Allowed {
        /// The call as it was judged in the end.
        call: Arc<Call>,
        /// The rewritten arguments or params.
        arguments: Option<Document>,
        /// What it takes.
        admission: Admission,
        /// What plugins want to remember once it goes on.
        memory: Changes,
    },
}

impl Ruling {
    /// A call that goes on.
    pub(crate) fn allowed(passed: Passed, admission: Admission) -> Self {
        let Passed { call, arguments, memory, .. } = passed;
        Self::Allowed { call, arguments, admission, memory }
    }
}

/// A call that waits for a person.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// What the person is asked.
    pub(crate) approval: Approval,
    /// Whether this call was the first to ask, as far as can be told: of two within a millisecond both are.
    pub(crate) is_new: bool,
}

/// What a call that goes on has taken. Dropped, it is given back.
#[derive(Debug)]
pub(crate) struct Admission {
    reservation: Reservation,
    approval: Option<Used>,
    /// Whether a disk is waited for when it is given back.
    is_stored: bool,
}

impl Admission {
    /// The approval that the call has used.
    pub(crate) fn ticket(&self) -> Option<&Ticket> {
        self.approval.as_ref().and_then(Used::ticket)
    }

    /// From here on the server may have acted.
    pub(crate) fn forwarded(self) -> Underway {
        Underway {
            charges: self.reservation.forwarded(),
            approval: self.approval.map(Used::keep),
            is_stored: self.is_stored,
        }
    }
}

/// What a call under way has taken. Dropped, it stays taken: the server may have acted.
#[derive(Debug)]
pub(crate) struct Underway {
    charges: Forwarded,
    approval: Option<Used>,
    is_stored: bool,
}

impl Underway {
    /// The call happened, or nobody knows: what it took stays taken.
    pub(crate) fn commit(self) {
        self.charges.commit();
    }

    /// The server answered with an error: the approval is given back, and so are charges that do not count
    /// errors.
    pub(crate) fn failed(self) {
        self.give_back(Forwarded::failed);
    }

    /// The call did not reach the server: everything is given back.
    pub(crate) fn rollback(self) {
        self.give_back(Forwarded::rollback);
    }

    fn give_back(self, charges: impl FnOnce(Forwarded)) {
        let work = || {
            charges(self.charges);
            Used::restore(self.approval);
        };
        if self.is_stored { blocking(work) } else { work() }
    }
}

/// An approval that was used.
struct Used {
    approvals: Arc<dyn Approvals>,
    /// None once it is given back.
    grant: Option<Grant>,
    /// Whether dropping it gives it back.
    returns: bool,
}

impl std::fmt::Debug for Used {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Used").field("ticket", &self.ticket()).finish_non_exhaustive()
    }
}

impl Used {
    fn ticket(&self) -> Option<&Ticket> {
        self.grant.as_ref().map(Grant::ticket)
    }

    fn keep(mut self) -> Self {
        self.returns = false;
        self
    }

    fn restore(used: Option<Self>) {
        if let Some(mut used) = used {
            used.returns = true;
        }
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        let Some(grant) = self.grant.take().filter(|_| self.returns) else { return };
        let ticket = grant.ticket().clone();
        if let Err(error) = blocking(|| self.approvals.restore(grant)) {
            tracing::error!(%ticket, %error, "an approval that was not used could not be given back");
        }
    }
}

/// Makes a ruling of an opinion: uses the approval that the call needs, and reserves its quota.
pub(crate) fn admit(
    opinion: Opinion,
    plan: Option<&ActivePlan>,
    stores: &Stores,
    now: Millis,
    rules: &mut Vec<RuleRecord>,
) -> Ruling {
    match opinion {
        Opinion::Hidden => Ruling::Hidden,
        Opinion::Denied(denial) => Ruling::Denied(denial),
        Opinion::Passed(passed) => match take(&passed, plan, stores, now, rules) {
            Ok(admission) => Ruling::allowed(passed, admission),
            Err(Refused::Denied(denial)) => Ruling::Denied(denial),
            Err(Refused::Waiting(waiting)) => Ruling::Waiting(waiting),
        },
    }
}

/// A ruling that takes nothing, for what was counted and approved before.
pub(crate) fn admit_again(opinion: Opinion) -> Ruling {
    match opinion {
        Opinion::Hidden => Ruling::Hidden,
        Opinion::Denied(denial) => Ruling::Denied(denial),
        Opinion::Passed(passed) => {
            let admission = Admission { reservation: Reservation::empty(), approval: None, is_stored: false };
            Ruling::allowed(passed, admission)
        }
    }
}

/// Why a call does not get what it needs.
pub(crate) enum Refused {
    Denied(Denial),
    Waiting(Box<Waiting>),
}

/// Takes what a call needs, or nothing.
pub(crate) fn take(
    passed: &Passed,
    plan: Option<&ActivePlan>,
    stores: &Stores,
    now: Millis,
    rules: &mut Vec<RuleRecord>,
) -> Result<Admission, Refused> {
    let approval = if passed.asks.is_empty() { None } else { Some(demand(passed, plan, stores, now)?) };
    let reserve = || stores.quotas.reserve(&passed.charges, now);
    let is_local = passed.charges.iter().all(|charge| matches!(charge.scope, ScopeKey::Session(_)));
    match if is_local { reserve() } else { blocking(reserve) } {
        Ok(reservation) => {
            let is_stored = !is_local || approval.is_some();
            Ok(Admission { reservation, approval, is_stored })
        }
        Err(error) => Err(Refused::Denied(exhausted(&error, passed, plan, rules))),
    }
}

/// Uses the approval of a call, or asks for it.
fn demand(passed: &Passed, plan: Option<&ActivePlan>, stores: &Stores, now: Millis) -> Result<Used, Refused> {
    let request = request(passed, plan);
    match blocking(|| stores.approvals.demand(&request, now)) {
        Ok(Demand::Granted(grant)) => {
            Ok(Used { approvals: Arc::clone(&stores.approvals), grant: Some(grant), returns: true })
        }
        Ok(Demand::Pending(approval)) => {
            let is_new = approval.created == now;
            Err(Refused::Waiting(Box::new(Waiting { approval, is_new })))
        }
        Ok(Demand::Refused(approval)) => Err(Refused::Denied(refused_by_person(&approval))),
        Err(error) => Err(Refused::Denied(unavailable(&error))),
    }
}

fn request(passed: &Passed, plan: Option<&ActivePlan>) -> Request {
    let call = &passed.call;
    let arguments = canonical_arguments(call);
    let timeout = plan.map_or_else(ApprovalSettings::default, |plan| plan.document.approvals).timeout;
    let messages: Vec<&str> = passed.asks.iter().map(|ask| ask.message.as_str()).collect();
    Request {
        binding: binding::of(call, &arguments, plan.map_or("", |plan| &plan.digest)),
        server: call.server.to_string(),
        method: call.method.to_string(),
        target: call.target.as_deref().map(str::to_owned),
        principal: call.principal.as_deref().map(str::to_owned),
        session: call.session.to_string(),
        arguments,
        rules: passed.asks.iter().filter_map(|ask| ask.rule.clone()).collect(),
        message: messages.join(" "),
        expires_after: passed
            .asks
            .iter()
            .map(|ask| ask.expires_after.unwrap_or(timeout))
            .min()
            .unwrap_or(timeout),
    }
}

/// The canonical text of a call's arguments; of none, that of an empty object.
pub(crate) fn canonical_arguments(call: &Call) -> String {
    let json = call.arguments.as_deref().unwrap_or("{}");
    // It was within its limits when it came in, and a plugin's rewrite was as well.
    match Document::parse(json.as_bytes(), &Limits::default()) {
        Ok(document) => canonical(document.root()),
        Err(_not_read) => json.to_owned(),
    }
}

/// The refusal of a call until a person approves it.
pub(crate) fn waiting(approval: &Approval) -> Denial {
    let ticket = approval.ticket.to_string();
    Denial {
        reason: format!(
            "{} It needs a person's approval, which was asked for under the ticket {ticket}. Tell the person you work for; \
             they can decide with `bartizan approvals show {ticket}`. Once it is approved, make exactly the same call again.",
            sentence(&approval.request.message)
        ),
        rule: approval.request.rules.first().cloned(),
        ticket: Some(ticket),
        ..Denial::default()
    }
}

fn refused_by_person(approval: &Approval) -> Denial {
    let by = approval.decided_by.as_deref().unwrap_or("a person");
    let why = approval.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Denial {
        reason: format!("{by} has refused this call (ticket {}){}", approval.ticket, sentence(&why)),
        rule: approval.request.rules.first().cloned(),
        ticket: Some(approval.ticket.to_string()),
        ..Denial::default()
    }
}

/// A text with its full stop.
fn sentence(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

fn unavailable(error: &ApprovalError) -> Denial {
    tracing::error!(%error, "an approval cannot be looked up: the call is refused");
    Denial {
        reason: "It needs a person's approval, and the gateway cannot look for one at present.".to_owned(),
        ..Denial::default()
    }
}

fn exhausted(
    error: &QuotaError,
    passed: &Passed,
    plan: Option<&ActivePlan>,
    rules: &mut Vec<RuleRecord>,
) -> Denial {
    match error {
        QuotaError::Exhausted { charge, retry_after } => {
            let retry_after = retry_after.map(std::num::NonZeroU32::get);
            let charged: Option<&Charge> = passed.charges.get(*charge);
            let step =
                passed.charged_by.get(*charge).and_then(|index| plan.and_then(|plan| plan.steps.get(*index)));
            let rule = charged
                .and_then(|charge| charge.rule.clone())
                .or_else(|| step.and_then(|step| step.rule.clone()));
            let reason = charges::refusal(charged, retry_after);
            if let Some(step) = step {
                Spoken::new(step, rules).record(RuleVerdict::Exhausted, rule.as_deref(), Some(&reason));
            }
            Denial { reason, rule, retry_after, ..Denial::default() }
        }
        QuotaError::Unavailable(error) => {
            tracing::error!(%error, "quotas cannot be counted: the call is refused");
            Denial {
                reason: "The gateway cannot count this call at present, so it is refused.".to_owned(),
                ..Denial::default()
            }
        }
    }
}
