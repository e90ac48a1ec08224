//! A document to its plan.
//!
//! Each family of rules is a module with one function: what of the document concerns it, as a step for
//! the plugin that judges it, or nothing. A new family is a new module and a line in [`JUDGES`] or [`COUNTERS`].

mod access;
mod approval;
mod conditions;
mod digest;
mod inspect;
mod limits;
mod lists;
mod pin;
mod plugins;
mod rate_limit;
mod redact;
mod schema;

use crate::document::PolicyDocument;
use crate::plan::{Plan, Step};

type Family = fn(&PolicyDocument) -> Option<Step>;

/// The built-in families that judge, in order; they come before the plugins that the document names.
const JUDGES: &[Family] =
    &[access::step, pin::step, conditions::step, schema::step, redact::step, inspect::step];
/// Those that ask a person or take something, in order; they come last, when nothing else has refused.
const COUNTERS: &[Family] = &[approval::step, rate_limit::step, limits::step];

/// Compiles a document. Cannot fail: what could be wrong was refused when the document was read.
pub fn compile(document: &PolicyDocument) -> Plan {
    let steps = |families: &'static [Family]| families.iter().filter_map(|family| family(document));
    let steps = steps(JUDGES).chain(plugins::steps(document)).chain(steps(COUNTERS)).collect();
    Plan { digest: digest::of(document), steps }
}
