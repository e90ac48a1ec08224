//! What a policy author implements.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::call::{Call, Entry, Reply};
use crate::decision::Decision;

/// Messages that a policy wants to judge: globs. The host does not evaluate it for anything else.
///
/// A policy with [`ListingPolicy`] must be interested in list methods, or it filters nothing.
///
/// ```
/// use bartizan_guest::Interest;
///
/// let writes = Interest::methods(["tools/call"]).targets(["set_*", "delete_*"]);
/// assert_eq!(writes.targets, ["set_*", "delete_*"]);
/// ```
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
///
/// With one hook or more, which [`export!`](crate::export) names: [`CallPolicy`], [`ListingPolicy`],
/// [`ReplyPolicy`]. There is a whole one at the top of the [crate].
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
///
/// ```
/// use bartizan_guest::prelude::*;
/// use bartizan_guest::testing::is_visible;
///
/// /// Hides tools that can destroy something, or do not say that they cannot.
/// struct Tame;
/// # impl Policy for Tame {
/// #     type Settings = std::collections::BTreeMap<String, String>;
/// #     const NAME: &'static str = "tame";
/// #     const SUMMARY: &'static str = "Hides tools that can destroy something.";
/// #     fn configure(_: Self::Settings) -> Result<Self, String> { Ok(Self) }
/// # }
///
/// impl ListingPolicy for Tame {
///     fn is_visible(&self, _call: &Call, entry: &Entry) -> bool {
///         entry.annotation("destructiveHint") == Some(false) || entry.annotation("readOnlyHint") == Some(true)
///     }
/// }
///
/// let tool = |annotations| serde_json::json!({"name": "get_run", "annotations": annotations});
/// assert!(is_visible(&Tame, &tool(serde_json::json!({"readOnlyHint": true}))));
/// assert!(!is_visible(&Tame, &tool(serde_json::json!({}))));
/// ```
pub trait ListingPolicy: Policy {
    /// Whether the caller may know of this entry. If not, it is gone from lists, and a call to it is
    /// answered as if it did not exist.
    fn is_visible(&self, call: &Call, entry: &Entry) -> bool;
}

/// The hook `replies`: judges results before they reach the caller.
///
/// ```
/// use bartizan_guest::prelude::*;
/// use bartizan_guest::testing::TestCall;
///
/// /// Withholds results that are marked.
/// struct Marked;
/// # impl Policy for Marked {
/// #     type Settings = std::collections::BTreeMap<String, String>;
/// #     const NAME: &'static str = "marked";
/// #     const SUMMARY: &'static str = "Withholds results that are marked.";
/// #     fn configure(_: Self::Settings) -> Result<Self, String> { Ok(Self) }
/// # }
///
/// impl ReplyPolicy for Marked {
///     fn check_reply(&self, _call: &Call, reply: &Reply<'_>) -> Decision {
///         match reply.value("/_meta/classification").as_deref() {
///             Some(r#""secret""#) => Decision::deny("The result is secret."),
///             _ => Decision::pass(),
///         }
///     }
/// }
///
/// let secret = serde_json::json!({"content": [], "_meta": {"classification": "secret"}});
/// assert!(TestCall::tool("read").reply(secret).check_reply(&Marked).is_denied());
/// ```
pub trait ReplyPolicy: Policy {
    /// Judges a reply to a call.
    fn check_reply(&self, call: &Call, reply: &Reply<'_>) -> Decision;
}
