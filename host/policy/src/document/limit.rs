//! How often, and how much.

use super::{Amount, ConditionPath, Spanned};
use crate::source::Span;

/// So many calls in a sliding window, for each session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    /// Calls, at least 1.
    pub max: u32,
    /// Seconds, at least 1.
    pub window: u32,
    /// Whether calls that the server answers with an error count as well.
    pub count_errors: bool,
}

/// An item of `limits`: so much of something in a window. Limits with the same counter, window and scope share
/// what is counted.
#[derive(Clone, Debug)]
pub struct Limit {
    /// What is counted: a name that the author gives.
    pub counter: Spanned<String>,
    /// How long.
    pub window: LimitWindow,
    /// How much, more than 0.
    pub max: Spanned<Amount>,
    /// For whom.
    pub scope: LimitScope,
    /// How much one call takes.
    pub cost: Cost,
    /// What a refused agent is told.
    pub on_deny: Option<String>,
    /// Whether calls that the server answers with an error count as well.
    pub count_errors: bool,
    /// Where the item stands.
    pub span: Span,
}

/// How long a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitWindow {
    /// A calendar unit, in UTC.
    Fixed(Unit),
    /// The last so many seconds, at least 1.
    Sliding(u32),
}

/// A calendar unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day, from midnight.
    Day,
    /// A week, from Monday.
    Week,
    /// A month, from its first day.
    Month,
}

impl Unit {
    /// The word for it in documents and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// Who shares a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LimitScope {
    /// The calls of one MCP session.
    #[default]
    Session,
    /// The calls of one principal to this server.
    Grant,
    /// All calls to this server.
    Server,
    /// All calls to all servers whose policies name the counter.
    Global,
}

impl LimitScope {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Grant => "grant",
            Self::Server => "server",
            Self::Global => "global",
        }
    }
}

/// How much one call takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Always the same.
    Amount(Amount),
    /// What stands in the arguments; the path's root is `args`.
    Path(ConditionPath),
}
