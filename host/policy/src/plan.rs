//! What a policy compiles to: which plugins judge, in which order, with which settings.
//!
//! Pure data, and all that the gateway needs of a policy per call; nothing in it points back into the
//! document but the names of rules.

use std::collections::BTreeSet;
use std::fmt;

use bartizan_pattern::Pattern;

pub use crate::document::{Class, Grant, HttpAccess, Isolation, Mode, OnError, Sandbox};

/// The compiled policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// SHA-256, in lower-case hex, of the policy's canonical form. It is the same for the same policy in
    /// another format, with other comments, description or white space, with keys in another order, or
    /// with defaults written out; and changes with everything that can change a decision or its words.
    pub digest: String,
    /// The steps in the order in which they judge. Built-in ones come first; `access` is always there.
    pub steps: Vec<Step>,
}

/// One plugin with its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which plugin.
    pub plugin: PluginName,
    /// What the plugin is configured with: the compact JSON text of an object.
    pub settings: String,
    /// Narrows the methods for which it is asked. None: all that the plugin declares.
    pub methods: Option<Vec<Pattern>>,
    /// Narrows the targets for which it is asked. None: all that the plugin declares.
    pub tools: Option<Vec<Pattern>>,
    /// Whether its decisions count.
    pub mode: Mode,
    /// What becomes of a call when it fails.
    pub on_error: OnError,
    /// The capabilities that it may use if it asks for them.
    pub grants: BTreeSet<Grant>,
    /// Where it may send requests: there with [`Grant::Http`].
    pub http: Option<HttpAccess>,
    /// What it may use; what is not said follows from its size.
    pub sandbox: Sandbox,
    /// A name for people, different for every step of the plan: the plugin's name, with a number if it
    /// comes more than once.
    pub label: String,
    /// The rule to name when the plugin itself names none: `/plugins/0`. None for built-in plugins, which
    /// always do.
    pub rule: Option<String>,
}

impl Step {
    /// A built-in rule: enforced, refusing on error, with nothing granted.
    pub(crate) fn builtin(name: &'static str, settings: String) -> Self {
        Self {
            plugin: PluginName::Builtin(name),
            settings,
            methods: None,
            tools: None,
            mode: Mode::Enforce,
            on_error: OnError::Deny,
            grants: BTreeSet::new(),
            http: None,
            sandbox: Sandbox::default(),
            label: name.to_owned(),
            rule: None,
        }
    }
}

/// Where a plugin comes from, and its name there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PluginName {
    /// Comes with Bartizan.
    Builtin(&'static str),
    /// From the plugins folder.
    Named(String),
}

impl PluginName {
    /// The name alone.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Builtin(name) => name,
            Self::Named(name) => name,
        }
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
