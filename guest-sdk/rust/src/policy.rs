//! What a policy author implements.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::call::{Call, Entry, Reply};
use crate::decision::Decision;

/// Messages that a policy wants to judge: globs. The host does not evaluate it for anything else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Methods. Empty: all.
    pub methods: Vec<String>,
    /// Targets. Empty: all, and messages without one.
    pub targets: Vec<String>,
}

impl Interest {
    /// These methods, whatever the target.
    pub fn methods<M: Into<String>>(methods: impl IntoIterator<Item = M>) -> Self {
        Self { methods: methods.into_iter().map(Into::into).collect(), targets: Vec::new() }
    }

    /// Only these targets.
    #[must_use]
    pub fn targets<T: Into<String>>(mut self, targets: impl IntoIterator<Item = T>) -> Self {
        self.targets = targets.into_iter().map(Into::into).collect();
        self
    }
}

/// A capability that works only if the policy asks for it and the operator grants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Replace a call's arguments.
    RewriteArguments,
    /// Replace a result.
    RewriteResults,
    /// Write to the gateway's log: [`crate::log`].
    Log,
    /// Remember something of the session: [`crate::Memory`].
    Memory,
    /// Send requests to hosts that the operator lists: [`crate::http`].
    Http,
}

impl Ask {
    #[cfg_attr(not(target_family = "wasm"), expect(dead_code, reason = "named in `describe` only"))]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::RewriteArguments => "rewrite-arguments",
            Self::RewriteResults => "rewrite-results",
            Self::Log => "log",
            Self::Memory => "memory",
            Self::Http => "http",
        }
    }
}

/// A policy: what it is called, its settings, and how it is made from them.
pub trait Policy: Sized + 'static {
    /// The settings, as they stand in the policy document. Their JSON Schema is published with the
    /// plugin. Give the type `#[serde(deny_unknown_fields)]`, so that a misspelt setting is an error.
    type Settings: DeserializeOwned + JsonSchema;

    /// A short name in lower case with hyphens.
    const NAME: &'static str;

    /// One sentence for people.
    const SUMMARY: &'static str;

    /// What the policy wants to judge. By default everything.
    fn interests() -> Vec<Interest> {
        Vec::new()
    }

    /// The capabilities it needs. By default none.
    fn asks() -> Vec<Ask> {
        Vec::new()
    }

    /// Makes the policy. Do here whatever can be done before a call comes: parse, compile, index. It
    /// runs once.
    ///
    /// # Errors
    ///
    /// A text for whoever wrote the settings: which setting is wrong, and what to write instead.
    fn configure(settings: Self::Settings) -> Result<Self, String>;
}

/// The hook `calls`: judges messages before they are forwarded.
pub trait CallPolicy: Policy {
    /// Judges a call.
    fn check(&self, call: &Call) -> Decision;
}

/// The hook `listings`: filters lists, and hides what it filters.
pub trait ListingPolicy: Policy {
    /// Whether the caller may know of this entry. If not, it is gone from lists, and a call to it is
    /// answered as if it did not exist.
    fn is_visible(&self, call: &Call, entry: &Entry) -> bool;
}

/// The hook `replies`: judges results before they reach the caller.
pub trait ReplyPolicy: Policy {
    /// Judges a reply to a call.
    fn check_reply(&self, call: &Call, reply: &Reply<'_>) -> Decision;
}
