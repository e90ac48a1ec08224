//! A document against the tools that a server has.

use bartizan_pattern::Pattern;

use crate::decode::closest;
use crate::diagnostics::{Diagnostics, Problem, Report};
use crate::document::{PolicyDocument, Spanned};

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
        compare(hidden, "nothing is hidden", names, &mut report);
    }
    for entry in &document.tools {
        compare(&entry.pattern, "the entry has no effect", names, &mut report);
    }
    for plugin in document.plugins.iter().filter(|plugin| plugin.methods.is_none()) {
        for pattern in plugin.tools.iter().flatten() {
            compare(pattern, "the plugin is not asked for it", names, &mut report);
        }
    }
    report.finish()
}

fn compare(pattern: &Spanned<Pattern>, effect: &str, names: &[&str], report: &mut Report) {
    let Spanned { value, span } = pattern;
    if names.iter().any(|name| value.matches(name)) {
        return;
    }
    let matches =
        if value.is_exact() { "the server has no tool" } else { "the server has no tool that matches" };
    let problem = Problem::warning("unmatched-pattern", *span, format!("{matches} `{value}`: {effect}"));
    let meant = if value.is_exact() { closest(value.as_str(), names.iter().copied()) } else { None };
    report.push(match meant {
        Some(name) => problem.help(format!("did you mean `{name}`?")),
        None => problem,
    });
}
