//! The rules that entries and `all_tools` share.

use super::super::vocabulary::{GREATEST, MISPLACED_IN_ALL_TOOLS};
use super::super::{DenyIf, RateLimit, Requirement, Rules, Spanned};
use super::{condition, content, each, flag, limit, misplaced, text};
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::{Member, Node};

/// The rules of a tool.
pub(super) fn of_tools(object: &mut Object<'_>, report: &mut Report) -> Rules {
    let schema = object.take("schema").and_then(|member| {
        let value = decode::boolean(&member.node, "`schema`", report)?;
        Some(Spanned { value, span: member.key_span })
    });
    Rules { schema, ..of_others(object, report) }
}

/// The rules of what has no input schema.
pub(super) fn of_others(object: &mut Object<'_>, report: &mut Report) -> Rules {
    Rules {
        rate_limit: object.take("rate_limit").and_then(|member| rate_limit(member, report)),
        require: each(object, "require", report, requirement),
        deny_if: each(object, "deny_if", report, deny_if),
        limits: each(object, "limits", report, limit::limit),
        redact: each(object, "redact", report, content::redaction),
        inspect: each(object, "inspect", report, content::inspection),
        schema: None,
    }
}

pub(super) fn all_tools(member: &Member, report: &mut Report) -> Option<Rules> {
    let mut object = Object::read(&member.node, member.key_span, "`all_tools`", report)?;
    misplaced(&mut object, MISPLACED_IN_ALL_TOOLS, "`all_tools`", report);
    let rules = of_tools(&mut object, report);
    object.finish(&[], report);
    Some(rules)
}

fn rate_limit(member: &Member, report: &mut Report) -> Option<Spanned<RateLimit>> {
    if member.node.as_object().is_none() {
        let problem = decode::wrong_value(&member.node, "`rate_limit`", "an object");
        report.push(problem.help("give it `max`, a number of calls, and `window`, a number of seconds"));
        return None;
    }
    let mut limit = Object::read(&member.node, member.key_span, "`rate_limit`", report)?;
    let max = limit.require("max", "10", report);
    let window = limit.require("window", "60", report);
    let count_errors = flag(&mut limit, "count_errors", report);
    limit.finish(&[], report);
    let max = max.and_then(|max| decode::integer(&max.node, "`max`", &(1..=GREATEST), report));
    let window = window
        .and_then(|window| decode::integer(&window.node, "`window` (seconds)", &(1..=GREATEST), report));
    Some(Spanned { value: RateLimit { max: max?, window: window?, count_errors }, span: member.key_span })
}

fn requirement(node: &Node, report: &mut Report) -> Option<Requirement> {
    let mut object = Object::read(node, node.span, "an item of `require`", report)?;
    let condition = condition::inside(&mut object, node, report);
    let on_deny = text(&mut object, "on_deny", report);
    object.finish(&[], report);
    Some(Requirement { condition: condition?, on_deny, span: node.span })
}

fn deny_if(node: &Node, report: &mut Report) -> Option<DenyIf> {
    let mut object = Object::read(node, node.span, "an item of `deny_if`", report)?;
    let conditions = object.take("conditions");
    let bare: Vec<_> = ["path", "op", "value", "ignore_case", "any", "all", "not"]
        .into_iter()
        .filter_map(|key| object.refuse(key))
        .collect();
    if let Some(member) = bare.first() {
        let message = format!("`{}` has no place in an item of `deny_if`", member.key);
        let problem = Problem::error("misplaced-key", member.key_span, message);
        report.push(problem.help("put the condition into the list `conditions`: {\"conditions\": [{…}]}"));
    } else if conditions.is_none() {
        let message = "an item of `deny_if` must have the key `conditions`";
        let problem = Problem::error("missing-key", node.span.head(), message);
        report.push(
            problem.help("list what must hold for a refusal; with an empty list every call is refused"),
        );
    }
    let conditions = conditions.map(|member| condition::conditions(&member.node, "`conditions`", report));
    let on_deny = text(&mut object, "on_deny", report);
    object.finish(&[], report);
    let deny_if = DenyIf { conditions: conditions?, on_deny, span: node.span };
    bare.is_empty().then_some(deny_if)
}
