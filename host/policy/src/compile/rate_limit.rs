//! How often something may be called in a session: `rate_limit`.
//!
//! Of an entry: `"rate_limit":{"max":…,"window":…},"rule":…`, with `count_errors` only where it is true.

use super::lists::{self, Members, Place};
use crate::document::{PolicyDocument, RateLimit};
use crate::json::Json;
use crate::plan::Step;

pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    lists::step("rate-limit", document, family)
}

fn family(place: &Place<'_>) -> Members {
    place.rules.rate_limit.map_or_else(Vec::new, |limit| {
        let rule = place.here.clone().key("rate_limit");
        vec![("rate_limit", rate_limit(limit.value)), ("rule", Json::from(rule.as_str()))]
    })
}

/// A rate limit as documents write it.
pub(super) fn rate_limit(limit: RateLimit) -> Json {
    let count_errors = limit.count_errors.then(|| ("count_errors", Json::from(true)));
    let members = [("max", Json::from(limit.max)), ("window", Json::from(limit.window))];
    Json::object(members.into_iter().chain(count_errors))
}
