//! The languages that there are templates for, and the hooks of the contract.

use std::fmt;

/// A language to write a plugin in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Rust.
    Rust,
    /// JavaScript, on QuickJS.
    JavaScript,
    /// TypeScript: JavaScript, after its compiler.
    TypeScript,
    /// Python, on CPython.
    Python,
    /// C.
    C,
    /// Go.
    Go,
    /// Zig.
    Zig,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Rust, Self::JavaScript, Self::TypeScript, Self::Python, Self::C, Self::Go, Self::Zig];

    /// The name in `--lang` and in `plugin.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "js",
            Self::TypeScript => "ts",
            Self::Python => "python",
            Self::C => "c",
            Self::Go => "go",
            Self::Zig => "zig",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    /// The names of all, for a message.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// An interface that a plugin may export beside `plugin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Judges messages before they are forwarded.
    Calls,
    /// Filters lists.
    Listings,
    /// Judges results.
    Replies,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Calls, Self::Listings, Self::Replies];

    /// The interface's name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Listings => "listings",
            Self::Replies => "replies",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }
}
