//! Lines in the gateway's log, for the operator.
//!
//! A policy that asks for [`Ask::Log`](crate::Ask::Log), and is granted it, can write anywhere: in its hooks, in
//! [`Policy::configure`](crate::Policy::configure), and in what these call. The gateway keeps 1 KiB of a line and
//! 16 lines of one evaluation, and says how many it dropped. What the *agent* should know belongs into a
//! [`Decision`](crate::Decision), and what has to be found again later into a [`Note`](crate::Note).
//!
//! ```
//! use bartizan_guest::prelude::*;
//! use bartizan_guest::testing::{TestCall, logged};
//! use bartizan_guest::log;
//!
//! # struct Watch;
//! # impl Policy for Watch {
//! #     type Settings = std::collections::BTreeMap<String, String>;
//! #     const NAME: &'static str = "watch";
//! #     const SUMMARY: &'static str = "Writes down who deletes.";
//! #     fn configure(_: Self::Settings) -> Result<Self, String> { Ok(Self) }
//! #     fn asks() -> Vec<Ask> { vec![Ask::Log] }
//! # }
//! impl CallPolicy for Watch {
//!     fn check(&self, call: &Call) -> Decision {
//!         log::info(format!("{} was called", call.target().unwrap_or_default()));
//!         Decision::pass()
//!     }
//! }
//!
//! let (_, lines) = logged(|| TestCall::tool("delete_run").check(&Watch));
//! assert_eq!(lines[0].message, "delete_run was called");
//! ```

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever looks for a mistake.
    Debug,
    /// For whoever reads along.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something does not work.
    Error,
}

/// Writes a line at [`Level::Debug`].
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// Writes a line at [`Level::Info`].
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// Writes a line at [`Level::Warn`].
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}

/// Writes a line at [`Level::Error`].
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref());
}

#[cfg(target_family = "wasm")]
fn write(level: Level, message: &str) {
    use crate::bindings::log;
    let level = match level {
        Level::Debug => log::Level::Debug,
        Level::Info => log::Level::Info,
        Level::Warn => log::Level::Warn,
        Level::Error => log::Level::Error,
    };
    log::write(level, message);
}

#[cfg(not(target_family = "wasm"))]
fn write(level: Level, message: &str) {
    crate::testing::write_line(level, message);
}
