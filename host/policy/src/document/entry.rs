//! Entries and their rules: the same shape for tools, prompts, resources and methods.

use bartizan_pattern::Pattern;

use super::{Condition, Inspection, Limit, RateLimit, Redaction, Spanned};
use crate::source::Span;

/// Which map an entry stands in: what its pattern is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// `tools`: the names of tools that are called.
    Tools,
    /// `prompts`: the names of prompts.
    Prompts,
    /// `resources`: the URIs of resources.
    Resources,
    /// `methods`: the MCP methods of messages.
    Methods,
}

impl Subject {
    /// All of them, in the order in which plugins have their settings.
    pub const ALL: [Self; 4] = [Self::Tools, Self::Prompts, Self::Resources, Self::Methods];

    /// The key of the map in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Prompts => "prompts",
            Self::Resources => "resources",
            Self::Methods => "methods",
        }
    }
}

/// What is said of whatever a pattern matches.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The entry's key.
    pub pattern: Spanned<Pattern>,
    /// Without one it is allowed.
    pub action: Option<Spanned<Action>>,
    /// The action applies only if all of these hold; without any, always. Empty if the action allows.
    pub conditions: Vec<Condition>,
    /// What a refused agent is told, or the person who is asked.
    pub reason: Option<Spanned<String>>,
    /// Seconds until an unanswered request counts as refused; only where approval is required. None stands
    /// for what `approvals` says.
    pub timeout: Option<Spanned<u32>>,
    /// What else must hold, what is counted, and what is changed.
    pub rules: Rules,
}

impl Entry {
    /// The action that applies.
    pub fn effective_action(&self) -> Action {
        self.action.map_or(Action::Allow, |action| action.value)
    }

    /// Whether nothing that the pattern matches can ever pass.
    pub fn refuses_everything(&self) -> bool {
        self.effective_action() == Action::Deny && self.conditions.is_empty()
    }
}

/// What becomes of what an entry matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It may be, as far as the rules let it.
    Allow,
    /// It is refused.
    Deny,
    /// A person decides, each time.
    RequireApproval,
}

impl Action {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::RequireApproval => "require_approval",
        }
    }
}

/// The rules of an entry, or of `all_tools`. One field for each family; one that says nothing is empty.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// How often, in a sliding window, for each session. The span is that of the key.
    pub rate_limit: Option<Spanned<RateLimit>>,
    /// Each must hold.
    pub require: Vec<Requirement>,
    /// None may hold.
    pub deny_if: Vec<DenyIf>,
    /// How often or how much, in all.
    pub limits: Vec<Limit>,
    /// What is taken out of results and arguments.
    pub redact: Vec<Redaction>,
    /// Results that are refused.
    pub inspect: Vec<Inspection>,
    /// Whether arguments must match the tool's own input schema. The span is that of the key.
    pub schema: Option<Spanned<bool>>,
}

/// An item of `require`: a condition that must hold.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// The condition.
    pub condition: Condition,
    /// What a refused agent is told.
    pub on_deny: Option<String>,
    /// Where the item stands.
    pub span: Span,
}

/// An item of `deny_if`: a call for which all conditions hold is refused.
#[derive(Clone, Debug)]
pub struct DenyIf {
    /// All must hold; without any, every call is refused.
    pub conditions: Vec<Condition>,
    /// What a refused agent is told.
    pub on_deny: Option<String>,
    /// Where the item stands.
    pub span: Span,
}
