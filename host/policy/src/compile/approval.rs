//! What a person decides: entries whose action is `require_approval`.
//!
//! Of an entry: `"approval":{"conditions":[…],"message":…,"expires_after":…,"rule":…}`; `expires_after` in
//! seconds and only where the entry says something of its own, since the gateway knows what `approvals` says.

use super::conditions::all;
use super::lists::{self, Members, Place, message};
use crate::document::{Action, PolicyDocument};
use crate::json::Json;
use crate::plan::Step;

pub(super) fn step(document: &PolicyDocument) -> Option<Step> {
    lists::step("approval", document, family)
}

fn family(place: &Place<'_>) -> Members {
    let entry = place.entry.filter(|entry| entry.effective_action() == Action::RequireApproval);
    let approval = entry.map(|entry| {
        let members = [
            Some(("conditions", all(&entry.conditions))),
            message(entry.reason.as_ref().map(|reason| reason.value.as_str())),
            entry.timeout.map(|timeout| ("expires_after", Json::from(timeout.value))),
            Some(("rule", Json::from(place.here.clone().key("action").as_str()))),
        ];
        ("approval", Json::object(members.into_iter().flatten()))
    });
    approval.into_iter().collect()
}
