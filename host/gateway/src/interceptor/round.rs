//! Calls that take several rounds (2026-07-28): what the server asks for is judged like a question of its
//! own, and what it wants to be reminded of is sealed to the call.

use bartizan_audit::record::Record;
use bartizan_runtime::{Call, Flow};
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::era::Era;
use bartizan_wire::json::{Document, Kind, Value};
use bartizan_wire::message::{Request, Response};
use bartizan_wire::meta;

use super::record;
use crate::admission::{self, Ruling};
use crate::era;
use crate::judge::{self, Judged};
use crate::session::Session;

/// Where the state stands in `params` and in a result.
const STATE: &str = "/requestState";

/// The calls that may take several rounds.
const METHODS: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// Whether a call of this method may take several rounds.
pub(super) fn may_take_several(method: &str) -> bool {
    METHODS.contains(&method)
}

/// The questions that a server may ask in between.
const QUESTIONS: [&str; 3] = ["elicitation/create", "sampling/createMessage", "roots/list"];

/// One round of a call.
pub(super) struct Round {
    /// The request with the server's own state.
    pub(super) request: Request,
    /// Whether an earlier round was counted for this one.
    pub(super) is_counted: bool,
}

impl Session {
    /// Opens the state that a request brings back. The answer, if it is none that was given for this call.
    pub(super) fn open_round(&self, request: &Request, call: &Call) -> Result<Round, Document> {
        let sealed = request.params().and_then(|params| params.get("requestState"));
        let is_first = sealed.is_none() || !METHODS.contains(&request.method());
        if meta::era(request) == Era::Legacy || is_first {
            return Ok(Round { request: request.clone(), is_counted: false });
        }
        let invalid = |problem: &str| denial::invalid_params(request.id(), problem);
        let sealed =
            sealed.and_then(Value::as_str).ok_or_else(|| invalid("`requestState` must be a string"))?;
        let arguments = arguments_of(request);
        let opened = self
            .shared
            .rounds
            .open(&self.subject(call, arguments.as_deref()), &sealed)
            .map_err(|broken| invalid(&broken.to_string()))?;
        let restored = match &opened.state {
            Some(state) => request.with_param(STATE, &Document::string(state)),
            None => request.without_param(STATE),
        };
        let restored = restored.map_err(|error| invalid(&error.to_string()))?;
        Ok(Round { request: restored, is_counted: self.shared.rounds.spend(&opened) })
    }

    /// Judges what a server asks for before it goes on, and seals its state. The answer instead, if the
    /// client must not be asked.
    pub(super) fn close_round(
        &self,
        request: &Request,
        call: &Call,
        response: &Response,
        record: &mut Record,
    ) -> Result<Response, Document> {
        let unusable = |problem: &str| {
            tracing::warn!(session = %self.id, server = %self.server.name, problem, "the server's answer is withheld");
            denial::unavailable(
                request.id(),
                &format!("The answer of the MCP server `{}` is unusable: {problem}", self.server.name),
            )
        };
        let result = response.result().ok_or_else(|| unusable("it has no result"))?;
        if let Some(questions) = result.get("inputRequests") {
            if questions.kind() != Kind::Object {
                return Err(unusable("its `inputRequests` are no object"));
            }
            self.judge_questions(request, questions, record)?;
        }
        let state = match result.get("requestState") {
            None => None,
            Some(state) => {
                Some(state.as_str().ok_or_else(|| unusable("its `requestState` is no string"))?.into_owned())
            }
        };
        let arguments = arguments_of(request);
        let sealed = self
            .shared
            .rounds
            .seal(&self.subject(call, arguments.as_deref()), state.as_deref())
            .map_err(|error| unusable(&error.to_string()))?;
        response.with_result(STATE, &Document::string(&sealed)).map_err(|error| unusable(&error.to_string()))
    }

    /// Judges the questions of a server, each as if the server had asked it by itself.
    pub(super) fn judge_questions(
        &self,
        request: &Request,
        questions: Value<'_>,
        record: &mut Record,
    ) -> Result<(), Document> {
        let meta = era::read_meta(request)?;
        let plan = self.server.plan();
        let plan = plan.as_deref();
        for (_, question) in questions.members() {
            let method = question.get("method").and_then(Value::as_str).unwrap_or_default();
            let params = question.get("params");
            let refusal = if QUESTIONS.contains(&&*method) {
                if let Some(capability) = meta.lacks(&method, params) {
                    return Err(denial::missing_capability(request.id(), capability));
                }
                let call = self.call(&method, params, Flow::ServerToClient);
                let Judged { ruling, rules, evaluation, .. } =
                    judge::judge_call(plan, call, None, &self.shared.server_limits, &self.memory)
                        .map(|opinion, rules| self.admit(opinion, plan, rules));
                record::judged(record, plan, rules, evaluation);
                match ruling {
                    Ruling::Allowed { arguments: None, admission, memory, .. } => {
                        match self.remember(&memory) {
                            Ok(()) => {
                                admission.forwarded().commit();
                                continue;
                            }
                            Err(refusal) => refusal,
                        }
                    }
                    Ruling::Denied(refusal) => refusal,
                    Ruling::Waiting(waiting) => admission::waiting(&waiting.approval),
                    Ruling::Hidden | Ruling::Allowed { .. } => because(&method),
                }
            } else {
                because(&method)
            };
            record::deny(record, &refusal);
            return Err(denial::denied(request, &refusal, Era::Modern));
        }
        Ok(())
    }
}

fn because(method: &str) -> Denial {
    Denial { reason: format!("The server must not ask the client for {method}."), ..Denial::default() }
}

/// What a call does, apart from its target; the rest of `params` changes from round to round.
fn arguments_of(request: &Request) -> Option<String> {
    request.params()?.get("arguments").map(|arguments| arguments.text().to_owned())
}
