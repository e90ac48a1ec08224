//! A tree to a document: reads on past every problem.

mod approvals;
mod condition;
mod content;
mod entry;
mod limit;
mod path;
mod pin;
mod plugins;
mod rules;
mod sandbox;

use super::patterns::patterns;
use super::vocabulary::{DEFAULTS, INSTRUCTIONS, MISPLACED_IN_POLICY, Misplaced};
use super::{DefaultAction, PolicyDocument, Spanned, Subject};
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::{Member, Node, Span};

/// Reads what can be read. The document is fit for use only if the report has no errors; before that
/// it serves to find more of them. What could not be read is as if it were absent, and `default` is then
/// deny. `place` is where a missing key is reported.
pub(crate) fn read(node: &Node, place: Span, report: &mut Report) -> Option<PolicyDocument> {
    let mut policy = Object::read(node, place, "a policy", report)?;
    if let Some(member) = policy.require("version", "\"1\"", report) {
        decode::word(&member.node, "`version`", &[("1", ())], &[], report);
    }
    let default = policy
        .require("default", "\"deny\"", report)
        .and_then(|member| spanned(member, decode::word(&member.node, "`default`", DEFAULTS, &[], report)?))
        .unwrap_or(Spanned { value: DefaultAction::Deny, span: place.head() });
    let description = policy
        .take("description")
        .and_then(|member| decode::string(&member.node, "`description`", report))
        .map(str::to_owned);
    policy.take("$schema");
    let hide = policy.take("hide").map(|member| patterns(&member.node, "`hide`", report)).unwrap_or_default();
    let tools = entry::entries(policy.take("tools"), Subject::Tools, report);
    let prompts = entry::entries(policy.take("prompts"), Subject::Prompts, report);
    let resources = entry::entries(policy.take("resources"), Subject::Resources, report);
    let methods = entry::entries(policy.take("methods"), Subject::Methods, report);
    let all_tools =
        policy.take("all_tools").and_then(|member| rules::all_tools(member, report)).unwrap_or_default();
    let pin = policy.take("pin").and_then(|member| pin::pin(&member.node, report));
    let approvals =
        policy.take("approvals").and_then(|member| approvals::approvals(member, report)).unwrap_or_default();
    let plugins =
        policy.take("plugins").map(|member| plugins::plugins(&member.node, report)).unwrap_or_default();
    let instructions = policy
        .take("instructions")
        .and_then(|member| decode::word(&member.node, "`instructions`", INSTRUCTIONS, &[], report))
        .unwrap_or_default();
    misplaced(&mut policy, MISPLACED_IN_POLICY, "a policy", report);
    policy.finish(&[], report);
    Some(PolicyDocument {
        description,
        default,
        hide,
        tools,
        prompts,
        resources,
        methods,
        all_tools,
        pin,
        approvals,
        plugins,
        instructions,
        source: report.source().clone(),
    })
}

fn spanned<T>(member: &Member, value: T) -> Option<Spanned<T>> {
    Some(Spanned { value, span: member.node.span })
}

/// Reports keys that are known and have no place in `what`.
fn misplaced(object: &mut Object<'_>, table: &[Misplaced], what: &str, report: &mut Report) {
    for Misplaced { key, instead } in table {
        if let Some(member) = object.refuse(key) {
            let message = format!("`{key}` has no place in {what}");
            report.push(Problem::error("misplaced-key", member.key_span, message).help(*instead));
        }
    }
}

/// The text of an optional key.
fn text(object: &mut Object<'_>, key: &'static str, report: &mut Report) -> Option<String> {
    let member = object.take(key)?;
    decode::string(&member.node, &format!("`{key}`"), report).map(str::to_owned)
}

/// True or false, or false if the key is absent.
fn flag(object: &mut Object<'_>, key: &'static str, report: &mut Report) -> bool {
    let member = object.take(key);
    member.and_then(|member| decode::boolean(&member.node, &format!("`{key}`"), report)).unwrap_or_default()
}

/// What is read of a list; a mistake in one item does not hide those of others.
fn each<T>(
    object: &mut Object<'_>,
    key: &'static str,
    report: &mut Report,
    mut read: impl FnMut(&Node, &mut Report) -> Option<T>,
) -> Vec<T> {
    let Some(member) = object.take(key) else { return Vec::new() };
    let items = decode::list(&member.node, &format!("`{key}`"), report).unwrap_or_default();
    items.iter().filter_map(|item| read(item, report)).collect()
}
