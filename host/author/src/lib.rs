//! What authors of plugins need: `bartizan plugin`.
//!
//! - [`new`] writes a project that builds, from the templates in `guest-sdk/`.
//! - [`build`] drives the language's own tools, and makes a component of what they leave.
#![forbid(unsafe_code)]

pub mod build;
mod languages;
pub mod new;

pub use languages::{Hook, Language};
