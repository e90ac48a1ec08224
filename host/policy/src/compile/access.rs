//! Who may reach what: `default`, `hide`, and the `action` and `reason` of entries.
//!
//! Settings: `{"default":…,"hide":[…],"tools":[{"pattern":…,"action":…,"reason":…,"rule":…}]}`, lists
//! in the order of the document, `reason` only where something is denied for one. `prompts`, `resources` and
//! `methods` are lists like `tools`, and there only if the document has entries. What is denied under
//! conditions, or needs approval, is allowed as far as this plugin goes.

use super::lists::place;
use crate::document::{Entry, PolicyDocument, Subject};
use crate::json::Json;
use crate::plan::Step;

/// There is always something to say: `default`.
pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    let lists = Subject::ALL.into_iter().filter_map(|subject| {
        let entries = document.entries(subject);
        (subject == Subject::Tools || !entries.is_empty()).then(|| {
            let items = entries.iter().map(|entry| item(subject, entry));
            (subject.as_str(), Json::Array(items.collect()))
        })
    });
    let members = [
        ("default", Json::from(document.default.value.as_str())),
        ("hide", Json::strings(document.hide.iter().map(|hidden| hidden.value.as_str()))),
    ];
    Some(Step::builtin("access", Json::object(members.into_iter().chain(lists)).to_string()))
}

fn item(subject: Subject, entry: &Entry) -> Json {
    let here = place(subject, entry).here;
    let denied = entry.refuses_everything();
    let (action, rule) = if denied { ("deny", here.key("action")) } else { ("allow", here) };
    let reason = entry.reason.as_ref().filter(|_| denied);
    let members = [
        Some(("pattern", Json::from(entry.pattern.value.as_str()))),
        Some(("action", Json::from(action))),
        reason.map(|reason| ("reason", Json::from(reason.value.as_str()))),
        Some(("rule", Json::from(rule.as_str()))),
    ];
    Json::object(members.into_iter().flatten())
}
