//! Lists: which entries the caller may know of.

use std::sync::Arc;
use std::time::Instant;

use bartizan_audit::record::RuleVerdict;
use bartizan_policy::plan::Mode;
use bartizan_policy::rule;
use bartizan_runtime::{Call, Entry};
use bartizan_wire::denial::Denial;

use super::step::{evaluate, fault_denial};
use super::{Judged, Spoken, no_policy};
use crate::memory::SessionMemory;
use crate::plan::ActivePlan;

/// Which entries of a list the caller may know of.
pub(crate) fn filter(
    plan: Option<&ActivePlan>,
    listing: &Arc<Call>,
    entries: &[Entry],
    memory: &SessionMemory,
) -> Judged<Result<Vec<bool>, Denial>> {
    let begin = Instant::now();
    let mut rules = Vec::new();
    let mut keep = vec![true; entries.len()];
    let mut refusal = None;
    let Some(plan) = plan else {
        return Judged { ruling: Err(no_policy()), rules, evaluation: begin.elapsed(), call: None };
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
            evaluate(step, || step.plugin.visible_with(listing, entries, &memory.of(step)))
        } else {
            let some: Vec<Entry> = asked.iter().filter_map(|&index| entries.get(index).cloned()).collect();
            evaluate(step, || step.plugin.visible_with(listing, &some, &memory.of(step)))
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
    Judged { ruling, rules, evaluation: begin.elapsed(), call: None }
}
