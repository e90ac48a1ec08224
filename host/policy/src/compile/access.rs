//! Who may reach what: `default`, `hide`, and the `action` and `reason` of entries.
//!
//! Settings: `{"default":…,"hide":[…],"tools":[{"pattern":…,"action":…,"reason":…,"rule":…}]}`, both
//! lists in the order of the document, `reason` only where there is one. The plugin picks the most
//! specific entry.

use crate::document::{Action, PolicyDocument, ToolEntry};
use crate::json::Json;
use crate::plan::Step;
use crate::rule::Pointer;

/// There is always something to say: `default`.
pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    let settings = Json::object([
        ("default", Json::from(document.default.value.as_str())),
        ("hide", Json::strings(document.hide.iter().map(|hidden| hidden.value.as_str()))),
        ("tools", Json::Array(document.tools.iter().map(entry).collect())),
    ]);
    Some(Step::builtin("access", settings.to_string()))
}

fn entry(entry: &ToolEntry) -> Json {
    let action = entry.effective_action();
    let here = Pointer::root().key("tools").key(entry.pattern.value.as_str());
    let rule = match action {
        Action::Allow => here,
        Action::Deny => here.key("action"),
    };
    let members = [
        Some(("pattern", Json::from(entry.pattern.value.as_str()))),
        Some(("action", Json::from(action.as_str()))),
        entry.reason.as_ref().map(|reason| ("reason", Json::from(reason.value.as_str()))),
        Some(("rule", Json::from(rule.as_str()))),
    ];
    Json::object(members.into_iter().flatten())
}
