//! The digest that says which policy decided.
//!
//! Taken of the document and not of the steps, so that a version of Bartizan that compiles the same
//! policy to other steps does not make it another policy.

use std::fmt::Write as _;

use bartizan_pattern::Pattern;
use sha2::{Digest as _, Sha256};

use super::conditions::{all, condition};
use super::lists::items;
use super::{inspect, limits, rate_limit, redact};
use crate::document::{
    Approvals, Entry, Instructions, PluginEntry, PolicyDocument, Rules, SANDBOX_NUMBERS, Sandbox, Spanned,
    Subject,
};
use crate::json::Json;

type Member = (&'static str, Json);

pub(super) fn of(document: &PolicyDocument) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(canonical(document).to_string()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Defaults written out, keys sorted, order kept only where it matters: among plugins and rules. A key that
/// came later is there only if it says something else than its default: it must not make other policies of
/// old ones.
fn canonical(document: &PolicyDocument) -> Json {
    let members = [
        ("version", Json::from("1")),
        ("default", Json::from(document.default.value.as_str())),
        ("hide", set(&document.hide)),
        ("tools", entries(document, Subject::Tools)),
        ("plugins", Json::Array(document.plugins.iter().map(plugin).collect())),
    ];
    let later = [Subject::Prompts, Subject::Resources, Subject::Methods]
        .into_iter()
        .filter(|subject| !document.entries(*subject).is_empty())
        .map(|subject| (subject.as_str(), entries(document, subject)));
    let all_tools = rules(&document.all_tools, &Rules::default());
    let all_tools = (!all_tools.is_empty()).then(|| ("all_tools", Json::object(all_tools)));
    let pin = document.pin.as_ref().map(|pin| ("pin", pin.lock.to_json()));
    // How people are asked decides nothing; when a request counts as refused does.
    let timeout = document.approvals.timeout;
    let approvals = (timeout != Approvals::default().timeout)
        .then(|| ("approvals", Json::object([("timeout", Json::from(timeout))])));
    let instructions = (document.instructions != Instructions::default())
        .then(|| ("instructions", Json::from(document.instructions.as_str())));
    let single = [all_tools, pin, approvals, instructions].into_iter().flatten();
    Json::object(members.into_iter().chain(later).chain(single)).sorted()
}

fn entries(document: &PolicyDocument, subject: Subject) -> Json {
    let entries = document.entries(subject).iter();
    Json::object(entries.map(|each| (each.pattern.value.as_str(), entry(each, document))))
}

fn entry(entry: &Entry, document: &PolicyDocument) -> Json {
    let reason = entry.reason.as_ref().map(|reason| ("reason", Json::from(reason.value.as_str())));
    let action = ("action", Json::from(entry.effective_action().as_str()));
    let conditions = (!entry.conditions.is_empty()).then(|| ("conditions", all(&entry.conditions)));
    let timeout =
        entry.timeout.map(|timeout| timeout.value).filter(|timeout| *timeout != document.approvals.timeout);
    let timeout = timeout.map(|timeout| ("timeout", Json::from(timeout)));
    let own = [Some(action), reason, conditions, timeout].into_iter().flatten();
    Json::object(own.chain(rules(&entry.rules, &document.all_tools)))
}

/// `wider`: the rules that apply as well, and which `"schema": false` takes the entry out of.
fn rules(rules: &Rules, wider: &Rules) -> Vec<Member> {
    let wider = wider.schema.is_some_and(|schema| schema.value);
    let schema = rules.schema.map(|schema| schema.value).filter(|schema| *schema != wider);
    let on_deny = |text: &Option<String>| text.as_deref().map(|text| ("on_deny", Json::from(text)));
    let require = rules.require.iter().map(|item| {
        let condition = [("condition", condition(&item.condition))];
        Json::object(condition.into_iter().chain(on_deny(&item.on_deny)))
    });
    let deny_if = rules.deny_if.iter().map(|item| {
        let conditions = [("conditions", all(&item.conditions))];
        Json::object(conditions.into_iter().chain(on_deny(&item.on_deny)))
    });
    let members = [
        rules.rate_limit.map(|limit| ("rate_limit", rate_limit::rate_limit(limit.value))),
        items("require", require),
        items("deny_if", deny_if),
        items("limits", rules.limits.iter().map(|limit| Json::object(limits::limit(limit)))),
        items("redact", rules.redact.iter().map(|redaction| Json::object(redact::redaction(redaction)))),
        items("inspect", rules.inspect.iter().map(|item| Json::object(inspect::inspection(item)))),
        schema.map(|schema| ("schema", Json::from(schema))),
    ];
    members.into_iter().flatten().collect()
}

fn plugin(entry: &PluginEntry) -> Json {
    let scope = |patterns: &Option<Vec<_>>| patterns.as_deref().map_or(Json::Null, set);
    let http = entry.http.as_ref().map(|http| {
        let origins = Json::strings(http.origins.iter().map(String::as_str));
        ("http", Json::object([("origins", origins), ("timeout_ms", Json::from(http.timeout_ms))]))
    });
    let members = [
        ("use", Json::from(entry.name.value.as_str())),
        ("settings", entry.settings.as_ref().map_or_else(|| Json::object([]), Json::from)),
        ("tools", scope(&entry.tools)),
        ("methods", scope(&entry.methods)),
        ("mode", Json::from(entry.mode.as_str())),
        ("on_error", Json::from(entry.on_error.as_str())),
        ("grants", Json::strings(entry.grants.iter().map(|grant| grant.as_str()))),
    ];
    let sandbox = sandbox(&entry.sandbox);
    let sandbox = (!sandbox.is_empty()).then(|| ("sandbox", Json::object(sandbox)));
    Json::object(members.into_iter().chain(http).chain(sandbox))
}

/// What it says, if anything: limits decide whether a plugin decides.
fn sandbox(sandbox: &Sandbox) -> Vec<(&'static str, Json)> {
    let words = [
        ("class", sandbox.class.map(|class| Json::from(class.as_str()))),
        ("isolation", sandbox.isolation.map(|isolation| Json::from(isolation.as_str()))),
    ];
    let numbers = SANDBOX_NUMBERS
        .iter()
        .zip(sandbox.numbers())
        .map(|((key, _), number)| (*key, number.map(Json::from)));
    words.into_iter().chain(numbers).filter_map(|(key, value)| Some((key, value?))).collect()
}

fn set(patterns: &[Spanned<Pattern>]) -> Json {
    let mut patterns: Vec<_> = patterns.iter().map(|pattern| pattern.value.as_str()).collect();
    patterns.sort_unstable();
    Json::strings(patterns)
}
