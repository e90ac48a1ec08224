//! A call of the past, as far as it was recorded.

use std::sync::Arc;

use bartizan_audit::record::{Direction, Json, Mode, Record, RuleVerdict, Timestamp, Verdict};
use bartizan_gateway::offline;
use bartizan_runtime::{Call, Flow};
use bartizan_wire::method::{self, Noun};

use super::needs::Needs;
use crate::call::{Circumstances, Message, strict};
use crate::definitions::Definitions;
use crate::time;

/// What the log has in place of what looks like a secret.
const REDACTED: &str = "[REDACTED]";

/// A call of the past.
pub(super) struct Past {
    pub(super) message: Message,
    pub(super) call: Call,
    /// Whether its arguments are known.
    has_arguments: bool,
    /// Whether its caller's claims and its target's definition are known.
    has_surroundings: bool,
    /// Whether its arguments were redacted before they were recorded.
    pub(super) is_redacted: bool,
}

impl Past {
    /// None if it is not known what the call acted on.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let full = record.full.as_ref();
        let recorded = full.and_then(|full| full.arguments.as_ref()).map(Json::get);
        let digest = record.arguments_digest.as_deref();
        let is_redacted = recorded.is_some_and(|arguments| {
            arguments.contains(REDACTED)
                && digest.is_some_and(|digest| offline::arguments_digest(arguments) != digest)
        });
        let none = offline::arguments_digest("{}");
        let (has_arguments, arguments): (bool, Option<Arc<str>>) = match (recorded, digest) {
            (Some(arguments), _) => (true, Some(arguments.into())),
            (None, None) => (true, None),
            (None, Some(digest)) if digest == none => (true, Some("{}".into())),
            // In their place, so that an approval is for these arguments and no others.
            (None, Some(digest)) => {
                (false, Some(format!(r#"{{"(digest)":{}}}"#, bartizan_wire::json::quote(digest)).into()))
            }
        };
        let target = match record.target.as_ref() {
            None => None,
            Some(name) => Some((noun(&record.method, arguments.as_deref())?, Arc::clone(name))),
        };
        let message = Message {
            method: Arc::clone(&record.method),
            direction: match record.direction {
                Direction::ClientToServer => Flow::ClientToServer,
                Direction::ServerToClient => Flow::ServerToClient,
            },
            target,
            arguments,
        };
        let circumstances = Circumstances {
            principal: record.principal.clone(),
            claims: full.and_then(|full| full.claims.as_ref()).map(|claims| claims.get().into()),
            session: Arc::clone(&record.session),
            server: Arc::clone(&record.server),
            time: millis(record.time),
        };
        let definition = full.and_then(|full| full.definition.as_ref());
        let definition = definition.and_then(|definition| strict(definition.get()).ok());
        let entry = Definitions::default().of(&message, definition.as_ref());
        let call = message.call(&circumstances, entry);
        Some(Self { message, call, has_arguments, has_surroundings: full.is_some(), is_redacted })
    }

    /// Whether something that a policy needs was not recorded.
    pub(super) fn lacks(&self, needs: Needs) -> bool {
        needs.unrecorded
            || needs.arguments && !self.has_arguments
            || needs.surroundings && !self.has_surroundings
    }
}

/// What the target of a method is. A completion is of a prompt or of a resource, as its params say.
fn noun(method: &str, arguments: Option<&str>) -> Option<Noun> {
    let places = method::lookup(method)?.places;
    let first = places.first()?.noun;
    if places.iter().all(|place| place.noun == first) {
        return Some(first);
    }
    let params = strict(arguments?).ok()?;
    offline::parts(method, Some(&params)).target.map(|(noun, _)| noun)
}

/// Whether the gateway itself decided: it knows no such target, could not record, or the message was not
/// in order.
pub(super) fn is_by_gateway(record: &Record) -> bool {
    let objected =
        || record.rules.iter().any(|rule| rule.mode == Mode::Enforce && rule.verdict != RuleVerdict::Pass);
    match record.verdict {
        Verdict::Allow | Verdict::Ask => false,
        Verdict::Hidden => record.rule.as_deref().is_some_and(|rule| rule == "(unknown)"),
        Verdict::Deny => match record.rule.as_deref() {
            Some(rule) => rule == bartizan_policy::rule::UNRECORDABLE,
            None => !objected(),
        },
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn millis(time: Timestamp) -> u64 {
    time::instant(&time.to_string()).unwrap_or_default()
}
