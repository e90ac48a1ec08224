//! Built-in rule: what a call must meet (`require`), and what speaks against it (`deny_if`).
//!
//! What cannot be told of a call counts against it: a requirement fails, a reason to deny holds.

use bartizan_guest::prelude::*;
use bartizan_rules::{Condition, ConditionSettings, Entries, Lists, Path, joined, paths_note};

/// Conditions by name.
pub struct Conditions {
    entries: Entries<Rules>,
}

/// What the policy document's `require` and `deny_if` compile to, and `action: deny` with conditions.
#[settings]
pub struct Family {
    /// Each has to hold.
    #[serde(default)]
    require: Vec<RequirementSettings>,
    /// Each denies if all of its conditions hold.
    #[serde(default)]
    deny_if: Vec<ObjectionSettings>,
}

#[settings]
struct RequirementSettings {
    condition: ConditionSettings,
    /// What the agent is told.
    message: Option<String>,
    /// The rule's id.
    rule: String,
}

#[settings]
struct ObjectionSettings {
    /// None of them: always.
    conditions: Vec<ConditionSettings>,
    /// What the agent is told.
    message: Option<String>,
    /// The rule's id.
    rule: String,
}

struct Rules {
    requirements: Vec<Requirement>,
    objections: Vec<Objection>,
}

struct Requirement {
    condition: Condition,
    refusal: Refusal,
}

struct Objection {
    conditions: Vec<Condition>,
    refusal: Refusal,
}

struct Refusal {
    message: String,
    rule: String,
}

impl Policy for Conditions {
    type Settings = Lists<Family>;
    const NAME: &'static str = "conditions";
    const SUMMARY: &'static str = "Requires conditions of calls, and denies calls that meet some.";

    fn configure(settings: Self::Settings) -> Result<Self, String> {
        let entries = settings.compile(|family| {
            Ok(Rules {
                requirements: family.require.into_iter().map(requirement).collect::<Result<_, _>>()?,
                objections: family.deny_if.into_iter().map(objection).collect::<Result<_, _>>()?,
            })
        })?;
        Ok(Self { entries })
    }
}

fn requirement(settings: RequirementSettings) -> Result<Requirement, String> {
    let RequirementSettings { condition, message, rule } = settings;
    let condition = Condition::try_from(condition).map_err(|error| format!("`{rule}`: {error}"))?;
    let message = message
        .unwrap_or_else(|| format!("The policy requires {}.", joined(std::slice::from_ref(&condition))));
    Ok(Requirement { condition, refusal: Refusal { message, rule } })
}

fn objection(settings: ObjectionSettings) -> Result<Objection, String> {
    let ObjectionSettings { conditions, message, rule } = settings;
    let conditions = Condition::list(conditions).map_err(|error| format!("`{rule}`: {error}"))?;
    let message = message.unwrap_or_else(|| match conditions.as_slice() {
        [] => "The policy refuses this call.".to_owned(),
        conditions => format!("The policy refuses calls where {}.", joined(conditions)),
    });
    Ok(Objection { conditions, refusal: Refusal { message, rule } })
}

impl CallPolicy for Conditions {
    fn check(&self, call: &Call) -> Decision {
        self.entries.applicable(call).find_map(|rules| rules.refuse(call)).unwrap_or_else(Decision::pass)
    }
}

impl Rules {
    fn refuse(&self, call: &Call) -> Option<Decision> {
        let unmet = self.requirements.iter().find(|requirement| !requirement.condition.holds_for(call));
        if let Some(Requirement { condition, refusal }) = unmet {
            return Some(refusal.decision(condition.paths()));
        }
        let Objection { conditions, refusal } = self
            .objections
            .iter()
            .find(|objection| Condition::all_hold_against(&objection.conditions, call))?;
        Some(refusal.decision(conditions.iter().flat_map(Condition::paths).collect()))
    }
}

impl Refusal {
    fn decision(&self, paths: Vec<&Path>) -> Decision {
        let denial = Decision::deny(&self.message).rule(&self.rule);
        if paths.is_empty() { denial } else { denial.note("paths", paths_note(paths)) }
    }
}

bartizan_guest::export!(Conditions: calls);

#[cfg(test)]
mod tests;
