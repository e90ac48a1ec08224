//! What the server answers, before the client gets it: lists without what is hidden, replies as the plugins
//! let them through, instructions that do not name what is not there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::record::Record;
use bartizan_policy::document::Instructions;
use bartizan_runtime::{Call, Flow, Reply};
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::era::Era;
use bartizan_wire::json::{Document, Value};
use bartizan_wire::listing::Listing;
use bartizan_wire::message::{ErrorObject, Message, Request, Response};
use bartizan_wire::method::{Method, Noun, Shape};

use super::server::Answered;
use super::{aside, record};
use crate::catalogue;
use crate::judge::{self, Judged, ReplyRuling};
use crate::memory::Changes;
use crate::plan::ActivePlan;
use crate::session::Session;

/// How long a client may keep a filtered list.
const LIST_TTL: Duration = Duration::from_secs(60);
/// The most words of a server's instructions that are looked at; longer ones are dropped.
const WORDS: usize = 5_000;

impl Session {
    /// A list without what the caller may not know of, or the answer instead.
    pub(super) fn filter(
        &self,
        answered: &Answered,
        (method, shape): (&Method, &Shape),
        response: &Response,
        record: &mut Record,
    ) -> Result<Response, Document> {
        let Answered { request, era, call, .. } = answered;
        let unusable = |problem: &str| {
            tracing::warn!(session = %self.id, server = %self.server.name, problem, "the server's list is withheld");
            denial::unavailable(
                request.id(),
                &format!("The list of the MCP server `{}` is unusable: {problem}", self.server.name),
            )
        };
        let plan = self.server.plan();
        let plan = plan.as_deref();
        let listing = Listing::read(response, shape).map_err(|error| unusable(&error.to_string()))?;
        let params = request.params().map(Value::to_document);
        let (entries, is_whole) = catalogue::page(&listing, params.as_ref());
        // In a shared session a list may depend on what one client can do.
        if is_whole && !self.is_shared() {
            self.catalogue.learn(&self.server, method, &entries);
        }
        let Judged { ruling, rules, evaluation, .. } = judge::filter(plan, call, &entries, &self.memory);
        record::judged(record, plan, rules, evaluation);
        let mut keep = ruling.map_err(|refusal| {
            record::deny(record, &refusal);
            denial::denied(request, &refusal, *era)
        })?;
        if method.name == "tasks/list" {
            for (keep, entry) in keep.iter_mut().zip(&entries) {
                *keep &= self.tasks.origin(&entry.name).is_some();
            }
        }
        let filtered = listing.filter(&keep, LIST_TTL).map_err(|error| unusable(&error.to_string()))?;
        if filtered == *response.document() {
            return Ok(response.clone());
        }
        match Message::read(&filtered) {
            Ok(Message::Response(response)) => Ok(response),
            Ok(_) => Err(unusable("it is no response any more")),
            Err(error) => Err(unusable(&error.to_string())),
        }
    }

    /// A response after the plugins that judge replies, or the answer instead.
    pub(super) fn guard_reply(
        &self,
        (request, era): (&Request, Era),
        call: &Arc<Call>,
        response: Response,
        record: &mut Record,
        changes: &mut Changes,
    ) -> Result<Response, Document> {
        let value = response.result().or_else(|| response.error().map(ErrorObject::value));
        let is_error = catalogue::is_failure(&response);
        let refusal = match self.judge_value(call, value, is_error, record, changes) {
            ReplyRuling::Unchanged => return Ok(response),
            ReplyRuling::Denied(refusal) => refusal,
            ReplyRuling::Rewritten(result) => match response.with_outcome(&result) {
                Ok(response) => return Ok(response),
                Err(error) => unchangeable(&error.to_string()),
            },
        };
        record::deny(record, &refusal);
        Err(denial::denied(request, &refusal, era))
    }

    /// What the plugins that judge replies make of a result, or of an error. `changes` is what they want to
    /// remember if it goes on.
    pub(super) fn judge_value(
        &self,
        call: &Arc<Call>,
        value: Option<Value<'_>>,
        is_error: bool,
        record: &mut Record,
        changes: &mut Changes,
    ) -> ReplyRuling {
        let plan = self.server.plan();
        let Some(plan) = plan.as_deref().filter(|plan| reads_replies(plan, call)) else {
            return ReplyRuling::Unchanged;
        };
        let mut value: Arc<str> = value.map_or("null", Value::text).into();
        let mut outcome = ReplyRuling::Unchanged;
        let mut remembered = Changes::default();
        // A resource is the same by whatever spelling it was asked for.
        let others = aside::spelled(call).into_iter().map(Arc::new);
        for call in std::iter::once(Arc::clone(call)).chain(others) {
            let reply = Reply { is_error, value: Arc::clone(&value) };
            let (Judged { ruling, rules, evaluation, .. }, more) =
                judge::judge_reply(plan, &call, reply, &self.shared.server_limits, &self.memory);
            remembered.extend(more);
            record::judged(record, Some(plan), rules, evaluation);
            match ruling {
                ReplyRuling::Unchanged => {}
                ReplyRuling::Rewritten(document) => {
                    value = document.as_str().into();
                    outcome = ReplyRuling::Rewritten(document);
                }
                ReplyRuling::Denied(_) => return ruling,
            }
        }
        changes.extend(remembered);
        outcome
    }

