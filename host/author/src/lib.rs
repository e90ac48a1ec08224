//! What authors of plugins need: `bartizan plugin`.
//!
//! - [`new`] writes a project that builds, from the templates in `guest-sdk/`.
//! - [`build`] drives the language's own tools, and makes a component of what they leave.
//! - [`inspect`] says what a file is: who it says it is, what it wants, how large it is.
//! - [`run`] judges one call with a plugin alone, and says why it decides so.
//! - [`mod@bench`] says what an evaluation costs.
//!
//! Tests of plugins are those of policies: `bartizan_rehearsal::suite`, where a suite names a plugin.
#![forbid(unsafe_code)]

pub mod bench;
pub mod build;
pub mod inspect;
mod languages;
pub mod new;
mod plugin;
pub mod run;
mod table;

pub use languages::{Hook, Language};
pub use plugin::{Grants, LoadingError, Settings};
