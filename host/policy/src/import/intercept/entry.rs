//! An entry of our document in the making.

use crate::json::Json;
use crate::source::Span;

/// What becomes an entry of `tools`, or `all_tools`.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// Whether its action is "deny".
    pub(super) denied: bool,
    /// What a refused agent is told.
    pub(super) reason: Option<String>,
    /// Who is asked, if it is not denied.
    pub(super) approval: Option<Approval>,
    pub(super) require: Vec<Json>,
    pub(super) deny_if: Vec<Json>,
    pub(super) limits: Vec<Limit>,
    /// The counters of its rules, by their own names.
    pub(super) counters: Vec<String>,
}

/// The rules of one tool that ask for approval, as one.
#[derive(Clone, Debug)]
pub(super) struct Approval {
    /// Each of these needs approval: conditions that must all hold. An empty one: every call.
    pub(super) cases: Vec<Vec<Json>>,
    pub(super) reason: Option<String>,
    /// Seconds.
    pub(super) timeout: Option<u32>,
    /// The parts of rules that hold for all tools: where they stand, what they are called, and the keys that
    /// they become. Their findings come when all tools are known.
    pub(super) parts: Vec<(Span, String, &'static str)>,
}

/// An item of `limits`.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) counter: String,
    pub(super) window: String,
    /// A literal.
    pub(super) max: String,
    /// JSON; None for one a call.
    pub(super) cost: Option<Json>,
    pub(super) on_deny: Option<String>,
}

impl Approval {
    /// Asks for what the other asks for as well. Of two times the shorter one counts.
    pub(super) fn join(&mut self, other: &Self) {
        self.cases.extend(other.cases.iter().cloned());
        self.parts.extend(other.parts.iter().cloned());
        self.reason = self.reason.take().or_else(|| other.reason.clone());
        self.timeout = match (self.timeout, other.timeout) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
    }

    /// The conditions of the action. None if every call needs approval.
    fn conditions(&self) -> Option<Json> {
        let all = |case: &Vec<Json>| match case.as_slice() {
            [only] => only.clone(),
            _ => Json::object([("all", Json::Array(case.clone()))]),
        };
        match self.cases.as_slice() {
            cases if cases.iter().any(Vec::is_empty) => None,
            [only] => Some(Json::Array(only.clone())),
            cases => {
                Some(Json::Array(vec![Json::object([("any", Json::Array(cases.iter().map(all).collect()))])]))
            }
        }
    }
}

impl Entry {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        !self.denied
            && self.approval.is_none()
            && self.require.is_empty()
            && self.deny_if.is_empty()
            && self.limits.is_empty()
    }

    pub(super) fn into_json(self) -> Json {
        let mut members: Vec<(&str, Json)> = Vec::new();
        let text = |text: &str| Json::from(text);
        if self.denied {
            members.push(("action", text("deny")));
            members.extend(self.reason.as_deref().map(|reason| ("reason", text(reason))));
        } else if let Some(approval) = &self.approval {
            members.push(("action", text("require_approval")));
            members.extend(approval.conditions().map(|conditions| ("conditions", conditions)));
            members.extend(approval.reason.as_deref().map(|reason| ("reason", text(reason))));
            members.extend(approval.timeout.map(|timeout| ("timeout", Json::from(timeout))));
        }
        let limits: Vec<Json> = self.limits.into_iter().map(Limit::into_json).collect();
        for (key, items) in [("require", self.require), ("deny_if", self.deny_if), ("limits", limits)] {
            if !items.is_empty() {
                members.push((key, Json::Array(items)));
            }
        }
        Json::object(members)
    }
}

impl Limit {
    fn into_json(self) -> Json {
        let mut members = vec![
            ("counter", Json::String(self.counter)),
            ("window", Json::String(self.window)),
            ("max", Json::Number(self.max)),
            // Intercept counts the calls of all agents together.
            ("scope", Json::from("server")),
        ];
        members.extend(self.cost.map(|cost| ("cost", cost)));
        members.extend(self.on_deny.map(|text| ("on_deny", Json::String(text))));
        Json::object(members)
    }
}
