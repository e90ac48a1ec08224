//! Write a Bartizan policy in Rust.
//!
//! A policy is a type with settings that implements one hook or more:
//!
//! ```
//! use bartizan_guest::prelude::*;
//!
//! /// Refuses every call to a tool whose name begins with a word.
//! struct NoPrefix {
//!     prefix: String,
//! }
//!
//! #[settings]
//! struct Settings {
//!     /// Tools whose name begins with this are refused.
//!     prefix: String,
//! }
//!
//! impl Policy for NoPrefix {
//!     type Settings = Settings;
//!     const NAME: &'static str = "no-prefix";
//!     const SUMMARY: &'static str = "Refuses tools whose name begins with a word.";
//!
//!     fn interests() -> Vec<Interest> {
//!         vec![Interest::methods(["tools/call"])]
//!     }
//!
//!     fn configure(settings: Settings) -> Result<Self, String> {
//!         if settings.prefix.is_empty() {
//!             return Err("`prefix` is empty, which would refuse every tool".to_owned());
//!         }
//!         Ok(Self { prefix: settings.prefix })
//!     }
//! }
//!
//! impl CallPolicy for NoPrefix {
//!     fn check(&self, call: &Call) -> Decision {
//!         match call.target() {
//!             Some(tool) if tool.starts_with(&self.prefix) => Decision::deny(format!("{tool} is off limits.")),
//!             _ => Decision::pass(),
//!         }
//!     }
//! }
//!
//! bartizan_guest::export!(NoPrefix: calls);
//!
//! // No Wasm is needed to test it.
//! use bartizan_guest::testing::{TestCall, configure};
//! let policy = configure::<NoPrefix>(r#"{"prefix": "delete_"}"#).unwrap();
//! assert!(TestCall::tool("delete_run").check(&policy).is_denied());
//! assert!(TestCall::tool("get_run").check(&policy).is_pass());
//! ```
//!
//! Built with `cargo build --release --target wasm32-unknown-unknown` as a `cdylib`, the `.wasm` file is
//! the plugin: drop it into the plugins folder.
//!
//! - Nothing outside of the call can be reached: no files, no network, no clock. The time is
//!   [`Call::time`].
//! - The policy is configured once; every evaluation starts from that state, so nothing that it keeps in its own
//!   memory is there the next time. What has to be counted is a [`Charge`], which the host counts.
//! - What goes beyond that is for policies that ask for it ([`Policy::asks`]) and that the operator grants it:
//!   [`log`], the [`Memory`] of the session, and [`http`].
//! - A panic refuses the call, with its message in the gateway's log.

#[cfg(target_family = "wasm")]
mod bindings;
mod call;
mod decision;
mod export;
pub mod http;
pub mod log;
mod memory;
mod policy;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

/// ```
/// use bartizan_guest::prelude::*;
///
/// #[settings]
/// #[derive(Debug)]
/// struct Settings {
///     /// Doc comments go into the schema that the plugin publishes.
///     days: Vec<Day>,
///     /// Without it nobody is exempt.
///     #[serde(default)]
///     except: Vec<String>,
/// }
///
/// #[settings]
/// #[derive(Debug, PartialEq)]
/// #[serde(rename_all = "lowercase")]
/// enum Day {
///     Saturday,
///     Sunday,
/// }
///
/// let settings: Settings = serde_json::from_str(r#"{"days": ["sunday"]}"#).unwrap();
/// assert_eq!(settings.days, [Day::Sunday]);
/// let error = serde_json::from_str::<Settings>(r#"{"days": [], "expect": ["ci"]}"#).unwrap_err();
/// assert!(error.to_string().contains("unknown field `expect`"));
/// ```
pub use bartizan_guest_macros::settings;
pub use bartizan_pattern::{Pattern, PatternMap};
pub use call::{Call, Entry, Flow, Reply};
pub use decision::{Approval, Charge, Decision, Denial, Note, Scope, Unit, Verdict, Window};
pub use memory::Memory;
pub use policy::{Ask, CallPolicy, Interest, ListingPolicy, Policy, ReplyPolicy};

/// What settings are read and described with; `#[settings]` uses them.
#[doc(hidden)]
pub use {schemars, serde};

/// What a policy usually needs.
pub mod prelude {
    pub use crate::{
        Ask, Call, CallPolicy, Charge, Decision, Entry, Flow, Interest, ListingPolicy, Memory, Pattern,
        PatternMap, Policy, Reply, ReplyPolicy, Scope, Unit, Window,
    };
    pub use bartizan_guest_macros::settings;
}

/// What [`export!`] expands to. Not for direct use.
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::{calls, listings, plugin, replies, types};
    pub use crate::export::{Slot, check_call, check_reply, configure, describe, visible};
}
