//! `plugins`.

use std::collections::BTreeSet;

use bartizan_pattern::Pattern;

use super::super::patterns::patterns;
use super::super::vocabulary::{
    DEFAULT_HTTP_TIMEOUT, GRANTS, LONGEST_HTTP_TIMEOUT, MODES, ON_ERROR, RESERVED_PLUGIN_NAMES,
    UNSUPPORTED_IN_PLUGIN,
};
use super::super::{Grant, HttpAccess, Mode, OnError, PluginEntry, Spanned};
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
    let granted = entry.take("grants");
    let grants = granted.map(|member| grants(&member.node, report)).unwrap_or_default();
    let http = http_access(&grants, granted, entry.take("http"), report);
    let sandbox = entry.take("sandbox").and_then(|member| sandbox(member, report)).unwrap_or_default();
    entry.finish(UNSUPPORTED_IN_PLUGIN, report);
    let entry = PluginEntry { name: name?, settings, tools, methods, mode, on_error, grants, http, sandbox };
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

/// Where the plugin may send requests. The grant and the key come together: either one alone does nothing.
fn http_access(
    grants: &BTreeSet<Grant>,
    granted: Option<&Member>,
    access: Option<&Member>,
    report: &mut Report,
) -> Option<HttpAccess> {
    let format = report.source().format();
    match (granted.filter(|_| grants.contains(&Grant::Http)), access) {
        (None, None) => None,
        (Some(granted), None) => {
            let message = "`http` is granted, but nothing says where requests may go";
            let example = format.assignment("http", r#"{"origins": ["https://pdp.example.com"]}"#);
            let help = format!("add for example {example}, or remove the grant");
            report.push(Problem::error("grant-without-origins", granted.key_span, message).help(help));
            None
        }
        (None, Some(access)) => {
            let message = "`http` says where requests may go, but the plugin is not granted to send any";
            let help = "add \"http\" to `grants`, or remove `http`";
            report.push(Problem::error("origins-without-grant", access.key_span, message).help(help));
            None
        }
        (Some(_), Some(access)) => {
            let mut object = Object::read(&access.node, access.key_span, "`http` of a plugin", report)?;
            let origins = object.require("origins", r#"["https://pdp.example.com"]"#, report);
            let timeout = object.take("timeout_ms").map(|member| {
                decode::integer(&member.node, "`timeout_ms`", &(1..=LONGEST_HTTP_TIMEOUT), report)
            });
            object.finish(&[], report);
            let origins = origins.map(|member| origin_list(member, report))?;
            Some(HttpAccess { origins, timeout_ms: timeout.unwrap_or(Some(DEFAULT_HTTP_TIMEOUT))? })
        }
    }
}

fn origin_list(member: &Member, report: &mut Report) -> BTreeSet<String> {
    if member.node.value == Value::Array(Vec::new()) {
        let message = "with an empty `origins` the plugin reaches nobody";
        let help = "add one, such as \"https://pdp.example.com\", or remove `http` and its grant";
        report.push(Problem::error("empty-scope", member.key_span, message).help(help));
    }
    let items = decode::list(&member.node, "`origins`", report).unwrap_or_default();
    items.iter().filter_map(|item| origin(item, report)).collect()
}

/// An origin (RFC 6454): a scheme, a host and perhaps a port, and nothing else.
fn origin(node: &Node, report: &mut Report) -> Option<String> {
    let text = decode::string(node, "an origin", report)?;
    let url = url::Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    let origin = url.map(|url| url.origin().ascii_serialization());
    // What is written is what is compared, but for the scheme's own port and upper case.
    let (http, https) = (text.trim_end_matches(":80"), text.trim_end_matches(":443"));
    let is_exact = origin
        .as_deref()
        .is_some_and(|origin| [text, http, https].iter().any(|text| text.eq_ignore_ascii_case(origin)));
    if is_exact {
        return origin;
    }
    let message =
        format!("an origin must be a scheme, a host and perhaps a port, not {}", node.description());
    let problem = Problem::error("wrong-origin", node.span, message);
    report.push(match origin {
        Some(origin) => problem.help(format!("did you mean \"{origin}\"?")),
        None => problem.help("write it like \"https://pdp.example.com\" or \"http://127.0.0.1:8181\""),
    });
    None
}

fn grants(node: &Node, report: &mut Report) -> BTreeSet<Grant> {
    let items = decode::list(node, "`grants`", report).unwrap_or_default();
    items.iter().filter_map(|item| decode::word(item, "a grant", GRANTS, &[], report)).collect()
}
