//! Built-in rule: which calls need a human's approval.

use bartizan_guest::prelude::*;
use bartizan_guest::{Approval, Verdict};
use bartizan_rules::{Condition, ConditionSettings, Entries, Lists, paths_note, shortened};

/// Names in messages have at most so many characters: URIs may be long.
const NAME: usize = 200;

/// Approvals by name.
pub struct Approvals {
    entries: Entries<Option<Demand>>,
}

/// What the policy document's `action: require_approval` compiles to.
#[settings]
pub struct Family {
    /// The approval; without one the entry only shadows less specific ones.
    approval: Option<ApprovalSettings>,
}

#[settings]
struct ApprovalSettings {
    /// It is needed if all of them hold. None of them: always.
    conditions: Vec<ConditionSettings>,
    /// What the approver is asked.
    message: Option<String>,
    /// Seconds until an unanswered request counts as refused.
    expires_after: Option<u32>,
    /// The rule's id.
    rule: String,
}

struct Demand {
    conditions: Vec<Condition>,
    message: Option<String>,
    expires_after: Option<u32>,
    rule: String,
}

impl Policy for Approvals {
    type Settings = Lists<Family>;
    const NAME: &'static str = "approval";
    const SUMMARY: &'static str = "Lets a human decide on calls.";

    fn configure(settings: Self::Settings) -> Result<Self, String> {
        let entries = settings.compile(|family| family.approval.map(demand).transpose())?;
        Ok(Self { entries })
    }
}

fn demand(settings: ApprovalSettings) -> Result<Demand, String> {
    let ApprovalSettings { conditions, message, expires_after, rule } = settings;
    if expires_after == Some(0) {
        return Err(format!("`{rule}`: `expires_after` is at least 1"));
    }
    let conditions = Condition::list(conditions).map_err(|error| format!("`{rule}`: {error}"))?;
    Ok(Demand { conditions, message, expires_after, rule })
}

impl CallPolicy for Approvals {
    fn check(&self, call: &Call) -> Decision {
        let demands = self.entries.applicable(call).filter_map(Option::as_ref);
        demands
            .into_iter()
            .find(|demand| Condition::all_hold_against(&demand.conditions, call))
            .map_or_else(Decision::pass, |demand| demand.decision(call))
    }
}

impl Demand {
    fn decision(&self, call: &Call) -> Decision {
        let message = self.message.clone().unwrap_or_else(|| {
            let name = call.target().unwrap_or_else(|| call.method());
            format!("{} needs approval.", shortened(&name, NAME))
        });
        let ask = Decision::from(Verdict::Ask(Approval {
            message,
            rule: Some(self.rule.clone()),
            expires_after: self.expires_after,
        }));
        if self.conditions.is_empty() {
            return ask;
        }
        ask.note("paths", paths_note(self.conditions.iter().flat_map(Condition::paths)))
    }
}

bartizan_guest::export!(Approvals: calls);

#[cfg(test)]
mod tests;
