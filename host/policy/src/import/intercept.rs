//! Policies of Intercept (PolicyLayer), in YAML.
//!
//! What is meant the same way and where it goes:
//!
//! | Intercept | here |
//! |---|---|
//! | `default` (allow if absent), `hide`, `description` | the same keys |
//! | `tools.x.rules`, `tools."*".rules` | `tools.x`, `all_tools` |
//! | `action: deny` | `action`; under `"*"` a `deny_if` without conditions |
//! | conditions on `args.` | `require`, which fails for a missing argument just so |
//! | conditions on `state.` with `lt` or `lte`, and their `state` | `limits` of the scope `server` |
//! | `rate_limit`, `spend_limit` | `limits` of the scope `server` |
//! | `action: require_approval`, `approval_timeout` | `action`, `conditions` and `timeout` |
//!
//! Intercept ignores keys that it does not know, and so does the import, but with a finding. A file that
//! Intercept would refuse is refused here, but for what can only make it stricter.
//!
//! Two differences have no finding of their own: `lt`, `lte`, `gt` and `gte` take texts that are numbers
//! (`"5"`), which Intercept refuses, and so do the text operators take numbers; sums are exact, where
//! Intercept drops fractions.

mod condition;
mod entry;
mod grammar;
mod rule;

use entry::{Approval, Entry};

use super::{Findings, Import, finish};
use crate::decode::{self, Object};
use crate::diagnostics::{Diagnostics, Report};
use crate::json::Json;
use crate::rule::Pointer;
use crate::source::{Member, Node, Source, Span, Value};

/// Turns a policy of Intercept into ours.
///
/// # Errors
/// What is wrong with the policy, if Intercept would not take it either.
///
/// ```
/// use bartizan_policy::import::intercept;
/// use bartizan_policy::source::{Format, Source};
///
/// let text = "version: '1'\ntools:\n  delete_run:\n    rules:\n      - {name: keep, action: deny}\n";
/// let import = intercept::import(&Source::new("intercept.yaml", text, Format::Yaml)).unwrap();
/// assert!(import.document.contains(r#""action": "deny""#));
/// assert_eq!(import.findings[0].to_string(), "intercept.yaml:1:1: version: mapped to /version");
/// ```
pub fn import(source: &Source) -> Result<Import, Diagnostics> {
    let mut report = Report::new(source);
    let mut findings = Findings::default();
    let document = source.parse(&mut report).and_then(|root| {
        let mut importer = Importer { report: &mut report, findings: &mut findings, allows: true };
        importer.document(&root)
    });
    finish(&document.unwrap_or(Json::Null), findings, report)
}

/// What the parts of an import share.
struct Importer<'r> {
    report: &'r mut Report,
    findings: &'r mut Findings,
    /// Whether what is not listed is allowed.
    allows: bool,
}

