//! Risk classes, and what is said of one tool.

use std::fmt;

use serde::Serialize;

use crate::{ToolDefinition, classify};

/// What a tool can do, at worst. In order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Class {
    /// It looks at something, and changes nothing that anyone else would notice.
    Read,
    /// It makes or changes something, and that can be undone: creating, editing, sending messages.
    Write,
    /// It runs code, commands or queries that may do anything, drives a browser or a device, starts or
    /// stops what runs. Also whatever is not understood.
    Execute,
    /// It moves money, or commits someone to pay.
    Financial,
    /// It deletes, revokes or ends something for good, or may.
    Destructive,
}

impl Class {
    /// All of them, the mildest first.
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Execute, Self::Financial, Self::Destructive];

    /// How much it matters.
    pub fn risk(self) -> Risk {
        match self {
            Self::Read => Risk::Low,
            Self::Write => Risk::Medium,
            Self::Execute => Risk::High,
            Self::Financial | Self::Destructive => Risk::Critical,
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Execute => "Execute",
            Self::Financial => "Financial",
            Self::Destructive => "Destructive",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How much a class matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Read.
    Low,
    /// Write.
    Medium,
    /// Execute.
    High,
    /// Financial and Destructive.
    Critical,
}

impl Risk {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is thought of a tool, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// What it can do.
    pub class: Class,
    /// How much that matters.
    pub risk: Risk,
    /// What decided, in words for people; begins in lower case, has no full stop.
    pub reason: String,
}

impl Assessment {
    pub(crate) fn new(class: Class, reason: impl Into<String>) -> Self {
        Self { class, risk: class.risk(), reason: reason.into() }
    }
}

/// One tool of a scan. As JSON it is one object with exactly these members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScannedTool {
    /// The server that has it.
    pub server: String,
    /// The tool's name.
    pub name: String,
    /// What it can do.
    pub class: Class,
    /// How much that matters.
    pub risk: Risk,
    /// What decided.
    pub reason: String,
}

impl ScannedTool {
    /// Classifies a tool of a server.
    pub fn new(server: impl Into<String>, tool: &ToolDefinition) -> Self {
        let Assessment { class, risk, reason } = classify(tool);
        Self { server: server.into(), name: tool.name.clone(), class, risk, reason }
    }
}
