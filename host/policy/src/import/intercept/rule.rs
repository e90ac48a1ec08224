//! One rule of Intercept.

use super::entry::{Approval, Entry, Limit};
use super::{Importer, grammar};
use crate::decode::{self, Object};
use crate::json::Json;
use crate::rule::Pointer;
use crate::source::{Member, Node, Span, Value};

/// Where a rule belongs.
pub(super) struct Scope<'a> {
    /// The tool, or `*`.
    pub(super) tool: &'a str,
    /// All of `tools`.
    pub(super) all: &'a [Member],
    /// The entry that it becomes part of.
    pub(super) pointer: &'a Pointer,
}

impl Scope<'_> {
    /// What Intercept calls it in the paths of counters.
    pub(super) fn counters(&self) -> &str {
        if self.tool == "*" { "_global" } else { self.tool }
    }

    pub(super) fn at(&self, key: &str, index: usize) -> String {
        self.pointer.clone().key(key).index(index).as_str().to_owned()
    }

    pub(super) fn key(&self, key: &str) -> String {
        self.pointer.clone().key(key).as_str().to_owned()
    }
}

const KEYS: &[&str] =
    &["name", "action", "rate_limit", "conditions", "on_deny", "state", "approval_timeout", "spend_limit"];
const ACTIONS: &[(&str, Action)] =
    &[("evaluate", Action::Evaluate), ("deny", Action::Deny), ("require_approval", Action::RequireApproval)];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Evaluate,
    Deny,
    RequireApproval,
}

/// A rule while its parts are read.
pub(super) struct Rule<'a> {
    pub(super) construct: &'a str,
    /// What a refused agent is told.
    pub(super) told: Option<String>,
    pub(super) state: Option<State<'a>>,
    /// Where its parts went.
    pub(super) to: Vec<String>,
    /// The parts of an approval for all tools.
    parts: Vec<(Span, String, &'static str)>,
}

impl Rule<'_> {
    pub(super) fn went(&mut self, to: &str) {
        if !self.to.iter().any(|known| known == to) {
            self.to.push(to.to_owned());
        }
    }
}

pub(super) struct State<'a> {
    pub(super) member: &'a Member,
    pub(super) counter: &'a str,
    pub(super) window: &'static str,
    pub(super) cost: Option<Json>,
    pub(super) used: bool,
}

