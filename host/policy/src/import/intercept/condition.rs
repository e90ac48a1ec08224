//! Conditions of Intercept's rules: those on arguments, which become `require`, and those on counters, which
//! become `limits`.

use super::entry::{Entry, Limit};
use super::rule::{Action, Rule, Scope, add, always};
use super::{Importer, grammar};
use crate::decode::{self, Object};
use crate::json::Json;
use crate::source::{Member, Node, Span, Value};

const OPERATORS: &[(&str, &str)] = &[
    ("eq", "eq"),
    ("neq", "neq"),
    ("in", "in"),
    ("not_in", "not_in"),
    ("lt", "lt"),
    ("lte", "lte"),
    ("gt", "gt"),
    ("gte", "gte"),
    ("regex", "regex"),
    ("contains", "contains"),
    ("exists", "exists"),
];

type Members = Vec<(String, Json)>;

/// A condition on the arguments of a call.
enum Translated {
    /// The members of ours.
    Condition(Members),
    /// The members of ours, which is stricter: how.
    Stricter(Members, &'static str),
    /// What never holds.
    Never(&'static str),
}

impl Importer<'_> {
    #[expect(clippy::too_many_arguments, reason = "a condition has many neighbours")]
    pub(super) fn condition(
        &mut self,
        node: &Node,
        construct: &str,
        action: Action,
        rule: &mut Rule<'_>,
        scope: &Scope<'_>,
        entry: &mut Entry,
        case: &mut Vec<Json>,
    ) {
        let Some((path, op, value)) = self.parts(node, construct) else { return };
        if action == Action::Deny {
            self.findings.not_mapped(node.span, construct, "the rule denies every call");
            return;
        }
        let Some(our_path) = grammar::path(path) else {
            if action == Action::RequireApproval {
                let why =
                    "approvals do not depend on counters here: it is asked whatever they say (stricter)";
                self.findings.not_mapped(node.span, construct, why);
            } else {
                self.counted(node, path, op, value, construct, rule, scope, entry);
            }
            return;
        };
        let condition = translate(&our_path, op, value);
        match (action, condition) {
            (Action::RequireApproval, Translated::Condition(condition)) => {
                case.push(Json::Object(condition));
                self.part(node.span, construct.to_owned(), "conditions", rule, scope);
            }
            // What is stricter as a requirement would ask for approval less often.
            (Action::RequireApproval, Translated::Stricter(_, why) | Translated::Never(why)) => {
                let why = format!("{why}; approval is asked whatever it says (stricter)");
                self.findings.not_mapped(node.span, construct, why);
            }
            (_, Translated::Condition(condition)) => {
                let to = vec![require(condition, rule, scope, entry)];
                self.findings.mapped(node.span, construct, to);
            }
            (_, Translated::Stricter(condition, how)) => {
                let to = vec![require(condition, rule, scope, entry)];
                self.findings.changed(node.span, construct, to, format!("{how} (stricter)"));
            }
            (_, Translated::Never(why)) => self.never(node.span, construct, why, rule, scope, entry),
        }
    }

    /// Refuses every call in the place of what cannot be said.
    fn never(
        &mut self,
        span: Span,
        construct: &str,
        why: &str,
        rule: &mut Rule<'_>,
        scope: &Scope<'_>,
        entry: &mut Entry,
    ) {
        entry.deny_if.push(always(rule.told.as_deref()));
        let to = scope.at("deny_if", entry.deny_if.len() - 1);
        rule.went(&to);
        self.findings.changed(span, construct, vec![to], format!("{why}; every call is refused (stricter)"));
    }

    /// Path, operator and value of a condition, if it is in order.
    fn parts<'n>(&mut self, node: &'n Node, construct: &str) -> Option<(&'n str, &'static str, &'n Node)> {
        let mut object = Object::read(node, node.span, "a condition", self.report)?;
        let path = object.require("path", "\"args.amount\"", self.report);
        let op = object.require("op", "\"eq\"", self.report);
        let value = object.require("value", "1", self.report);
        self.unknown(node, construct, &["path", "op", "value"]);
        let path = path?;
        let text = decode::string(&path.node, "`path`", self.report)?;
        if !text.starts_with("args.") && !text.starts_with("state.") {
            let wanted = "a path that begins with `args.` or `state.`";
            self.report.push(decode::wrong_value(&path.node, "`path`", wanted));
            return None;
        }
        let op = decode::word(&op?.node, "`op`", OPERATORS, &[], self.report)?;
        let value = &value?.node;
        let wanted = match (op, &value.value) {
            ("in" | "not_in", Value::Array(_))
            | ("lt" | "lte" | "gt" | "gte", Value::Number(_))
            | ("regex", Value::String(_))
            | ("exists", Value::Bool(_))
            | ("eq" | "neq" | "contains", _) => return Some((text, op, value)),
            ("in" | "not_in", _) => "a list",
            ("lt" | "lte" | "gt" | "gte", _) => "a number",
            ("regex", _) => "a regular expression",
            _ => "true or false",
        };
        self.report.push(decode::wrong_value(value, &format!("`value` of \"{op}\""), wanted));
        None
    }

