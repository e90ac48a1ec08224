//! What is taken out of results and arguments: `redact`.
//!
//! Of an entry: `"redact":[{"in":…,"at":[…],"pattern":…,"detect":[…],"action":…,"replace":…,"message":…,"rule":…}]`,
//! with every default written out.

use super::lists::{self, Members, Place, items, message};
use crate::document::{Content, DEFAULT_REPLACEMENT, Grant, PolicyDocument, RedactAction, Redaction};
use crate::json::Json;
use crate::plan::Step;

/// The only built-in step that is granted something.
pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    let step = lists::step("redact", document, family)?;
    Some(Step { grants: [Grant::RewriteArguments, Grant::RewriteResults].into(), ..step })
}

fn family(place: &Place<'_>) -> Members {
    let redactions = place.rules.redact.iter().enumerate();
    let redactions = redactions.map(|(index, item)| {
        Json::object(redaction(item).into_iter().chain([("rule", place.rule("redact", index))]))
    });
    items("redact", redactions).into_iter().collect()
}

/// What a redaction says, without its name.
pub(super) fn redaction(redaction: &Redaction) -> Members {
    let (replace, on_deny) = match &redaction.action {
        RedactAction::Replace(text) => (text.as_str(), None),
        RedactAction::Deny(on_deny) => (DEFAULT_REPLACEMENT, on_deny.as_deref()),
    };
    let part = [("in", Json::from(redaction.part.as_str()))];
    let action = [("action", Json::from(redaction.action.as_str())), ("replace", Json::from(replace))];
    part.into_iter().chain(content(&redaction.content)).chain(action).chain(message(on_deny)).collect()
}

/// What is looked for.
pub(super) fn content(content: &Content) -> Members {
    let members = [
        Some(("at", Json::strings(content.at.iter().map(String::as_str)))),
        content.pattern.as_deref().map(|pattern| ("pattern", Json::from(pattern))),
        Some(("detect", Json::strings(content.detect.iter().map(|detector| detector.as_str())))),
    ];
    members.into_iter().flatten().collect()
}
