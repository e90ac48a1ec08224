//! Limits against each other: those with the same counter share what is counted.

use std::collections::HashMap;

use crate::diagnostics::{Problem, Report};
use crate::document::{Cost, Limit, LimitScope, LimitWindow, PolicyDocument, Rules, Subject};

type Key<'a> = (&'a str, LimitWindow, LimitScope);

fn key(limit: &Limit) -> Key<'_> {
    (limit.counter.value.as_str(), limit.window, limit.scope)
}

/// The limits of a whole document.
pub(super) fn contradictions(document: &PolicyDocument, report: &mut Report) {
    let mut first: HashMap<Key<'_>, &Limit> = HashMap::new();
    let entries = Subject::ALL.into_iter().flat_map(|subject| document.entries(subject));
    let mut all: Vec<&Rules> = entries.map(|entry| &entry.rules).chain([&document.all_tools]).collect();
    // Of two that contradict each other the later one in the text is the one reported.
    all.sort_by_key(|rules| rules.limits.first().map(|limit| limit.span));
    for rules in all {
        let mut here: HashMap<Key<'_>, &Limit> = HashMap::new();
        for limit in &rules.limits {
            single(limit, report);
            if let Some(other) = here.insert(key(limit), limit) {
                repeated(limit, other, report);
            } else if let Some(other) =
                first.get(&key(limit)).filter(|other| other.max.value != limit.max.value)
            {
                contradicting(limit, other, report);
            }
            first.entry(key(limit)).or_insert(limit);
        }
    }
}

fn repeated(limit: &Limit, other: &Limit, report: &mut Report) {
    let line = report.source().position(other.counter.span.start).line;
    let message = format!(
        "the counter \"{}\" is taken from twice by one call; first on line {line}",
        limit.counter.value.escape_debug()
    );
    let problem = Problem::error("repeated-limit", limit.counter.span, message);
    report.push(problem.help("remove one, or give them different names, windows or scopes"));
}

fn contradicting(limit: &Limit, other: &Limit, report: &mut Report) {
    let line = report.source().position(other.max.span.start).line;
    let message = format!(
        "the counter \"{}\" has two limits that contradict each other: {} here, {} on line {line}",
        limit.counter.value.escape_debug(),
        limit.max.value,
        other.max.value
    );
    let problem = Problem::error("contradicting-limits", limit.max.span, message);
    report.push(problem.help("give both the same `max`, or give them counters of their own"));
}

/// What a limit by itself can never do.
fn single(limit: &Limit, report: &mut Report) {
    let Cost::Amount(cost) = &limit.cost else { return };
    if cost.is_zero() {
        let message = "this limit has no effect: a call costs 0";
        let problem = Problem::warning("idle-limit", limit.counter.span, message);
        report.push(problem.help("remove it, or give it a `cost`"));
    } else if *cost > limit.max.value {
        let message = format!(
            "this limit refuses every call: one costs {cost}, which is more than {}",
            limit.max.value
        );
        let problem = Problem::warning("too-costly", limit.max.span, message);
        report.push(problem.help("raise `max`, lower `cost`, or deny it with a reason"));
    }
}
