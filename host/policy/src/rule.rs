//! The names of rules: in denials, audit records and the console.
//!
//! A rule of a document is named by the JSON Pointer (RFC 6901) to it from the root of the policy, also
//! where the policy stands inline in another document. What no single place says has a fixed name in
//! parentheses, which no pointer can equal.

use std::fmt;

/// The target is hidden by an item of `hide`.
pub const HIDDEN: &str = "(hidden)";
/// No entry applies, and `default` decided.
pub const DEFAULT: &str = "(default)";
/// The server has no policy, and everything is refused.
pub const NO_POLICY: &str = "(no policy)";
/// Decisions cannot be recorded, and everything is refused.
pub const UNRECORDABLE: &str = "(audit)";

/// A JSON Pointer from the root of a policy.
///
/// ```
/// use bartizan_policy::rule::Pointer;
///
/// let entry = Pointer::root().key("tools").key("a/b~c");
/// assert_eq!(entry.to_string(), "/tools/a~1b~0c");
/// assert_eq!(Pointer::root().key("plugins").index(0).to_string(), "/plugins/0");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document: the empty pointer.
    pub fn root() -> Self {
        Self::default()
    }

    /// The member of the object here.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push('/');
        self.0.push_str(&key.replace('~', "~0").replace('/', "~1"));
        self
    }

    /// The item of the list here, counted from 0.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.key(&index.to_string())
    }

    /// The pointer's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}
