//! The words of a policy: those that are read, and those that are known but not supported yet.

use super::approvals::ApprovalMode;
use super::condition::{Operator, Root};
use super::content::{Detector, Part};
use super::entry::Action;
use super::limit::{LimitScope, Unit};
use super::plugin::{Grant, Mode, OnError};
use super::sandbox::{Class, Isolation};
use super::{DefaultAction, Instructions};
use crate::decode::Unsupported;

/// The greatest number that counts and seconds may be.
pub const GREATEST: u32 = 1_000_000_000;
/// How long a request for approval waits where nothing else is said, in seconds.
pub const DEFAULT_TIMEOUT: u32 = 1_800;
/// How long a call is held where nothing else is said, in seconds.
pub const DEFAULT_HOLD: u32 = 60;
/// The longest that a call can be held, in seconds.
pub(super) const LONGEST_HOLD: u32 = 3_600;
/// What stands in the place of what was redacted where nothing else is said.
pub const DEFAULT_REPLACEMENT: &str = "[REDACTED]";
/// How long a plugin waits for an answer where nothing else is said, in milliseconds.
pub(super) const DEFAULT_HTTP_TIMEOUT: u32 = 2_000;
/// The longest that it can wait, in milliseconds.
pub(super) const LONGEST_HTTP_TIMEOUT: u32 = 10_000;
/// The longest name of a counter, in bytes: with a server's name before it, it has to fit the contract.
pub(super) const LONGEST_COUNTER: usize = 128;

/// Names that a plugin of the plugins folder cannot have, since built-in rules go by them.
pub const RESERVED_PLUGIN_NAMES: &[&str] =
    &["access", "pin", "conditions", "schema", "redact", "inspect", "approval", "rate-limit", "limits"];

pub(super) const DEFAULTS: &[(&str, DefaultAction)] =
    &[("allow", DefaultAction::Allow), ("deny", DefaultAction::Deny)];
pub(super) const ACTIONS: &[(&str, Action)] =
    &[("allow", Action::Allow), ("deny", Action::Deny), ("require_approval", Action::RequireApproval)];
pub(super) const APPROVAL_MODES: &[(&str, ApprovalMode)] =
    &[("ticket", ApprovalMode::Ticket), ("hold", ApprovalMode::HOLD)];
pub(super) const MODES: &[(&str, Mode)] = &[("enforce", Mode::Enforce), ("monitor", Mode::Monitor)];
pub(super) const ON_ERROR: &[(&str, OnError)] = &[("deny", OnError::Deny), ("allow", OnError::Allow)];
pub(super) const INSTRUCTIONS: &[(&str, Instructions)] =
    &[("check", Instructions::Check), ("pass", Instructions::Pass), ("drop", Instructions::Drop)];
pub(super) const GRANTS: &[(&str, Grant)] = &[
    ("rewrite-arguments", Grant::RewriteArguments),
    ("rewrite-results", Grant::RewriteResults),
    ("log", Grant::Log),
    ("memory", Grant::Memory),
    ("http", Grant::Http),
];

pub(super) const CLASSES: &[(&str, Class)] = &[("small", Class::Small), ("large", Class::Large)];
pub(super) const ISOLATIONS: &[(&str, Isolation)] =
    &[("pristine", Isolation::Pristine), ("fresh", Isolation::Fresh), ("reuse", Isolation::Reuse)];

pub(super) const ROOTS: &[(&str, Root)] = &[
    ("args", Root::Args),
    ("principal", Root::Principal),
    ("claims", Root::Claims),
    ("tool", Root::Tool),
    ("server", Root::Server),
    ("session", Root::Session),
    ("method", Root::Method),
    ("target", Root::Target),
];
pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("eq", Operator::Eq),
    ("neq", Operator::Neq),
    ("in", Operator::In),
    ("not_in", Operator::NotIn),
    ("lt", Operator::Lt),
    ("lte", Operator::Lte),
    ("gt", Operator::Gt),
    ("gte", Operator::Gte),
    ("regex", Operator::Regex),
    ("contains", Operator::Contains),
    ("glob", Operator::Glob),
    ("starts_with", Operator::StartsWith),
    ("exists", Operator::Exists),
];
/// What other languages call the operators.
pub(super) const OTHER_OPERATORS: &[(&str, &str)] = &[
    ("=", "eq"),
    ("==", "eq"),
    ("===", "eq"),
    ("equals", "eq"),
    ("is", "eq"),
    ("!=", "neq"),
    ("!==", "neq"),
    ("<>", "neq"),
    ("ne", "neq"),
    ("not_equals", "neq"),
    ("one_of", "in"),
    ("nin", "not_in"),
    ("<", "lt"),
    ("less_than", "lt"),
    ("<=", "lte"),
    ("le", "lte"),
    (">", "gt"),
    ("greater_than", "gt"),
    (">=", "gte"),
    ("ge", "gte"),
    ("=~", "regex"),
    ("matches", "regex"),
    ("match", "regex"),
    ("includes", "contains"),
    ("like", "glob"),
    ("prefix", "starts_with"),
    ("ends_with", "glob"),
    ("endswith", "glob"),
    ("suffix", "glob"),
    ("present", "exists"),
];

