//! From a plan and a message to an opinion: asks every plugin that the plan has for it and combines what
//! they say. The combination is the host's, never a plugin's.
//!
//! Any plugin that hides the target hides it; else any that denies, denies, with the words of the first;
//! else any demand for approval is one; rewrites apply in the plan's order, and later plugins judge the
//! rewritten call. What a plugin in monitor mode says is recorded and has no effect. A plugin that fails
//! refuses, unless the policy says otherwise.
//!
//! What plugins want to remember comes with the opinion, also from those in monitor mode; it is kept once the
//! message goes on.
//!
//! Nothing is counted and nobody is asked here: what an opinion takes is for [`crate::admission`].

mod listing;
mod reply;
mod spoken;
mod step;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_audit::record::{RuleRecord, RuleVerdict};
use bartizan_policy::plan::Mode;
use bartizan_policy::rule;
use bartizan_runtime::{Approval, Call, Verdict};
use bartizan_state::quota::Charge;
use bartizan_wire::denial::Denial;
use bartizan_wire::json::{Document, Limits};

pub(crate) use listing::filter;
pub(crate) use reply::{ReplyRuling, judge_reply, reads_replies};
pub(crate) use spoken::Spoken;

use self::step::{Said, ask, denial, fault_denial};
use crate::memory::{Changes, SessionMemory};
use crate::plan::ActivePlan;

/// What the plugins of a plan make of a call.
#[derive(Debug)]
pub(crate) enum Opinion {
    /// Its target does not exist for this caller.
    Hidden,
    /// It is refused.
    Denied(Denial),
    /// Nothing is against it but what it takes.
    Passed(Passed),
}

impl Opinion {
    /// The same with more that the call needs. What it needs already it does not need twice.
    pub(crate) fn needing(mut self, needs: Needs) -> Self {
        if let Self::Passed(passed) = &mut self {
            for ask in needs.asks {
                if !passed.asks.iter().any(|known| known.rule == ask.rule && ask.rule.is_some()) {
                    passed.asks.push(ask);
                }
            }
            for (charge, by) in needs.charges {
                if !passed.charges.contains(&charge) {
                    passed.charges.push(charge);
                    passed.charged_by.push(by);
                }
            }
            passed.memory.extend(needs.memory);
        }
        self
    }
}

/// What a call needs because of something else that it reaches.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Approvals.
    pub(crate) asks: Vec<Approval>,
    /// Quota, each with the step of the plan that charges it.
    pub(crate) charges: Vec<(Charge, usize)>,
    /// What plugins want to remember of it.
    pub(crate) memory: Changes,
}

impl Needs {
    pub(crate) fn extend(&mut self, more: Self) {
        self.asks.extend(more.asks);
        self.charges.extend(more.charges);
        self.memory.extend(more.memory);
    }
}

/// A call that no plugin refuses.
#[derive(Debug)]
pub(crate) struct Passed {
    /// The call as it is to be forwarded.
    pub(crate) call: Arc<Call>,
    /// Its arguments or params, if a plugin rewrote them.
    pub(crate) arguments: Option<Document>,
    /// The quota it takes.
    pub(crate) charges: Vec<Charge>,
    /// For each charge the step of the plan that makes it.
    pub(crate) charged_by: Vec<usize>,
    /// The approvals it needs.
    pub(crate) asks: Vec<Approval>,
    /// What plugins want to remember if it goes on.
    pub(crate) memory: Changes,
}

/// An opinion or a ruling with what led to it.
#[derive(Debug)]
pub(crate) struct Judged<R> {
    /// What becomes of the message.
    pub(crate) ruling: R,
    /// Every rule that spoke.
    pub(crate) rules: Vec<RuleRecord>,
    /// How long it took.
    pub(crate) evaluation: Duration,
    /// The call with every rewrite, also if it is refused.
    pub(crate) call: Option<Arc<Call>>,
}

impl<R> Judged<R> {
    /// The same with something else made of it.
    pub(crate) fn map<S>(self, change: impl FnOnce(R, &mut Vec<RuleRecord>) -> S) -> Judged<S> {
        let Self { ruling, mut rules, evaluation, call } = self;
        Judged { ruling: change(ruling, &mut rules), rules, evaluation, call }
    }
}

/// The refusal of everything for a server without a policy.
fn no_policy() -> Denial {
    Denial {
        reason: "There is no policy for this server, so everything is refused.".to_owned(),
        rule: Some(rule::NO_POLICY.to_owned()),
        ..Denial::default()
    }
}

/// Judges a call. `listing` is the list request in which its target would be found.
pub(crate) fn judge_call(
    plan: Option<&ActivePlan>,
    call: Call,
    listing: Option<&Arc<Call>>,
    limits: &Limits,
    memory: &SessionMemory,
) -> Judged<Opinion> {
    let begin = Instant::now();
    let Some(plan) = plan else {
        return Judged {
            ruling: Opinion::Denied(no_policy()),
            rules: Vec::new(),
            evaluation: begin.elapsed(),
            call: None,
        };
    };
    let mut rules = Vec::new();
    let mut hidden = false;
    let mut refusal: Option<Denial> = None;
    let mut passed = Passed {
        call: Arc::new(call),
        arguments: None,
        charges: Vec::new(),
        charged_by: Vec::new(),
        asks: Vec::new(),
        memory: Changes::default(),
    };
    for (index, step) in plan.steps.iter().enumerate() {
        let Some(answer) = ask(step, &passed.call, listing, memory) else { continue };
        // What the verdict and the charges mean is read before anything takes effect, so that an answer
        // that cannot be read has no effect at all.
        let answer = answer.and_then(|judgement| Said::read(judgement, &passed.call, limits));
        let mut spoken = Spoken::new(step, &mut rules);
        let (decision, charges, rewrite) = match answer {
            Ok(Said::Hidden) => {
                spoken.record(RuleVerdict::Hidden, Some(rule::HIDDEN), None);
                hidden |= step.mode == Mode::Enforce;
                continue;
            }
            Ok(Said::Decided { decision, charges, rewrite }) => (decision, charges, rewrite),
            Err(error) => {
                spoken.fault(&error);
                if let Some(denial) = fault_denial(step, &error) {
                    refusal.get_or_insert(denial);
                }
                continue;
            }
        };
        spoken.decision(&decision);
        passed.memory.add(step, decision.memory);
        if step.mode == Mode::Monitor {
            continue;
        }
        match decision.verdict {
            Verdict::Pass => {}
            Verdict::Deny(denied) => {
                refusal.get_or_insert(denial(step, denied));
            }
            Verdict::Ask(approval) => {
                passed.asks.push(Approval { rule: approval.rule.or_else(|| step.rule.clone()), ..approval });
            }
            Verdict::Rewrite(_) => {
                if let Some(arguments) = rewrite {
                    let mut changed = Call::clone(&passed.call);
                    changed.arguments = Some(arguments.as_str().into());
                    passed.call = Arc::new(changed);
                    passed.arguments = Some(arguments);
                }
            }
        }
        passed.charged_by.extend(charges.iter().map(|_| index));
        passed.charges.extend(charges);
    }
    let call = Some(Arc::clone(&passed.call));
    let ruling = match refusal {
        _ if hidden => Opinion::Hidden,
        Some(denial) => Opinion::Denied(denial),
        None => Opinion::Passed(passed),
    };
    Judged { ruling, rules, evaluation: begin.elapsed(), call }
}
