//! Conditions.

use regex::{Regex, RegexBuilder};

use super::super::condition::MAX_GROUPS;
use super::super::vocabulary::{OPERATORS, OTHER_OPERATORS};
use super::super::{Condition, Operator, Test};
use super::{flag, path};
use crate::decode::{self, Object, closest};
use crate::diagnostics::{Problem, Report};
use crate::source::{Member, Node, Value};

/// A list of conditions; those that are in order if others are not.
pub(super) fn conditions(node: &Node, name: &str, report: &mut Report) -> Vec<Condition> {
    let items = decode::list(node, name, report).unwrap_or_default();
    items.iter().filter_map(|item| condition(item, 0, report)).collect()
}

fn condition(node: &Node, depth: usize, report: &mut Report) -> Option<Condition> {
    let mut object = Object::read(node, node.span, "a condition", report)?;
    let condition = in_object(&mut object, node, depth, report);
    object.finish(&[], report);
    condition
}

/// A condition in an object that may have further keys, for the caller to take.
pub(super) fn inside(object: &mut Object<'_>, node: &Node, report: &mut Report) -> Option<Condition> {
    in_object(object, node, 0, report)
}

fn in_object(object: &mut Object<'_>, node: &Node, depth: usize, report: &mut Report) -> Option<Condition> {
    let test: Vec<&Member> =
        [object.take("path"), object.take("op"), object.take("value"), object.take("ignore_case")]
            .into_iter()
            .flatten()
            .collect();
    let groups: Vec<&Member> =
        [object.take("any"), object.take("all"), object.take("not")].into_iter().flatten().collect();
    match (groups.as_slice(), test.as_slice()) {
        ([], []) => {
            let message =
                "a condition must have the keys `path`, `op` and `value`, or one of `any`, `all` and `not`";
            let example = r#"write for example {"path": "args.stage", "op": "eq", "value": "Production"}"#;
            report.push(Problem::error("missing-key", node.span.head(), message).help(example));
            None
        }
        ([], _) => self::test(object, report),
        ([group], []) => self::group(group, depth, report),
        ([group, other, ..], _) | ([group], [other, ..]) => {
            let (first, second) =
                if group.key_span <= other.key_span { (group, other) } else { (other, group) };
            let message = format!(
                "`{}` and `{}` in one condition: it is not said how they go together",
                first.key, second.key
            );
            let problem = Problem::error("mixed-condition", second.key_span, message);
            report.push(problem.help("make them two conditions, in a group: {\"all\": [{…}, {…}]}"));
            None
        }
    }
}

fn group(member: &Member, depth: usize, report: &mut Report) -> Option<Condition> {
    if depth >= MAX_GROUPS {
        let message = format!("groups of conditions are nested deeper than {MAX_GROUPS} levels");
        let problem = Problem::error("deep-condition", member.key_span, message);
        report.push(problem.help("write them flatter, or check this in a plugin under `plugins`"));
        return None;
    }
    if member.key == "not" {
        return Some(Condition::Not(Box::new(condition(&member.node, depth + 1, report)?)));
    }
    let items = decode::list(&member.node, &format!("`{}`", member.key), report)?;
    if items.is_empty() {
        let always = if member.key == "all" { "always" } else { "never" };
        let message = format!("an empty `{}` {always} holds", member.key);
        report.push(
            Problem::error("empty-group", member.key_span, message)
                .help("put conditions in it, or remove it"),
        );
        return None;
    }
    let read: Vec<_> = items.iter().filter_map(|item| condition(item, depth + 1, report)).collect();
    (read.len() == items.len())
        .then(|| if member.key == "all" { Condition::All(read) } else { Condition::Any(read) })
}

fn test(object: &mut Object<'_>, report: &mut Report) -> Option<Condition> {
    let path = object.require("path", "\"args.stage\"", report).and_then(|member| {
        let text = decode::string(&member.node, "`path`", report)?;
        path::path(text, member.node.span, report)
    });
    let op = object.require("op", "\"eq\"", report).and_then(|member| operator(&member.node, report));
    let value =
        object.require("value", if op == Some(Operator::Exists) { "true" } else { "\"Production\"" }, report);
    let ignored = object.take("ignore_case");
    let ignore_case = flag(object, "ignore_case", report);
    let (op, value) = (op?, value?);
    let fits = operand(op, &value.node, report);
    if let (true, Some(member)) = (ignore_case && fits, ignored) {
        case(op, &value.node, member, report);
    }
    let path = path?;
    fits.then(|| Condition::Test(Test { path, op, value: value.node.clone(), ignore_case }))
}

