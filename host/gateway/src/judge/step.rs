//! One plugin of a plan: whether it is asked, how it is run, and what its answer means.

use std::sync::Arc;
use std::time::Duration;

use bartizan_policy::plan::{Mode, OnError};
use bartizan_runtime::{Call, Decision, Denial as Refusal, EvaluationError, Judgement, Verdict};
use bartizan_state::quota::Charge;
use bartizan_wire::denial::Denial;
use bartizan_wire::json::{Document, Limits};

use crate::charges;
use crate::memory::SessionMemory;
use crate::pace::{self, Expected, Stopwatch};
use crate::plan::ActiveStep;

/// An evaluation that took this long of a processor is one of a slow plugin.
const INLINE_BUDGET: Duration = Duration::from_millis(2);

/// A plugin's judgement, with what it says read.
pub(super) enum Said {
    Hidden,
    Decided { decision: Decision, charges: Vec<Charge>, rewrite: Option<Document> },
}

impl Said {
    pub(super) fn read(judgement: Judgement, call: &Call, limits: &Limits) -> Result<Self, EvaluationError> {
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
pub(super) fn ask(
    step: &ActiveStep,
    call: &Arc<Call>,
    listing: Option<&Arc<Call>>,
    memory: &SessionMemory,
) -> Option<Result<Judgement, EvaluationError>> {
    let target = call.target.as_deref();
    let listing = listing.filter(|listing| step.covers(&listing.method, target));
    if step.covers(&call.method, target) {
        let ActiveStep { plugin, judgements, .. } = step;
        return Some(match judgements.known(plugin, call, listing) {
            Some(judgement) => Ok(judgement),
            None => evaluate(step, || judgements.judge(plugin, call, listing, &memory.of(step))),
        });
    }
    let (listing, entry) = (listing?, call.entry.as_deref()?);
    if !step.plugin.hooks().listings || !step.plugin.is_interested(&listing.method, target) {
        return None;
    }
    let entries = std::slice::from_ref(entry);
    let visible = evaluate(step, || step.plugin.visible_with(listing, entries, &memory.of(step)));
    Some(visible.map(|visible| match visible.as_slice() {
        [true] => Judgement::Decided(Decision::PASS),
        _ => Judgement::Hidden,
    }))
}

/// Runs a plugin: on this worker if it is known to be quick, after moving the worker's other tasks away if
/// it is not known, and with a processor left to others if it is known to be slow. One that may wait for
/// others is never quick, and slow for no fault of its own.
pub(super) fn evaluate<T>(
    step: &ActiveStep,
    evaluation: impl FnOnce() -> Result<T, EvaluationError>,
) -> Result<T, EvaluationError> {
    let mut time = Duration::ZERO;
    let expected = step.pace.expected();
    // Waiting for a turn says nothing of its pace.
    let timed = || {
        let watch = match expected {
            Expected::Quick => Stopwatch::about(),
            Expected::Anything | Expected::Slow => Stopwatch::exact(),
        };
        let outcome = evaluation();
        time = watch.stop(INLINE_BUDGET);
        outcome
    };
    let outcome = match expected {
        _ if step.plugin.waits() => pace::blocking(timed),
        Expected::Quick => timed(),
        Expected::Anything => pace::blocking(timed),
        Expected::Slow => pace::slowly(timed),
    };
    // Nor does a plugin that was not run.
    if !matches!(outcome, Err(EvaluationError::Quarantined { .. } | EvaluationError::Busy { .. })) {
        step.pace.took(time, INLINE_BUDGET);
    }
    outcome
}

pub(super) fn rewrite_of(decision: &Decision, limits: &Limits) -> Result<Option<Document>, EvaluationError> {
    let Verdict::Rewrite(text) = &decision.verdict else { return Ok(None) };
    let document = Document::parse(text.as_bytes(), limits)
        .map_err(|error| EvaluationError::Answer(format!("its rewrite is not acceptable JSON: {error}")))?;
    if document.root().kind() != bartizan_wire::json::Kind::Object {
        return Err(EvaluationError::Answer("its rewrite is not an object".to_owned()));
    }
    Ok(Some(document))
}

pub(super) fn denial(step: &ActiveStep, refusal: Refusal) -> Denial {
    Denial {
        reason: refusal.message,
        rule: refusal.rule.or_else(|| step.rule.clone()),
        retry_after: refusal.retry_after,
        ..Denial::default()
    }
}

/// What a failed plugin means for the call: a refusal, unless it only watches or the policy lets calls
/// through without it. The agent learns that it failed and how; the details are for the log.
pub(super) fn fault_denial(step: &ActiveStep, error: &EvaluationError) -> Option<Denial> {
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
        ..Denial::default()
    })
}