    /// A condition on a counter.
    #[expect(clippy::too_many_arguments, reason = "a condition has many neighbours")]
    fn counted(
        &mut self,
        node: &Node,
        path: &str,
        op: &str,
        value: &Node,
        construct: &str,
        rule: &mut Rule<'_>,
        scope: &Scope<'_>,
        entry: &mut Entry,
    ) {
        let told = rule.told.clone();
        let own = rule
            .state
            .as_mut()
            .filter(|state| path == format!("state.{}.{}", scope.counters(), state.counter));
        let Some(state) = own else {
            let why = if is_counted(path, scope.all) {
                "a limit takes from a counter here, it cannot only look at one"
            } else {
                "no `state` block counts this"
            };
            return self.never(node.span, construct, why, rule, scope, entry);
        };
        let max = match op {
            "lte" | "lt" => highest(op, value),
            _ => {
                return self.never(
                    node.span,
                    construct,
                    "a counter can only have a highest value here",
                    rule,
                    scope,
                    entry,
                );
            }
        };
        let again = std::mem::replace(&mut state.used, true);
        let Some(max) = max.filter(|max| *max > 0) else {
            if !again {
                let construct = format!("{}.state", rule.construct);
                self.findings.not_mapped(
                    state.member.key_span,
                    construct,
                    "no call gets as far as to be counted",
                );
            }
            return self.never(node.span, construct, "no call is within this limit", rule, scope, entry);
        };
        let counter = format!("{}.{}", scope.counters(), state.counter);
        let limit = Limit {
            counter,
            window: state.window.to_owned(),
            max: max.to_string(),
            cost: state.cost.clone(),
            on_deny: told,
        };
        let span = state.member.key_span;
        let from_arguments = matches!(limit.cost, Some(Json::String(_)));
        let (to, merged) = add(limit, scope, entry);
        rule.went(&to);
        if merged {
            let how = "a counter has one limit here; of several the lowest counts (stricter)";
            self.findings.changed(node.span, construct, vec![to.clone()], how);
        } else {
            self.findings.mapped(node.span, construct, vec![to.clone()]);
        }
        if again {
            return;
        }
        let construct = format!("{}.state", rule.construct);
        if from_arguments {
            let how = "an argument that is negative or no number is refused, and fractions count (stricter)";
            self.findings.changed(span, construct, vec![to], how);
        } else {
            self.findings.mapped(span, construct, vec![to]);
        }
    }
}

/// The highest count that an upper bound allows, in whole numbers, as Intercept reads it.
fn highest(op: &str, value: &Node) -> Option<i64> {
    let Value::Number(literal) = &value.value else { return None };
    let whole = match literal.parse::<i64>() {
        Ok(whole) => whole,
        // What is past all counters is cut to what a limit can be.
        Err(_) => format!("{:.0}", literal.parse::<f64>().ok()?.trunc().clamp(-1e17, 1e17)).parse().ok()?,
    };
    let whole = whole.min(999_999_999_999_999_999);
    Some(if op == "lt" { whole.saturating_sub(1) } else { whole })
}

/// Whether some `state` block counts what a path names.
fn is_counted(path: &str, tools: &[Member]) -> bool {
    tools.iter().any(|member| {
        let scope = if member.key == "*" { "_global" } else { &member.key };
        let Some(Value::Array(rules)) = member.node.get("rules").map(|rules| &rules.value) else {
            return false;
        };
        rules
            .iter()
            .filter_map(|rule| rule.get("state")?.get("counter")?.as_str())
            .any(|counter| path == format!("state.{scope}.{counter}"))
    })
}

/// A condition on an argument as one of ours.
fn translate(path: &str, op: &str, value: &Node) -> Translated {
    let condition = |op: &str, value: Json| {
        Translated::Condition(vec![
            ("path".into(), Json::from(path)),
            ("op".into(), Json::from(op)),
            ("value".into(), value),
        ])
    };
    let is_scalar = |node: &&Node| matches!(node.value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    match (op, &value.value) {
        // Nothing is compared with null here: it counts as absent, as it does for Intercept's `exists`.
        ("eq", Value::Null) => Translated::Never("a value is never null for a rule here"),
        ("neq", Value::Null) => condition("exists", Json::Bool(true)),
        ("contains", Value::Null | Value::Array(_) | Value::Object(_)) => {
            Translated::Never("`contains` takes a text, a number, true or false here")
        }
        ("in", Value::Array(items)) => {
            let scalars: Vec<Json> = items.iter().filter(is_scalar).map(Json::from).collect();
            let left_out = scalars.len() < items.len();
            match condition("in", Json::Array(scalars)) {
                _ if items.iter().all(|item| !is_scalar(&item)) => {
                    Translated::Never("nothing is in the list")
                }
                Translated::Condition(condition) if left_out => Translated::Stricter(
                    condition,
                    "nothing equals null, a list or an object in a list here; they are left out",
                ),
                translated => translated,
            }
        }
        ("not_in", Value::Array(items)) => {
            let scalars: Vec<Json> = items.iter().filter(is_scalar).map(Json::from).collect();
            let nested = items.iter().any(|item| matches!(item.value, Value::Array(_) | Value::Object(_)));
            if nested {
                Translated::Never("lists and objects cannot be in the list here")
            } else if scalars.is_empty() {
                condition("exists", Json::Bool(true))
            } else {
                condition("not_in", Json::Array(scalars))
            }
        }
        ("regex", Value::String(text)) => condition("regex", Json::String(grammar::regex(text))),
        _ => condition(op, Json::from(value)),
    }
}

/// Adds an item of `require`: where it is.
fn require(mut condition: Members, rule: &mut Rule<'_>, scope: &Scope<'_>, entry: &mut Entry) -> String {
    condition.extend(rule.told.as_deref().map(|text| ("on_deny".to_owned(), Json::from(text))));
    entry.require.push(Json::Object(condition));
    let to = scope.at("require", entry.require.len() - 1);
    rule.went(&to);
    to
}
