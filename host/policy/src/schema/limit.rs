//! Limits.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::condition::STEPS;

/// So many calls in the last seconds, for each MCP session.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct RateLimit {
    /// Calls.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    max: u32,
    /// Seconds.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    window: u32,
    /// Whether calls that the server answers with an error count as well.
    #[schemars(extend("default" = false))]
    count_errors: Option<bool>,
}

/// So much of something in a window. Limits with the same counter, window and scope share what is counted, and must have
/// the same `max`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Limit {
    /// What is counted: a name of your choice, at most 128 bytes long.
    #[schemars(length(min = 1, max = 128))]
    counter: String,
    /// How long.
    window: Window,
    /// How much: a number above 0 with at most 18 digits before and 9 after the point.
    #[schemars(extend("exclusiveMinimum" = 0))]
    max: f64,
    /// Who shares the counter.
    #[schemars(extend("default" = "session"))]
    scope: Option<Scope>,
    /// How much one call takes.
    #[schemars(extend("default" = 1))]
    cost: Option<Cost>,
    /// What a refused agent is told.
    on_deny: Option<String>,
    /// Whether calls that the server answers with an error count as well.
    #[schemars(extend("default" = false))]
    count_errors: Option<bool>,
}

/// How long a limit counts.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Window {
    /// A unit of the calendar, in UTC: a day begins at midnight, a week on Monday.
    Fixed(Unit),
    /// The last so many seconds.
    Sliding(#[schemars(range(min = 1, max = 1_000_000_000))] u32),
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Scope {
    /// The calls of one MCP session.
    Session,
    /// The calls of one principal to this server.
    Grant,
    /// All calls to this server.
    Server,
    /// All calls to all servers whose policies name the counter.
    Global,
}

/// How much one call takes.
struct Cost;

impl JsonSchema for Cost {
    fn schema_name() -> Cow<'static, str> {
        "Cost".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How much one call takes.",
            "anyOf": [
                {
                    "description": "Always the same: a number that is not negative, with at most 18 digits before and \
                        9 after the point.",
                    "type": "number",
                    "minimum": 0,
                },
                {
                    "description": "What stands at this path into the arguments, such as `args.amount`. Several values \
                        are added up. A call without such a number is refused.",
                    "type": "string",
                    "pattern": format!("^args{STEPS}$"),
                },
            ],
        })
    }
}
