//! How people are asked for approval.

use super::vocabulary::{DEFAULT_HOLD, DEFAULT_TIMEOUT};

/// What `approvals` says; the default where it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approvals {
    /// What an agent gets until a person has decided.
    pub mode: ApprovalMode,
    /// Seconds until an unanswered request counts as refused, unless the entry says otherwise.
    pub timeout: u32,
}

impl Default for Approvals {
    fn default() -> Self {
        Self { mode: ApprovalMode::Ticket, timeout: DEFAULT_TIMEOUT }
    }
}

/// What an agent gets whose call needs approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApprovalMode {
    /// A refusal that names a ticket, and the same call again once it is approved.
    Ticket,
    /// The call stays open until a person has decided, but no longer than so many seconds; then it is as
    /// with a ticket.
    Hold(u32),
}

impl ApprovalMode {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Hold(_) => "hold",
        }
    }

    /// Holding, for as long as it is where nothing else is said.
    pub const HOLD: Self = Self::Hold(DEFAULT_HOLD);
}
