//! Items of `redact` and `inspect`.

use std::collections::BTreeSet;

use super::super::vocabulary::{DEFAULT_REPLACEMENT, DETECTORS, PARTS};
use super::super::{Content, Detector, Inspection, RedactAction, Redaction};
use super::{condition, text};
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::{Node, Value};

/// The action without what goes with it.
#[derive(Clone, Copy)]
enum Kind {
    Replace,
    Deny,
}

const KINDS: &[(&str, Kind)] = &[("replace", Kind::Replace), ("deny", Kind::Deny)];

pub(super) fn redaction(node: &Node, report: &mut Report) -> Option<Redaction> {
    let errors_before = report.errors();
    let mut object = Object::read(node, node.span, "an item of `redact`", report)?;
    let part = object
        .take("in")
        .and_then(|member| decode::word(&member.node, "`in`", PARTS, &[], report))
        .unwrap_or_default();
    let content = content(&mut object, node, report);
    let action = match object.take("action") {
        Some(member) => decode::word(&member.node, "`action`", KINDS, &[], report),
        None => Some(Kind::Replace),
    };
    let [replace_member, on_deny_member] = [object.take("replace"), object.take("on_deny")];
    let replace = text(&mut object, "replace", report);
    let on_deny = text(&mut object, "on_deny", report);
    object.finish(&[], report);
    let action = match (action?, replace_member, on_deny_member) {
        (Kind::Deny, Some(member), _) => {
            let message = "`replace` means nothing where the action is \"deny\": nothing is replaced";
            let problem = Problem::error("replace-without-action", member.key_span, message);
            report.push(problem.help("remove it, or use `on_deny` to say what the agent is told"));
            return None;
        }
        (Kind::Replace, _, Some(member)) => {
            let message = "`on_deny` means nothing where what is found is replaced: nobody is refused";
            let add = report.source().format().assignment("action", "\"deny\"");
            let problem = Problem::error("message-without-refusal", member.key_span, message);
            report.push(problem.help(format!("remove it, or add {add}")));
            return None;
        }
        (Kind::Deny, ..) => RedactAction::Deny(on_deny),
        (Kind::Replace, ..) => RedactAction::Replace(replace.unwrap_or_else(|| DEFAULT_REPLACEMENT.into())),
    };
    let redaction = Redaction { part, content: content?, action, span: node.span };
    (report.errors() == errors_before).then_some(redaction)
}

pub(super) fn inspection(node: &Node, report: &mut Report) -> Option<Inspection> {
    let errors_before = report.errors();
    let mut object = Object::read(node, node.span, "an item of `inspect`", report)?;
    let content = content(&mut object, node, report);
    let on_deny = text(&mut object, "on_deny", report);
    object.finish(&[], report);
    let inspection = Inspection { content: content?, on_deny, span: node.span };
    (report.errors() == errors_before).then_some(inspection)
}

fn content(object: &mut Object<'_>, node: &Node, report: &mut Report) -> Option<Content> {
    let [at, pattern, detect] = [object.take("at"), object.take("pattern"), object.take("detect")];
    if at.is_none() && pattern.is_none() && detect.is_none() {
        let message = "it is not said what to look for";
        let help = "give it at least one of `at` (JSON Pointers), `pattern` (a regular expression) and `detect` (such as [\"email\"])";
        report.push(Problem::error("nothing-to-find", node.span.head(), message).help(help));
        return None;
    }
    let at = at.map(|member| pointers(&member.node, report)).unwrap_or_default();
    let pattern = pattern.and_then(|member| self::pattern(&member.node, report));
    let detect = detect.map(|member| detectors(&member.node, report)).unwrap_or_default();
    Some(Content { at, pattern, detect })
}

fn pointers(node: &Node, report: &mut Report) -> Vec<String> {
    let items = match &node.value {
        Value::Array(items) if items.is_empty() => {
            let problem = Problem::error("empty-list", node.span, "an empty `at` names no place");
            report.push(problem.help("remove it to look everywhere"));
            return Vec::new();
        }
        Value::Array(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    items.iter().filter_map(|item| pointer(item, report)).collect()
}

/// A JSON Pointer (RFC 6901).
fn pointer(node: &Node, report: &mut Report) -> Option<String> {
    let text = decode::string(node, "`at`", report)?;
    let begins = text.is_empty() || text.starts_with('/');
    let escapes = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    if begins && escapes {
        return Some(text.to_owned());
    }
    let message = format!("`at` must be a JSON Pointer, not {}", node.description());
    let help = if begins {
        "write ~0 for ~, and ~1 for / in a key".to_owned()
    } else {
        format!("begin it with a slash: \"/{}\"", text.replace('.', "/").escape_debug())
    };
    report.push(Problem::error("wrong-pointer", node.span, message).help(help));
    None
}

fn pattern(node: &Node, report: &mut Report) -> Option<String> {
    let text = decode::string(node, "`pattern`", report)?;
    let regex = condition::regex(text, node, report)?;
    if regex.is_match("") {
        let message = format!("`pattern` {} matches the empty text, which is everywhere", node.description());
        let help = "write + for * where at least one character is meant";
        report.push(Problem::error("empty-match", node.span, message).help(help));
        return None;
    }
    Some(text.to_owned())
}

fn detectors(node: &Node, report: &mut Report) -> BTreeSet<Detector> {
    let items = decode::list(node, "`detect`", report).unwrap_or_default();
    if matches!(&node.value, Value::Array(items) if items.is_empty()) {
        let problem = Problem::error("empty-list", node.span, "an empty `detect` finds nothing");
        report.push(problem.help("name detectors, such as \"email\", or remove it"));
    }
    items.iter().filter_map(|item| decode::word(item, "a detector", DETECTORS, &[], report)).collect()
}
