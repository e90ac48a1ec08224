//! The JSON Schema of the policy document, and the reference page made from it.
//!
//! The types here mirror the document only to describe it: their comments are what editors show and what the
//! reference page says. Documents are read by [`crate::document`], which knows where things stand and what
//! is wrong with them; tests hold the two together.
#![allow(dead_code, reason = "the types describe documents and are never made")]

mod condition;
mod content;
mod limit;
mod plugin;
mod reference;
mod transform;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use self::condition::{Condition, DenyIf, Requirement};
use self::content::{Inspection, Redaction};
use self::limit::{Limit, RateLimit};
use self::plugin::Plugin;
use crate::json::Json;

pub use reference::reference;

/// Where the schema is published.
pub const ID: &str = "https://github.com/bartizan/bartizan/raw/main/docs/schema/policy.json";

/// The schema of a policy document: draft 2020-12.
///
/// What it accepts may still be wrong, since a schema cannot compare one part of a document with another;
/// what it refuses is wrong.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Policy>().to_value();
    transform::finish(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.insert("$id".into(), ID.into());
    }
    schema
}

/// The text of the published file: indented, keys sorted, a line break at the end.
pub fn text() -> String {
    format!("{}\n", Json::from(&schema()).sorted().pretty())
}

/// A policy says what agents may do with one MCP server.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Policy", title = "Bartizan policy")]
struct Policy {
    /// The version of this language.
    version: Version,
    /// What happens to whatever no entry speaks of.
    default: DefaultAction,
    /// For people.
    description: Option<String>,
    /// For editors: where this schema is. Ignored.
    #[schemars(rename = "$schema")]
    schema: Option<Anything>,
    /// Names and globs of tools, prompts and resources that do not exist for the agent. Wins over everything else.
    #[schemars(extend("uniqueItems" = true), inner(regex(pattern = r"^[^\s\x00-\x1f\x7f]+$")))]
    hide: Option<Vec<String>>,
    /// What is said of tools, by name or glob. Of all that match, the most specific entry applies, and only that one.
    #[schemars(transform = transform::names)]
    tools: Option<BTreeMap<String, ToolEntry>>,
    /// What is said of prompts, by name or glob: of `prompts/get`, and of completions for prompts.
    #[schemars(transform = transform::names)]
    prompts: Option<BTreeMap<String, Entry>>,
    /// What is said of resources, by URI or glob: of reading and subscribing, of updates, and of completions for
    /// resources.
    #[schemars(transform = transform::names)]
    resources: Option<BTreeMap<String, Entry>>,
    /// What is said of messages, by MCP method or glob, in addition to the other maps: what either entry refuses is
    /// refused.
    #[schemars(transform = transform::names)]
    methods: Option<BTreeMap<String, Entry>>,
    /// Rules that apply to every call of a tool as well.
    all_tools: Option<AllTools>,
    /// The path of a lock file, from the policy's own directory. Tools whose definition is not in it do not exist for
    /// the agent.
    #[schemars(length(min = 1))]
    pin: Option<String>,
    /// How people are asked where an entry requires approval.
    approvals: Option<Approvals>,
    /// Plugins from the plugins folder, in the order in which they are asked.
    plugins: Option<Vec<Plugin>>,
    /// What becomes of the text in which the server tells agents how to use it.
    #[schemars(extend("default" = "check"))]
    instructions: Option<Instructions>,
}

#[derive(JsonSchema)]
#[schemars(inline)]
enum Version {
    #[schemars(rename = "1")]
    One,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum DefaultAction {
    Allow,
    Deny,
}

/// Any value.
struct Anything;

impl JsonSchema for Anything {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Anything".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({})
    }
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum Instructions {
    /// The agent gets it unless one of its words is the name of something hidden.
    Check,
    /// The agent gets it.
    Pass,
    /// The agent does not get it.
    Drop,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "snake_case")]
enum Action {
    /// It may be, as far as the rules let it.
    Allow,
    /// It is refused.
    Deny,
    /// A person decides, each time.
    RequireApproval,
}

/// A struct with the rules that entries and `all_tools` share.
macro_rules! with_rules {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        #[derive(JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $(#[$meta])*
        struct $name {
            $($own)*
            /// How often it may be called in one MCP session. Under a glob each name has a counter of its own; in
            /// `all_tools` there is one for all tools.
            rate_limit: Option<RateLimit>,
            /// Conditions that must hold; a call for which one does not, or cannot be told, is refused.
            require: Option<Vec<Requirement>>,
            /// Calls that are refused.
            deny_if: Option<Vec<DenyIf>>,
            /// How often, or how much, with counters that may be shared.
            limits: Option<Vec<Limit>>,
            /// What is taken out of results and arguments.
            redact: Option<Vec<Redaction>>,
            /// Results that are refused.
            inspect: Option<Vec<Inspection>>,
        }
    };
}

with_rules! {
    /// What is said of a tool. An empty entry allows.
    #[schemars(transform = transform::entry)]
    ToolEntry {
        /// What happens.
        #[schemars(extend("default" = "allow"))]
        action: Option<Action>,
        /// With `deny` or `require_approval`: the action applies only if all of these hold, or cannot be told.
        conditions: Option<Vec<Condition>>,
        /// What a refused agent is told, or the person who is asked.
        reason: Option<String>,
        /// With `require_approval`: seconds until an unanswered request counts as refused. Without it
        /// `approvals.timeout` counts.
        #[schemars(range(min = 1, max = 1_000_000_000))]
        timeout: Option<u32>,
        /// Whether the arguments must match the tool's own input schema. `false` takes the tool out of what `all_tools`
        /// says.
        #[schemars(extend("default" = false))]
        schema: Option<bool>,
    }
}

with_rules! {
    /// What is said of a prompt, a resource or a method. An empty entry allows.
    #[schemars(transform = transform::entry)]
    Entry {
        /// What happens.
        #[schemars(extend("default" = "allow"))]
        action: Option<Action>,
        /// With `deny` or `require_approval`: the action applies only if all of these hold, or cannot be told.
        conditions: Option<Vec<Condition>>,
        /// What a refused agent is told, or the person who is asked.
        reason: Option<String>,
        /// With `require_approval`: seconds until an unanswered request counts as refused. Without it
        /// `approvals.timeout` counts.
        #[schemars(range(min = 1, max = 1_000_000_000))]
        timeout: Option<u32>,
    }
}

with_rules! {
    /// Rules for every call of a tool, besides those of the tool's own entry.
    AllTools {
        /// Whether arguments must match the tools' own input schemas.
        #[schemars(extend("default" = false))]
        schema: Option<bool>,
    }
}

/// How people are asked where an entry requires approval.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Approvals {
    /// What the agent gets until a person has decided.
    #[schemars(extend("default" = "ticket"))]
    mode: Option<ApprovalMode>,
    /// With the mode `hold`: seconds for which a call stays open; then it is as with a ticket.
    #[schemars(range(min = 1, max = 3600), extend("default" = 60))]
    hold: Option<u32>,
    /// Seconds until an unanswered request counts as refused, unless the entry says otherwise.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("default" = 1800))]
    timeout: Option<u32>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "lowercase")]
enum ApprovalMode {
    /// A refusal that names a ticket; the same call again is let through once it is approved.
    Ticket,
    /// The call stays open until a person has decided.
    Hold,
}
