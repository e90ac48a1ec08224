//! What is probably not meant, in a document that can be read.
//!
//! Errors here are rules that can never apply; warnings are rules that apply but to no effect, and
//! policies that let nothing through.

mod coverage;

use std::collections::{BTreeSet, HashMap, HashSet};

use bartizan_pattern::Pattern;

use self::coverage::{covers, literal_prefix, literal_suffix};
use crate::diagnostics::{Problem, Report};
use crate::document::{Action, PluginEntry, PolicyDocument, Spanned, ToolEntry};
use crate::source::Format;

/// Reports everything that is wrong with the sense of a document.
pub(crate) fn check(document: &PolicyDocument, report: &mut Report) {
    // What is missing in a document may be what could not be read, so judge the whole only if all was.
    if !report.has_errors() {
        nothing_allowed(document, report);
    }
    shadowed_entries(&document.tools, report);
    hidden_entries(document, report);
    for entry in &document.tools {
        idle_keys(entry, report);
    }
    repeated_plugins(&document.plugins, report);
}

fn nothing_allowed(document: &PolicyDocument, report: &mut Report) {
    let allows = |entry: &ToolEntry| entry.effective_action() == Action::Allow;
    if document.default.value == Action::Deny && !document.tools.iter().any(allows) {
        let message = "every tool call will be refused: `default` is \"deny\" and `tools` allows nothing";
        let example = match report.source().format() {
            Format::Json | Format::Yaml => r#""tools": {"get_*": {}}"#,
            Format::Toml => r#"tools = {"get_*" = {}}"#,
        };
        let problem = Problem::warning("nothing-allowed", document.default.span, message);
        report.push(problem.help(format!("add for example {example}")));
    }
}

/// Globs for which a more specific one always applies instead. Exact names cannot be shadowed.
fn shadowed_entries(tools: &[ToolEntry], report: &mut Report) {
    // Where to look for what covers a glob, without trying every pair: its literal prefix is the same
    // (not shorter, being more specific; not longer, covering it), and its literal suffix no longer.
    let mut by_affixes: HashMap<(&str, &str), Vec<&Pattern>> = HashMap::new();
    let globs = || tools.iter().filter(|entry| !entry.pattern.value.is_exact());
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

fn hidden_entries(document: &PolicyDocument, report: &mut Report) {
    let (names, globs): (Vec<&Pattern>, Vec<&Pattern>) =
        document.hide.iter().map(|hidden| &hidden.value).partition(|hidden| hidden.is_exact());
    let names: HashSet<&str> = names.into_iter().map(Pattern::as_str).collect();
    for Spanned { value: listed, span } in document.tools.iter().map(|entry| &entry.pattern) {
        let by = match globs.iter().find(|glob| covers(glob, listed)) {
            Some(glob) if *glob != listed => format!(" by `{glob}`"),
            Some(_) => String::new(),
            None if names.contains(listed.as_str()) => String::new(),
            None => continue,
        };
        let message = format!("this entry has no effect: `{listed}` is hidden{by}, and `hide` wins");
        let problem = Problem::warning("hidden-entry", *span, message);
        report.push(problem.help("remove it from `tools` or from `hide`"));
    }
}

fn idle_keys(entry: &ToolEntry, report: &mut Report) {
    match (entry.effective_action(), &entry.reason, &entry.rate_limit) {
        (Action::Allow, Some(reason), _) => {
            let message =
                "`reason` has no effect: it is told to an agent that is refused, and this entry allows";
            let action = report.source().format().assignment("action", "\"deny\"");
            let problem = Problem::warning("idle-reason", reason.span, message);
            report.push(problem.help(format!("add {action}, or remove the reason")));
        }
        (Action::Deny, _, Some(limit)) => {
            let message = "`rate_limit` has no effect: this entry refuses every call";
            let problem = Problem::warning("idle-rate-limit", limit.span, message);
            report.push(problem.help("remove it, or allow the tool"));
        }
        _ => {}
    }
}

fn repeated_plugins(plugins: &[PluginEntry], report: &mut Report) {
    type Scope<'a> = Option<BTreeSet<&'a str>>;
    fn scope(patterns: &Option<Vec<Spanned<Pattern>>>) -> Scope<'_> {
        patterns.as_ref().map(|patterns| patterns.iter().map(|pattern| pattern.value.as_str()).collect())
    }
    let mut seen: HashMap<(&str, Scope<'_>, Scope<'_>), usize> = HashMap::new();
    for plugin in plugins {
        let line = report.source().position(plugin.name.span.start).line;
        let key = (plugin.name.value.as_str(), scope(&plugin.tools), scope(&plugin.methods));
        if let Some(first) = seen.get(&key) {
            let message =
                format!("the plugin `{}` is used twice for the same calls; first on line {first}", key.0);
            let problem = Problem::warning("repeated-plugin", plugin.name.span, message);
            report.push(problem.help("remove one, or give them different `tools` or `methods`"));
            continue;
        }
        seen.insert(key, line);
    }
}
