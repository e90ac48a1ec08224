//! The value of a condition, prepared for comparing, and what equality means.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::outcome::Outcome;
use crate::{Decimal, DecimalError};

/// Plain numbers of more digits than these are not compared as text.
const PLAIN_DIGITS: u32 = 64;

/// Spellings that servers take for booleans, in any case.
const TRUE: [&str; 6] = ["true", "yes", "on", "t", "y", "1"];
const FALSE: [&str; 6] = ["false", "no", "off", "f", "n", "0"];

/// Whether upper and lower case are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Case {
    #[default]
    Kept,
    Ignored,
}

impl Case {
    /// The text as it is compared.
    pub(crate) fn fold<'t>(self, text: impl Into<std::borrow::Cow<'t, str>>) -> std::borrow::Cow<'t, str> {
        match self {
            Self::Kept => text.into(),
            Self::Ignored => text.into().to_lowercase().into(),
        }
    }
}

/// A value to compare with.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// Only inside of others.
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(WantedText),
    Array(Vec<Wanted>),
    Object(BTreeMap<String, Wanted>),
}

#[derive(Clone, Debug)]
pub(crate) struct WantedText {
    /// Folded if case is ignored.
    pub(crate) folded: String,
    number: Result<Decimal, DecimalError>,
    boolean: Option<bool>,
}

/// The value cannot be compared with: it has a number with too long an exponent, or is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incomparable;

impl Wanted {
    pub(crate) fn new(json: Json<'_>, case: Case) -> Result<Self, Incomparable> {
        let inside = |text: &str| Self::new(Json::read(text), case);
        Ok(match json {
            Json::Null => Self::Null,
            Json::Boolean(boolean) => Self::Boolean(boolean),
            Json::Number(literal) => Self::Number(literal.parse().map_err(|_error| Incomparable)?),
            Json::Text(text) => Self::Text(WantedText {
                number: text.parse(),
                boolean: spelled_boolean(&text),
                folded: case.fold(text).into_owned(),
            }),
            Json::Array(elements) => {
                Self::Array(elements.iter().map(|element| inside(element.get())).collect::<Result<_, _>>()?)
            }
            Json::Object(members) => Self::Object(
                members
                    .into_iter()
                    .map(|(key, member)| Ok((key.0.into_owned(), inside(member.get())?)))
                    .collect::<Result<_, _>>()?,
            ),
            Json::Unreadable => return Err(Incomparable),
        })
    }

    /// Whether `actual` is this value.
    pub(crate) fn equals(&self, actual: &Json<'_>, case: Case) -> Outcome {
        match (self, actual) {
            (_, Json::Unreadable) => Outcome::Unknown,
            (Self::Null, actual) => matches!(actual, Json::Null).into(),
            (_, Json::Null) => Outcome::DoesNotHold,
            (Self::Boolean(wanted), Json::Boolean(actual)) => (wanted == actual).into(),
            (Self::Boolean(wanted), Json::Text(text)) => (spelled_boolean(text) == Some(*wanted)).into(),
            (Self::Boolean(wanted), Json::Number(literal)) => {
                same_number(literal.parse(), |actual| actual.is(u8::from(*wanted)))
            }
            (Self::Number(wanted), Json::Boolean(actual)) => wanted.is(u8::from(*actual)).into(),
            (Self::Number(wanted), Json::Number(text)) => {
                same_number(text.parse(), |actual| actual == wanted)
            }
            (Self::Number(wanted), Json::Text(text)) => match text.parse::<Decimal>() {
                Err(DecimalError::NotANumber) if may_be_number(text) => Outcome::Unknown,
                number => same_number(number, |actual| actual == wanted),
            },
            (Self::Text(wanted), Json::Boolean(actual)) => (wanted.boolean == Some(*actual)).into(),
            (Self::Text(wanted), Json::Number(literal)) => match literal.parse::<Decimal>() {
                Ok(actual) => same_number(wanted.number.clone(), |wanted| *wanted == actual),
                Err(_vast) => Outcome::Unknown,
            },
            (Self::Text(wanted), Json::Text(text)) => (wanted.folded == case.fold(text.as_ref())).into(),
            (Self::Array(wanted), Json::Array(actual)) => {
                if wanted.len() != actual.len() {
                    return Outcome::DoesNotHold;
                }
                Outcome::all(
                    wanted
                        .iter()
                        .zip(actual)
                        .map(|(wanted, actual)| wanted.equals(&Json::read(actual.get()), case)),
                )
            }
            (Self::Object(wanted), Json::Object(actual)) => {
                // A member that is null counts as absent.
                let more = actual
                    .iter()
                    .any(|(key, member)| !wanted.contains_key(key.0.as_ref()) && member.get() != "null");
                let same = wanted.iter().map(|(key, wanted)| match actual.get(key.as_str()) {
                    Some(member) => wanted.equals(&Json::read(member.get()), case),
                    None => matches!(wanted, Self::Null).into(),
                });
                if more { Outcome::DoesNotHold } else { Outcome::all(same) }
            }
            (Self::Array(_), Json::Object(_)) | (Self::Object(_), Json::Array(_)) => Outcome::DoesNotHold,
            (Self::Array(_) | Self::Object(_), Json::Boolean(_) | Json::Number(_) | Json::Text(_))
            | (Self::Boolean(_) | Self::Number(_) | Self::Text(_), Json::Array(_) | Json::Object(_)) => {
                Outcome::Unknown
            }
        }
    }

    /// The scalar as text; `None` for a number too long to be written out, and for what is no scalar.
    pub(crate) fn as_text(&self) -> Option<String> {
        match self {
            Self::Boolean(boolean) => Some(boolean.to_string()),
            Self::Number(number) => number.plain(PLAIN_DIGITS),
            Self::Text(text) => Some(text.folded.clone()),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }
}

fn same_number(number: Result<Decimal, DecimalError>, is_same: impl Fn(&Decimal) -> bool) -> Outcome {
    match number {
        Ok(number) => is_same(&number).into(),
        Err(DecimalError::NotANumber) => Outcome::DoesNotHold,
        Err(DecimalError::Exponent) => Outcome::Unknown,
    }
}

/// Whether some servers read a number where JSON has none: `1_000`, `.5`, `1.`, digits of other scripts, other
/// white space, `inf`.
fn may_be_number(text: &str) -> bool {
    let text: String = text.trim().chars().filter(|c| *c != '_').collect();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if ["inf", "infinity", "nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return true;
    }
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
    }
    let are_digits = |text: &str| text.chars().all(char::is_numeric);
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let has_digits = !(whole.is_empty() && fraction.is_empty() || exponent.is_empty());
    has_digits && are_digits(whole) && are_digits(fraction) && are_digits(exponent)
}

/// Whether some servers would read nothing here.
pub(crate) fn may_be_null(text: &str) -> bool {
    text.trim() == "null"
}

fn spelled_boolean(text: &str) -> Option<bool> {
    let is = |spelling: &&str| text.eq_ignore_ascii_case(spelling);
    if TRUE.iter().any(&is) {
        Some(true)
    } else if FALSE.iter().any(is) {
        Some(false)
    } else {
        None
    }
}

/// A scalar as the text that text operators look at, folded if case is ignored. `None` if it has none.
pub(crate) fn text_of(actual: &Json<'_>, case: Case) -> Option<String> {
    match actual {
        Json::Text(text) => Some(case.fold(text.as_ref()).into_owned()),
        Json::Number(literal) => literal.parse::<Decimal>().ok()?.plain(PLAIN_DIGITS),
        Json::Boolean(boolean) => Some(boolean.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) | Json::Unreadable => None,
    }
}
