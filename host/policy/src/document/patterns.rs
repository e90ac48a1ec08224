//! Names and globs as documents write them.

use std::collections::HashMap;

use bartizan_pattern::Pattern;

use crate::decode;
use crate::diagnostics::{Problem, Report};
use crate::document::Spanned;
use crate::source::{Node, Span};

/// A name or glob. `name` says where it stands, for messages.
pub(super) fn pattern(text: &str, span: Span, name: &str, report: &mut Report) -> Option<Spanned<Pattern>> {
    if text.is_empty() {
        let problem =
            Problem::error("empty-pattern", span, format!("an empty name in {name} matches nothing"));
        report.push(problem.help("write a name, or a glob such as \"get_*\""));
        return None;
    }
    if let Some(found) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        let what = if found.is_whitespace() { "white space" } else { "a control character" };
        let message = format!("\"{}\" in {name} holds {what}, so it matches nothing", text.escape_debug());
        report
            .push(Problem::error("wrong-pattern", span, message).help("names of tools have none; remove it"));
        return None;
    }
    Some(Spanned { value: Pattern::new(text), span })
}

/// A list of names and globs, each once. The ones that are in order if others are not.
pub(super) fn patterns(node: &Node, name: &str, report: &mut Report) -> Vec<Spanned<Pattern>> {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    let mut found = Vec::new();
    for item in decode::list(node, name, report).unwrap_or_default() {
        let Some(text) = decode::string(item, &format!("a name in {name}"), report) else { continue };
        let Some(pattern) = pattern(text, item.span, name, report) else { continue };
        if let Some(first) = seen.get(text) {
            let line = report.source().position(first.start).line;
            let message = format!("\"{text}\" is in {name} twice; first on line {line}");
            report.push(Problem::error("duplicate-pattern", item.span, message).help("remove one of them"));
            continue;
        }
        seen.insert(text, item.span);
        found.push(pattern);
    }
    found
}
