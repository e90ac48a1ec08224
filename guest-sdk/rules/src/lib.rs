//! What the built-in rules share, so that each of them stays a few lines.
//!
//! - [`Lists`] are the settings of a rule family by name, [`Entries`] finds those that apply to a call.
//! - [`ConditionSettings`] are a condition of the policy document; [`Condition`] is it, compiled, and is
//!   evaluated over a call with three [`Outcome`]s.
//! - [`Path`] names a part of a call.
//! - [`Decimal`] and [`Amount`] are exact numbers: no number of a call or a policy is ever rounded.
#![forbid(unsafe_code)]

mod amount;
mod condition;
mod cost;
mod decimal;
mod entries;
mod json;
mod listed;
mod operator;
mod outcome;
mod path;
mod reading;
mod settings;
mod wanted;
mod wording;

pub use amount::{Amount, AmountError};
pub use condition::Condition;
pub use cost::CostError;
pub use decimal::{Decimal, DecimalError};
pub use entries::{Applicable, Entries, Lists};
pub use listed::Listed;
pub use operator::Operator;
pub use outcome::{Outcome, Polarity};
pub use path::{Path, PathError, PathProblem};
pub use settings::{ConditionError, ConditionProblem, ConditionSettings};
pub use wording::{joined, paths_note, shortened};
