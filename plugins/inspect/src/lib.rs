//! Built-in rule: withholds results that match. What the server did stays done; the agent does not learn
//! what came of it.

use std::collections::BTreeSet;

use bartizan_detect::json::{Pointer, Search, quoted};
use bartizan_detect::{Detector, Finder};
use bartizan_guest::prelude::*;
use bartizan_rules::{Entries, Lists};

/// The rules.
pub struct Inspect {
    entries: Entries<Vec<Rule>>,
}

/// What the policy document's `inspect` keys compile to.
pub type Settings = Lists<Family>;

/// What is said of one pattern.
#[settings]
#[derive(Clone, Debug)]
pub struct Family {
    /// A result that matches any of these is withheld.
    #[serde(default)]
    inspect: Vec<RuleSettings>,
}

#[settings]
#[derive(Clone, Debug)]
struct RuleSettings {
    /// JSON Pointers into the data, in which `*` stands for every member or element. None: everything.
    /// Without `pattern` and `detect`, any value there matches.
    at: Vec<String>,
    /// A regular expression.
    pattern: Option<String>,
    /// Detectors by name.
    detect: Vec<String>,
    /// What the agent is told.
    message: Option<String>,
    /// The rule's id.
    rule: String,
}

struct Rule {
    search: Search,
    message: Option<String>,
    id: String,
}

impl Policy for Inspect {
    type Settings = Settings;
    const NAME: &'static str = "inspect";
    const SUMMARY: &'static str = "Withholds results that match a pattern or a detector.";

    fn configure(settings: Settings) -> Result<Self, String> {
        let entries = settings.compile(|family: Family| {
            let rules = family.inspect.into_iter().map(|rule| {
                let id = rule.rule.clone();
                rule.compile().map_err(|error| format!("`{id}`: {error}"))
            });
            rules.collect::<Result<Vec<_>, _>>()
        });
        Ok(Self { entries: entries? })
    }
}

impl RuleSettings {
    fn compile(self) -> Result<Rule, String> {
        if self.at.is_empty() && self.pattern.is_none() && self.detect.is_empty() {
            return Err("says nothing of what to look for: write `at`, `pattern` or `detect`".to_owned());
        }
        let pointers = self.at.iter().map(|pointer| Pointer::parse(pointer));
        let pointers = pointers.collect::<Result<_, _>>().map_err(|error| format!("`at`: {error}"))?;
        let finder = Finder::by_name(self.pattern.as_deref(), &self.detect)?;
        Ok(Rule { search: Search::new(pointers, finder), message: self.message, id: self.rule })
    }
}

impl ReplyPolicy for Inspect {
    fn check_reply(&self, call: &Call, reply: &Reply<'_>) -> Decision {
        let mut rules = self.entries.applicable(call).flatten().peekable();
        if rules.peek().is_none() {
            return Decision::pass();
        }
        let Some(text) = reply.value("") else { return Decision::pass() };
        for rule in rules {
            let found = rule.search.result(&text, None);
            if found.count > 0 {
                let message = rule.message.clone().unwrap_or_else(|| {
                    let target = call.target().unwrap_or_else(|| call.method());
                    format!("The result of {target} is withheld: it matches a rule of the policy.")
                });
                return Decision::deny(message)
                    .rule(&rule.id)
                    .note("matched", note(&rule.id, &found.detectors));
            }
        }
        Decision::pass()
    }
}

/// The rule and the detectors that found something: never what they found.
fn note(rule: &str, detectors: &BTreeSet<Detector>) -> String {
    let names: Vec<_> = detectors.iter().map(|detector| quoted(detector.name())).collect();
    format!("{{\"rule\":{},\"detectors\":[{}]}}", quoted(rule), names.join(","))
}

bartizan_guest::export!(Inspect: replies);

#[cfg(test)]
mod tests;
