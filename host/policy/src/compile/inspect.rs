//! Results that are refused: `inspect`.
//!
//! Of an entry: `"inspect":[{"at":[…],"pattern":…,"detect":[…],"message":…,"rule":…}]`, lists also where they are
//! empty.

use super::lists::{self, Members, Place, items, message};
use super::redact::content;
use crate::document::{Inspection, PolicyDocument};
use crate::json::Json;
use crate::plan::Step;

pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    lists::step("inspect", document, family)
}

fn family(place: &Place<'_>) -> Members {
    let inspections = place.rules.inspect.iter().enumerate();
    let inspections = inspections.map(|(index, item)| {
        Json::object(inspection(item).into_iter().chain([("rule", place.rule("inspect", index))]))
    });
    items("inspect", inspections).into_iter().collect()
}

/// What an inspection says, without its name.
pub(super) fn inspection(inspection: &Inspection) -> Members {
    content(&inspection.content).into_iter().chain(message(inspection.on_deny.as_deref())).collect()
}
