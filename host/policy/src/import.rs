//! Policies of other programs, turned into ours.
//!
//! An import yields the text of a document and a [`Finding`] for every construct of the original: where it
//! went, or why it did not. What cannot be said the same way becomes stricter, and its finding tells how;
//! nothing is dropped without one. Comments are not carried over.

pub mod intercept;

use std::fmt;

use crate::diagnostics::{Diagnostics, Report};
use crate::json::Json;
use crate::source::{Position, Source, Span};

/// A document made from another program's policy.
#[derive(Clone, Debug)]
pub struct Import {
    /// The document: indented JSON with a line break at the end.
    pub document: String,
    /// What became of every construct of the original, in its order.
    pub findings: Vec<Finding>,
}

impl Import {
    /// The findings that someone should read: all but the faithful ones.
    pub fn differences(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !matches!(finding.outcome, Outcome::Mapped(_)))
    }
}

/// What became of one construct. Displayed as `file:line:column: construct: outcome`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The original's name.
    pub source: String,
    /// Where in it the construct stands.
    pub position: Position,
    /// The construct: `tools.create_charge.rules[0].conditions[1]`.
    pub construct: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a construct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It says the same at these JSON Pointers of the document.
    Mapped(Vec<String>),
    /// It could not be said the same way.
    Changed {
        /// JSON Pointers into the document.
        to: Vec<String>,
        /// What is different now, and that it is stricter if it is.
        how: String,
    },
    /// The document does not say it.
    NotMapped {
        /// Why, and what to do.
        why: String,
    },
}

impl Outcome {
    /// Conditions and times may go under in what another rule of the same entry says: then the place is the
    /// entry, and the finding says so.
    fn settle(&mut self, document: &Json) {
        let (Self::Mapped(to) | Self::Changed { to, .. }) = self else { return };
        if to.iter().all(|pointer| resolves(document, pointer)) {
            return;
        }
        for pointer in to.iter_mut() {
            while !resolves(document, pointer) {
                pointer.truncate(pointer.rfind('/').unwrap_or_default());
            }
        }
        to.dedup();
        let how = "another rule of the entry is stricter, and holds alone".to_owned();
        *self = Self::Changed { to: std::mem::take(to), how };
    }
}

fn resolves(document: &Json, pointer: &str) -> bool {
    let mut here = document;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let next = match here {
            Json::Object(members) => members.iter().find(|(key, _)| *key == token).map(|(_, value)| value),
            Json::Array(items) => token.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match next {
            Some(value) => here = value,
            None => return false,
        }
    }
    true
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: ", self.source, self.position, self.construct)?;
        match &self.outcome {
            Outcome::Mapped(to) => write!(f, "mapped to {}", to.join(", ")),
            Outcome::Changed { to, how } => write!(f, "changed, now {}: {how}", to.join(", ")),
            Outcome::NotMapped { why } => write!(f, "not mapped: {why}"),
        }
    }
}

/// The findings in the making.
#[derive(Debug, Default)]
struct Findings {
    found: Vec<(Span, String, Outcome)>,
}

impl Findings {
    fn mapped(&mut self, span: Span, construct: impl Into<String>, to: Vec<String>) {
        self.found.push((span, construct.into(), Outcome::Mapped(to)));
    }

    fn changed(&mut self, span: Span, construct: impl Into<String>, to: Vec<String>, how: impl Into<String>) {
        self.found.push((span, construct.into(), Outcome::Changed { to, how: how.into() }));
    }

    fn not_mapped(&mut self, span: Span, construct: impl Into<String>, why: impl Into<String>) {
        self.found.push((span, construct.into(), Outcome::NotMapped { why: why.into() }));
    }

    fn finish(mut self, document: &Json, source: &Source) -> Vec<Finding> {
        self.found.sort_by_key(|(span, ..)| span.start);
        for (.., outcome) in &mut self.found {
            outcome.settle(document);
        }
        let finding = |(span, construct, outcome): (Span, String, Outcome)| Finding {
            source: source.name().to_owned(),
            position: source.position(span.start),
            construct,
            outcome,
        };
        self.found.into_iter().map(finding).collect()
    }
}

/// The import, unless the original is not in order.
fn finish(document: &Json, findings: Findings, report: Report) -> Result<Import, Diagnostics> {
    if report.has_errors() {
        return Err(report.finish());
    }
    let source = report.source().clone();
    let mut text = String::new();
    indented(document, 0, &mut text);
    text.push('\n');
    Ok(Import { document: text, findings: findings.finish(document, &source) })
}

/// JSON for people: what is short on one line, the rest indented.
fn indented(value: &Json, depth: usize, text: &mut String) {
    const WIDE: usize = 100;
    let compact = value.to_string();
    let scalars = match value {
        Json::Array(items) => !items.iter().any(|item| matches!(item, Json::Array(_))),
        Json::Object(_) => depth > 1,
        _ => true,
    };
    if scalars && compact.len() + 2 * depth <= WIDE {
        spaced(value, text);
        return;
    }
    let inner = "  ".repeat(depth + 1);
    let (open, close) = if matches!(value, Json::Array(_)) { ('[', ']') } else { ('{', '}') };
    text.push(open);
    let mut first = true;
    let mut item = |key: Option<&str>, value: &Json, text: &mut String| {
        text.push_str(if first { "\n" } else { ",\n" });
        first = false;
        text.push_str(&inner);
        if let Some(key) = key {
            text.push_str(&Json::from(key).to_string());
            text.push_str(": ");
        }
        indented(value, depth + 1, text);
    };
    match value {
        Json::Array(items) => items.iter().for_each(|value| item(None, value, text)),
        Json::Object(members) => members.iter().for_each(|(key, value)| item(Some(key), value, text)),
        _ => {}
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}

/// JSON on one line, with blanks.
fn spaced(value: &Json, text: &mut String) {
    match value {
        Json::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                spaced(item, text);
            }
            text.push(']');
        }
        Json::Object(members) if members.is_empty() => text.push_str("{}"),
        Json::Object(members) => {
            text.push_str("{ ");
            for (index, (key, item)) in members.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                text.push_str(&Json::from(key.as_str()).to_string());
                text.push_str(": ");
                spaced(item, text);
            }
            text.push_str(" }");
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}
