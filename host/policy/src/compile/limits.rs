//! How often and how much in all: `limits`.
//!
//! Of an entry: `"limits":[{"counter":…,"window":{"fixed":"minute"}|{"sliding":60},"max":"10","scope":…,
//! "cost":"1"|{"path":…},"message":…,"count_errors":…,"rule":…}]`, amounts as exact decimal text, defaults written
//! out.

use super::lists::{self, Members, Place, items, message};
use crate::document::{Cost, Limit, LimitWindow, PolicyDocument};
use crate::json::Json;
use crate::plan::Step;

pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    lists::step("limits", document, family)
}

fn family(place: &Place<'_>) -> Members {
    let limits = place.rules.limits.iter().enumerate();
    let limits = limits.map(|(index, item)| {
        Json::object(limit(item).into_iter().chain([("rule", place.rule("limits", index))]))
    });
    items("limits", limits).into_iter().collect()
}

/// What a limit says, without its name.
pub(super) fn limit(limit: &Limit) -> Members {
    let window = match limit.window {
        LimitWindow::Fixed(unit) => ("fixed", Json::from(unit.as_str())),
        LimitWindow::Sliding(seconds) => ("sliding", Json::from(seconds)),
    };
    let cost = match &limit.cost {
        Cost::Amount(amount) => Json::from(amount.to_string().as_str()),
        Cost::Path(path) => Json::object([("path", Json::from(path.text.as_str()))]),
    };
    let members = [
        Some(("counter", Json::from(limit.counter.value.as_str()))),
        Some(("window", Json::object([window]))),
        Some(("max", Json::from(limit.max.value.to_string().as_str()))),
        Some(("scope", Json::from(limit.scope.as_str()))),
        Some(("cost", cost)),
        message(limit.on_deny.as_deref()),
        Some(("count_errors", Json::from(limit.count_errors))),
    ];
    members.into_iter().flatten().collect()
}
