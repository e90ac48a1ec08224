//! What must be so of a call: `require`, `deny_if`, and denials with `conditions`.
//!
//! Of an entry: `"require":[{"condition":…,"message":…,"rule":…}]` and
//! `"deny_if":[{"conditions":[…],"message":…,"rule":…}]`, each only if there are items. A denial with
//! conditions is the first item of `deny_if`. Conditions are as in the document, with `ignore_case` only where it is
//! true.

use super::lists::{self, Members, Place, items, message};
use crate::document::{Action, Condition, PolicyDocument, Test};
use crate::json::Json;
use crate::plan::Step;

pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    lists::step("conditions", document, family)
}

fn family(place: &Place<'_>) -> Members {
    let require = place.rules.require.iter().enumerate().map(|(index, item)| {
        let members = [
            Some(("condition", condition(&item.condition))),
            message(item.on_deny.as_deref()),
            Some(("rule", place.rule("require", index))),
        ];
        Json::object(members.into_iter().flatten())
    });
    let action =
        place.entry.filter(|entry| entry.effective_action() == Action::Deny && !entry.conditions.is_empty());
    let action = action.map(|entry| {
        let rule = Json::from(place.here.clone().key("action").as_str());
        let reason = entry.reason.as_ref().map(|reason| reason.value.as_str());
        deny_if(&entry.conditions, reason, rule)
    });
    let deny_if = place.rules.deny_if.iter().enumerate().map(|(index, item)| {
        deny_if(&item.conditions, item.on_deny.as_deref(), place.rule("deny_if", index))
    });
    [items("require", require), items("deny_if", action.into_iter().chain(deny_if))]
        .into_iter()
        .flatten()
        .collect()
}

fn deny_if(conditions: &[Condition], on_deny: Option<&str>, rule: Json) -> Json {
    let members = [Some(("conditions", all(conditions))), message(on_deny), Some(("rule", rule))];
    Json::object(members.into_iter().flatten())
}

/// A list of conditions.
pub(super) fn all(conditions: &[Condition]) -> Json {
    Json::Array(conditions.iter().map(condition).collect())
}

/// A condition as documents write it.
pub(super) fn condition(condition: &Condition) -> Json {
    match condition {
        Condition::Test(test) => self::test(test),
        Condition::Any(conditions) => Json::object([("any", all(conditions))]),
        Condition::All(conditions) => Json::object([("all", all(conditions))]),
        Condition::Not(inner) => Json::object([("not", self::condition(inner))]),
    }
}

fn test(test: &Test) -> Json {
    let ignore_case = test.ignore_case.then(|| ("ignore_case", Json::from(true)));
    let members = [
        ("path", Json::from(test.path.text.as_str())),
        ("op", Json::from(test.op.as_str())),
        ("value", Json::from(&test.value)),
    ];
    Json::object(members.into_iter().chain(ignore_case))
}