impl Importer<'_> {
    pub(super) fn rule(&mut self, node: &Node, construct: &str, scope: &Scope<'_>, entry: &mut Entry) {
        let Some(mut object) = Object::read(node, node.span, "a rule", self.report) else { return };
        let name = object.take("name");
        let action = object.take("action").filter(|member| member.node.as_str() != Some(""));
        let rate_limit = object.take("rate_limit");
        let conditions = object.take("conditions");
        let on_deny = object.take("on_deny");
        let state = object.take("state");
        let timeout = object.take("approval_timeout");
        let spend_limit = object.take("spend_limit");
        self.unknown(node, construct, KEYS);
        let what = match action {
            Some(member) => decode::word(&member.node, "`action`", ACTIONS, &[], self.report),
            None => Some(Action::Evaluate),
        };
        let Some(what) = what else { return };
        let named = said(name).map(|name| format!("Denied by rule \"{name}\""));
        let mut rule = Rule {
            construct,
            told: said(on_deny).map(str::to_owned).or(named),
            state: None,
            to: Vec::new(),
            parts: Vec::new(),
        };
        rule.state = state.and_then(|member| self.state(member, &rule, entry));
        let mut case = Vec::new();
        let items = conditions.filter(|member| member.node.value != Value::Null);
        let items = items
            .and_then(|member| decode::list(&member.node, "`conditions`", self.report))
            .unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let construct = format!("{construct}.conditions[{index}]");
            self.condition(item, &construct, what, &mut rule, scope, entry, &mut case);
        }
        if let Some(member) = rate_limit {
            self.rate_limit(member, said(on_deny), &mut rule, scope, entry);
        }
        if let Some(member) = spend_limit {
            self.spend_limit(member, &mut rule, scope, entry);
        }
        match what {
            Action::Deny => self.deny(
                action.map_or(node.span, |member| member.key_span),
                !items.is_empty(),
                &mut rule,
                scope,
                entry,
            ),
            Action::RequireApproval => {
                let span = action.map_or(node.span, |member| member.key_span);
                let timeout = timeout.and_then(|member| self.timeout(member, &mut rule, scope));
                let reason = said(on_deny).map(str::to_owned);
                let approval = Approval { cases: vec![case], reason, timeout, parts: Vec::new() };
                self.approve(approval, span, items.len(), &mut rule, scope, entry);
            }
            Action::Evaluate => {
                if let Some(member) = action {
                    let to = if rule.to.is_empty() {
                        vec![scope.pointer.as_str().to_owned()]
                    } else {
                        rule.to.clone()
                    };
                    self.findings.mapped(member.key_span, format!("{construct}.action"), to);
                }
                if items.is_empty() && rate_limit.is_none() && spend_limit.is_none() {
                    self.report.push(decode::wrong_value(
                        node,
                        "a rule that evaluates",
                        "one with conditions",
                    ));
                }
            }
        }
        if let (Some(member), true) = (timeout, what != Action::RequireApproval) {
            self.findings.not_mapped(
                member.key_span,
                format!("{construct}.approval_timeout"),
                "this rule asks nobody",
            );
        }
        self.unused_state(&rule);
        self.texts(name, on_deny, &mut rule);
        if let Some(approval) = &mut entry.approval {
            approval.parts.append(&mut rule.parts);
        }
    }

    /// Findings for `name` and `on_deny`.
    fn texts(&mut self, name: Option<&Member>, on_deny: Option<&Member>, rule: &mut Rule<'_>) {
        for (key, becomes, member) in [("name", "action", name), ("on_deny", "reason", on_deny)] {
            let Some(member) = member else { continue };
            decode::string(&member.node, &format!("`{key}`"), self.report);
            let construct = format!("{}.{key}", rule.construct);
            if !rule.to.is_empty() {
                // Where it stands is what a rule is called here.
                self.findings.mapped(member.key_span, construct, rule.to.clone());
            } else if !rule.parts.is_empty() {
                rule.parts.push((member.key_span, construct, becomes));
            } else {
                self.findings.not_mapped(member.key_span, construct, "nothing is left of the rule");
            }
        }
    }

    fn deny(
        &mut self,
        span: Span,
        conditional: bool,
        rule: &mut Rule<'_>,
        scope: &Scope<'_>,
        entry: &mut Entry,
    ) {
        let construct = format!("{}.action", rule.construct);
        let to = if scope.tool == "*" {
            entry.deny_if.push(always(rule.told.as_deref()));
            scope.at("deny_if", entry.deny_if.len() - 1)
        } else {
            if !entry.denied {
                entry.denied = true;
                entry.reason.clone_from(&rule.told);
            }
            scope.key("action")
        };
        rule.went(&to);
        if conditional {
            let how = "Intercept refuses conditions here; it is denied whatever they say (stricter)";
            self.findings.changed(span, construct, vec![to], how);
        } else {
            self.findings.mapped(span, construct, vec![to]);
        }
    }

    fn approve(
        &mut self,
        approval: Approval,
        span: Span,
        conditions: usize,
        rule: &mut Rule<'_>,
        scope: &Scope<'_>,
        entry: &mut Entry,
    ) {
        let construct = format!("{}.action", rule.construct);
        let to = scope.key("action");
        let fewer = approval.cases.iter().map(Vec::len).sum::<usize>() < conditions;
        if scope.tool == "*" {
            rule.parts.push((span, construct, "action"));
        } else if fewer {
            let how = "approval is needed more often than in Intercept, since not all of its conditions could be said (stricter)";
            self.findings.changed(span, construct, vec![to], how);
        } else if entry.approval.is_some() {
            let how = "an entry asks once: conditions of several rules are joined by `any`, the shortest time and the first text count";
            self.findings.changed(span, construct, vec![to], how);
        } else {
            self.findings.mapped(span, construct, vec![to]);
        }
        if scope.tool != "*" {
            rule.went(&scope.key("action"));
        }
        match &mut entry.approval {
            Some(known) => known.join(&approval),
            None => entry.approval = Some(approval),
        }
    }

    /// A part of an approval, which becomes a key of the entry, or of every entry.
    pub(super) fn part(
        &mut self,
        span: Span,
        construct: String,
        key: &'static str,
        rule: &mut Rule<'_>,
        scope: &Scope<'_>,
    ) {
        if scope.tool == "*" {
            rule.parts.push((span, construct, key));
        } else {
            self.findings.mapped(span, construct, vec![scope.key(key)]);
        }
    }

    fn timeout(&mut self, member: &Member, rule: &mut Rule<'_>, scope: &Scope<'_>) -> Option<u32> {
        let construct = format!("{}.approval_timeout", rule.construct);
        let seconds = self.duration(member, &construct)?;
        self.part(member.key_span, construct, "timeout", rule, scope);
        Some(seconds)
    }

    fn state<'a>(&mut self, member: &'a Member, rule: &Rule<'_>, entry: &mut Entry) -> Option<State<'a>> {
        let construct = format!("{}.state", rule.construct);
        let mut object = Object::read(&member.node, member.key_span, "`state`", self.report)?;
        let counter = object.require("counter", "\"calls\"", self.report);
        let window = object.require("window", "\"hour\"", self.report);
        let increment = object.take("increment");
        let from = object.take("increment_from");
        self.unknown(&member.node, &construct, &["counter", "window", "increment", "increment_from"]);
        let named = &counter?.node;
        let counter = decode::string(named, "`counter`", self.report)?;
        if counter.is_empty() || entry.counters.iter().any(|known| known == counter) {
            let wanted = "a name that no other rule of the tool has";
            self.report.push(decode::wrong_value(named, "`counter`", wanted));
        }
        entry.counters.push(counter.to_owned());
        let windows: Vec<_> = grammar::WINDOWS.iter().map(|window| (*window, *window)).collect();
        let window = decode::word(&window?.node, "`window`", &windows, &[], self.report)?;
        let mut cost = None;
        if let Some(increment) = increment {
            let range = 0..=1_000_000_000;
            let number = decode::integer(&increment.node, "`increment`", &range, self.report)?;
            // Intercept takes 0 for 1.
            cost = (number > 1).then(|| Json::from(number));
        }
        if let Some(from) = from.filter(|from| from.node.as_str() != Some("")) {
            let text = decode::string(&from.node, "`increment_from`", self.report)?;
            let Some(path) = grammar::path(text) else {
                let wanted = "a path that begins with `args.`";
                self.report.push(decode::wrong_value(&from.node, "`increment_from`", wanted));
                return None;
            };
            cost = Some(Json::String(path));
        }
        Some(State { member, counter, window, cost, used: false })
    }

    fn unused_state(&mut self, rule: &Rule<'_>) {
        if let Some(state) = rule.state.as_ref().filter(|state| !state.used) {
            let why = "no condition of its rule limits this counter with `lt` or `lte`, so Intercept does not count it either";
            self.findings.not_mapped(state.member.key_span, format!("{}.state", rule.construct), why);
        }
    }

    fn rate_limit(
        &mut self,
        member: &Member,
        on_deny: Option<&str>,
        rule: &mut Rule<'_>,
        scope: &Scope<'_>,
        entry: &mut Entry,
    ) {
        let Some((count, window)) = member.node.as_str().and_then(grammar::rate) else {
            let wanted = "a number of calls and a window, such as \"5/hour\" (minute, hour or day)";
            self.report.push(decode::wrong_value(&member.node, "`rate_limit`", wanted));
            return;
        };
        let told = on_deny.map(str::to_owned);
        let told =
            told.unwrap_or_else(|| format!("Rate limit of {count} per {window} reached. Try again later."));
        let limit = Limit {
            counter: format!("{}._rate_{window}", scope.counters()),
            window: window.to_owned(),
            max: count.to_owned(),
            cost: None,
            on_deny: Some(told),
        };
        let (to, merged) = add(limit, scope, entry);
        rule.went(&to);
        let construct = format!("{}.rate_limit", rule.construct);
        if merged {
            let how = "a tool has one rate for a window; of several the lowest counts (stricter)";
            self.findings.changed(member.key_span, construct, vec![to], how);
        } else {
            self.findings.mapped(member.key_span, construct, vec![to]);
        }
    }

    fn spend_limit(&mut self, member: &Member, rule: &mut Rule<'_>, scope: &Scope<'_>, entry: &mut Entry) {
        let Some((sum, window)) = member.node.as_str().and_then(grammar::spend) else {
            let wanted = "a sum and a window, such as \"$500/day\" (minute, hour or day)";
            self.report.push(decode::wrong_value(&member.node, "`spend_limit`", wanted));
            return;
        };
        let limit = Limit {
            counter: format!("{}._spend_{window}", scope.counters()),
            window: window.to_owned(),
            max: sum,
            cost: Some(Json::from("args.amount")),
            on_deny: rule.told.clone(),
        };
        let (to, _) = add(limit, scope, entry);
        rule.went(&to);
        let how = "which argument is the sum, and its unit, is not said: `args.amount` counts as it stands, and a \
                   call without it is refused (stricter); check `cost` and `max`";
        self.findings.changed(member.key_span, format!("{}.spend_limit", rule.construct), vec![to], how);
    }
}

