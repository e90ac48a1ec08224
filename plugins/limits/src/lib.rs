//! Built-in rule: counters that calls draw on (`limits`).
//!
//! The rule says what a call costs and out of how much; the host counts. A call whose cost cannot be
//! told is denied.

mod settings;

use bartizan_guest::prelude::*;
use bartizan_rules::{Amount, Entries, Lists, Path, paths_note};

use settings::{Family, LimitSettings};

/// So many charges fit in an answer.
const CHARGES: usize = 16;

/// Limits by name.
pub struct Limits {
    entries: Entries<Vec<Limit>>,
}

struct Limit {
    counter: String,
    window: Window,
    max: Amount,
    scope: Scope,
    cost: Cost,
    message: Option<String>,
    counts_errors: bool,
    rule: String,
}

/// What a call takes.
enum Cost {
    Fixed(Amount),
    /// What stands there in the call.
    At(Path),
}

impl Policy for Limits {
    type Settings = Lists<Family>;
    const NAME: &'static str = "limits";
    const SUMMARY: &'static str = "Counts calls, or what they cost, and refuses when a limit is reached.";

    fn configure(settings: Self::Settings) -> Result<Self, String> {
        let most = settings::most_charges(&settings);
        if most > CHARGES {
            return Err(format!("{most} limits can apply to one call; there may be {CHARGES} at most"));
        }
        let entries =
            settings.compile(|family| family.limits.into_iter().map(LimitSettings::compile).collect())?;
        Ok(Self { entries })
    }
}

impl CallPolicy for Limits {
    fn check(&self, call: &Call) -> Decision {
        let mut decision = Decision::pass();
        for limit in self.entries.applicable(call).flatten() {
            match limit.charge(call) {
                Ok(charge) => decision = decision.charge(charge),
                Err(denial) => return denial,
            }
        }
        decision
    }
}

impl Limit {
    /// What the call takes from this limit, or the refusal of a call that does not say.
    fn charge(&self, call: &Call) -> Result<Charge, Decision> {
        let cost = match &self.cost {
            Cost::Fixed(cost) => *cost,
            Cost::At(path) => path.cost(call).map_err(|error| {
                Decision::deny(format!("The limit `{}` counts {path}: {error}.", self.counter))
                    .rule(&self.rule)
                    .note("paths", paths_note([path]))
            })?,
        };
        // What a caller has left at one server is not what it has left at another.
        let counter = match self.scope {
            Scope::Principal => format!("{}/{}", call.server(), self.counter),
            Scope::Session | Scope::Server | Scope::Everyone => self.counter.clone(),
        };
        Ok(Charge {
            counter,
            scope: self.scope,
            cost: cost.to_string(),
            limit: self.max.to_string(),
            window: self.window,
            message: self.message.clone(),
            rule: Some(self.rule.clone()),
            counts_errors: self.counts_errors,
        })
    }
}

bartizan_guest::export!(Limits: calls);

#[cfg(test)]
mod tests;
