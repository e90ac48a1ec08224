//! What the policy document's `redact` keys compile to.

use bartizan_detect::Finder;
use bartizan_detect::json::{Pointer, Search};
use bartizan_guest::prelude::*;
use bartizan_rules::Lists;

/// The rules by name of what they are about.
pub type Settings = Lists<Family>;

/// What is said of one pattern.
#[settings]
#[derive(Clone, Debug)]
pub struct Family {
    /// Tried in this order, each on what the ones before it left.
    #[serde(default)]
    redact: Vec<RuleSettings>,
}

#[settings]
#[derive(Clone, Debug)]
struct RuleSettings {
    /// What is searched.
    #[serde(rename = "in")]
    place: Place,
    /// JSON Pointers into the data, in which `*` stands for every member or element. None: everything.
    at: Vec<String>,
    /// A regular expression: what it matches is replaced.
    pattern: Option<String>,
    /// Detectors by name: what they find is replaced.
    detect: Vec<String>,
    /// What is done with what was found.
    action: Action,
    /// What stands in its place.
    replace: String,
    /// What the agent is told if it is refused.
    message: Option<String>,
    /// The rule's id.
    rule: String,
}

/// What a rule searches.
#[settings]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    Result,
    Arguments,
    Both,
}

/// What a rule does with what it finds.
#[settings]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Replace,
    Deny,
}

/// A rule that is ready to be tried.
pub(crate) struct Rule {
    pub(crate) place: Place,
    pub(crate) search: Search,
    pub(crate) action: Action,
    pub(crate) replacement: String,
    pub(crate) message: Option<String>,
    pub(crate) id: String,
}

impl Family {
    pub(crate) fn compile(self) -> Result<Vec<Rule>, String> {
        self.redact
            .into_iter()
            .map(|rule| {
                let id = rule.rule.clone();
                rule.compile().map_err(|error| format!("`{id}`: {error}"))
            })
            .collect()
    }
}

impl RuleSettings {
    fn compile(self) -> Result<Rule, String> {
        if self.at.is_empty() && self.pattern.is_none() && self.detect.is_empty() {
            return Err("says nothing of what to redact: write `at`, `pattern` or `detect`".to_owned());
        }
        let pointers = self.at.iter().map(|pointer| Pointer::parse(pointer));
        let pointers = pointers.collect::<Result<_, _>>().map_err(|error| format!("`at`: {error}"))?;
        Ok(Rule {
            place: self.place,
            search: Search::new(pointers, Finder::by_name(self.pattern.as_deref(), &self.detect)?),
            action: self.action,
            replacement: self.replace,
            message: self.message,
            id: self.rule,
        })
    }
}
