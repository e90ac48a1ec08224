//! What the tools of a server can do, as far as their definitions tell, and a policy to begin with.
//!
//! [`parse`] reads a saved `tools/list` result, [`classify()`] gives a tool a [`Class`] and the reason for
//! it, and [`recommend()`] writes a policy document from that. Nothing here reads a file or a socket.
//!
//! A definition is a claim by the server. The classifier believes claims that raise the risk, and of those
//! that lower it only a name and a description that agree. What it does not understand is
//! [`Class::Execute`], never [`Class::Read`].
//!
//! ```
//! let listing = bartizan_scan::parse(
//!     r#"{"tools": [{"name": "get_run", "description": "Get a run"}, {"name": "delete_run"}]}"#,
//! )
//! .unwrap();
//! let delete = bartizan_scan::classify(&listing.tools[1]);
//! assert_eq!(delete.class, bartizan_scan::Class::Destructive);
//! assert_eq!(delete.reason, "its name begins with `delete`");
//! ```
#![forbid(unsafe_code)]

mod class;
mod classify;
mod definition;
mod description;
mod listing;
mod money;
mod name;
mod phrases;
mod recommend;
mod schema;
mod vocabulary;
mod words;

pub use class::{Assessment, Class, Risk, ScannedTool};
pub use classify::classify;
pub use definition::{Annotations, ToolDefinition};
pub use listing::{Listing, ParseError, parse};
pub use recommend::recommend;
