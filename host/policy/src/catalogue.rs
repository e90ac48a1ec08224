//! A document against what a server has.

use bartizan_pattern::Pattern;

use crate::decode::closest;
use crate::diagnostics::{Diagnostics, Problem, Report};
use crate::document::{PolicyDocument, Spanned, Subject};

/// Warns of every pattern in `hide`, `tools` and the `tools` of plugins that matches none of the server's
/// tools; an exact name with the tool that was probably meant. Without tools there is nothing to compare
/// with, and no warnings.
///
/// A plugin's `tools` may speak of prompts and resources, so they are left out where the plugin has
/// `methods` of its own.
pub fn unmatched(document: &PolicyDocument, names: &[&str]) -> Diagnostics {
    let mut report = Report::new(document.source());
    if names.is_empty() {
        return report.finish();
    }
    for hidden in &document.hide {
        compare(hidden, "tool", "nothing is hidden", names, &mut report);
    }
    for entry in &document.tools {
        compare(&entry.pattern, "tool", NO_EFFECT, names, &mut report);
    }
    for plugin in document.plugins.iter().filter(|plugin| plugin.methods.is_none()) {
        for pattern in plugin.tools.iter().flatten() {
            compare(pattern, "tool", "the plugin is not asked for it", names, &mut report);
        }
    }
    report.finish()
}

/// Warns of every pattern in the entries of one map that matches none of these names: of prompts, or URIs of
/// resources. Resource templates stand for URIs that are on no list, so a server that has some gives no full list.
pub fn unmatched_entries(document: &PolicyDocument, subject: Subject, names: &[&str]) -> Diagnostics {
    let mut report = Report::new(document.source());
    let what = match subject {
        Subject::Tools => "tool",
        Subject::Prompts => "prompt",
        Subject::Resources => "resource",
        Subject::Methods => "method",
    };
    if !names.is_empty() {
        for entry in document.entries(subject) {
            compare(&entry.pattern, what, NO_EFFECT, names, &mut report);
        }
    }
    report.finish()
}

const NO_EFFECT: &str = "the entry has no effect";

fn compare(pattern: &Spanned<Pattern>, what: &str, effect: &str, names: &[&str], report: &mut Report) {
    let Spanned { value, span } = pattern;
    if names.iter().any(|name| value.matches(name)) {
        return;
    }
    let matches = if value.is_exact() { "" } else { " that matches" };
    let message = format!("the server has no {what}{matches} `{value}`: {effect}");
    let problem = Problem::warning("unmatched-pattern", *span, message);
    let meant = if value.is_exact() { closest(value.as_str(), names.iter().copied()) } else { None };
    report.push(match meant {
        Some(name) => problem.help(format!("did you mean `{name}`?")),
        None => problem,
    });
}