fn operator(node: &Node, report: &mut Report) -> Option<Operator> {
    let text = decode::string(node, "`op`", report)?;
    if let Some((_, op)) = OPERATORS.iter().find(|(word, _)| *word == text) {
        return Some(*op);
    }
    let words: Vec<_> = OPERATORS.iter().map(|(word, _)| *word).collect();
    let folded = text.to_lowercase().replace([' ', '-'], "_");
    let meant = OTHER_OPERATORS.iter().find(|(other, _)| *other == folded).map(|(_, word)| *word);
    let help = match meant.or_else(|| closest(text, words.iter().copied())) {
        Some("glob") => "use \"glob\", with * for any text: \"*.csv\" for what ends with .csv".to_owned(),
        Some(word) => format!("did you mean \"{word}\"?"),
        None => format!("operators: {}", words.join(", ")),
    };
    let message = format!("unknown operator {}", node.description());
    report.push(Problem::error("unknown-operator", node.span, message).help(help));
    None
}

/// Whether the value is one that the operator compares with.
fn operand(op: Operator, node: &Node, report: &mut Report) -> bool {
    let errors_before = report.errors();
    let name = format!("`value` of \"{}\"", op.as_str());
    match (op, &node.value) {
        (_, Value::Null) => null(node, report),
        (Operator::Exists, Value::Bool(_)) | (Operator::Eq | Operator::Neq, _) => {}
        (Operator::Exists, _) => {
            decode::boolean(node, &name, report);
        }
        (Operator::In | Operator::NotIn, _) => members(&name, node, report),
        (Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte, Value::Number(_)) => {}
        (Operator::Lt | Operator::Lte | Operator::Gt | Operator::Gte, _) => {
            let problem = decode::wrong_value(node, &name, "a number");
            let number =
                node.as_str().filter(|text| serde_json::from_str::<serde_json::Number>(text).is_ok());
            report.push(match number {
                Some(text) => problem.help(format!("write it without quotes: {text}")),
                None => problem,
            });
        }
        (Operator::Contains, Value::Array(_) | Value::Object(_)) => {
            let problem = decode::wrong_value(node, &name, "a text, a number, true or false");
            report.push(
                problem.help("for several write one condition each, in a group: {\"any\": [{…}, {…}]}"),
            );
        }
        (Operator::Contains, _) => {}
        (Operator::Glob | Operator::StartsWith, _) => {
            decode::string(node, &name, report);
        }
        (Operator::Regex, _) => {
            if let Some(text) = decode::string(node, &name, report) {
                regex(text, node, report);
            }
        }
    }
    report.errors() == errors_before
}

fn null(node: &Node, report: &mut Report) {
    let problem =
        Problem::error("null-value", node.span, "nothing is compared with null: it counts as absent");
    let exists = r#"use "exists": {"path": …, "op": "exists", "value": false} holds where there is nothing"#;
    report.push(problem.help(exists));
}

/// The list of `in` and `not_in`.
fn members(name: &str, node: &Node, report: &mut Report) {
    let Some(items) = decode::list(node, name, report) else { return };
    if items.is_empty() {
        let problem = Problem::error("empty-list", node.span, "nothing is in an empty list");
        report.push(problem.help("put the values in it, or remove the condition"));
    }
    for item in items {
        match item.value {
            Value::Null => null(item, report),
            Value::Array(_) | Value::Object(_) => {
                let wanted = "a text, a number, true or false";
                report.push(decode::wrong_value(item, &format!("an item of the {name}"), wanted));
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Whether there is text to compare without regard to case.
fn case(op: Operator, value: &Node, member: &Member, report: &mut Report) {
    let is_text = |node: &Node| node.as_str().is_some();
    let (meaningless, help) = match (op, &value.value) {
        (Operator::Regex, _) => (true, "begin the regular expression with (?i)"),
        (Operator::In | Operator::NotIn, Value::Array(items)) => {
            (!items.iter().any(is_text), "remove it: there is no text in the list")
        }
        (Operator::Eq | Operator::Neq | Operator::Contains, _) => {
            (!is_text(value), "remove it: the value is not a text")
        }
        (Operator::Glob | Operator::StartsWith, _) => (false, ""),
        _ => (true, "remove it"),
    };
    if meaningless {
        let message = format!("`ignore_case` means nothing for this \"{}\"", op.as_str());
        report.push(Problem::error("meaningless-case", member.key_span, message).help(help));
    }
}

/// The memory that a compiled regular expression may take, in bytes: it is part of every evaluation.
const LARGEST_REGEX: usize = 1 << 20;

/// Compiles it as the plugins do, to see whether they can.
pub(super) fn regex(text: &str, node: &Node, report: &mut Report) -> Option<Regex> {
    let error = match RegexBuilder::new(text).size_limit(LARGEST_REGEX).build() {
        Ok(regex) => return Some(regex),
        Err(error) => error,
    };
    let (what, help) = match &error {
        regex::Error::CompiledTooBig(_) => (
            "it is too big".to_owned(),
            "write it shorter, with smaller repetitions, or with (?-u) where only ASCII is meant",
        ),
        // The last line says what is wrong, those before show where.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            (
                last.strip_prefix("error: ").unwrap_or(last).to_owned(),
                "this is the syntax of Rust's `regex` crate: no look-around, no backreferences",
            )
        }
    };
    let message = format!("{} is not a regular expression: {what}", node.description());
    report.push(Problem::error("wrong-regex", node.span, message).help(help));
    None
}
