//! Patterns of entries against each other and against `hide`.

use std::collections::{HashMap, HashSet};

use bartizan_pattern::Pattern;

use super::coverage::{covers, literal_prefix, literal_suffix};
use crate::diagnostics::{Problem, Report};
use crate::document::{Entry, PolicyDocument, Spanned, Subject};

/// Globs for which a more specific one always applies instead. Exact names cannot be shadowed.
pub(super) fn shadowed(entries: &[Entry], report: &mut Report) {
    // Where to look for what covers a glob, without trying every pair: its literal prefix is the same
    // (not shorter, being more specific; not longer, covering it), and its literal suffix no longer.
    let mut by_affixes: HashMap<(&str, &str), Vec<&Pattern>> = HashMap::new();
    let globs = || entries.iter().filter(|entry| !entry.pattern.value.is_exact());
    for entry in globs() {
        let glob = &entry.pattern.value;
        by_affixes.entry((literal_prefix(glob), literal_suffix(glob))).or_default().push(glob);
    }
    for entry in globs() {
        let glob = &entry.pattern.value;
        let winner = suffixes(literal_suffix(glob))
            .filter_map(|suffix| by_affixes.get(&(literal_prefix(glob), suffix)))
            .flatten()
            .find(|rival| rival.by_specificity(glob).is_lt() && covers(rival, glob));
        if let Some(winner) = winner {
            let message =
                format!("`{glob}` never applies: `{winner}` goes before it and matches all that it matches");
            report
                .push(Problem::error("shadowed", entry.pattern.span, message).help("remove one of the two"));
        }
    }
}

/// All suffixes of a text, itself and the empty one included.
fn suffixes(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().filter_map(|(at, _)| text.get(at..)).chain([""])
}

pub(super) fn hidden(document: &PolicyDocument, subject: Subject, report: &mut Report) {
    let (names, globs): (Vec<&Pattern>, Vec<&Pattern>) =
        document.hide.iter().map(|hidden| &hidden.value).partition(|hidden| hidden.is_exact());
    let names: HashSet<&str> = names.into_iter().map(Pattern::as_str).collect();
    for Spanned { value: listed, span } in document.entries(subject).iter().map(|entry| &entry.pattern) {
        let by = match globs.iter().find(|glob| covers(glob, listed)) {
            Some(glob) if *glob != listed => format!(" by `{glob}`"),
            Some(_) => String::new(),
            None if names.contains(listed.as_str()) => String::new(),
            None => continue,
        };
        let message = format!("this entry has no effect: `{listed}` is hidden{by}, and `hide` wins");
        let problem = Problem::warning("hidden-entry", *span, message);
        report.push(problem.help(format!("remove it from `{}` or from `hide`", subject.as_str())));
    }
}
