//! Built-in rule: replaces what must not pass, in arguments and in results, or refuses the call for it.
//!
//! Rules that refuse are tried first, on what came; rules that replace follow in their order, each on what
//! the ones before it left. What no rule replaces keeps every byte.

mod settings;

use std::collections::BTreeMap;

use bartizan_detect::json;
use bartizan_guest::prelude::*;
use bartizan_rules::Entries;

use settings::{Action, Place, Rule};
pub use settings::{Family, Settings};

/// The longest note that is kept: the host takes 4 KiB.
const LONGEST_NOTE: usize = 3 << 10;

/// The rules.
pub struct Redact {
    entries: Entries<Vec<Rule>>,
}

impl Policy for Redact {
    type Settings = Settings;
    const NAME: &'static str = "redact";
    const SUMMARY: &'static str = "Replaces secrets and personal data in arguments and results.";

    fn asks() -> Vec<Ask> {
        vec![Ask::RewriteArguments, Ask::RewriteResults]
    }

    fn configure(settings: Settings) -> Result<Self, String> {
        Ok(Self { entries: settings.compile(Family::compile)? })
    }
}

/// What is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject<'c> {
    Arguments(&'c str),
    Result,
}

impl Subject<'_> {
    fn is_in(self, place: Place) -> bool {
        match self {
            Self::Arguments(_) => place != Place::Result,
            Self::Result => place != Place::Arguments,
        }
    }

    fn search(self, rule: &Rule, text: &str) -> json::Found {
        let replacement = match rule.action {
            Action::Replace => Some(rule.replacement.as_str()),
            Action::Deny => None,
        };
        match self {
            Self::Arguments(method) => rule.search.arguments(method, text, replacement),
            Self::Result => rule.search.result(text, replacement),
        }
    }
}

impl Redact {
    fn judge(&self, call: &Call, subject: Subject<'_>, read: impl FnOnce() -> Option<String>) -> Decision {
        let rules: Vec<&Rule> =
            self.entries.applicable(call).flatten().filter(|rule| subject.is_in(rule.place)).collect();
        if rules.is_empty() {
            return Decision::pass();
        }
        let Some(mut text) = read() else { return Decision::pass() };
        let (refusing, replacing): (Vec<&Rule>, Vec<&Rule>) =
            rules.into_iter().partition(|rule| rule.action == Action::Deny);
        for rule in refusing {
            let count = subject.search(rule, &text).count;
            if count > 0 {
                let message = rule.message.clone().unwrap_or_else(|| refusal(call, subject));
                return Decision::deny(message)
                    .rule(&rule.id)
                    .note("redacted", note([(rule.id.as_str(), count)]));
            }
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for rule in replacing {
            let found = subject.search(rule, &text);
            if found.count > 0 {
                text = json::apply(&text, &found.edits);
                *counts.entry(&rule.id).or_default() += found.count;
            }
        }
        if counts.is_empty() {
            return Decision::pass();
        }
        Decision::rewrite(text).note("redacted", note(counts))
    }
}

impl CallPolicy for Redact {
    fn check(&self, call: &Call) -> Decision {
        self.judge(call, Subject::Arguments(&call.method()), || call.argument(""))
    }
}

impl ReplyPolicy for Redact {
    fn check_reply(&self, call: &Call, reply: &Reply<'_>) -> Decision {
        self.judge(call, Subject::Result, || reply.value(""))
    }
}

fn refusal(call: &Call, subject: Subject<'_>) -> String {
    let target = call.target().unwrap_or_else(|| call.method());
    match subject {
        Subject::Arguments(_) => {
            format!("The arguments of {target} hold what the policy does not let through.")
        }
        Subject::Result => {
            format!("The result of {target} is withheld: it holds what the policy does not let through.")
        }
    }
}

/// How often each rule found something: a JSON object.
fn note<'r>(counts: impl IntoIterator<Item = (&'r str, usize)>) -> String {
    let mut note = String::from("{");
    for (rule, count) in counts {
        let member = format!("{}:{count}", json::quoted(rule));
        if note.len() + member.len() > LONGEST_NOTE {
            break;
        }
        if note.len() > 1 {
            note.push(',');
        }
        note.push_str(&member);
    }
    note.push('}');
    note
}

bartizan_guest::export!(Redact: calls, replies);

#[cfg(test)]
mod tests;
