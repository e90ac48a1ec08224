//! `plugins`.

use std::collections::BTreeSet;

use bartizan_pattern::Pattern;

use super::super::patterns::patterns;
use super::super::vocabulary::{GRANTS, MODES, ON_ERROR, RESERVED_PLUGIN_NAMES, UNSUPPORTED_IN_PLUGIN};
use super::super::{Grant, Mode, OnError, PluginEntry, Spanned};
use super::sandbox::sandbox;
use super::spanned;
use crate::decode::{self, Object};
use crate::diagnostics::{Problem, Report};
use crate::source::{Member, Node, Value};

pub(super) fn plugins(node: &Node, report: &mut Report) -> Vec<PluginEntry> {
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
    let sandbox = entry.take("sandbox").and_then(|member| sandbox(member, report)).unwrap_or_default();
    entry.finish(UNSUPPORTED_IN_PLUGIN, report);
    let entry = PluginEntry { name: name?, settings, tools, methods, mode, on_error, grants, sandbox };
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
