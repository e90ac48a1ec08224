//! What the log has lines about: decisions, and what explains them.
//!
//! Every event has its `time` and the word for its kind in `event` first. The order of the fields here
//! is their order in the line, and does not change; what is absent is left out.

pub mod kind;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::record::{Record, Timestamp};

/// One line of the log, by its kind.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// A message was judged.
    Decision(Box<Record>),
    /// An approval was asked for, or something became of it.
    Approval(Box<Approval>),
    /// A server's policy was loaded, at the start or again.
    Load(Box<Load>),
    /// A process started to write to the log.
    Start(Start),
    /// A process stopped, in order.
    Stop(Stop),
}

/// A step in the life of an approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Approval {
    /// When it happened.
    pub time: Timestamp,
    /// What kind of line this is.
    pub event: kind::Approval,
    /// What happened.
    pub step: ApprovalStep,
    /// The approval's ticket.
    pub ticket: Arc<str>,
    /// The upstream server's name in the gateway's configuration.
    pub server: Arc<str>,
    /// The MCP method.
    pub method: Arc<str>,
    /// The tool or prompt name or the resource URI, where the method has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Arc<str>>,
    /// The name of the caller who needs the approval, if authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<Arc<str>>,
    /// Who decided, by which way they came: `cli:ann`, `admin:…`, `webhook`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in the words of who asked or decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rules that asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// What happened to an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalStep {
    /// A call needs it.
    Requested,
    /// A human said yes.
    Approved,
    /// A human said no.
    Denied,
    /// Nobody answered in time, or nobody used it in time.
    Expired,
    /// A call used it up.
    Used,
    /// The call that used it never reached the server: it can be used again.
    Restored,
    /// It was taken back before it was used.
    Withdrawn,
}

/// A policy was put in force for a server, or was not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    /// When it happened.
    pub time: Timestamp,
    /// What kind of line this is.
    pub event: kind::Load,
    /// Why it was loaded.
    pub occasion: Occasion,
    /// The upstream server's name in the gateway's configuration.
    pub server: Arc<str>,
    /// The digest of the policy: SHA-256 in lower-case hex. None if it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_digest: Option<Arc<str>>,
    /// Whether it is in force now.
    pub outcome: Outcome,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The plugins of the folder that are in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<LoadedPlugin>,
}

/// A plugin of the folder that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedPlugin {
    /// The file's name without its ending.
    pub file: Arc<str>,
    /// The plugin's own version.
    pub version: Arc<str>,
    /// SHA-256 of the file in lower-case hex.
    pub digest: Arc<str>,
}

/// Why a policy was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// The gateway started.
    Start,
    /// The document changed, or the operator asked for it.
    Reload,
}

/// Whether a policy was put in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is in force.
    Accepted,
    /// The one before stays in force, if there is one.
    Refused,
}

/// A process started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Start {
    /// When it happened.
    pub time: Timestamp,
    /// What kind of line this is.
    pub event: kind::Start,
    /// The program's version.
    pub version: String,
    /// The process id.
    pub pid: u32,
}

/// A process stopped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stop {
    /// When it happened.
    pub time: Timestamp,
    /// What kind of line this is.
    pub event: kind::Stop,
    /// The program's version.
    pub version: String,
    /// The process id.
    pub pid: u32,
}

impl Event {
    /// When it happened.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Decision(record) => record.time,
            Self::Approval(approval) => approval.time,
            Self::Load(load) => load.time,
            Self::Start(start) => start.time,
            Self::Stop(stop) => stop.time,
        }
    }

    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Decision(_) => kind::Decision::WORD,
            Self::Approval(_) => kind::Approval::WORD,
            Self::Load(_) => kind::Load::WORD,
            Self::Start(_) => kind::Start::WORD,
            Self::Stop(_) => kind::Stop::WORD,
        }
    }

    /// The event as one line of JSON, without a line break.
    ///
    /// # Errors
    /// None for any event that can be made today: every field has a JSON form.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// `From` for each kind of event, boxed where the enum boxes it.
macro_rules! from {
    ($($type:ty => $wrap:expr),+ $(,)?) => {$(
        impl From<$type> for Event {
            fn from(event: $type) -> Self {
                $wrap(event.into())
            }
        }
    )+};
}

from! {
    Record => Self::Decision,
    Approval => Self::Approval,
    Load => Self::Load,
    Start => Self::Start,
    Stop => Self::Stop,
}

/// Names for logs: the same words as in JSON.
macro_rules! names {
    ($($type:ident { $($variant:ident => $name:literal),+ $(,)? })+) => {$(
        impl $type {
            /// The word that stands for it in JSON and in logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant { .. } => $name),+ }
            }
        }
    )+};
}
pub(crate) use names;

names! {
    ApprovalStep {
        Requested => "requested", Approved => "approved", Denied => "denied", Expired => "expired",
        Used => "used", Restored => "restored", Withdrawn => "withdrawn",
    }
    Occasion { Start => "start", Reload => "reload" }
    Outcome { Accepted => "accepted", Refused => "refused" }
}
