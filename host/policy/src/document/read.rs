//! A tree to a document: reads on past every problem.

use std::collections::BTreeSet;

use bartizan_pattern::Pattern;

use super::patterns::{pattern, patterns};
use super::vocabulary::{
    ACTIONS, GRANTS, GREATEST, INSTRUCTIONS, MODES, ON_ERROR, RESERVED_PLUGIN_NAMES, UNSUPPORTED_ACTIONS,
    UNSUPPORTED_IN_ENTRY, UNSUPPORTED_IN_PLUGIN, UNSUPPORTED_IN_POLICY,
};
use super::{Action, Grant, Mode, OnError, PluginEntry, PolicyDocument, RateLimit, Spanned, ToolEntry};
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::{Member, Node, Span, Value};

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
        .and_then(|member| spanned(member, decode::word(&member.node, "`default`", ACTIONS, &[], report)?))
        .unwrap_or(Spanned { value: Action::Deny, span: place.head() });
    let description = policy
        .take("description")
        .and_then(|member| decode::string(&member.node, "`description`", report))
        .map(str::to_owned);
    policy.take("$schema");
    let hide = policy.take("hide").map(|member| patterns(&member.node, "`hide`", report)).unwrap_or_default();
    let tools = policy.take("tools").map(|member| tools(&member.node, report)).unwrap_or_default();
    let plugins = policy.take("plugins").map(|member| plugins(&member.node, report)).unwrap_or_default();
    let instructions = policy
        .take("instructions")
        .and_then(|member| decode::word(&member.node, "`instructions`", INSTRUCTIONS, &[], report))
        .unwrap_or_default();
    policy.finish(UNSUPPORTED_IN_POLICY, report);
    Some(PolicyDocument {
        description,
        default,
        hide,
        tools,
        plugins,
        instructions,
        source: report.source().clone(),
    })
}

fn tools(node: &Node, report: &mut Report) -> Vec<ToolEntry> {
    let members = decode::members(node, "`tools`", report).unwrap_or_default();
    members.iter().filter_map(|member| tool(member, report)).collect()
}

/// None also if only a part could not be read: what the rest of the entry is worth depends on it.
fn tool(member: &Member, report: &mut Report) -> Option<ToolEntry> {
    let errors_before = report.errors();
    let pattern = pattern(&member.key, member.key_span, "`tools`", report);
    let mut entry = Object::read(&member.node, member.key_span, "an entry of `tools`", report)?;
    let action = entry.take("action").and_then(|member| {
        spanned(member, decode::word(&member.node, "`action`", ACTIONS, UNSUPPORTED_ACTIONS, report)?)
    });
    let reason = entry
        .take("reason")
        .and_then(|member| spanned(member, decode::string(&member.node, "`reason`", report)?.to_owned()));
    let rate_limit = entry.take("rate_limit").and_then(|member| rate_limit(member, report));
    entry.finish(UNSUPPORTED_IN_ENTRY, report);
    let entry = ToolEntry { pattern: pattern?, action, reason, rate_limit };
    (report.errors() == errors_before).then_some(entry)
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
    limit.finish(&[], report);
    let max = max.and_then(|max| decode::integer(&max.node, "`max`", &(1..=GREATEST), report));
    let window = window
        .and_then(|window| decode::integer(&window.node, "`window` (seconds)", &(1..=GREATEST), report));
    Some(Spanned { value: RateLimit { max: max?, window: window? }, span: member.key_span })
}

fn plugins(node: &Node, report: &mut Report) -> Vec<PluginEntry> {
    let items = decode::list(node, "`plugins`", report).unwrap_or_default();
    items.iter().filter_map(|item| plugin(item, report)).collect()
}

/// None also if only a part could not be read, as for entries of `tools`.
fn plugin(node: &Node, report: &mut Report) -> Option<PluginEntry> {
    let errors_before = report.errors();
    let mut entry = Object::read(node, node.span, "an item of `plugins`", report)?;
    let name = entry
        .require("use", "\"change-freeze\"", report)
        .and_then(|member| spanned(member, plugin_name(&member.node, report)?));
    let settings = entry.take("settings").map(|member| member.node.clone());
    if let Some(settings) = &settings {
        decode::members(settings, "`settings`", report);
    }
    let tools = entry.take("tools").map(|member| scope(member, "all targets", report));
    let methods =
        entry.take("methods").map(|member| scope(member, "the methods that the plugin declares", report));
    let mode = entry
        .take("mode")
        .and_then(|member| decode::word(&member.node, "`mode`", MODES, &[], report))
        .unwrap_or(Mode::Enforce);
    let on_error = entry
        .take("on_error")
        .and_then(|member| decode::word(&member.node, "`on_error`", ON_ERROR, &[], report))
        .unwrap_or(OnError::Deny);
    let grants = entry.take("grants").map(|member| grants(&member.node, report)).unwrap_or_default();
    entry.finish(UNSUPPORTED_IN_PLUGIN, report);
    let entry = PluginEntry { name: name?, settings, tools, methods, mode, on_error, grants };
    (report.errors() == errors_before).then_some(entry)
}

/// A name as the contract has them (`description.name` in the WIT).
fn plugin_name(node: &Node, report: &mut Report) -> Option<String> {
    const LONGEST: usize = 64;
    let name = decode::string(node, "`use`", report)?;
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if name.len() > LONGEST || !name.split('-').all(word) {
        let message = format!("`use` must be the name of a plugin, not {}", node.description());
        let help = "a name has lower-case letters and digits with hyphens between them, at most 64 in all";
        report.push(Problem::error("wrong-plugin-name", node.span, message).help(help));
        return None;
    }
    if RESERVED_PLUGIN_NAMES.contains(&name) {
        let message = format!("`{name}` is built in and follows from the rest of the policy");
        report.push(Problem::error("builtin-plugin", node.span, message).help("remove it from `plugins`"));
        return None;
    }
    Some(name.to_owned())
}

/// The list under `tools` or `methods` of a plugin; `otherwise` is what its absence means.
fn scope(member: &Member, otherwise: &str, report: &mut Report) -> Vec<Spanned<Pattern>> {
    let name = format!("`{}`", member.key);
    if member.node.value == Value::Array(Vec::new()) {
        let message = format!("with an empty {name} the plugin judges nothing");
        let help = format!("remove {name} for {otherwise}, or remove the plugin");
        report.push(Problem::error("empty-scope", member.key_span, message).help(help));
    }
    patterns(&member.node, &name, report)
}

fn grants(node: &Node, report: &mut Report) -> BTreeSet<Grant> {
    let items = decode::list(node, "`grants`", report).unwrap_or_default();
    items.iter().filter_map(|item| decode::word(item, "a grant", GRANTS, &[], report)).collect()
}

fn spanned<T>(member: &Member, value: T) -> Option<Spanned<T>> {
    Some(Spanned { value, span: member.node.span })
}