pub(super) const UNITS: &[(&str, Unit)] = &[
    ("second", Unit::Second),
    ("minute", Unit::Minute),
    ("hour", Unit::Hour),
    ("day", Unit::Day),
    ("week", Unit::Week),
    ("month", Unit::Month),
];
pub(super) const SCOPES: &[(&str, LimitScope)] = &[
    ("session", LimitScope::Session),
    ("grant", LimitScope::Grant),
    ("server", LimitScope::Server),
    ("global", LimitScope::Global),
];

pub(super) const PARTS: &[(&str, Part)] =
    &[("result", Part::Result), ("arguments", Part::Arguments), ("both", Part::Both)];
pub(super) const DETECTORS: &[(&str, Detector)] = &[
    ("secret", Detector::Secret),
    ("key", Detector::Key),
    ("email", Detector::Email),
    ("card", Detector::Card),
    ("iban", Detector::Iban),
    ("ip", Detector::Ip),
];

/// A key that is known and has no place where it stands.
pub(super) struct Misplaced {
    pub(super) key: &'static str,
    pub(super) instead: &'static str,
}

const IN_ENTRIES: &str = "put it in the entries that it is about, or in `all_tools`";
const IN_AN_ENTRY: &str = "put it in entries of `tools`, such as \"*\" for all without one of their own";
const OF_TOOLS: &str = "remove it: only tools have an input schema";

pub(super) const MISPLACED_IN_POLICY: &[Misplaced] = &[
    Misplaced { key: "deny_if", instead: IN_ENTRIES },
    Misplaced { key: "inspect", instead: IN_ENTRIES },
    Misplaced { key: "limits", instead: IN_ENTRIES },
    Misplaced { key: "rate_limit", instead: IN_ENTRIES },
    Misplaced { key: "redact", instead: IN_ENTRIES },
    Misplaced { key: "require", instead: IN_ENTRIES },
    Misplaced {
        key: "schema",
        instead: "put it in the entries that it is about, or in `all_tools`; for editors write `$schema`",
    },
];
pub(super) const MISPLACED_IN_ALL_TOOLS: &[Misplaced] = &[
    Misplaced { key: "action", instead: IN_AN_ENTRY },
    Misplaced { key: "conditions", instead: "use `require` or `deny_if`" },
    Misplaced { key: "reason", instead: "use `on_deny` of the rules" },
    Misplaced { key: "timeout", instead: IN_AN_ENTRY },
];
pub(super) const MISPLACED_IN_TOOL: &[Misplaced] = &[PIN_IN_ENTRY];
pub(super) const MISPLACED_IN_OTHERS: &[Misplaced] =
    &[PIN_IN_ENTRY, Misplaced { key: "schema", instead: OF_TOOLS }];
const PIN_IN_ENTRY: Misplaced =
    Misplaced { key: "pin", instead: "make it a key of the policy, where it speaks of all tools" };

pub(super) const UNSUPPORTED_IN_PLUGIN: &[Unsupported] = &[
    Unsupported { word: "isolation", instead: "put it into `sandbox`" },
    Unsupported {
        word: "prompts",
        instead: "use `tools`, whose globs match every kind of target, with `methods`",
    },
    Unsupported {
        word: "resources",
        instead: "use `tools`, whose globs match every kind of target, with `methods`",
    },
    Unsupported { word: "timeout", instead: "use `deadline_ms` of `sandbox`" },
];
