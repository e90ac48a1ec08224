//! A document to its plan.
//!
//! Each family of rules is a module with one function: what of the document concerns it, as a step for
//! the plugin that judges it, or nothing. A new family is a new module and a line in [`FAMILIES`].

mod access;
mod digest;
mod plugins;
mod rate_limit;

use crate::document::PolicyDocument;
use crate::plan::{Plan, Step};

/// The built-in families in the order in which they judge.
const FAMILIES: &[fn(&PolicyDocument) -> Option<Step>] = &[access::step, rate_limit::step];

/// Compiles a document. Cannot fail: what could be wrong was refused when the document was read.
pub fn compile(document: &PolicyDocument) -> Plan {
    let builtin = FAMILIES.iter().filter_map(|family| family(document));
    let steps = builtin.chain(plugins::steps(document)).collect();
    Plan { digest: digest::of(document), steps }
}
