//! What would a policy decide? Without a server, with the same plugins and the same counting as behind the
//! gateway.
//!
//! - [`suite`] reads test suites, [`run`] judges their cases, and [`report`] and [`junit`] say what came of
//!   it; [`watch`] does so again whenever a file changes.
//! - [`explain`] tells of one call which rules spoke, where they stand, and what of the call mattered.
//! - [`replay`] judges the calls of an audit log again with another policy.
//!
//! All of them describe a message as [`call`] reads it. Everything that is wrong with a file is found in
//! one go, with line, column and remedy.
#![forbid(unsafe_code)]

pub mod call;
pub mod definitions;
pub mod explain;
pub mod junit;
pub mod plugins;
pub mod replay;
pub mod report;
pub mod run;
pub mod suite;
pub mod text;
mod time;
pub mod watch;
