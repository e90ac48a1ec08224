//! The policy document as types.
//!
//! What the keys mean:
//! - `hide` removes tools from lists, and a call to one is answered as if it did not exist. It wins over
//!   everything else.
//! - Of `tools` the most specific entry applies to a tool: its exact name, else the glob with the
//!   longest literal prefix; only that one. An entry without `action` allows, which under
//!   `"default": "deny"` is the way to allow a tool.
//! - `default` decides for tools, prompts and resources without an entry, and for methods that MCP does
//!   not know.
//! - `rate_limit` is counted per agent session over the last `window` seconds, and resets by itself.
//! - `plugins` are asked in order after the built-in rules.
//! - `instructions` says whether the agent gets the server's instructions.
//!
//! Invariants: a `PolicyDocument` comes only from a tree without errors; its patterns are not empty and
//! hold no white space; no list has two equal patterns, and `tools` has no two equal entries.

mod patterns;
mod read;
mod vocabulary;

use std::collections::BTreeSet;

use bartizan_pattern::Pattern;

pub(crate) use read::read;
pub use vocabulary::{GREATEST, RESERVED_PLUGIN_NAMES};

use crate::source::{Node, Source, Span};

/// A policy, as its author wrote it.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    /// For people.
    pub description: Option<String>,
    /// What happens to whatever no entry speaks of.
    pub default: Spanned<Action>,
    /// Tools that do not exist for the caller.
    pub hide: Vec<Spanned<Pattern>>,
    /// Entries in the order of the document.
    pub tools: Vec<ToolEntry>,
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
}

/// A value with the place it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place in the source.
    pub span: Span,
}

/// Whether something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It may.
    Allow,
    /// It is refused.
    Deny,
}

impl Action {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// One entry of `tools`: what is said of the tools that a pattern matches. One field for each family of
/// rules; a family that says nothing is None.
#[derive(Clone, Debug)]
pub struct ToolEntry {
    /// The entry's key.
    pub pattern: Spanned<Pattern>,
    /// Without one the tool is allowed.
    pub action: Option<Spanned<Action>>,
    /// What a refused agent is told.
    pub reason: Option<Spanned<String>>,
    /// How often the tool may be called. The span is that of the key.
    pub rate_limit: Option<Spanned<RateLimit>>,
}

impl ToolEntry {
    /// The action that applies.
    pub fn effective_action(&self) -> Action {
        self.action.map_or(Action::Allow, |action| action.value)
    }
}

/// So many calls in a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    /// Calls, at least 1.
    pub max: u32,
    /// Seconds, at least 1.
    pub window: u32,
}

/// One item of `plugins`.
#[derive(Clone, Debug)]
pub struct PluginEntry {
    /// The plugin's name: lower case with hyphens, at most 64 bytes, none of
    /// [`RESERVED_PLUGIN_NAMES`].
    pub name: Spanned<String>,
    /// Its settings; None stands for `{}`.
    pub settings: Option<Node>,
    /// Narrows the targets for which it is asked; None: all that the plugin declares. Never empty.
    pub tools: Option<Vec<Spanned<Pattern>>>,
    /// Narrows the methods for which it is asked; None: all that the plugin declares. Never empty.
    pub methods: Option<Vec<Spanned<Pattern>>>,
    /// Whether its decisions count.
    pub mode: Mode,
    /// What happens when it fails.
    pub on_error: OnError,
    /// The capabilities that it may use if it asks for them.
    pub grants: BTreeSet<Grant>,
}

/// Whether a plugin's decisions count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// They are carried out.
    #[default]
    Enforce,
    /// They are recorded and change nothing.
    Monitor,
}

impl Mode {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Monitor => "monitor",
        }
    }
}

/// What becomes of a call for which a plugin gave no decision: it trapped, ran out of time or memory,
/// or answered what cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnError {
    /// The call is refused.
    #[default]
    Deny,
    /// The call goes on as if the plugin had no objection.
    Allow,
}

impl OnError {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Allow => "allow",
        }
    }
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

/// A capability that works only if the plugin asks for it and the operator grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// Replacing the arguments of a call.
    RewriteArguments,
    /// Replacing a result.
    RewriteResults,
}

impl Grant {
    /// The word for it in documents and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RewriteArguments => "rewrite-arguments",
            Self::RewriteResults => "rewrite-results",
        }
    }
}
