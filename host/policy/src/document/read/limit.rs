//! Items of `limits`.

use super::super::vocabulary::{GREATEST, LONGEST_COUNTER, SCOPES, UNITS};
use super::super::{Amount, Cost, Limit, LimitWindow, Root, Spanned};
use super::{flag, path, text};
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::{Node, Value};

pub(super) fn limit(node: &Node, report: &mut Report) -> Option<Limit> {
    let mut object = Object::read(node, node.span, "an item of `limits`", report)?;
    let errors_before = report.errors();
    let counter =
        object.require("counter", "\"calls\"", report).and_then(|member| counter(&member.node, report));
    let window = object.require("window", "\"hour\"", report).and_then(|member| window(&member.node, report));
    let max = object.require("max", "10", report).and_then(|member| {
        let value = amount(&member.node, "`max`", report)?;
        if value.is_zero() {
            let problem = decode::wrong_value(&member.node, "`max`", "more than 0");
            report.push(problem.help("to refuse every call, write an entry whose action is \"deny\""));
        }
        Some(Spanned { value, span: member.node.span })
    });
    let scope = object
        .take("scope")
        .and_then(|member| decode::word(&member.node, "`scope`", SCOPES, &[], report))
        .unwrap_or_default();
    let cost = match object.take("cost") {
        Some(member) => cost(&member.node, report),
        None => Some(Cost::Amount(Amount::one())),
    };
    let on_deny = text(&mut object, "on_deny", report);
    let count_errors = flag(&mut object, "count_errors", report);
    object.finish(&[], report);
    let limit = Limit {
        counter: counter?,
        window: window?,
        max: max?,
        scope,
        cost: cost?,
        on_deny,
        count_errors,
        span: node.span,
    };
    (report.errors() == errors_before).then_some(limit)
}

fn counter(node: &Node, report: &mut Report) -> Option<Spanned<String>> {
    let name = decode::string(node, "`counter`", report)?;
    let printable = !name.chars().any(char::is_control) && !name.trim().is_empty();
    if !printable || name.len() > LONGEST_COUNTER {
        let message = format!("`counter` must be a name, not {}", node.description());
        let help = format!(
            "a name is not empty, has no control characters and is at most {LONGEST_COUNTER} bytes long"
        );
        report.push(Problem::error("wrong-counter", node.span, message).help(help));
        return None;
    }
    Some(Spanned { value: name.to_owned(), span: node.span })
}

fn window(node: &Node, report: &mut Report) -> Option<LimitWindow> {
    match &node.value {
        Value::String(_) => decode::word(node, "`window`", UNITS, &[], report).map(LimitWindow::Fixed),
        Value::Number(_) => {
            decode::integer(node, "`window` (seconds)", &(1..=GREATEST), report).map(LimitWindow::Sliding)
        }
        _ => {
            let wanted = "a unit such as \"hour\", or a number of seconds";
            report.push(decode::wrong_value(node, "`window`", wanted));
            None
        }
    }
}

fn cost(node: &Node, report: &mut Report) -> Option<Cost> {
    let Some(text) = node.as_str() else {
        if matches!(node.value, Value::Number(_)) {
            return amount(node, "`cost`", report).map(Cost::Amount);
        }
        let wanted = "a number, or the path of an argument such as \"args.amount\"";
        report.push(decode::wrong_value(node, "`cost`", wanted));
        return None;
    };
    if serde_json::from_str::<serde_json::Number>(text).is_ok() {
        let problem = decode::wrong_value(node, "`cost`", "a number, or the path of an argument");
        report.push(problem.help(format!("write it without quotes: {text}")));
        return None;
    }
    let path = path::path(text, node.span, report)?;
    if path.root != Root::Args {
        let message = format!("`cost` must be a path into the arguments, not `{text}`");
        let problem = Problem::error("wrong-cost", node.span, message);
        report.push(problem.help("begin it with `args`, or write a number"));
        return None;
    }
    Some(Cost::Path(path))
}

fn amount(node: &Node, name: &str, report: &mut Report) -> Option<Amount> {
    let amount = match &node.value {
        Value::Number(literal) => Amount::parse(literal),
        _ => None,
    };
    if amount.is_none() {
        let negative = matches!(&node.value, Value::Number(literal) if literal.starts_with('-'));
        let problem = match &node.value {
            Value::Number(_) if !negative => decode::wrong_value(node, name, &digits()),
            _ => decode::wrong_value(node, name, "a number that is not negative"),
        };
        let number = node.as_str().filter(|text| serde_json::from_str::<serde_json::Number>(text).is_ok());
        report.push(match number {
            Some(text) => problem.help(format!("write it without quotes: {text}")),
            None => problem,
        });
    }
    amount
}

fn digits() -> String {
    format!("a number with at most {} digits before and {} after the point", Amount::WHOLE, Amount::FRACTION)
}
