//! Rules about what is in arguments and results.

use schemars::JsonSchema;

use super::transform;

/// Something that is taken out of results or arguments. At least one of `at`, `pattern` and `detect` says what.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = transform::redaction)]
pub(super) struct Redaction {
    /// Where it is looked for.
    #[schemars(rename = "in", extend("default" = "result"))]
    part: Option<Part>,
    /// JSON Pointers to the values that are looked at. Without it, everything is. Without `pattern` and `detect` these
    /// values as a whole are what is found.
    at: Option<Pointers>,
    /// Text that matches this regular expression, in the syntax of Rust's `regex` crate.
    #[schemars(length(min = 1))]
    pattern: Option<String>,
    /// Text that these detectors know.
    #[schemars(length(min = 1))]
    detect: Option<Vec<Detector>>,
    /// What becomes of it.
    #[schemars(extend("default" = "replace"))]
    action: Option<RedactAction>,
    /// With `replace`: what stands in its place.
    #[schemars(extend("default" = "[REDACTED]"))]
    replace: Option<String>,
    /// With `deny`: what the agent is told.
    on_deny: Option<String>,
}

/// Results that are refused: those in which this is found. At least one of `at`, `pattern` and `detect` says what.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, transform = transform::inspection)]
pub(super) struct Inspection {
    /// JSON Pointers to the values that are looked at. Without it, everything is. Without `pattern` and `detect` a result
    /// that has such a value is refused.
    at: Option<Pointers>,
    /// Text that matches this regular expression, in the syntax of Rust's `regex` crate.
    #[schemars(length(min = 1))]
    pattern: Option<String>,
    /// Text that these detectors know.
    #[schemars(length(min = 1))]
    detect: Option<Vec<Detector>>,
    /// What the agent is told.
    on_deny: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(untagged, inline)]
enum Pointers {
    One(#[schemars(regex(pattern = "^(/([^~]|~[01])*)?$"))] String),
    Many(#[schemars(length(min = 1), inner(regex(pattern = "^(/([^~]|~[01])*)?$")))] Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Part {
    /// The result.
    Result,
    /// The arguments.
    Arguments,
    /// Both.
    Both,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum RedactAction {
    /// It is replaced.
    Replace,
    /// The call or the result is refused.
    Deny,
}

/// Something that is known by its form.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Detector {
    /// Tokens and passwords of well-known forms.
    Secret,
    /// Private keys.
    Key,
    /// E-mail addresses.
    Email,
    /// Numbers of payment cards, by their check digit.
    Card,
    /// IBAN account numbers, by their check digits.
    Iban,
    /// IP addresses.
    Ip,
}
