//! Conditions: what must be so of a call.
//!
//! Invariants: no value is null; a value's type is one that its operator compares with; regexes compile;
//! groups are not empty and at most [`MAX_GROUPS`] deep.

use crate::source::Node;

/// How many groups may lie within each other.
pub(super) const MAX_GROUPS: usize = 16;

/// Something that holds for a call, does not, or is unknown.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Compares what a path leads to.
    Test(Test),
    /// At least one holds.
    Any(Vec<Condition>),
    /// All hold.
    All(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What is compared.
    pub path: ConditionPath,
    /// How.
    pub op: Operator,
    /// With what.
    pub value: Node,
    /// Whether text is compared without regard to case.
    pub ignore_case: bool,
}

/// A path that can be read: `args.items[*].price`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionPath {
    /// As it was written.
    pub text: String,
    /// Where it begins.
    pub root: Root,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// The arguments of the call.
    Args,
    /// Who calls.
    Principal,
    /// What the caller's token says.
    Claims,
    /// The server's own definition of the tool.
    Tool,
    /// The server's configured name.
    Server,
    /// The MCP session.
    Session,
    /// The MCP method.
    Method,
    /// The name of the tool or prompt, or the URI of the resource.
    Target,
}

impl Root {
    /// Whether there is something inside it to which a path can go on.
    pub fn has_members(self) -> bool {
        matches!(self, Self::Args | Self::Claims | Self::Tool)
    }
}

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
    /// Equal to an item of a list.
    In,
    /// Equal to no item of a list.
    NotIn,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// A part of the text matches a regular expression.
    Regex,
    /// The text has a part, or the list an item.
    Contains,
    /// The whole text matches a glob.
    Glob,
    /// The text begins so.
    StartsWith,
    /// It is there.
    Exists,
}

impl Operator {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Neq => "neq",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Regex => "regex",
            Self::Contains => "contains",
            Self::Glob => "glob",
            Self::StartsWith => "starts_with",
            Self::Exists => "exists",
        }
    }
}
