//! What a comparison says of one value.

use std::cmp::Ordering;

use bartizan_guest::{Pattern, settings};
use regex::Regex;

use crate::Decimal;
use crate::json::Json;
use crate::outcome::Outcome;
use crate::reading::Found;
use crate::wanted::{Case, Wanted, may_be_null, text_of};

/// How a value is compared.
#[settings]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equal. Numbers by value, also in strings; texts code point by code point.
    Eq,
    /// Not equal.
    Neq,
    /// Equal to one of a list.
    In,
    /// Equal to none of a list.
    NotIn,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Has a match of a regular expression in it.
    Regex,
    /// Has a text in it, or a list has an element.
    Contains,
    /// Is matched as a whole by a pattern with `*` and `?`.
    Glob,
    /// Begins with a text.
    StartsWith,
    /// Is there, or is not.
    Exists,
}

impl Operator {
    /// The operator as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Neq => "neq",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Regex => "regex",
            Self::Contains => "contains",
            Self::Glob => "glob",
            Self::StartsWith => "starts_with",
            Self::Exists => "exists",
        }
    }

    /// Whether `ignore_case` says something.
    pub(crate) fn has_case(self) -> bool {
        match self {
            Self::Eq
            | Self::Neq
            | Self::In
            | Self::NotIn
            | Self::Contains
            | Self::Glob
            | Self::StartsWith => true,
            Self::Lt | Self::Lte | Self::Gt | Self::Gte | Self::Regex | Self::Exists => false,
        }
    }
}

/// An operator with its value, prepared.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Exists(bool),
    Equals(Wanted),
    Differs(Wanted),
    In(Vec<Wanted>),
    NotIn(Vec<Wanted>),
    /// Of the orders that there are, those that are meant.
    Ordered(fn(Ordering) -> bool, Decimal),
    Regex(Regex),
    Contains(Wanted),
    Glob(Pattern),
    StartsWith(String),
}

impl Test {
    /// What is to be said of what stands at one place.
    pub(crate) fn judge(&self, found: &Found<'_>, case: Case) -> Outcome {
        match (self, found) {
            (_, Found::Opaque) => Outcome::Unknown,
            // A server that expects no text reads nothing there.
            (Self::Exists(_) | Self::Differs(_) | Self::NotIn(_), Found::Value(Json::Text(text)))
                if may_be_null(text) =>
            {
                Outcome::Unknown
            }
            (Self::Exists(expected), Found::Value(_)) => (*expected).into(),
            (Self::Exists(expected), Found::Missing) => (!expected).into(),
            (Self::Differs(_) | Self::NotIn(_), Found::Missing) => Outcome::Unknown,
            (_, Found::Missing) => Outcome::DoesNotHold,
            (_, Found::Value(actual)) => self.compare(actual, case),
        }
    }

    fn compare(&self, actual: &Json<'_>, case: Case) -> Outcome {
        let is_one_of = |list: &[Wanted]| Outcome::any(list.iter().map(|wanted| wanted.equals(actual, case)));
        let text = |holds: &dyn Fn(&str) -> bool| match text_of(actual, case) {
            Some(text) => holds(&text).into(),
            None => Outcome::Unknown,
        };
        match self {
            Self::Exists(expected) => (*expected).into(),
            Self::Equals(wanted) => wanted.equals(actual, case),
            Self::Differs(wanted) => wanted.equals(actual, case).negated(),
            Self::In(list) => is_one_of(list),
            Self::NotIn(list) => is_one_of(list).negated(),
            Self::Ordered(is_meant, bound) => match number(actual) {
                Some(number) => is_meant(number.cmp(bound)).into(),
                None => Outcome::Unknown,
            },
            Self::Regex(regex) => text(&|text| regex.is_match(text)),
            Self::Contains(wanted) => {
                match (actual, wanted.as_text()) {
                    (Json::Array(elements), _) => Outcome::any(
                        elements.iter().map(|element| wanted.equals(&Json::read(element.get()), case)),
                    ),
                    // A server that expects a list reads one in a text that is one.
                    (Json::Text(whole), Some(part)) => {
                        let direct = text(&|text| text.contains(&part));
                        match Json::read(whole.trim()) {
                            Json::Array(elements) => Outcome::any(std::iter::once(direct).chain(
                                elements.iter().map(|one| wanted.equals(&Json::read(one.get()), case)),
                            )),
                            _ => direct,
                        }
                    }
                    (_, Some(part)) => text(&|text| text.contains(&part)),
                    (_, None) => Outcome::Unknown,
                }
            }
            Self::Glob(pattern) => text(&|text| pattern.matches(text)),
            Self::StartsWith(beginning) => text(&|text| text.starts_with(beginning)),
        }
    }
}

fn number(actual: &Json<'_>) -> Option<Decimal> {
    match actual {
        Json::Number(literal) => literal.parse().ok(),
        Json::Text(text) => text.parse().ok(),
        _ => None,
    }
}
