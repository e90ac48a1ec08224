//! What is counted, for whom, and what one call takes of it.
//!
//! Two charges meet in the same tally if and only if their [`Counter`] and [`ScopeKey`] are equal.

use std::sync::Arc;

use super::{Amount, Window};

/// A named limit. Plugins that name the same counter with the same limit and window share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Counter {
    /// The name that the policy gives it.
    pub name: Arc<str>,
    /// How much there is in one window.
    pub limit: Amount,
    /// The span of time over which costs add up.
    pub window: Window,
}

/// Who shares a counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ScopeKey {
    /// One MCP session, by the gateway's identifier.
    Session(Arc<str>),
    /// One authenticated caller, by name.
    Principal(Arc<str>),
    /// The callers of one upstream server who are not authenticated, by its configured name. They
    /// cannot be told apart, so they share: one who opens a new session gains nothing by it.
    Anonymous(Arc<str>),
    /// Everyone who uses one upstream server, by its configured name.
    Server(Arc<str>),
    /// Everyone.
    Everyone,
}

/// What one call takes of one counter if it goes ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The counter that it is taken from.
    pub counter: Counter,
    /// Whose share of that counter.
    pub scope: ScopeKey,
    /// How much. Zero always fits.
    pub cost: Amount,
    /// What the caller is told when the limit is reached, instead of the host's own words.
    pub message: Option<String>,
    /// The rule that charges, as its author names it.
    pub rule: Option<String>,
    /// A call that the server answered with an error still takes it.
    pub counts_errors: bool,
}
