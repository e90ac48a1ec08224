//! How often tools may be called: the `rate_limit` of entries.
//!
//! Settings: `{"tools":[{"pattern":…,"rate_limit":{"max":…,"window":…},"rule":…},{"pattern":…}]}`, in the
//! order of the document. Every entry is listed, also one without a limit: only the most specific entry
//! applies to a tool, so it takes the tool out of the limits of wider ones.

use crate::document::{PolicyDocument, ToolEntry};
use crate::json::Json;
use crate::plan::Step;
use crate::rule::Pointer;

/// Nothing if no entry has a limit.
pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    document.tools.iter().any(|entry| entry.rate_limit.is_some()).then(|| {
        let tools = Json::Array(document.tools.iter().map(entry).collect());
        Step::builtin("rate-limit", Json::object([("tools", tools)]).to_string())
    })
}

fn entry(entry: &ToolEntry) -> Json {
    let pattern = entry.pattern.value.as_str();
    let mut members = vec![("pattern", Json::from(pattern))];
    if let Some(limit) = entry.rate_limit {
        let rule = Pointer::root().key("tools").key(pattern).key("rate_limit");
        members.push((
            "rate_limit",
            Json::object([("max", Json::from(limit.value.max)), ("window", Json::from(limit.value.window))]),
        ));
        members.push(("rule", Json::from(rule.as_str())));
    }
    Json::object(members)
}
