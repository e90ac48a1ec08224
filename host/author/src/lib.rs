//! What authors of plugins need: `bartizan plugin`.
//!
//! - [`inspect`] says what a file is: who it says it is, what it wants, how large it is.
//! - [`run`] judges one call with a plugin alone, and says why it decides so.
//! - [`bench`] says what an evaluation costs.
//!
//! Tests of plugins are those of policies: `bartizan_rehearsal::suite`, where a suite names a plugin.
#![forbid(unsafe_code)]

pub mod bench;
pub mod inspect;
mod plugin;
pub mod run;
mod table;

pub use plugin::{Grants, LoadingError, Settings};
