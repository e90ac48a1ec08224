//! Plugins that a policy names.

use std::collections::BTreeSet;

use bartizan_pattern::Pattern;

use super::{Sandbox, Spanned};
use crate::source::Node;

/// One item of `plugins`.
#[derive(Clone, Debug)]
pub struct PluginEntry {
    /// The plugin's name: lower case with hyphens, at most 64 bytes, none of
    /// [`RESERVED_PLUGIN_NAMES`](super::RESERVED_PLUGIN_NAMES).
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
    /// Where it may send requests: there with [`Grant::Http`], and only then.
    pub http: Option<HttpAccess>,
    /// What it may use.
    pub sandbox: Sandbox,
}

/// Where a plugin may send requests, and how long it may wait for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpAccess {
    /// Origins: `https://pdp.example.com`, `http://127.0.0.1:8181`. In lower case, without the scheme's own
    /// port. Never empty.
    pub origins: BTreeSet<String>,
    /// Milliseconds until a request is given up, for the whole response.
    pub timeout_ms: u32,
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

/// A capability that works only if the plugin asks for it and the operator grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// Replacing the arguments of a call.
    RewriteArguments,
    /// Replacing a result.
    RewriteResults,
    /// Writing to the gateway's log.
    Log,
    /// Remembering something of the session.
    Memory,
    /// Sending requests to the origins that are listed.
    Http,
}

impl Grant {
    /// The word for it in documents and in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RewriteArguments => "rewrite-arguments",
            Self::RewriteResults => "rewrite-results",
            Self::Log => "log",
            Self::Memory => "memory",
            Self::Http => "http",
        }
    }
}
