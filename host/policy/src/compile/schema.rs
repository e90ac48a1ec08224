//! Whether arguments must match the tool's own input schema: `schema`.
//!
//! Of an entry: `"schema":true|false,"rule":…`.

use super::lists::{self, Members, Place};
use crate::document::PolicyDocument;
use crate::json::Json;
use crate::plan::Step;

/// Nothing if nobody says `true`.
pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    let rules = document.tools.iter().map(|entry| &entry.rules).chain([&document.all_tools]);
    let asked = rules.filter_map(|rules| rules.schema).any(|schema| schema.value);
    if asked { lists::step("schema", document, family) } else { None }
}

fn family(place: &Place<'_>) -> Members {
    place.rules.schema.map_or_else(Vec::new, |schema| {
        let rule = place.here.clone().key("schema");
        vec![("schema", Json::from(schema.value)), ("rule", Json::from(rule.as_str()))]
    })
}
