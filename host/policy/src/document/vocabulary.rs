//! The words of a policy: those that are read, and those that are known but not supported yet.

use crate::decode::Unsupported;
use crate::document::{Action, Grant, Instructions, Mode, OnError};

/// The greatest number that counts and seconds may be.
pub const GREATEST: u32 = 1_000_000_000;

/// Names that a plugin of the plugins folder cannot have, since built-in rules go by them.
pub const RESERVED_PLUGIN_NAMES: &[&str] = &["access", "rate-limit"];

pub(super) const ACTIONS: &[(&str, Action)] = &[("allow", Action::Allow), ("deny", Action::Deny)];
pub(super) const MODES: &[(&str, Mode)] = &[("enforce", Mode::Enforce), ("monitor", Mode::Monitor)];
pub(super) const ON_ERROR: &[(&str, OnError)] = &[("deny", OnError::Deny), ("allow", OnError::Allow)];
pub(super) const INSTRUCTIONS: &[(&str, Instructions)] =
    &[("check", Instructions::Check), ("pass", Instructions::Pass), ("drop", Instructions::Drop)];
pub(super) const GRANTS: &[(&str, Grant)] =
    &[("rewrite-arguments", Grant::RewriteArguments), ("rewrite-results", Grant::RewriteResults)];

const CHECK_ARGUMENTS: &str = "deny the tool, or check its arguments in a plugin under `plugins`";
const CHANGE_RESULTS: &str =
    "remove it, or do this in a plugin under `plugins` that is granted `rewrite-results`";
const USE_RATE_LIMIT: &str = "use `rate_limit` in the entries of `tools`";
const USE_DENY: &str = "use \"deny\"";
const FOLLOW_DEFAULT: &str = "remove it; `default` decides for all of them";
const CHECK_DEFINITIONS: &str = "remove it, or check the tool's definition in a plugin under `plugins`";

pub(super) const UNSUPPORTED_IN_POLICY: &[Unsupported] = &[
    Unsupported { word: "all_tools", instead: USE_RATE_LIMIT },
    Unsupported { word: "approvals", instead: "remove it, and deny what needs approval" },
    Unsupported { word: "inspect", instead: CHANGE_RESULTS },
    Unsupported { word: "methods", instead: FOLLOW_DEFAULT },
    Unsupported { word: "pin", instead: CHECK_DEFINITIONS },
    Unsupported { word: "prompts", instead: FOLLOW_DEFAULT },
    Unsupported { word: "redact", instead: CHANGE_RESULTS },
    Unsupported { word: "resources", instead: FOLLOW_DEFAULT },
    Unsupported { word: "schema", instead: CHECK_DEFINITIONS },
];

pub(super) const UNSUPPORTED_IN_ENTRY: &[Unsupported] = &[
    Unsupported { word: "deny_if", instead: CHECK_ARGUMENTS },
    Unsupported { word: "inspect", instead: CHANGE_RESULTS },
    Unsupported { word: "limits", instead: USE_RATE_LIMIT },
    Unsupported { word: "pin", instead: CHECK_DEFINITIONS },
    Unsupported { word: "redact", instead: CHANGE_RESULTS },
    Unsupported { word: "require", instead: CHECK_ARGUMENTS },
    Unsupported { word: "schema", instead: CHECK_ARGUMENTS },
    Unsupported { word: "timeout", instead: "remove it" },
];

pub(super) const UNSUPPORTED_IN_PLUGIN: &[Unsupported] = &[
    Unsupported { word: "isolation", instead: "remove it: every evaluation is pristine" },
    Unsupported {
        word: "prompts",
        instead: "use `tools`, whose globs match every kind of target, with `methods`",
    },
    Unsupported {
        word: "resources",
        instead: "use `tools`, whose globs match every kind of target, with `methods`",
    },
    Unsupported { word: "timeout", instead: "remove it" },
];

pub(super) const UNSUPPORTED_ACTIONS: &[Unsupported] =
    &[Unsupported { word: "require_approval", instead: USE_DENY }];
