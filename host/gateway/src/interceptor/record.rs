//! The record of a decision, from its draft to the log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::event::{Event, kind};
use bartizan_audit::record::{
    Direction, Record, RuleRecord, RuleVerdict, Timestamp, Upstream as Reached, Verdict as Recorded,
};
use bartizan_policy::rule;
use bartizan_runtime::{Call, Flow};
use bartizan_wire::denial::Denial;
use bartizan_wire::json::{Kind, Value, canonical};
use bartizan_wire::message::Id;

use crate::digest;
use crate::pace;
use crate::plan::ActivePlan;
use crate::session::Session;

impl Session {
    /// The record of a message that is allowed and not forwarded yet.
    pub(super) fn draft(&self, call: &Call, id: Option<&Id>, arguments: Option<Value<'_>>) -> Record {
        Record {
            time: Timestamp::from_unix_millis(call.time),
            event: kind::Decision,
            request: id.map(|id| id.as_json().to_owned()),
            session: Arc::clone(&self.id),
            principal: call.principal.clone(),
            server: Arc::clone(&call.server),
            method: Arc::clone(&call.method),
            target: call.target.clone(),
            direction: match call.direction {
                Flow::ClientToServer => Direction::ClientToServer,
                Flow::ServerToClient => Direction::ServerToClient,
            },
            argument_keys: argument_keys(arguments),
            arguments_digest: arguments.map(|arguments| digest::of(&canonical(arguments))),
            verdict: Recorded::Allow,
            rule: None,
            reason: None,
            approval: None,
            rules: Vec::new(),
            policy_digest: policy_digest(self.server.plan().as_deref()),
            evaluation: Duration::ZERO.into(),
            upstream: Reached::NotForwarded,
            full: None,
        }
    }

    /// Puts down the content of a call, if that is recorded.
    pub(super) fn keep_content(&self, record: &mut Record, call: Option<&Arc<Call>>) {
        if let (Some(recorder), Some(call)) = (&self.shared.recorder, call) {
            let mut full = recorder.content(call);
            // What the policy itself takes for secret is not kept either.
            let refused =
                |rule: &RuleRecord| &*rule.plugin == "redact" && rule.verdict != RuleVerdict::Rewrite;
            if record.rules.iter().any(refused) {
                full.arguments = None;
            }
            record.full = Some(full);
        }
    }

    pub(super) fn write_denial(&self, mut record: Record, refusal: &Denial) {
        deny(&mut record, refusal);
        self.write(record);
    }

    pub(super) fn write(&self, record: Record) {
        self.log(&Event::from(record));
    }

    /// Gives an event to the log; one that cannot keep up is waited for.
    pub(super) fn log(&self, event: &Event) {
        let log = &self.shared.log;
        let recorded = if log.is_busy() { pace::blocking(|| log.record(event)) } else { log.record(event) };
        if let Err(error) = recorded {
            tracing::error!(%error, "an event could not be recorded");
        }
    }

    /// The refusal of everything while decisions cannot be recorded.
    pub(super) fn unrecordable(&self) -> Option<Denial> {
        let error = self.shared.log.ready().err()?;
        tracing::error!(%error, "a call is refused, since its decision could not be recorded");
        Some(Denial {
            reason: "The gateway cannot record decisions at present, so it refuses calls.".to_owned(),
            rule: Some(rule::UNRECORDABLE.to_owned()),
            ..Denial::default()
        })
    }
}

/// Puts down what the plan's plugins said.
pub(super) fn judged(
    record: &mut Record,
    plan: Option<&ActivePlan>,
    rules: Vec<RuleRecord>,
    evaluation: Duration,
) {
    record.policy_digest = policy_digest(plan);
    record.rules.extend(rules);
    record.evaluation = (Duration::from_micros(record.evaluation.0) + evaluation).into();
}

/// Turns a record into that of a refusal.
pub(super) fn deny(record: &mut Record, refusal: &Denial) {
    record.verdict = Recorded::Deny;
    record.rule.clone_from(&refusal.rule);
    record.reason = Some(refusal.reason.clone());
}

/// The names of the arguments; their values are never recorded.
pub(super) fn argument_keys(arguments: Option<Value<'_>>) -> BTreeSet<String> {
    match arguments {
        Some(arguments) if arguments.kind() == Kind::Object => {
            arguments.members().map(|(key, _)| key.into_owned()).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn policy_digest(plan: Option<&ActivePlan>) -> Arc<str> {
    plan.map_or_else(|| rule::NO_POLICY.into(), |plan| Arc::clone(&plan.digest))
}
