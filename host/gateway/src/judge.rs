//! From a plan and a message to a ruling: asks every plugin that the plan has for it and combines what
//! they say. The combination is the host's, never a plugin's.
//!
//! Any plugin that hides the target hides it; else any that denies, denies, with the words of the first;
//! a demand for approval refuses as long as there is nobody to ask; rewrites apply in the plan's order,
//! and later plugins judge the rewritten call. Charges are reserved only if nothing refused. What a
//! plugin in monitor mode says is recorded and has no effect. A plugin that fails refuses, unless the
//! policy says otherwise.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_audit::record::{Mode as RecordedMode, Note, RuleRecord, RuleVerdict};
use bartizan_policy::plan::{Mode, OnError};
use bartizan_policy::rule;
use bartizan_runtime::{
    Call, Decision, Denial as Refusal, Entry, EvaluationError, Judgement, Reply, Verdict,
};
use bartizan_state::quota::{Charge, Millis, QuotaError, Quotas, Reservation};
use bartizan_wire::denial::Denial;
use bartizan_wire::json::{Document, Limits};

use crate::charges;
use crate::plan::{ActivePlan, ActiveStep};

/// An evaluation that took this long is moved off the async worker the next time.
const INLINE_BUDGET: Duration = Duration::from_millis(2);

/// What becomes of a call.
#[derive(Debug)]
pub(crate) enum Ruling {
    /// Its target does not exist for this caller.
    Hidden,
    /// It is refused.
    Denied(Denial),
    /// It goes on, with these arguments instead of its own if a plugin rewrote them, and with its quota
    /// reserved.
    Allowed {
        /// The rewritten arguments or params.
        arguments: Option<Document>,
        /// What it takes.
        reservation: Reservation,
    },
}

/// A ruling with what led to it.
#[derive(Debug)]
pub(crate) struct Judged<R> {
    /// What becomes of the message.
    pub(crate) ruling: R,
    /// Every rule that spoke.
    pub(crate) rules: Vec<RuleRecord>,
    /// How long it took.
    pub(crate) evaluation: Duration,
}

/// What becomes of a reply.
#[derive(Debug)]
pub(crate) enum ReplyRuling {
    /// It goes on as it is.
    Unchanged,
    /// It is withheld.
    Denied(Denial),
    /// It goes on with this result.
    Rewritten(Document),
}

/// The refusal of everything for a server without a policy.
fn no_policy() -> Denial {
    Denial {
        reason: "There is no policy for this server, so everything is refused.".to_owned(),
        rule: Some(rule::NO_POLICY.to_owned()),
        retry_after: None,
    }
}

/// Judges a call. `listing` is the list request in which its target would be found.
pub(crate) fn judge_call(
    plan: Option<&ActivePlan>,
    quotas: &dyn Quotas,
    call: Call,
    listing: Option<&Arc<Call>>,
    limits: &Limits,
) -> Judged<Ruling> {
    let begin = Instant::now();
    let Some(plan) = plan else {
        return Judged {
            ruling: Ruling::Denied(no_policy()),
            rules: Vec::new(),
            evaluation: begin.elapsed(),
        };
    };
    let mut call = Arc::new(call);
    let mut rules = Vec::new();
    let mut hidden = false;
    let mut refusal: Option<Denial> = None;
    let mut rewritten: Option<Document> = None;
    let mut charged = Vec::new();
    let mut charged_by = Vec::new();
    for step in &plan.steps {
        let Some(answer) = ask(step, &call, listing) else { continue };
        // What the verdict and the charges mean is read before anything takes effect, so that an answer
        // that cannot be read has no effect at all.
        let answer = answer.and_then(|judgement| Said::read(judgement, &call, limits));
        let mut note = Spoken::new(step, &mut rules);
        let (decision, charges, rewrite) = match answer {
            Ok(Said::Hidden) => {
                note.record(RuleVerdict::Hidden, Some(rule::HIDDEN), None);
                hidden |= step.mode == Mode::Enforce;
                continue;
            }
            Ok(Said::Decided { decision, charges, rewrite }) => (decision, charges, rewrite),
            Err(error) => {
                note.fault(&error);
                if let Some(denial) = fault_denial(step, &error) {
                    refusal.get_or_insert(denial);
                }
                continue;
            }
        };
        note.decision(&decision);
        if step.mode == Mode::Monitor {
            continue;
        }
        match decision.verdict {
            Verdict::Pass => {}
            Verdict::Deny(denied) => {
                refusal.get_or_insert(denial(step, denied));
            }
            Verdict::Ask(approval) => {
                refusal.get_or_insert(Denial {
                    reason: format!(
                        "{} (It needs a human's approval, which this version of Bartizan cannot ask for.)",
                        approval.message
                    ),
                    rule: approval.rule.or_else(|| step.rule.clone()),
                    retry_after: None,
                });
            }
            Verdict::Rewrite(_) => {
                if let Some(arguments) = rewrite {
                    let mut changed = Call::clone(&call);
                    changed.arguments = Some(arguments.as_str().into());
                    call = Arc::new(changed);
                    rewritten = Some(arguments);
                }
            }
        }
        charged_by.extend(charges.iter().map(|_| step));
        charged.extend(charges);
    }

    let ruling = if hidden {
        Ruling::Hidden
    } else if let Some(denial) = refusal {
        Ruling::Denied(denial)
    } else {
        match quotas.reserve(&charged, Millis::new(call.time)) {
            Ok(reservation) => Ruling::Allowed { arguments: rewritten, reservation },
            Err(error) => Ruling::Denied(exhausted(&error, &charged, &charged_by, &mut rules)),
        }
    };
    Judged { ruling, rules, evaluation: begin.elapsed() }
}