    /// A response that no cache between the gateway and the client hands to somebody else: another caller may
    /// have another policy.
    pub(super) fn guard_cache(response: Response) -> Response {
        let scope = response.result().and_then(|result| result.get("cacheScope"));
        if scope.is_none_or(|scope| scope.as_str().as_deref() == Some("private")) {
            return response;
        }
        response.with_result("/cacheScope", &Document::string("private")).unwrap_or(response)
    }

    /// A response that its client keeps for no longer than a list: the policy may change what is in it.
    pub(super) fn guard_ttl(response: Response) -> Response {
        let ttl = response.result().and_then(|result| result.get("ttlMs")).and_then(Value::as_u64);
        if ttl.is_none_or(|ttl| Duration::from_millis(ttl) <= LIST_TTL) {
            return response;
        }
        let longest = Document::from(&serde_json::json!(LIST_TTL.as_secs() * 1_000));
        response.with_result("/ttlMs", &longest).unwrap_or(response)
    }

    /// The answer to a handshake, without the server's instructions if the policy does not let them through,
    /// or if they name something that is hidden.
    pub(super) fn guard_instructions(&self, response: Response) -> Response {
        let text = response.result().and_then(|result| result.get("instructions")).and_then(Value::as_str);
        let Some(text) = text else { return response };
        let plan = self.server.plan();
        let passes = match plan.as_deref().map(|plan| plan.document.instructions) {
            None | Some(Instructions::Drop) => false,
            Some(Instructions::Pass) => true,
            Some(Instructions::Check) => {
                let passes = self.names_nothing_hidden(&text);
                if !passes {
                    tracing::info!(
                        server = %self.server.name,
                        "the server's instructions name something that is hidden, so the client does not get them"
                    );
                }
                passes
            }
        };
        if passes {
            return response;
        }
        let without = response.document().remove("/result/instructions").ok();
        match without.and_then(|without| Message::read(&without).ok()) {
            Some(Message::Response(without)) => without,
            _ => response,
        }
    }

    /// Whether every word could be a tool that the caller may know of.
    fn names_nothing_hidden(&self, text: &str) -> bool {
        let mut words = BTreeSet::new();
        for word in text.split(|character: char| !(character.is_alphanumeric() || is_joint(character, "_"))) {
            // Some join names (`a/b`), so each part of a word is one as well.
            let starts = word.char_indices().filter(|&(at, _)| at == 0 || follows_joint(word, at));
            for start in starts.map(|(at, _)| at) {
                let part = word.get(start..).unwrap_or_default();
                let ends = part.match_indices(|character| is_joint(character, "")).map(|(end, _)| end);
                words.extend(ends.chain([part.len()]).take(WORDS + 1).filter_map(|end| part.get(..end)));
                if words.len() > WORDS {
                    return false;
                }
            }
            words.insert(word);
        }
        words.remove("");
        let Some(list) = catalogue::list_method(Noun::Tool).filter(|_| words.len() <= WORDS) else {
            return false;
        };
        let entries: Vec<_> = words
            .into_iter()
            .map(|word| {
                let definition = format!(r#"{{"name":{}}}"#, bartizan_wire::json::quote(word));
                catalogue::entry(word, &definition)
            })
            .collect();
        let listing = Arc::new(self.call(list.name, None, Flow::ClientToServer));
        let plan = self.server.plan();
        let Judged { ruling, .. } = judge::filter(
            plan.as_deref().map(ActivePlan::by_name).as_ref(),
            &listing,
            &entries,
            &self.memory,
        );
        ruling.is_ok_and(|keep| !keep.contains(&false))
    }
}

/// Whether any plugin of the plan judges replies to such a call, by any spelling of its target.
fn reads_replies(plan: &ActivePlan, call: &Call) -> bool {
    let reads = |call: &Call| judge::reads_replies(plan, &call.method, call.target.as_deref());
    reads(call) || aside::spelled(call).iter().any(reads)
}

/// Whether a character may stand in the middle of a name without being part of a word.
fn is_joint(character: char, more: &str) -> bool {
    "-./:".contains(character) || more.contains(character)
}

/// Whether a joint stands before this place.
fn follows_joint(word: &str, at: usize) -> bool {
    word.get(..at).and_then(|before| before.chars().next_back()).is_some_and(|before| is_joint(before, ""))
}

pub(super) fn unchangeable(problem: &str) -> Denial {
    Denial {
        reason: format!("The result could not be changed as the policy demands: {problem}."),
        ..Denial::default()
    }
}
