//! Listeners, sessions, upstreams, and the one interceptor: judge → act → record.
//!
//! A call's way through: `downstream` (stdio or HTTP) → `bartizan_wire` parses → `session` (who) →
//! `interceptor` → `judge` asks the plugins of the server's `plan` → `admission` takes the approval and the
//! quota that it needs → `upstream` → replies are guarded → what was taken is settled → `downstream`, with
//! one record in the decision log. What a client sent is never forwarded as it came: only our own
//! serialisation of what was judged.
//!
//! What judges is a `generation`, immutable; `reload` puts another one in its place.
#![forbid(unsafe_code)]

mod admission;
mod catalogue;
mod charges;
mod clock;
pub mod config;
mod digest;
mod downstream;
mod era;
mod expand;
mod flights;
pub mod folder;
mod generation;
mod given;
mod inspect;
mod interceptor;
mod judge;
mod listener;
mod loader;
mod locking;
mod mailbox;
mod memory;
pub mod offline;
mod outgoing;
mod pace;
mod payload;
pub mod plan;
mod recorder;
mod reload;
mod rounds;
mod run;
mod serve;
mod server;
mod session;
mod sessions;
mod starts;
mod state;
pub mod status;
mod tasks;
mod upstream;
mod vetting;
mod webhook;

pub use generation::{CacheLocation, StartError, check, plans};
pub use inspect::{InspectError, Tools, inspect};
pub use locking::lock;
pub use run::{RunOptions, run};
pub use serve::{Ending, Endpoint, ServeOptions, serve};
pub use state::StateLocation;
pub use status::Status;
pub use upstream::reap;
pub use vetting::{Locking, Vetting};