/// A plugin's judgement, with what it says read.
enum Said {
    Hidden,
    Decided { decision: Decision, charges: Vec<Charge>, rewrite: Option<Document> },
}

impl Said {
    fn read(judgement: Judgement, call: &Call, limits: &Limits) -> Result<Self, EvaluationError> {
        let decision = match judgement {
            Judgement::Hidden => return Ok(Self::Hidden),
            Judgement::Decided(decision) => decision,
        };
        let charges = charges::read(&decision.charges, call)
            .map_err(|error| EvaluationError::Answer(error.to_string()))?;
        let rewrite = rewrite_of(&decision, limits)?;
        Ok(Self::Decided { decision, charges, rewrite })
    }
}

/// Lets a plugin judge a call, as far as the policy wants it to: its `calls` hook where the policy covers
/// the call, its `listings` hook where it covers the list that the target is on. `None` if it covers
/// neither.
fn ask(
    step: &ActiveStep,
    call: &Arc<Call>,
    listing: Option<&Arc<Call>>,
) -> Option<Result<Judgement, EvaluationError>> {
    let target = call.target.as_deref();
    let listing = listing.filter(|listing| step.covers(&listing.method, target));
    if step.covers(&call.method, target) {
        return Some(evaluate(step, || step.plugin.judge(call, listing)));
    }
    let (listing, entry) = (listing?, call.entry.as_deref()?);
    if !step.plugin.hooks().listings || !step.plugin.is_interested(&listing.method, target) {
        return None;
    }
    let visible = evaluate(step, || step.plugin.visible(listing, std::slice::from_ref(entry)));
    Some(visible.map(|visible| match visible.as_slice() {
        [true] => Judgement::Decided(Decision::PASS),
        _ => Judgement::Hidden,
    }))
}

/// Counts nothing: for a call that is judged a second time under another name.
pub(crate) struct Unlimited;

impl Quotas for Unlimited {
    fn reserve(&self, _: &[Charge], _: Millis) -> Result<Reservation, QuotaError> {
        Ok(Reservation::empty())
    }

    fn end_session(&self, _: &str) {}
}

/// Which entries of a list the caller may know of.
pub(crate) fn filter(
    plan: Option<&ActivePlan>,
    listing: &Arc<Call>,
    entries: &[Entry],
) -> Judged<Result<Vec<bool>, Denial>> {
    let begin = Instant::now();
    let mut rules = Vec::new();
    let mut keep = vec![true; entries.len()];
    let mut refusal = None;
    let Some(plan) = plan else {
        return Judged { ruling: Err(no_policy()), rules, evaluation: begin.elapsed() };
    };
    for step in plan.steps.iter().filter(|step| step.plugin.hooks().listings) {
        let asked: Vec<usize> = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| {
                step.covers(&listing.method, Some(&entry.name))
                    && step.plugin.is_interested(&listing.method, Some(&entry.name))
            })
            .map(|(index, _)| index)
            .collect();
        if asked.is_empty() {
            continue;
        }
        let answer = if asked.len() == entries.len() {
            evaluate(step, || step.plugin.visible(listing, entries))
        } else {
            let some: Vec<Entry> = asked.iter().filter_map(|&index| entries.get(index).cloned()).collect();
            evaluate(step, || step.plugin.visible(listing, &some))
        };
        let mut note = Spoken::new(step, &mut rules);
        match answer {
            Ok(visible) => {
                if visible.contains(&false) {
                    note.record(RuleVerdict::Hidden, Some(rule::HIDDEN), None);
                }
                if step.mode == Mode::Enforce {
                    for (index, visible) in asked.into_iter().zip(visible) {
                        if let Some(keep) = keep.get_mut(index) {
                            *keep &= visible;
                        }
                    }
                }
            }
            Err(error) => {
                note.fault(&error);
                refusal = refusal.or_else(|| fault_denial(step, &error));
            }
        }
    }
    let ruling = match refusal {
        Some(denial) => Err(denial),
        None => Ok(keep),
    };
    Judged { ruling, rules, evaluation: begin.elapsed() }
}

