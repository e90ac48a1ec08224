//! The policy document as types.
//!
//! What the keys mean:
//! - `hide` removes targets from lists, and a call to one is answered as if it did not exist. It wins over
//!   everything else.
//! - Of each of the maps `tools`, `prompts`, `resources` and `methods` the most specific [entry](Entry)
//!   applies: the exact name, else the glob with the longest literal prefix; only that one. An entry
//!   without `action` allows, which under `"default": "deny"` is the way to allow something.
//! - `methods` speaks of messages by their MCP method, in addition to the other maps: what either entry
//!   refuses is refused.
//! - `all_tools` has [rules](Rules) that apply to every call of a tool as well.
//! - `default` decides for whatever no entry speaks of.
//! - `pin` names a [lock file](crate::lock) with the digests of the tools' definitions.
//! - `approvals` says how a person is asked where an entry requires approval.
//! - `plugins` are asked in order, after the built-in rules that judge and before those that count.
//! - `instructions` says whether the agent gets the server's instructions.
//!
//! Invariants: a `PolicyDocument` comes only from a tree without errors; its patterns are not empty and
//! hold no white space; no list has two equal patterns, and no map two equal entries; a part with
//! an error is left out as a whole.

mod amount;
mod approvals;
mod condition;
mod content;
mod entry;
mod limit;
mod patterns;
mod plugin;
mod read;
mod sandbox;
mod vocabulary;

use std::path::{Path, PathBuf};

use bartizan_pattern::Pattern;

pub use amount::Amount;
pub use approvals::{ApprovalMode, Approvals};
pub use condition::{Condition, ConditionPath, Operator, Root, Test};
pub use content::{Content, Detector, Inspection, Part, RedactAction, Redaction};
pub use entry::{Action, DenyIf, Entry, Requirement, Rules, Subject};
pub use limit::{Cost, Limit, LimitScope, LimitWindow, RateLimit, Unit};
pub use plugin::{Grant, HttpAccess, Mode, OnError, PluginEntry};
pub(crate) use read::read;
pub(crate) use sandbox::NUMBERS as SANDBOX_NUMBERS;
pub use sandbox::{Class, Isolation, Sandbox};
pub use vocabulary::{DEFAULT_HOLD, DEFAULT_REPLACEMENT, DEFAULT_TIMEOUT, GREATEST, RESERVED_PLUGIN_NAMES};

use crate::lock::Lock;
use crate::source::{Source, Span};

/// A policy, as its author wrote it.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    /// For people.
    pub description: Option<String>,
    /// What happens to whatever no entry speaks of.
    pub default: Spanned<DefaultAction>,
    /// Targets that do not exist for the caller.
    pub hide: Vec<Spanned<Pattern>>,
    /// Entries for calls of tools, in the order of the document.
    pub tools: Vec<Entry>,
    /// Entries for prompts, by name.
    pub prompts: Vec<Entry>,
    /// Entries for resources, by URI.
    pub resources: Vec<Entry>,
    /// Entries for messages, by MCP method.
    pub methods: Vec<Entry>,
    /// What applies to every call of a tool.
    pub all_tools: Rules,
    /// The definitions that tools must have.
    pub pin: Option<Pin>,
    /// How people are asked.
    pub approvals: Approvals,
    /// Plugins in the order in which they are asked.
    pub plugins: Vec<PluginEntry>,
    /// What becomes of the server's instructions to the agent.
    pub instructions: Instructions,
    source: Source,
}

impl PolicyDocument {
    /// The document that the spans point into: the policy's own, or the one that it stands in.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The lock file of `pin`, which is read together with the document.
    pub fn lock_file(&self) -> Option<PathBuf> {
        let path = Path::new(&self.pin.as_ref()?.path.value);
        Some(self.source.directory().map_or_else(|| path.to_owned(), |directory| directory.join(path)))
    }

    /// The entries of one of the maps.
    pub fn entries(&self, subject: Subject) -> &[Entry] {
        match subject {
            Subject::Tools => &self.tools,
            Subject::Prompts => &self.prompts,
            Subject::Resources => &self.resources,
            Subject::Methods => &self.methods,
        }
    }
}

/// A value with the place it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place in the source.
    pub span: Span,
}

/// What happens to whatever no entry speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DefaultAction {
    /// It may be.
    Allow,
    /// It is refused.
    Deny,
}

impl DefaultAction {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// The lock file that a policy names, as it was when the policy was read.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The path as it stands in the policy.
    pub path: Spanned<String>,
    /// What the file says.
    pub lock: Lock,
}

/// What becomes of the text in which a server tells agents how to use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Instructions {
    /// The agent gets it unless one of its words is the name of something hidden.
    #[default]
    Check,
    /// The agent gets it.
    Pass,
    /// The agent does not get it.
    Drop,
}

impl Instructions {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Pass => "pass",
            Self::Drop => "drop",
        }
    }
}
