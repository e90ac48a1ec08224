//! The policy document, its diagnostics, and the plan it compiles to.
//!
//! A policy is JSON with comments, YAML or TOML. It is parsed to a [tree](source::Node), read into a
//! [document](document::PolicyDocument), [checked](diagnostics) and [compiled](compile()) to a
//! [plan](plan::Plan): the plugins that judge, in order, with their settings. Everything that is wrong
//! with a policy is found in one go, with line, column and remedy. What the keys of a policy mean is
//! told in [`document`].
//!
//! All of it is pure data. Files are read by [`load`] and [`source::Source::read`], and where a policy names a
//! [lock file](lock).
//!
//! ```
//! use bartizan_policy::source::Format;
//!
//! let text = r#"{"version": "1", "default": "deny", "tools": {"get_*": {}}}"#;
//! let policy = bartizan_policy::parse("policy.json", text, Format::Json).unwrap();
//! assert_eq!(policy.plan.steps.len(), 1);
//!
//! let wrong = bartizan_policy::parse("policy.json", r#"{"version": "1", "default": "dney"}"#, Format::Json);
//! assert_eq!(
//!     wrong.unwrap_err().to_string(),
//!     "policy.json:1:29: error: `default` must be \"allow\" or \"deny\", not \"dney\"\n  help: did you mean \"deny\"?"
//! );
//! ```
#![forbid(unsafe_code)]

mod catalogue;
mod check;
mod compile;
pub mod decode;
pub mod diagnostics;
pub mod document;
pub mod import;
mod json;
pub mod lock;
pub mod plan;
pub mod rule;
pub mod schema;
pub mod source;

use std::path::Path;

pub use catalogue::{unmatched, unmatched_entries};
pub use compile::compile;

use diagnostics::{Diagnostics, Report};
use document::PolicyDocument;
use plan::Plan;
use source::{Format, Node, Source, Span};

/// A policy that was accepted.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What its author wrote.
    pub document: PolicyDocument,
    /// What it compiles to.
    pub plan: Plan,
    /// What is probably not meant; no errors among them.
    pub warnings: Diagnostics,
}

/// Loads a policy from a file, whose ending says the format.
///
/// # Errors
/// Everything that is wrong, with the warnings, if anything is an error; or why the file cannot be read.
pub fn load(path: &Path) -> Result<Policy, Diagnostics> {
    from_source(&Source::read(path)?)
}

/// Makes a policy from its text. `name` is what diagnostics call it.
///
/// # Errors
/// As for [`load`].
pub fn parse(name: &str, text: &str, format: Format) -> Result<Policy, Diagnostics> {
    from_source(&Source::new(name, text, format))
}

/// Makes a policy from a source that is at hand.
///
/// # Errors
/// As for [`load`].
pub fn from_source(source: &Source) -> Result<Policy, Diagnostics> {
    let mut report = Report::new(source);
    let node = source.parse(&mut report);
    policy(node.as_ref().map(|node| (node, node.span)), report)
}

/// Makes a policy from an object inside another document, such as the gateway's configuration.
/// Diagnostics point into that document; `place` is where a missing key is reported, best the policy's
/// own key. Rules are named from the policy object, as if it stood alone.
///
/// # Errors
/// As for [`load`].
pub fn from_node(source: &Source, node: &Node, place: Span) -> Result<Policy, Diagnostics> {
    policy(Some((node, place)), Report::new(source))
}

fn policy(node: Option<(&Node, Span)>, mut report: Report) -> Result<Policy, Diagnostics> {
    let document = node.and_then(|(node, place)| document::read(node, place, &mut report));
    if let Some(document) = &document {
        check::check(document, &mut report);
    }
    match document {
        Some(document) if !report.has_errors() => {
            let plan = compile(&document);
            Ok(Policy { document, plan, warnings: report.finish() })
        }
        _ => Err(report.finish()),
    }
}
