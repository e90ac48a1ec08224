//! Conditions as they stand in settings, and what can be wrong with them.

use bartizan_guest::{Pattern, settings};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::cmp::Ordering;
use thiserror::Error;

use crate::condition::{Comparison, Condition, Node};
use crate::json::{Json, compact};
use crate::operator::{Operator, Test};
use crate::path::{Path, PathError};
use crate::wanted::{Case, Incomparable, Wanted};
use crate::wording::shortened;

/// The most that a compiled regular expression may take, in bytes: it is part of the memory of every
/// evaluation.
const REGEX_SIZE: usize = 1 << 20;

/// Values are displayed with at most so many characters.
const DISPLAYED: usize = 120;

/// A condition in settings: a comparison, or one of `any`, `all` and `not`.
#[settings]
#[derive(Clone, Debug, Default)]
pub struct ConditionSettings {
    /// Which part of the call: `args.stage`, `args.items[*].price`, `principal`, `tool.annotations.readOnlyHint`.
    path: Option<String>,
    /// How it is compared.
    op: Option<Operator>,
    /// With what.
    #[serde(default, deserialize_with = "literal")]
    #[schemars(with = "serde_json::Value")]
    value: Option<Box<RawValue>>,
    /// Whether upper and lower case are the same.
    #[serde(default)]
    ignore_case: bool,
    /// One of these.
    any: Option<Vec<ConditionSettings>>,
    /// All of these.
    all: Option<Vec<ConditionSettings>>,
    /// Not this.
    not: Option<Box<ConditionSettings>>,
}

/// The text of a value, also of `null`.
fn literal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// What is wrong with a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{problem}", if at.is_empty() { String::new() } else { format!("`{at}`: ") })]
pub struct ConditionError {
    /// Which part of the condition: a JSON Pointer (RFC 6901) from its own root.
    pub at: String,
    /// What is wrong.
    pub problem: ConditionProblem,
}

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConditionProblem {
    /// It is neither a comparison nor a group, or both.
    #[error("a condition has either `path`, `op` and `value`, or one of `any`, `all` and `not`")]
    Shape,
    /// A group of nothing.
    #[error("the list is empty; name at least one condition")]
    Empty,
    /// A comparison lacks a part.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The path is wrong.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The value is null.
    #[error("`value` is null, which counts as absent; use `exists`")]
    Null,
    /// The operator does not take such a value.
    #[error("`value` of `{}` must be {expected}, not {found}", operator.as_str())]
    Value {
        /// The operator.
        operator: Operator,
        /// What it takes.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// The value cannot be compared with.
    #[error("`value` has a number with too long an exponent, or a text that is not Unicode")]
    Incomparable,
    /// The regular expression is none.
    #[error("`value` is no regular expression: {0}")]
    Regex(String),
    /// The regular expression is too large.
    #[error("the regular expression takes more than 1 MiB when it is compiled; repeat less in it")]
    RegexSize,
    /// There is no case to ignore.
    #[error("`ignore_case` says nothing of `{}`{}", .0.as_str(), if *.0 == Operator::Regex {
        "; begin the regular expression with (?i)"
    } else {
        ""
    })]
    Case(Operator),
}

impl From<Incomparable> for ConditionProblem {
    fn from(_: Incomparable) -> Self {
        Self::Incomparable
    }
}

impl TryFrom<ConditionSettings> for Condition {
    type Error = ConditionError;

    fn try_from(settings: ConditionSettings) -> Result<Self, ConditionError> {
        condition(settings, "")
    }
}

impl Condition {
    /// Conditions of a list in settings.
    ///
    /// # Errors
    ///
    /// The first that is wrong; its pointer is from the list.
    pub fn list(list: Vec<ConditionSettings>) -> Result<Vec<Self>, ConditionError> {
        conditions(list, "")
    }
}

fn conditions(list: Vec<ConditionSettings>, at: &str) -> Result<Vec<Condition>, ConditionError> {
    list.into_iter()
        .enumerate()
        .map(|(index, settings)| condition(settings, &format!("{at}/{index}")))
        .collect()
}

