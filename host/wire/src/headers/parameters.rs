//! `Mcp-Param-…`: headers that repeat arguments of a tool call (2026-07-28, SEP-2243).
//!
//! A tool's definition says which: `x-mcp-header` on a property of its `inputSchema`. The value at exactly
//! that property's path travels in the header, encoded as [`encode_mirror`] does, and who reads the body
//! must refuse a header that says something else. There is no header for what is absent or null.

mod decimal;
mod schema;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::json::{Kind, Value};

use super::mirror::{MirrorError, decode_mirror, encode_mirror};
use decimal::Decimal;

pub use schema::ParameterError;

const PREFIX: &str = "Mcp-Param-";

/// The arguments of one tool that headers repeat.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    /// The headers' names, as annotated.
    headers: Vec<String>,
    /// Indices into `headers` by name in lower case.
    by_name: HashMap<String, usize>,
    /// The way to the annotated properties; the first is the arguments as a whole.
    steps: Vec<Step>,
}

/// A place in the arguments at or below which a header's value is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Step {
    /// Index into [`Parameters::headers`] of the header whose value this is.
    parameter: Option<usize>,
    /// Indices into [`Parameters::steps`] by the member's name.
    below: HashMap<String, usize>,
}

impl Parameters {
    /// Reads a tool's definition. One without `inputSchema` has no parameters. Takes time linear in the
    /// text for each level of nesting, and does not recurse.
    ///
    /// # Errors
    /// [`ParameterError`] if an annotation breaks a rule of MCP; such a tool is not to be offered over HTTP.
    pub fn read(definition: Value<'_>) -> Result<Self, ParameterError> {
        schema::read(definition)
    }

    /// There is nothing to repeat.
    pub fn is_empty(&self) -> bool {
        self.headers.is_empty()
    }

    /// The names of the headers, as annotated.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(String::as_str)
    }

    /// The headers to send with a call: names, and values encoded. Strings are as they are, integers in
    /// plain digits (`42` for `4.2e1`; from 10^21 on, far beyond what MCP allows, their literal), booleans
    /// `true` or `false`.
    ///
    /// What fits no type that an annotation allows is for the server to refuse: a number with a fraction
    /// gets its literal, an array or object no header.
    pub fn mirror(&self, arguments: Option<Value<'_>>) -> Vec<(String, String)> {
        let values = self.values(arguments);
        let pairs = self.headers.iter().zip(values);
        pairs
            .filter_map(|(header, value)| {
                let text = text_of(value?)?;
                Some((header.clone(), encode_mirror(&text).into_owned()))
            })
            .collect()
    }

    /// Checks that the headers of a call repeat its arguments. `headers` are all of the request's, with
    /// names in any case, one for each line, and values without the whitespace around them; what is not
    /// UTF-8 may come with replacement characters, which are refused.
    ///
    /// A value must be equal once decoded; numbers are compared as numbers, exactly (`42.0` is `42`), and
    /// an exponent in a header is only equal to the same literal. Headers of other names are ignored, also
    /// those that start with `Mcp-Param-`. An array or object, which no header can repeat, fails.
    ///
    /// # Errors
    /// [`MirrorError`] for the first parameter, in the order of the definition, whose header is not there
    /// although the value is, or there although the value is not (or null), or different, or not encoded
    /// as it has to be; [`MirrorError::Repeated`] for one that is there twice.
    pub fn check<'h>(
        &self,
        headers: impl Iterator<Item = (&'h str, &'h str)>,
        arguments: Option<Value<'_>>,
    ) -> Result<(), MirrorError> {
        if self.is_empty() {
            return Ok(());
        }
        let mut sent = vec![None; self.headers.len()];
        for (name, value) in headers {
            let Some(&index) = self.by_name.get(&name.to_ascii_lowercase()) else { continue };
            let twice = sent.get_mut(index).is_some_and(|slot| slot.replace(value).is_some());
            if let (true, Some(header)) = (twice, self.headers.get(index)) {
                return Err(MirrorError::Repeated { header: header.clone() });
            }
        }
        for ((header, sent), value) in self.headers.iter().zip(sent).zip(self.values(arguments)) {
            let header = || header.clone();
            match (sent, value) {
                (None, None) => {}
                (None, Some(_)) => return Err(MirrorError::Missing { header: header() }),
                (Some(_), None) => return Err(MirrorError::Mismatch { header: header() }),
                (Some(sent), Some(value)) => {
                    let decoded =
                        decode_mirror(sent).ok_or_else(|| MirrorError::Encoding { header: header() })?;
                    if !repeats(&decoded, value) {
                        return Err(MirrorError::Mismatch { header: header() });
                    }
                }
            }
        }
        Ok(())
    }

    /// The value of each header, in order, where there is one and it is not null.
    fn values<'a>(&self, arguments: Option<Value<'a>>) -> Vec<Option<Value<'a>>> {
        let mut values = vec![None; self.headers.len()];
        let mut open: Vec<_> = self.steps.first().zip(arguments).into_iter().collect();
        while let Some((step, value)) = open.pop() {
            if let Some(slot) = step.parameter.and_then(|parameter| values.get_mut(parameter)) {
                *slot = Some(value).filter(|value| value.kind() != Kind::Null);
            }
            if step.below.is_empty() {
                continue;
            }
            let below = |key: &str| step.below.get(key).and_then(|&index| self.steps.get(index));
            open.extend(value.members().filter_map(|(key, value)| Some((below(&key)?, value))));
        }
        values
    }
}

/// What a header says for `value`, before it is encoded.
fn text_of(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Kind::String => value.as_str(),
        Kind::Bool => Some(Cow::Borrowed(value.text())),
        Kind::Number => {
            let integer = Decimal::read(value.text()).and_then(|number| number.integer());
            Some(integer.map_or(Cow::Borrowed(value.text()), Cow::Owned))
        }
        Kind::Null | Kind::Array | Kind::Object => None,
    }
}

/// Whether a header's decoded text says what `value` does.
fn repeats(text: &str, value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Number => {
            let equal = |sent| Some(sent) == Decimal::read(value.text());
            text == value.text() || Decimal::read_plain(text).is_some_and(equal)
        }
        _ => text_of(value).is_some_and(|own| own == text),
    }
}

#[cfg(test)]
mod tests;
