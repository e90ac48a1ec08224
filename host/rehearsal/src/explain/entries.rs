//! Which entries of a policy apply to a call, and what hides it or lets it fall to the default.

use std::fmt::Write as _;

use bartizan_audit::record::{RuleVerdict, Verdict};
use bartizan_gateway::offline::Outcome;
use bartizan_policy::decode::closest;
use bartizan_policy::document::{Entry, PolicyDocument, Subject};
use bartizan_policy::rule::{self, Pointer};
use bartizan_wire::method::Noun;
use serde::Serialize;

use super::place::{Place, Places};
use crate::call::Message;

/// An entry that applies to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applying {
    /// The entry: a JSON Pointer.
    pub entry: String,
    /// Where it stands.
    pub at: Place,
}

/// In which maps a message is looked up, and by which name.
pub(crate) fn looked_up(message: &Message) -> Vec<(Subject, &str)> {
    let by_target = message.target.as_ref().and_then(|(noun, name)| {
        let subject = match noun {
            Noun::Tool => Subject::Tools,
            Noun::Prompt => Subject::Prompts,
            Noun::Resource => Subject::Resources,
            Noun::Task => return None,
        };
        Some((subject, &**name))
    });
    by_target.into_iter().chain([(Subject::Methods, &*message.method)]).collect()
}

/// The entry of a map that applies to a name: the most specific one.
pub(crate) fn entry<'d>(document: &'d PolicyDocument, subject: Subject, name: &str) -> Option<&'d Entry> {
    let matching = document.entries(subject).iter().filter(|entry| entry.pattern.value.matches(name));
    matching.min_by(|left, right| left.pattern.value.by_specificity(&right.pattern.value))
}

/// The entries that apply to a message.
pub(super) fn applying(document: &PolicyDocument, message: &Message, places: &Places) -> Vec<Applying> {
    let entries = looked_up(message).into_iter().filter_map(|(subject, name)| {
        let entry = entry(document, subject, name)?;
        let pointer = Pointer::root().key(subject.as_str()).key(entry.pattern.value.as_str());
        Some(Applying { entry: pointer.into(), at: places.place(entry.pattern.span) })
    });
    entries.collect()
}

/// What is to say of a decision that no entry made.
pub(super) fn remarks(
    document: &PolicyDocument,
    message: &Message,
    places: &Places,
    outcome: &Outcome,
    entries: &[Applying],
) -> Vec<String> {
    let mut remarks = Vec::new();
    if outcome.verdict == Verdict::Hidden {
        remarks.extend(hidden(document, message, places, outcome));
    }
    if entries.is_empty() && outcome.verdict != Verdict::Hidden {
        let default = &document.default;
        let looked_up = looked_up(message);
        let maps: Vec<String> =
            looked_up.iter().map(|(subject, _)| format!("`{}`", subject.as_str())).collect();
        let mut remark = format!(
            "no entry of {} matches, and `default` is \"{}\" ({})",
            maps.join(" or "),
            default.value.as_str(),
            places.place(default.span)
        );
        if outcome.rule.as_deref() == Some(rule::DEFAULT)
            && let Some((subject, name)) = looked_up.first()
            && let Some(meant) =
                closest(name, document.entries(*subject).iter().map(|entry| entry.pattern.value.as_str()))
        {
            // Writing to a string cannot fail.
            let _ = write!(remark, "; the closest entry is `{meant}`");
        }
        remarks.push(remark);
    }
    remarks
}

/// What hides the target.
fn hidden(document: &PolicyDocument, message: &Message, places: &Places, outcome: &Outcome) -> Vec<String> {
    let Some((_, name)) = &message.target else { return Vec::new() };
    let mut remarks: Vec<String> = document
        .hide
        .iter()
        .filter(|pattern| pattern.value.matches(name))
        .map(|pattern| format!("`hide` has `{}` ({})", pattern.value, places.place(pattern.span)))
        .collect();
    let hides = |plugin: &str| {
        outcome.rules.iter().any(|rule| rule.verdict == RuleVerdict::Hidden && &*rule.plugin == plugin)
    };
    if hides("pin")
        && let Some(pin) = &document.pin
    {
        remarks.push(format!(
            "the lock file {} ({}) does not have `{name}` with this definition",
            pin.path.value,
            places.place(pin.path.span)
        ));
    }
    for rule in &outcome.rules {
        if rule.verdict == RuleVerdict::Hidden && !matches!(&*rule.plugin, "access" | "pin") {
            remarks.push(format!("the plugin `{}` hides it", rule.plugin));
        }
    }
    remarks
}
