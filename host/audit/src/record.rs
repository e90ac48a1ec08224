//! What is recorded of one decision, and how it looks as JSON.
//!
//! The order of the fields here is their order in the line, and does not change; what is absent is
//! left out. Names and verdicts are the contract's and the policy document's words.

mod json;
mod note;
mod time;

pub use json::{Json, NotJson};
pub use note::{Note, NoteError};
pub use time::{Micros, Timestamp};

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::kind;

/// One decision on one message: who, what, the verdict and every rule behind it, and the outcome.
///
/// ```json
/// {"time":"2026-01-01T00:00:00.000Z","event":"decision","request":"7","session":"s-1",
///  "server":"mlflow","method":"tools/call","target":"delete_run","direction":"client-to-server",
///  "argument_keys":["run_id"],"arguments_digest":"44136f…","verdict":"deny",
///  "rule":"/tools/delete_run/action","reason":"Runs are kept for audit.","rules":[…],
///  "policy_digest":"9f86d0…","evaluation_us":42,"upstream":{"status":"not-forwarded"}}
/// ```
///
/// Every text but `server` and the digests may come from a stranger (the client, the server, a
/// plugin). JSON escapes it, so that a record is one line whatever it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The time of the call: the one that plugins saw.
    pub time: Timestamp,
    /// What kind of line this is.
    pub event: kind::Decision,
    /// The JSON-RPC id as its JSON text, so that `7` and `"7"` differ. None for notifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The gateway's identifier of the MCP session.
    pub session: Arc<str>,
    /// The authenticated caller's name, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Arc<str>>,
    /// The upstream server's name in the gateway's configuration.
    pub server: Arc<str>,
    /// The MCP method.
    pub method: Arc<str>,
    /// The tool or prompt name or the resource URI, where the method has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Arc<str>>,
    /// Which way the message travels.
    pub direction: Direction,
    /// The names of the arguments, sorted; never their values.
    #[serde(default)]
    pub argument_keys: BTreeSet<String>,
    /// The digest of the canonical arguments: SHA-256 in lower-case hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
    /// What was decided.
    pub verdict: Verdict,
    /// The rule that was enforced. None if no rule objected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why, in the words that the caller got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ticket of the approval that was asked for or used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Arc<str>>,
    /// Every rule that spoke, in the order of the plan.
    #[serde(default)]
    pub rules: Vec<RuleRecord>,
    /// The digest of the policy that was in force: SHA-256 in lower-case hex.
    pub policy_digest: Arc<str>,
    /// How long all evaluations took together.
    #[serde(rename = "evaluation_us")]
    pub evaluation: Micros,
    /// What became of the call.
    pub upstream: Upstream,
    /// What is needed to judge the call again, where the operator wants it kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<Full>,
}

/// The content of a call, after redaction. What is absent is left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Full {
    /// The arguments of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Json>,
    /// What the caller's token claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<Json>,
    /// The server's own definition of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<Json>,
}

/// What one plugin said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleRecord {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// The plugin's own version.
    pub version: Arc<str>,
    /// The digest of the component: SHA-256 in lower-case hex.
    pub digest: Arc<str>,
    /// What it thinks of the call.
    pub verdict: RuleVerdict,
    /// The rule, as its author names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why, in the rule's own words; for a fault, what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether its verdict counted.
    pub mode: Mode,
    /// What the plugin wants kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The call goes on.
    Allow,
    /// The call is refused, and the caller is told why.
    Deny,
    /// The call is answered as if its target did not exist.
    Hidden,
    /// The call waits for a human's approval.
    Ask,
}

/// What one rule thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleVerdict {
    /// No objection.
    Pass,
    /// Refuse it.
    Deny,
    /// The target does not exist for this caller.
    Hidden,
    /// Let a human decide.
    Ask,
    /// Go on with something else.
    Rewrite,
    /// No objection, but what it charges does not fit the limit.
    Exhausted,
    /// It could not decide: a trap, a time-out, an unreadable answer.
    Fault,
}

/// Whether a rule's verdict counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It counts.
    Enforce,
    /// It is recorded only.
    Monitor,
}

/// Which way a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the MCP client to the MCP server.
    ClientToServer,
    /// From the MCP server to the MCP client.
    ServerToClient,
}

/// What became of a call: `{"status":"ok","latency_us":1200}`.
///
/// The latency is from the first byte sent until the reply was complete or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Upstream {
    /// The receiver answered with a result.
    Ok {
        /// How long it took.
        #[serde(rename = "latency_us")]
        latency: Micros,
    },
    /// The receiver answered with an error: `isError`, or a JSON-RPC error.
    Error {
        /// How long it took.
        #[serde(rename = "latency_us")]
        latency: Micros,
    },
    /// The receiver could not be reached, broke off or did not answer in time.
    Unavailable {
        /// How long it took to give up.
        #[serde(rename = "latency_us")]
        latency: Micros,
    },
    /// The call was not forwarded.
    NotForwarded,
}

impl Record {
    /// The record as one line of JSON, without a line break.
    ///
    /// # Errors
    /// None for any record that can be made today: every field has a JSON form.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

crate::event::names! {
    Verdict { Allow => "allow", Deny => "deny", Hidden => "hidden", Ask => "ask" }
    RuleVerdict {
        Pass => "pass", Deny => "deny", Hidden => "hidden", Ask => "ask",
        Rewrite => "rewrite", Exhausted => "exhausted", Fault => "fault",
    }
    Mode { Enforce => "enforce", Monitor => "monitor" }
    Direction { ClientToServer => "client-to-server", ServerToClient => "server-to-client" }
    Upstream { Ok => "ok", Error => "error", Unavailable => "unavailable", NotForwarded => "not-forwarded" }
}

impl Upstream {
    /// How long the receiver took. None if the call was not forwarded.
    #[must_use]
    pub const fn latency(self) -> Option<Micros> {
        match self {
            Self::Ok { latency } | Self::Error { latency } | Self::Unavailable { latency } => Some(latency),
            Self::NotForwarded => None,
        }
    }
}