/// Whether any plugin of the plan judges replies to such a call: if none does, they pass unread.
pub(crate) fn reads_replies(plan: &ActivePlan, method: &str, target: Option<&str>) -> bool {
    plan.steps.iter().any(|step| {
        step.plugin.hooks().replies
            && step.covers(method, target)
            && step.plugin.is_interested(method, target)
    })
}

/// Judges the reply to a call.
pub(crate) fn judge_reply(
    plan: &ActivePlan,
    call: &Arc<Call>,
    reply: Reply,
    limits: &Limits,
) -> Judged<ReplyRuling> {
    let begin = Instant::now();
    let mut reply = Arc::new(reply);
    let mut rules = Vec::new();
    let mut refusal: Option<Denial> = None;
    let mut rewritten = None;
    for step in plan.steps.iter().filter(|step| {
        step.plugin.hooks().replies
            && step.covers(&call.method, call.target.as_deref())
            && step.plugin.is_interested(&call.method, call.target.as_deref())
    }) {
        let answer = evaluate(step, || step.plugin.check_reply(call, &reply))
            .and_then(|decision| Ok((rewrite_of(&decision, limits)?, decision)));
        let mut note = Spoken::new(step, &mut rules);
        match answer {
            Ok((rewrite, decision)) => {
                note.decision(&decision);
                if step.mode == Mode::Monitor {
                    continue;
                }
                if let Verdict::Deny(denied) = decision.verdict {
                    refusal.get_or_insert(denial(step, denied));
                } else if let Some(result) = rewrite {
                    reply = Arc::new(Reply { is_error: reply.is_error, value: result.as_str().into() });
                    rewritten = Some(result);
                }
            }
            Err(error) => {
                note.fault(&error);
                if let Some(denial) = fault_denial(step, &error) {
                    refusal.get_or_insert(denial);
                }
            }
        }
    }
    let ruling = match (refusal, rewritten) {
        (Some(denial), _) => ReplyRuling::Denied(denial),
        (None, Some(result)) => ReplyRuling::Rewritten(result),
        (None, None) => ReplyRuling::Unchanged,
    };
    Judged { ruling, rules, evaluation: begin.elapsed() }
}

/// Runs a plugin: on this worker if it is known to be quick, else after moving the worker's other tasks
/// away.
fn evaluate<T>(
    step: &ActiveStep,
    evaluation: impl FnOnce() -> Result<T, EvaluationError>,
) -> Result<T, EvaluationError> {
    let begin = Instant::now();
    let outcome = if step.pace.is_slow() && crate::pace::can_block_in_place() {
        tokio::task::block_in_place(evaluation)
    } else {
        evaluation()
    };
    // A plugin that was not run says nothing of its pace.
    if !matches!(outcome, Err(EvaluationError::Quarantined { .. } | EvaluationError::Busy { .. })) {
        step.pace.took(begin.elapsed(), INLINE_BUDGET);
    }
    outcome
}

fn rewrite_of(decision: &Decision, limits: &Limits) -> Result<Option<Document>, EvaluationError> {
    let Verdict::Rewrite(text) = &decision.verdict else { return Ok(None) };
    let document = Document::parse(text.as_bytes(), limits)
        .map_err(|error| EvaluationError::Answer(format!("its rewrite is not acceptable JSON: {error}")))?;
    if document.root().kind() != bartizan_wire::json::Kind::Object {
        return Err(EvaluationError::Answer("its rewrite is not an object".to_owned()));
    }
    Ok(Some(document))
}

fn denial(step: &ActiveStep, refusal: Refusal) -> Denial {
    Denial {
        reason: refusal.message,
        rule: refusal.rule.or_else(|| step.rule.clone()),
        retry_after: refusal.retry_after,
    }
}