/// Adds a limit, or lowers one on the same counter: where it is, and whether it was there.
pub(super) fn add(mut limit: Limit, scope: &Scope<'_>, entry: &mut Entry) -> (String, bool) {
    /// The longest name of a counter, in bytes.
    const LONGEST: usize = 128;
    if limit.counter.len() > LONGEST {
        // The end tells the counters of one tool apart, and the length tools.
        let length = limit.counter.len();
        let end = limit.counter.ceil_char_boundary(length - LONGEST / 2);
        limit.counter = format!("{length}…{}", limit.counter.get(end..).unwrap_or_default());
    }
    let same = |known: &Limit| known.counter == limit.counter && known.window == limit.window;
    if let Some((index, known)) = entry.limits.iter_mut().enumerate().find(|(_, known)| same(known)) {
        let number = |text: &str| text.parse::<f64>().unwrap_or(f64::MAX);
        if number(&limit.max) < number(&known.max) {
            known.max = limit.max;
            known.on_deny = limit.on_deny;
        }
        return (scope.at("limits", index), true);
    }
    entry.limits.push(limit);
    (scope.at("limits", entry.limits.len() - 1), false)
}

/// The text of a member, unless it is empty.
fn said(member: Option<&Member>) -> Option<&str> {
    member?.node.as_str().filter(|text| !text.is_empty())
}

/// An item of `deny_if` that always holds.
pub(super) fn always(told: Option<&str>) -> Json {
    let mut members = vec![("conditions", Json::Array(Vec::new()))];
    members.extend(told.map(|text| ("on_deny", Json::from(text))));
    Json::object(members)
}