impl Importer<'_> {
    fn document(&mut self, root: &Node) -> Option<Json> {
        let mut object = Object::read(root, root.span, "an Intercept policy", self.report)?;
        if let Some(version) = object.require("version", "\"1\"", self.report) {
            let one = matches!(&version.node.value, Value::String(text) | Value::Number(text) if text == "1");
            if !one {
                self.report.push(decode::wrong_value(&version.node, "`version`", "\"1\""));
            }
            self.findings.mapped(version.key_span, "version", vec!["/version".into()]);
        }
        let mut document = vec![("version".to_owned(), Json::from("1"))];
        if let Some(member) = object.take("description").filter(|member| member.node.value != Value::Null) {
            let text = decode::string(&member.node, "`description`", self.report).unwrap_or_default();
            document.push(("description".to_owned(), text.into()));
            self.findings.mapped(member.key_span, "description", vec!["/description".into()]);
        }
        document.push(("default".to_owned(), self.default(object.take("default"), root.span).into()));
        let hide = object.take("hide");
        let tools = object.take("tools");
        let approvals = object.take("approvals");
        self.unknown(root, "", &["version", "description", "default", "hide", "tools", "approvals"]);
        if let Some(member) = hide {
            document.push(("hide".to_owned(), Json::Array(self.hide(member))));
        }
        let timeout = approvals.and_then(|member| self.approvals(member));
        if let Some(timeout) = timeout {
            let mode = ("mode", Json::from("ticket"));
            document.push(("approvals".to_owned(), Json::object([mode, ("timeout", Json::from(timeout))])));
        }
        if let Some(member) = tools.filter(|member| member.node.value != Value::Null) {
            let members = decode::members(&member.node, "`tools`", self.report)?;
            if members.is_empty() {
                self.findings.mapped(member.key_span, "tools", vec!["/tools".into()]);
            }
            let (tools, all_tools) = self.tools(members);
            if let Some(all_tools) = all_tools.filter(|entry| !entry.is_empty()) {
                document.push(("all_tools".to_owned(), all_tools.into_json()));
            }
            let tools = tools.into_iter().map(|(name, entry)| (name, entry.into_json())).collect();
            document.push(("tools".to_owned(), Json::Object(tools)));
        }
        Some(Json::Object(document))
    }

    fn default(&mut self, member: Option<&Member>, place: Span) -> &'static str {
        let to = vec!["/default".to_owned()];
        let Some(member) = member.filter(|member| member.node.as_str() != Some("")) else {
            self.findings.mapped(place.head(), "default (absent: allow)", to);
            return "allow";
        };
        let words = [("allow", "allow"), ("deny", "deny")];
        let word = decode::word(&member.node, "`default`", &words, &[], self.report).unwrap_or("deny");
        self.allows = word == "allow";
        self.findings.mapped(member.key_span, "default", to);
        word
    }

    fn hide(&mut self, member: &Member) -> Vec<Json> {
        let mut names: Vec<&str> = Vec::new();
        for (index, item) in
            decode::list(&member.node, "`hide`", self.report).unwrap_or_default().iter().enumerate()
        {
            let Some(name) = decode::string(item, "a name in `hide`", self.report) else { continue };
            let construct = format!("hide[{index}]");
            if name.trim().is_empty() {
                self.report.push(decode::wrong_value(item, "a name in `hide`", "a tool's name"));
                continue;
            }
            let to = vec![format!("/hide/{}", names.len())];
            match spelled(name) {
                _ if names.contains(&name) => {
                    self.findings.not_mapped(item.span, construct, "it is in the list already");
                    continue;
                }
                Spelled::Never => {
                    let why = "it has white space or control characters; here, names of tools have none";
                    self.findings.not_mapped(item.span, construct, why);
                    continue;
                }
                Spelled::AsGlob if name != "*" => {
                    let how =
                        "`*` and `?` stand for any characters here, so it may hide more tools (stricter)";
                    self.findings.changed(item.span, construct, to, how);
                }
                Spelled::AsGlob | Spelled::Exactly => self.findings.mapped(item.span, construct, to),
            }
            names.push(name);
        }
        if names.is_empty() {
            self.findings.mapped(member.key_span, "hide", vec!["/hide".into()]);
        }
        names.into_iter().map(Json::from).collect()
    }

    /// Seconds that a request waits where its rule does not say.
    fn approvals(&mut self, member: &Member) -> Option<u32> {
        let members = match &member.node.value {
            Value::Null => &[],
            _ => decode::members(&member.node, "`approvals`", self.report)?,
        };
        if members.is_empty() {
            self.findings.not_mapped(member.key_span, "approvals", "it says nothing");
        }
        let mut timeout = None;
        for member in members {
            let construct = format!("approvals.{}", member.key);
            match member.key.as_str() {
                "timeout" | "default_timeout" | "approval_timeout" => {
                    timeout = self.duration(member, &construct);
                    self.findings.mapped(member.key_span, construct, vec!["/approvals/timeout".into()]);
                }
                "dedupe_window" => self.findings.not_mapped(
                    member.key_span,
                    construct,
                    "equal calls of one principal share one open request here for as long as it is open",
                ),
                "notify" => self.findings.not_mapped(
                    member.key_span,
                    construct,
                    "who is notified is no part of a policy here: set the webhook in the gateway's configuration",
                ),
                _ => self.findings.not_mapped(member.key_span, construct, UNKNOWN),
            }
        }
        timeout
    }

    fn tools(&mut self, members: &[Member]) -> (Vec<(String, Entry)>, Option<Entry>) {
        let mut tools: Vec<(String, Entry)> = Vec::new();
        let mut all_tools = None;
        for member in members {
            if member.key == "*" {
                let entry = self.tool(member, members, &Pointer::root().key("all_tools"));
                all_tools = Some(entry);
                continue;
            }
            let construct = tool_path(&member.key);
            let pointer = Pointer::root().key("tools").key(&member.key);
            let to = vec![pointer.as_str().to_owned()];
            match spelled(&member.key) {
                Spelled::Exactly => {
                    self.findings.mapped(member.key_span, construct, to);
                }
                Spelled::AsGlob if self.allows => {
                    let how = "`*` and `?` stand for any characters here, so its rules may hold for more tools (stricter)";
                    self.findings.changed(member.key_span, construct, to, how);
                }
                Spelled::AsGlob => {
                    let why = "`*` and `?` stand for any characters here, so it might allow more tools; \
                               without it the tool is denied (stricter)";
                    self.findings.not_mapped(member.key_span, construct, why);
                    continue;
                }
                Spelled::Never => {
                    let why = "it has white space or control characters; here, names of tools have none";
                    self.findings.not_mapped(member.key_span, construct, why);
                    continue;
                }
            }
            let entry = self.tool(member, members, &pointer);
            tools.push((member.key.clone(), entry));
        }
        if let Some(approval) = all_tools.as_mut().and_then(|entry| entry.approval.take()) {
            self.approval_of_all(&approval, &mut tools);
        }
        (tools, all_tools)
    }

    /// `all_tools` asks nobody: an approval that every tool needs is written into every entry.
    fn approval_of_all(&mut self, approval: &Approval, tools: &mut Vec<(String, Entry)>) {
        if self.allows {
            tools.push(("*".to_owned(), Entry::default()));
        }
        let mut to = Vec::new();
        for (name, entry) in tools.iter_mut().filter(|(_, entry)| !entry.denied) {
            match &mut entry.approval {
                Some(known) => known.join(approval),
                None => entry.approval = Some(approval.clone()),
            }
            to.push(name.clone());
        }
        let part = |key: &str| -> Vec<String> {
            let names = to.iter().map(|name| Pointer::root().key("tools").key(name).key(key));
            names.map(String::from).collect()
        };
        for (span, construct, key) in &approval.parts {
            if to.is_empty() {
                let why = "there is no tool that it could be about";
                self.findings.not_mapped(*span, construct.as_str(), why);
            } else {
                let how = "an approval for all tools is part of every entry here";
                self.findings.changed(*span, construct.as_str(), part(key), how);
            }
        }
    }

    /// The rules of one tool.
    fn tool(&mut self, member: &Member, all: &[Member], pointer: &Pointer) -> Entry {
        let construct = tool_path(&member.key);
        let mut entry = Entry::default();
        if member.node.value == Value::Null {
            return entry;
        }
        let what = "an entry of `tools`";
        let Some(mut object) = Object::read(&member.node, member.key_span, what, self.report) else {
            return entry;
        };
        let rules = object.take("rules");
        self.unknown(&member.node, &construct, &["rules"]);
        let Some(rules) = rules else { return entry };
        let items = match &rules.node.value {
            Value::Null => &[],
            _ => decode::list(&rules.node, "`rules`", self.report).unwrap_or_default(),
        };
        if items.is_empty() && member.key != "*" {
            let to = vec![pointer.as_str().to_owned()];
            self.findings.mapped(rules.key_span, format!("{construct}.rules"), to);
        } else if items.is_empty() {
            self.findings.not_mapped(rules.key_span, format!("{construct}.rules"), "there are none");
        }
        for (index, item) in items.iter().enumerate() {
            let scope = rule::Scope { tool: &member.key, all, pointer };
            self.rule(item, &format!("{construct}.rules[{index}]"), &scope, &mut entry);
        }
        entry
    }

    /// A duration in seconds.
    fn duration(&mut self, member: &Member, construct: &str) -> Option<u32> {
        let found = member.node.as_str().and_then(grammar::seconds);
        if found.is_none() {
            let problem =
                decode::wrong_value(&member.node, &format!("`{construct}`"), "a duration such as \"30m\"");
            self.report.push(problem);
        }
        found
    }

    /// A finding for every key that is not known.
    fn unknown(&mut self, node: &Node, construct: &str, known: &[&str]) {
        for member in node.as_object().unwrap_or_default() {
            if !known.contains(&member.key.as_str()) {
                let dot = if construct.is_empty() { "" } else { "." };
                self.findings.not_mapped(member.key_span, format!("{construct}{dot}{}", member.key), UNKNOWN);
            }
        }
    }
}

const UNKNOWN: &str = "the key is unknown; if it restricts something, write that by hand";

/// How the exact name of a tool can be written in our documents.
enum Spelled {
    /// As it is.
    Exactly,
    /// As a pattern that matches other names as well.
    AsGlob,
    /// Not at all.
    Never,
}

fn spelled(name: &str) -> Spelled {
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Spelled::Never
    } else if name.contains(['*', '?']) {
        Spelled::AsGlob
    } else {
        Spelled::Exactly
    }
}

fn tool_path(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if plain { format!("tools.{name}") } else { format!("tools[{}]", Json::from(name)) }
}