fn condition(settings: ConditionSettings, at: &str) -> Result<Condition, ConditionError> {
    let wrong = |at: &str, problem| ConditionError { at: at.to_owned(), problem };
    let group = |list: Vec<ConditionSettings>, name: &str| {
        let at = format!("{at}/{name}");
        if list.is_empty() { Err(wrong(&at, ConditionProblem::Empty)) } else { conditions(list, &at) }
    };
    let node = match settings {
        ConditionSettings { path: None, op: None, value: None, ignore_case: false, any, all, not } => {
            match (any, all, not) {
                (Some(list), None, None) => Node::Any(group(list, "any")?),
                (None, Some(list), None) => Node::All(group(list, "all")?),
                (None, None, Some(inner)) => Node::Not(Box::new(condition(*inner, &format!("{at}/not"))?)),
                _ => return Err(wrong(at, ConditionProblem::Shape)),
            }
        }
        ConditionSettings { path, op, value, ignore_case, any: None, all: None, not: None } => {
            let case = if ignore_case { Case::Ignored } else { Case::Kept };
            let comparison =
                comparison(path, op, value.as_deref(), case).map_err(|problem| wrong(at, problem))?;
            Node::Comparison(Box::new(comparison))
        }
        _ => return Err(wrong(at, ConditionProblem::Shape)),
    };
    Ok(Condition(node))
}

fn comparison(
    path: Option<String>,
    operator: Option<Operator>,
    value: Option<&RawValue>,
    case: Case,
) -> Result<Comparison, ConditionProblem> {
    let path: Path = path.ok_or(ConditionProblem::Missing("path"))?.parse()?;
    let operator = operator.ok_or(ConditionProblem::Missing("op"))?;
    let value = value.ok_or(ConditionProblem::Missing("value"))?.get();
    if case == Case::Ignored && !operator.has_case() {
        return Err(ConditionProblem::Case(operator));
    }
    let test = test(operator, Json::read(value), case)?;
    let mut text = format!("{} {}", operator.as_str(), shortened(&compact(value), DISPLAYED));
    if case == Case::Ignored {
        text.push_str(" in any case");
    }
    Ok(Comparison { path, test, case, text })
}

fn test(operator: Operator, value: Json<'_>, case: Case) -> Result<Test, ConditionProblem> {
    let kind = value.kind();
    let wrong = |expected| ConditionProblem::Value { operator, expected, found: kind };
    let text = |value: Json<'_>| match value {
        Json::Text(text) => Ok(case.fold(text).into_owned()),
        _ => Err(wrong("a string")),
    };
    let ordered = |is_meant, value: Json<'_>| match value {
        Json::Number(literal) => {
            Ok(Test::Ordered(is_meant, literal.parse().map_err(|_error| ConditionProblem::Incomparable)?))
        }
        _ => Err(wrong("a number, without quotes")),
    };
    let list = |value: Json<'_>| match value {
        Json::Array(elements) => elements
            .iter()
            .map(|element| match Json::read(element.get()) {
                Json::Null => Err(ConditionProblem::Null),
                json @ (Json::Array(_) | Json::Object(_)) => Err(ConditionProblem::Value {
                    operator,
                    expected: "a list of strings, numbers and booleans",
                    found: if matches!(json, Json::Array(_)) {
                        "a list of lists"
                    } else {
                        "a list of objects"
                    },
                }),
                json => Ok(Wanted::new(json, case)?),
            })
            .collect::<Result<Vec<_>, _>>(),
        _ => Err(wrong("a list")),
    };
    Ok(match (operator, value) {
        (_, Json::Null) => return Err(ConditionProblem::Null),
        (Operator::Exists, Json::Boolean(expected)) => Test::Exists(expected),
        (Operator::Exists, _) => return Err(wrong("true or false")),
        (Operator::Eq, value) => Test::Equals(Wanted::new(value, case)?),
        (Operator::Neq, value) => Test::Differs(Wanted::new(value, case)?),
        (Operator::In, value) => Test::In(list(value)?),
        (Operator::NotIn, value) => Test::NotIn(list(value)?),
        (Operator::Lt, value) => ordered(Ordering::is_lt, value)?,
        (Operator::Lte, value) => ordered(Ordering::is_le, value)?,
        (Operator::Gt, value) => ordered(Ordering::is_gt, value)?,
        (Operator::Gte, value) => ordered(Ordering::is_ge, value)?,
        (Operator::Regex, value) => Test::Regex(regex(&text(value)?)?),
        (Operator::Contains, Json::Array(_) | Json::Object(_)) => {
            return Err(wrong("a string, a number or a boolean"));
        }
        (Operator::Contains, value) => Test::Contains(Wanted::new(value, case)?),
        (Operator::Glob, value) => Test::Glob(Pattern::new(text(value)?)),
        (Operator::StartsWith, value) => Test::StartsWith(text(value)?),
    })
}

fn regex(pattern: &str) -> Result<Regex, ConditionProblem> {
    RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => ConditionProblem::RegexSize,
        // The last line says what is wrong; the ones before draw where, over several lines.
        error => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            ConditionProblem::Regex(reason.strip_prefix("error: ").unwrap_or(reason).to_owned())
        }
    })
}
