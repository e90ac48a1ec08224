//! What a plugin answers, checked: sizes are bounded and amounts are text that the quota engine reads.

use crate::call::Flow;
use crate::interfaces::memory::Change;

/// The longest message or note that a plugin may return, in bytes.
pub(crate) const MESSAGE_BYTES: usize = 4 * 1024;
/// The longest rule id, in bytes.
pub(crate) const RULE_BYTES: usize = 1024;
/// The longest counter name, in bytes.
pub(crate) const COUNTER_BYTES: usize = 256;
/// The longest amount, in bytes.
pub(crate) const AMOUNT_BYTES: usize = 64;
/// How many charges one evaluation may return.
pub(crate) const CHARGES: usize = 16;
/// How many notes one evaluation may return.
pub(crate) const NOTES: usize = 16;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why, in words for the agent that called.
    pub message: String,
    /// The rule that refused.
    pub rule: Option<String>,
    /// Seconds after which the same call may succeed.
    pub retry_after: Option<u32>,
}

/// A demand for a human's approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What the approver is asked.
    pub message: String,
    /// The rule that asks.
    pub rule: Option<String>,
    /// Seconds until an unanswered request counts as refused.
    pub expires_after: Option<u32>,
}

/// Who shares a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One MCP session.
    Session,
    /// One authenticated caller. Callers without a principal are one caller of each server.
    Principal,
    /// Everyone who uses the same server.
    Server,
    /// Everyone.
    Everyone,
}

/// A calendar unit, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A week that begins on Monday.
    Week,
    /// A calendar month.
    Month,
}

/// The span of time over which a counter adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many seconds, at least 1.
    Sliding(u32),
    /// The current calendar unit.
    Fixed(Unit),
}

/// Quota that a call takes if it goes ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The counter's name.
    pub counter: String,
    /// Who shares the counter.
    pub scope: Scope,
    /// How much the call takes: decimal text.
    pub cost: String,
    /// How much there is in one window: decimal text.
    pub limit: String,
    /// The window in which costs add up.
    pub window: Window,
    /// What the agent is told when the limit is reached.
    pub message: Option<String>,
    /// The rule that charges.
    pub rule: Option<String>,
    /// Whether a call that the server answered with an error takes this quota as well.
    pub counts_errors: bool,
}

/// Something worth keeping in the audit record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The note's name.
    pub key: String,
    /// JSON text, as the plugin wrote it.
    pub value: String,
}

/// What a plugin thinks of a call or a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No objection.
    Pass,
    /// Refuse it.
    Deny(Denial),
    /// Let a human decide.
    Ask(Approval),
    /// Go on with this JSON text instead. Only from a plugin that asks for it and was granted it;
    /// whether the text is acceptable JSON is for the caller to check.
    Rewrite(String),
}

/// The answer of one evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the plugin thinks.
    pub verdict: Verdict,
    /// Quota to take if the call goes ahead.
    pub charges: Vec<Charge>,
    /// Notes for the audit record.
    pub notes: Vec<Note>,
    /// What changes in what the plugin remembers of the session, if the message goes on.
    pub memory: Vec<Change>,
}

impl Decision {
    /// No objection, no charges, no notes, nothing to remember.
    pub const PASS: Self =
        Self { verdict: Verdict::Pass, charges: Vec::new(), notes: Vec::new(), memory: Vec::new() };
}

/// What a plugin makes of a call to a target, over all of its hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The target does not exist for this caller (`listings`).
    Hidden,
    /// The decision on the call (`calls`); [`Decision::PASS`] from a plugin without that hook.
    Decided(Decision),
}

impl Flow {
    /// The name in the contract, as used in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientToServer => "client-to-server",
            Self::ServerToClient => "server-to-client",
        }
    }
}
