//! Limits as they stand in settings.

use bartizan_guest::{Scope, Unit, Window, settings};
use bartizan_rules::{Amount, Listed, Lists, Path};

use crate::{Cost, Limit};

/// The longest name of a counter, in bytes: with a server's name before it, it has to fit the contract.
const COUNTER: usize = 128;

/// What the policy document's `limits` compile to.
#[settings]
pub struct Family {
    /// All of them count.
    #[serde(default)]
    pub(crate) limits: Vec<LimitSettings>,
}

#[settings]
pub(crate) struct LimitSettings {
    /// Limits that name the same counter share it.
    counter: String,
    window: WindowSettings,
    /// How much there is in one window: an exact decimal number, as text.
    max: String,
    /// Who shares the counter.
    #[serde(default)]
    scope: ScopeSettings,
    /// What a call takes: an exact decimal number as text, or a path to a number in the call.
    #[serde(default)]
    cost: CostSettings,
    /// What the agent is told when the limit is reached.
    message: Option<String>,
    /// Whether a call that the server answers with an error counts.
    #[serde(default)]
    count_errors: bool,
    /// The rule's id.
    rule: String,
}

#[settings]
#[serde(rename_all = "lowercase")]
enum WindowSettings {
    /// The current calendar unit, in UTC.
    Fixed(UnitSettings),
    /// The last so many seconds, at least 1.
    Sliding(u32),
}

#[settings]
#[serde(rename_all = "lowercase")]
enum UnitSettings {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

#[settings]
#[derive(Default)]
#[serde(rename_all = "lowercase")]
enum ScopeSettings {
    /// One MCP session.
    #[default]
    Session,
    /// One caller at one server.
    Grant,
    /// Everyone who uses the server.
    Server,
    /// Everyone.
    Global,
}

#[settings]
#[serde(untagged)]
enum CostSettings {
    Amount(String),
    Path { path: String },
}

impl Default for CostSettings {
    fn default() -> Self {
        Self::Amount(Amount::ONE.to_string())
    }
}

impl LimitSettings {
    pub(crate) fn compile(self) -> Result<Limit, String> {
        let Self { counter, window, max, scope, cost, message, count_errors, rule } = self;
        let wrong = |what: String| format!("`{rule}`: {what}");
        let amount = |name: &str, text: &str| {
            text.parse::<Amount>().map_err(|error| wrong(format!("`{name}` is \"{text}\": {error}")))
        };
        if counter.is_empty() || counter.len() > COUNTER {
            return Err(wrong(format!("`counter` has at least 1 byte and at most {COUNTER}")));
        }
        let window = match window {
            WindowSettings::Fixed(unit) => Window::Fixed(unit.into()),
            WindowSettings::Sliding(0) => return Err(wrong("`window` is at least 1 second".to_owned())),
            WindowSettings::Sliding(seconds) => Window::Sliding(seconds),
        };
        let cost = match cost {
            CostSettings::Amount(text) => Cost::Fixed(amount("cost", &text)?),
            CostSettings::Path { path } => {
                Cost::At(path.parse::<Path>().map_err(|error| wrong(format!("`cost`: {error}")))?)
            }
        };
        let max = amount("max", &max)?;
        Ok(Limit {
            counter,
            window,
            max,
            scope: scope.into(),
            cost,
            message,
            counts_errors: count_errors,
            rule,
        })
    }
}

impl From<UnitSettings> for Unit {
    fn from(unit: UnitSettings) -> Self {
        match unit {
            UnitSettings::Second => Self::Second,
            UnitSettings::Minute => Self::Minute,
            UnitSettings::Hour => Self::Hour,
            UnitSettings::Day => Self::Day,
            UnitSettings::Week => Self::Week,
            UnitSettings::Month => Self::Month,
        }
    }
}

impl From<ScopeSettings> for Scope {
    fn from(scope: ScopeSettings) -> Self {
        match scope {
            ScopeSettings::Session => Self::Session,
            ScopeSettings::Grant => Self::Principal,
            ScopeSettings::Server => Self::Server,
            ScopeSettings::Global => Self::Everyone,
        }
    }
}

/// How many limits can apply to one call, at most.
pub(crate) fn most_charges(lists: &Lists<Family>) -> usize {
    let most = |list: &[Listed<Family>]| list.iter().map(|entry| entry.rules.limits.len()).max().unwrap_or(0);
    let all_tools = lists.all_tools.as_ref().map_or(0, |family| family.limits.len());
    let own = (most(&lists.tools) + all_tools).max(most(&lists.prompts)).max(most(&lists.resources));
    own + most(&lists.methods)
}
