//! Why a call is decided as it is: every rule that spoke, where it stands, and what of the call mattered.

mod asked;
mod entries;
mod json;
mod parts;
mod place;
mod text;

use bartizan_audit::record::{Mode, RuleRecord, RuleVerdict, Verdict};
use bartizan_gateway::offline::{Judge, ReplyOutcome};
use bartizan_policy::Policy;
use bartizan_runtime::Call;
use bartizan_state::quota::{Charge, ScopeKey};
use serde::Serialize;

pub use asked::Asked;
pub use entries::Applying;
pub(crate) use entries::{entry, looked_up};
pub use parts::{Found, Part};
pub use place::Place;

use self::place::Places;
use crate::call::{Circumstances, Message};
use crate::definitions::Definitions;
use crate::text::without_tickets;

/// The note in which a plugin says which parts of the call mattered.
const PATHS: &str = "paths";

/// Why a call is decided as it is.
#[derive(Debug)]
pub struct Explanation {
    /// What is called.
    pub message: Message,
    /// By whom, and when.
    pub circumstances: Circumstances,
    /// What is decided.
    pub verdict: Verdict,
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// What the caller is told.
    pub reason: Option<String>,
    /// Seconds after which the same call may succeed.
    pub retry_after: Option<u32>,
    /// Which entries of the policy apply to the call.
    pub entries: Vec<Applying>,
    /// What else is to say of them: which item hides, or what was looked for and not found.
    pub remarks: Vec<String>,
    /// Every rule that spoke, in the order of the plan.
    pub rules: Vec<Spoken>,
    /// What the call takes if it goes on.
    pub charges: Vec<Taken>,
    /// The arguments with which it goes on, if they are others: JSON text.
    pub arguments: Option<String>,
    /// What becomes of the reply, if there was one to judge.
    pub reply: Option<ReplyExplanation>,
}

/// A rule and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id: a JSON Pointer into the policy, or a word in parentheses.
    #[serde(rename = "rule")]
    pub id: String,
    /// Where that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// What one rule said.
#[derive(Debug)]
pub struct Spoken {
    /// The plugin's name, and its version.
    pub plugin: String,
    /// The plugin's version.
    pub version: String,
    /// What it thinks.
    pub verdict: RuleVerdict,
    /// Which rule.
    pub rule: Option<Rule>,
    /// Why.
    pub reason: Option<String>,
    /// Whether it counts.
    pub mode: Mode,
    /// What of the call mattered.
    pub parts: Vec<Part>,
    /// What else the plugin noted: names with JSON text.
    pub notes: Vec<(String, String)>,
}

/// Quota that the call takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The counter.
    pub counter: String,
    /// How much: decimal text.
    pub cost: String,
    /// Of how much: decimal text.
    pub max: String,
    /// In which time: `minute`, `90 seconds`.
    pub window: String,
    /// Who shares the counter: `session s`, `principal alice`.
    pub scope: String,
    /// The rule that charges.
    #[serde(flatten)]
    pub rule: Option<Rule>,
}

/// What becomes of a reply.
#[derive(Debug)]
pub struct ReplyExplanation {
    /// What the caller gets.
    pub outcome: ReplyOutcome,
    /// Every rule that spoke of it.
    pub rules: Vec<Spoken>,
}

/// Asks a policy what it makes of a call, and why. `judge` has counted nothing yet.
pub fn explain(policy: &Policy, judge: &Judge, asked: &Asked, definitions: &Definitions) -> Explanation {
    let message = &asked.message;
    let entry = definitions.of(message, asked.definition.as_ref());
    let call = message.call(&asked.circumstances, entry);
    let outcome = judge.call(call.clone(), message.noun());
    let ticket = outcome.ticket.as_ref().map(ToString::to_string);
    let tickets = || ticket.as_deref();
    let places = Places::of(policy.document.source());
    let spoken = |records: &[RuleRecord]| -> Vec<Spoken> {
        records.iter().map(|record| spoken(record, &call, &places)).collect()
    };
    let verdict = outcome.verdict;
    let reply = asked.result.as_ref().filter(|_| verdict == Verdict::Allow).map(|result| {
        let forwarded = outcome.rewritten.as_deref().unwrap_or(&call);
        let (outcome, records) = judge.reply(forwarded.clone(), result.clone());
        ReplyExplanation { outcome, rules: spoken(&records) }
    });
    let entries = entries::applying(&policy.document, message, &places);
    let remarks = entries::remarks(&policy.document, message, &places, &outcome, &entries);
    Explanation {
        message: message.clone(),
        circumstances: asked.circumstances.clone(),
        verdict,
        rule: outcome.rule.as_deref().map(|id| places.rule(id)),
        reason: outcome.reason.as_deref().map(|reason| without_tickets(reason, tickets())),
        retry_after: outcome.retry_after,
        entries,
        remarks,
        rules: spoken(&outcome.rules),
        charges: outcome.charges.iter().map(|charge| taken(charge, &places)).collect(),
        arguments: outcome.rewritten.as_ref().and_then(|call| call.arguments.as_deref()).map(str::to_owned),
        reply,
    }
}

fn spoken(record: &RuleRecord, call: &Call, places: &Places) -> Spoken {
    let paths = record.notes.iter().filter(|note| note.key() == PATHS);
    let paths = paths.filter_map(|note| serde_json::from_str::<Vec<String>>(note.value()).ok()).flatten();
    let others = record.notes.iter().filter(|note| note.key() != PATHS);
    Spoken {
        plugin: record.plugin.to_string(),
        version: record.version.to_string(),
        verdict: record.verdict,
        rule: record.rule.as_deref().map(|id| places.rule(id)),
        reason: record.reason.clone(),
        mode: record.mode,
        parts: paths.map(|path| parts::resolve(&path, call)).collect(),
        notes: others.map(|note| (note.key().to_owned(), note.value().to_owned())).collect(),
    }
}

fn taken(charge: &Charge, places: &Places) -> Taken {
    Taken {
        counter: charge.counter.name.to_string(),
        cost: charge.cost.to_string(),
        max: charge.counter.limit.to_string(),
        window: charge.counter.window.to_string(),
        scope: match &charge.scope {
            ScopeKey::Session(session) => format!("session {session}"),
            ScopeKey::Principal(name) => format!("principal {name}"),
            ScopeKey::Anonymous(server) => format!("callers of {server} without a name"),
            ScopeKey::Server(server) => format!("server {server}"),
            ScopeKey::Everyone => "everyone".to_owned(),
        },
        rule: charge.rule.as_deref().map(|id| places.rule(id)),
    }
}
