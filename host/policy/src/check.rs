//! What is probably not meant, in a document that can be read.
//!
//! Errors here are rules that can never apply, or that contradict each other; warnings are rules that apply
//! but to no effect, and policies that let nothing or everything through.

mod coverage;
mod limits;
mod patterns;

use std::collections::{BTreeSet, HashMap};

use bartizan_pattern::Pattern;

use crate::diagnostics::{Problem, Report};
use crate::document::{
    Action, DefaultAction, Entry, PluginEntry, PolicyDocument, RateLimit, Rules, Spanned, Subject,
};
use crate::source::{Format, Span};

/// Reports everything that is wrong with the sense of a document.
pub(crate) fn check(document: &PolicyDocument, report: &mut Report) {
    // What is missing in a document may be what could not be read, so judge the whole only if all was.
    if !report.has_errors() {
        nothing_allowed(document, report);
    }
    every_tool_allowed(document, report);
    for subject in Subject::ALL {
        patterns::shadowed(document.entries(subject), report);
        if subject != Subject::Methods {
            patterns::hidden(document, subject, report);
        }
        for entry in document.entries(subject) {
            idle_keys(entry, report);
        }
    }
    limits::contradictions(document, report);
    repeated_plugins(&document.plugins, report);
}

fn nothing_allowed(document: &PolicyDocument, report: &mut Report) {
    let allows = |subject| document.entries(subject).iter().any(|entry| !entry.refuses_everything());
    if document.default.value == DefaultAction::Deny && !Subject::ALL.into_iter().any(allows) {
        let message = "every tool call will be refused: `default` is \"deny\" and `tools` allows nothing";
        let example = match report.source().format() {
            Format::Json | Format::Yaml => r#""tools": {"get_*": {}}"#,
            Format::Toml => r#"tools = {"get_*" = {}}"#,
        };
        let problem = Problem::warning("nothing-allowed", document.default.span, message);
        report.push(problem.help(format!("add for example {example}")));
    }
}

/// An entry of `methods` that lets `tools/call` pass lets all tools pass that have no entry of their own, which is
/// probably not what someone meant who only counts calls there.
fn every_tool_allowed(document: &PolicyDocument, report: &mut Report) {
    const CALL: &str = "tools/call";
    let entries = document.methods.iter().filter(|entry| entry.pattern.value.matches(CALL));
    let applies = entries.min_by(|left, right| left.pattern.value.by_specificity(&right.pattern.value));
    let Some(entry) = applies.filter(|entry| entry.action.is_none()) else { return };
    if document.default.value == DefaultAction::Deny {
        let message = format!(
            "`{}` in `methods` allows \"{CALL}\", and so every tool that has no entry of its own",
            entry.pattern.value
        );
        let allow = report.source().format().assignment("action", "\"allow\"");
        let help = format!(
            "put rules for all tools in `all_tools`; if all tools are meant to be allowed, add {allow}"
        );
        report.push(Problem::warning("every-tool-allowed", entry.pattern.span, message).help(help));
    }
}

fn idle_keys(entry: &Entry, report: &mut Report) {
    if let (Action::Allow, Some(reason)) = (entry.effective_action(), &entry.reason) {
        let message = "`reason` has no effect: it is told to an agent that is refused, and this entry allows";
        let action = report.source().format().assignment("action", "\"deny\"");
        let problem = Problem::warning("idle-reason", reason.span, message);
        report.push(problem.help(format!("add {action}, or remove the reason")));
    }
    if !entry.refuses_everything() {
        return;
    }
    if let Some(Spanned::<RateLimit> { span, .. }) = entry.rules.rate_limit {
        let message = "`rate_limit` has no effect: this entry refuses every call";
        let problem = Problem::warning("idle-rate-limit", span, message);
        report.push(problem.help("remove it, or allow the tool"));
    }
    for (key, span) in idle_rules(&entry.rules) {
        let message = format!("`{key}` has no effect: this entry refuses every call");
        let problem = Problem::warning("idle-rule", span, message);
        report.push(problem.help("remove it, or give the denial `conditions`"));
    }
}

/// Where the lists of rules begin that have items.
fn idle_rules(rules: &Rules) -> impl Iterator<Item = (&'static str, Span)> {
    let lists = [
        ("require", rules.require.first().map(|item| item.span)),
        ("deny_if", rules.deny_if.first().map(|item| item.span)),
        ("limits", rules.limits.first().map(|item| item.span)),
        ("redact", rules.redact.first().map(|item| item.span)),
        ("inspect", rules.inspect.first().map(|item| item.span)),
        ("schema", rules.schema.map(|schema| schema.span)),
    ];
    lists.into_iter().filter_map(|(key, span)| Some((key, span?)))
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
