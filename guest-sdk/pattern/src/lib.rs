//! Globs over names, and the map in which the most specific pattern wins.
//!
//! The same crate runs on the host (which messages a plugin is interested in, which patterns of a
//! document match nothing) and in guests (which rule applies to a tool), so that both agree on what
//! a pattern means. Matching is on exact bytes: no case folding, no normalisation.
//!
//! `*` stands for any run of characters (also none), `?` for exactly one; there is no escape, since
//! MCP names contain neither.
#![forbid(unsafe_code)]

mod map;
mod pattern;

pub use map::PatternMap;
pub use pattern::Pattern;