/// What a failed plugin means for the call: a refusal, unless it only watches or the policy lets calls
/// through without it. The agent learns that it failed and how; the details are for the log.
fn fault_denial(step: &ActiveStep, error: &EvaluationError) -> Option<Denial> {
    if step.mode == Mode::Monitor || step.on_error == OnError::Allow {
        return None;
    }
    Some(Denial {
        reason: format!(
            "The policy plugin `{}` could not decide ({}), so the call is refused.",
            step.label,
            error.code()
        ),
        rule: step.rule.clone().or_else(|| Some(format!("(plugin {})", step.label))),
        retry_after: match error {
            EvaluationError::Quarantined { remaining, .. } => {
                Some(u32::try_from(remaining.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
            }
            _ => None,
        },
    })
}

fn exhausted(
    error: &QuotaError,
    charges: &[Charge],
    charged_by: &[&ActiveStep],
    rules: &mut Vec<RuleRecord>,
) -> Denial {
    match error {
        QuotaError::Exhausted { charge, retry_after } => {
            let retry_after = retry_after.map(std::num::NonZeroU32::get);
            let charged = charges.get(*charge);
            let step = charged_by.get(*charge);
            let rule = charged
                .and_then(|charge| charge.rule.clone())
                .or_else(|| step.and_then(|step| step.rule.clone()));
            let reason = charges::refusal(charged, retry_after);
            if let Some(step) = step {
                Spoken::new(step, rules).record(RuleVerdict::Exhausted, rule.as_deref(), Some(&reason));
            }
            Denial { reason, rule, retry_after }
        }
        QuotaError::Unavailable(error) => {
            tracing::error!(%error, "quotas cannot be counted: the call is refused");
            Denial {
                reason: "The gateway cannot count this call at present, so it is refused.".to_owned(),
                rule: None,
                retry_after: None,
            }
        }
    }
}

/// Puts down what a plugin said.
struct Spoken<'a> {
    step: &'a ActiveStep,
    rules: &'a mut Vec<RuleRecord>,
    notes: Vec<Note>,
}

impl<'a> Spoken<'a> {
    fn new(step: &'a ActiveStep, rules: &'a mut Vec<RuleRecord>) -> Self {
        Self { step, rules, notes: Vec::new() }
    }

    fn decision(&mut self, decision: &Decision) {
        self.notes.extend(decision.notes.iter().filter_map(|note| {
            Note::new(note.key.clone(), &note.value)
                .inspect_err(|error| {
                    tracing::warn!(plugin = %self.step.label, %error, "a note of the plugin is dropped");
                })
                .ok()
        }));
        match &decision.verdict {
            Verdict::Pass if decision.charges.is_empty() && self.notes.is_empty() => {}
            Verdict::Pass => {
                let rule = decision.charges.first().and_then(|charge| charge.rule.as_deref());
                self.record(RuleVerdict::Pass, rule, None);
            }
            Verdict::Deny(denial) => {
                self.record(RuleVerdict::Deny, denial.rule.as_deref(), Some(&denial.message));
            }
            Verdict::Ask(approval) => {
                self.record(RuleVerdict::Ask, approval.rule.as_deref(), Some(&approval.message));
            }
            Verdict::Rewrite(_) => self.record(RuleVerdict::Rewrite, None, None),
        }
    }

    fn fault(&mut self, error: &EvaluationError) {
        tracing::warn!(
            plugin = %self.step.label,
            digest = %self.step.plugin.digest(),
            blame = ?error.blame(),
            code = error.code(),
            %error,
            "a plugin could not decide"
        );
        self.record(RuleVerdict::Fault, None, Some(&error.to_string()));
    }

    fn record(&mut self, verdict: RuleVerdict, rule: Option<&str>, reason: Option<&str>) {
        let plugin = &self.step.plugin;
        self.rules.push(RuleRecord {
            plugin: Arc::clone(&self.step.label),
            version: plugin.description().version.as_str().into(),
            digest: Arc::clone(plugin.digest()),
            verdict,
            rule: rule.map(str::to_owned).or_else(|| self.step.rule.clone()),
            reason: reason.map(str::to_owned),
            mode: match self.step.mode {
                Mode::Enforce => RecordedMode::Enforce,
                Mode::Monitor => RecordedMode::Monitor,
            },
            notes: std::mem::take(&mut self.notes),
        });
    }
}
