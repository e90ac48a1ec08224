//! Rules about what is in arguments and results.
//!
//! Invariants: pointers are RFC 6901; regexes compile and do not match the empty text; each rule has at
//! least a place, a pattern or a detector.

use std::collections::BTreeSet;

use crate::source::Span;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Where: JSON Pointers. Without any, everywhere.
    pub at: Vec<String>,
    /// Text that matches this regular expression.
    pub pattern: Option<String>,
    /// Text that these detectors know.
    pub detect: BTreeSet<Detector>,
}

/// An item of `redact`.
#[derive(Clone, Debug)]
pub struct Redaction {
    /// Where it is looked for.
    pub part: Part,
    /// What is looked for.
    pub content: Content,
    /// What becomes of it.
    pub action: RedactAction,
    /// Where the item stands.
    pub span: Span,
}

/// An item of `inspect`: a result in which this is found is refused.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What is looked for.
    pub content: Content,
    /// What the agent is told.
    pub on_deny: Option<String>,
    /// Where the item stands.
    pub span: Span,
}

/// What of a call a redaction looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Part {
    /// The result.
    #[default]
    Result,
    /// The arguments.
    Arguments,
    /// Both.
    Both,
}

impl Part {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Arguments => "arguments",
            Self::Both => "both",
        }
    }
}

/// What becomes of what a redaction finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedactAction {
    /// It is replaced with this text.
    Replace(String),
    /// The whole is refused, with this message if there is one.
    Deny(Option<String>),
}

impl RedactAction {
    /// The word for it in documents.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Replace(_) => "replace",
            Self::Deny(_) => "deny",
        }
    }
}

/// Something that is known by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detector {
    /// Tokens and passwords of well-known forms.
    Secret,
    /// Private keys.
    Key,
    /// E-mail addresses.
    Email,
    /// Numbers of payment cards, by their check digit.
    Card,
    /// IBAN account numbers, by their check digits.
    Iban,
    /// IP addresses.
    Ip,
}

impl Detector {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Key => "key",
            Self::Email => "email",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::Ip => "ip",
        }
    }
}
