//! A condition: a comparison of a part of a call, or a group of them.

use std::fmt;

use bartizan_guest::Call;

use crate::operator::Test;
use crate::outcome::{Outcome, Polarity};
use crate::path::Path;
use crate::wanted::Case;

/// A condition, ready to be evaluated. Displayed in one line: `args.stage eq "Production"`.
#[derive(Clone, Debug)]
pub struct Condition(pub(crate) Node);

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Comparison(Box<Comparison>),
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
}

#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) path: Path,
    pub(crate) test: Test,
    pub(crate) case: Case,
    /// What comes after the path when it is displayed.
    pub(crate) text: String,
}

impl Condition {
    /// What becomes of the condition for this call.
    pub fn evaluate(&self, call: &Call, polarity: Polarity) -> Outcome {
        match &self.0 {
            Node::Comparison(comparison) => comparison.evaluate(call, polarity),
            Node::Any(conditions) => Outcome::any(each(conditions, call, polarity)),
            Node::All(conditions) => Outcome::all(each(conditions, call, polarity)),
            Node::Not(condition) => condition.evaluate(call, polarity.flipped()).negated(),
        }
    }

    /// Whether the call has what it needs. What is unknown is not there.
    pub fn holds_for(&self, call: &Call) -> bool {
        self.evaluate(call, Polarity::ForTheCall) == Outcome::Holds
    }

    /// Whether all of the conditions speak against the call. What is unknown does, and so do no conditions.
    pub fn all_hold_against(conditions: &[Self], call: &Call) -> bool {
        let outcomes = each(conditions, call, Polarity::AgainstTheCall);
        Outcome::all(outcomes) != Outcome::DoesNotHold
    }

    /// The paths that it looks at, in the order in which they stand, each once.
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.collect_paths(&mut paths);
        paths
    }

    fn collect_paths<'c>(&'c self, paths: &mut Vec<&'c Path>) {
        match &self.0 {
            Node::Comparison(comparison) if paths.contains(&&comparison.path) => {}
            Node::Comparison(comparison) => paths.push(&comparison.path),
            Node::Any(conditions) | Node::All(conditions) => {
                conditions.iter().for_each(|condition| condition.collect_paths(paths));
            }
            Node::Not(condition) => condition.collect_paths(paths),
        }
    }
}

fn each(conditions: &[Condition], call: &Call, polarity: Polarity) -> impl Iterator<Item = Outcome> {
    conditions.iter().map(move |condition| condition.evaluate(call, polarity))
}

impl Comparison {
    fn evaluate(&self, call: &Call, polarity: Polarity) -> Outcome {
        let mut outcomes = Vec::new();
        self.path.read(call, |found| outcomes.push(self.test.judge(&found, self.case)));
        match polarity {
            Polarity::ForTheCall => Outcome::all(outcomes),
            Polarity::AgainstTheCall => Outcome::any(outcomes),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Node::Comparison(comparison) => write!(f, "{} {}", comparison.path, comparison.text),
            Node::Any(conditions) => write_joined(f, conditions, " or "),
            Node::All(conditions) => write_joined(f, conditions, " and "),
            Node::Not(condition) => match &condition.0 {
                Node::Comparison(_) => write!(f, "not ({condition})"),
                _ => write!(f, "not {condition}"),
            },
        }
    }
}

fn write_joined(f: &mut fmt::Formatter<'_>, conditions: &[Condition], between: &str) -> fmt::Result {
    f.write_str("(")?;
    for (position, condition) in conditions.iter().enumerate() {
        if position > 0 {
            f.write_str(between)?;
        }
        write!(f, "{condition}")?;
    }
    f.write_str(")")
}
