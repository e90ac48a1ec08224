//! Replies: what the caller may read of a result.

use std::sync::Arc;
use std::time::Instant;

use bartizan_policy::plan::Mode;
use bartizan_runtime::{Call, Reply, Verdict};
use bartizan_wire::denial::Denial;
use bartizan_wire::json::{Document, Limits};

use super::step::{denial, evaluate, fault_denial, rewrite_of};
use super::{Judged, Spoken};
use crate::memory::{Changes, SessionMemory};
use crate::plan::ActivePlan;

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

/// Whether any plugin of the plan judges replies to such a call: if none does, they pass unread.
pub(crate) fn reads_replies(plan: &ActivePlan, method: &str, target: Option<&str>) -> bool {
    plan.steps.iter().any(|step| {
        step.plugin.hooks().replies
            && step.covers(method, target)
            && step.plugin.is_interested(method, target)
    })
}

/// Judges the reply to a call, and says what plugins want to remember if it goes on.
pub(crate) fn judge_reply(
    plan: &ActivePlan,
    call: &Arc<Call>,
    reply: Reply,
    limits: &Limits,
    memory: &SessionMemory,
) -> (Judged<ReplyRuling>, Changes) {
    let begin = Instant::now();
    let mut reply = Arc::new(reply);
    let mut rules = Vec::new();
    let mut refusal: Option<Denial> = None;
    let mut rewritten = None;
    let mut changes = Changes::default();
    for step in plan.steps.iter().filter(|step| {
        step.plugin.hooks().replies
            && step.covers(&call.method, call.target.as_deref())
            && step.plugin.is_interested(&call.method, call.target.as_deref())
    }) {
        let answer = evaluate(step, || step.plugin.check_reply_with(call, &reply, &memory.of(step)))
            .and_then(|decision| Ok((rewrite_of(&decision, limits)?, decision)));
        let mut note = Spoken::new(step, &mut rules);
        match answer {
            Ok((rewrite, decision)) => {
                note.decision(&decision);
                changes.add(step, decision.memory);
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
    if matches!(ruling, ReplyRuling::Denied(_)) {
        changes = Changes::default();
    }
    (Judged { ruling, rules, evaluation: begin.elapsed(), call: None }, changes)
}
