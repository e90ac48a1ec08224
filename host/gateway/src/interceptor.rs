//! The one interceptor: judge → act → record, for every message in both directions.
//!
//! A client's message goes: parsed → judged → refused by the gateway's own answer, or reserved and
//! forwarded as our own serialisation of what was judged. A server's message goes: matched to what is
//! under way → filtered or judged → charges committed or rolled back → passed on. Each decision leaves one
//! record.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bartizan_audit::record::{
    Direction as RecordedDirection, Event, Record, RuleRecord, Timestamp, Upstream as Outcome,
    Verdict as RecordedVerdict,
};
use bartizan_policy::rule;
use bartizan_runtime::{Call, Flow, Reply};
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::era::Era;
use bartizan_wire::json::{Document, Kind, Value};
use bartizan_wire::listing::Listing;
use bartizan_wire::message::{Id, Message, MessageError, Notification, Request, Response};
use bartizan_wire::method::{self, Direction, Method, Noun};
use tokio::sync::mpsc;

use crate::catalogue;
use crate::judge::{self, Judged, ReplyRuling, Ruling};
use crate::session::{Exchange, InFlight, Outgoing, Session};

/// How long a client may keep a filtered list.
const LIST_TTL: std::time::Duration = std::time::Duration::from_secs(60);

/// The rule named when a target is on no list of the server.
const UNKNOWN: &str = "(unknown)";

/// The era of the sessions served.
const ERA: Era = Era::Legacy;

impl Session {
    /// Takes a message from the client. Answers and what belongs to a request go to `reply`; when this
    /// returns, the message was refused or forwarded.
    pub(crate) async fn from_client(
        self: &Arc<Self>,
        message: Result<Message, MessageError>,
        reply: mpsc::Sender<Outgoing>,
    ) {
        self.touch();
        match message {
            Ok(Message::Request(request)) => self.client_request(request, reply).await,
            Ok(Message::Notification(notification)) => self.client_notification(notification).await,
            Ok(Message::Response(response)) => self.client_response(response).await,
            Err(error) => {
                tracing::warn!(session = %self.id, server = %self.server.name, %error, "a malformed message is refused");
                deliver(&reply, Outgoing::Last(denial::malformed(&error))).await;
            }
        }
    }

    /// Takes a message from the server. `origin` is the request in whose response stream it came, where
    /// the transport tells.
    pub(crate) async fn from_server(
        self: &Arc<Self>,
        message: Result<Message, MessageError>,
        origin: Option<&Id>,
    ) {
        match message {
            Ok(Message::Response(response)) => self.server_response(response).await,
            Ok(Message::Notification(notification)) => self.server_notification(notification, origin).await,
            Ok(Message::Request(request)) => self.server_request(request, origin).await,
            Err(error) => {
                tracing::warn!(
                    session = %self.id,
                    server = %self.server.name,
                    %error,
                    "the server sent something that is not an MCP message; it is dropped"
                );
            }
        }
    }

    async fn client_request(self: &Arc<Self>, request: Request, reply: mpsc::Sender<Outgoing>) {
        let answer = match self.judge_request(&request).await {
            Verdict::Answer(answer) => Some(answer),
            Verdict::Forward(forward) => self.forward(request, forward, reply.clone()).await,
        };
        if let Some(answer) = answer {
            deliver(&reply, Outgoing::Last(answer)).await;
        }
    }

    async fn judge_request(self: &Arc<Self>, request: &Request) -> Verdict {
        let id = request.id();
        if self.has_ended() {
            return Verdict::Answer(denial::unavailable(id, &self.end_reason()));
        }
        if !self.is_free(id) {
            return Verdict::Answer(denial::invalid_params(id, "a request with this id is under way"));
        }
        let method = method::lookup(request.method());
        if method.is_some_and(|method| {
            !method.eras.includes(ERA) || !method.direction.includes(Direction::ClientToServer)
        }) {
            return Verdict::Answer(denial::unknown_method(id));
        }
        let target = method.and_then(|method| method.target(request.params()));
        if let Some(method) = method
            && !method.places.is_empty()
            && target.is_none()
        {
            let problem = format!("{} needs a target: exactly one name or URI, a string", method.name);
            return Verdict::Answer(denial::invalid_params(id, &problem));
        }

        let arguments = arguments_of(method, request.params());
        let mut call = self.call(request.method(), arguments, Flow::ClientToServer);
        let mut draft = self.record(&call, Some(id), arguments);
        let mut listing = None;
        if let Some(target) = &target {
            call.target = Some(target.name.as_ref().into());
            draft.target.clone_from(&call.target);
            match target.noun {
                Noun::Tool | Noun::Prompt => {
                    match self.catalogue.find(self, target.noun, &target.name).await {
                        Ok(Some(entry)) => call.entry = Some(entry),
                        Ok(None) => {
                            draft.verdict = RecordedVerdict::Hidden;
                            draft.rule = Some(UNKNOWN.to_owned());
                            self.write(&draft);
                            return Verdict::Answer(denial::hidden(request, ERA));
                        }
                        Err(error) => {
                            tracing::warn!(session = %self.id, server = %self.server.name, %error, "a call cannot be judged");
                            draft.verdict = RecordedVerdict::Deny;
                            draft.reason = Some(error.to_string());
                            self.write(&draft);
                            return Verdict::Answer(denial::unavailable(id, &error.to_string()));
                        }
                    }
                }
                Noun::Resource => {
                    // Resources need not be on a list: templates make them up.
                    let definition = format!(r#"{{"uri":{}}}"#, bartizan_wire::json::quote(&target.name));
                    call.entry = Some(Arc::new(catalogue::entry(&target.name, &definition)));
                }
                Noun::Task => {}
            }
            listing = catalogue::list_method(target.noun)
                .map(|list| Arc::new(self.call(list.name, None, Flow::ClientToServer)));
        }

        let plan = self.server.plan();
        let forwarded = Arc::new(call.clone());
        let Judged { ruling, rules, evaluation } = judge::judge_call(
            plan.as_deref(),
            &*self.shared.quotas,
            call,
            listing.as_ref(),
            &self.shared.client_limits,
        );
        draft.rules = rules;
        draft.evaluation = evaluation.into();
        draft.policy_digest = digest(plan.as_deref());
        match ruling {
            Ruling::Hidden => {
                draft.verdict = RecordedVerdict::Hidden;
                draft.rule = Some(rule::HIDDEN.to_owned());
                self.write(&draft);
                Verdict::Answer(denial::hidden(request, ERA))
            }
            Ruling::Denied(refusal) => {
                self.write_denial(&mut draft, &refusal);
                Verdict::Answer(denial::denied(request, &refusal, ERA))
            }
            Ruling::Allowed { arguments, reservation } => Verdict::Forward(Box::new(Forward {
                call: forwarded,
                record: draft,
                rewritten: arguments
                    .map(|arguments| (method.map_or("", |method| method.arguments), arguments)),
                reservation,
            })),
        }
    }

    /// Forwards a judged request. The answer, if it could not be forwarded.
    async fn forward(
        self: &Arc<Self>,
        request: Request,
        forward: Box<Forward>,
        reply: mpsc::Sender<Outgoing>,
    ) -> Option<Document> {
        let Forward { call, mut record, rewritten, reservation } = *forward;
        let outbound = match rewritten {
            None => request.clone(),
            Some((pointer, arguments)) => match request.with_param(pointer, &arguments) {
                Ok(outbound) => outbound,
                Err(error) => {
                    let refusal = Denial {
                        reason: format!("The call could not be changed as the policy demands: {error}"),
                        ..Denial::default()
                    };
                    self.write_denial(&mut record, &refusal);
                    return Some(denial::denied(&request, &refusal, ERA));
                }
            },
        };
        let id = request.id().clone();
        let progress = request
            .params()
            .and_then(|params| params.pointer("/_meta/progressToken"))
            .and_then(|token| Id::from_value(token).ok());
        let exchange = Exchange {
            request,
            call,
            reply,
            charges: reservation.forwarded(),
            record,
            begin: Instant::now(),
            progress,
        };
        if let Err(InFlight::Client(exchange)) = self.depart(&id, InFlight::Client(Box::new(exchange))) {
            exchange.charges.rollback();
            return Some(denial::invalid_params(&id, "a request with this id is under way"));
        }
        let sent = match self.upstream() {
            Some(upstream) => {
                upstream.send(self, &Message::Request(outbound)).await.map_err(|error| error.to_string())
            }
            None => Err("the server is not connected".to_owned()),
        };
        if let Err(problem) = sent
            && let Some(exchange) = self.abandon(&id)
        {
            self.fail(*exchange, &problem);
        }
        None
    }

    async fn client_notification(self: &Arc<Self>, notification: Notification) {
        if self.has_ended() {
            return;
        }
        if !self.judge_undemanding(notification.method(), notification.params(), Flow::ClientToServer) {
            return;
        }
        if notification.method() == "notifications/cancelled"
            && let Some(id) = cancelled(&notification)
        {
            // The server need not answer any more, and its answer would be of no use.
            if let Some(exchange) = self.abandon(&id) {
                let Exchange { charges, mut record, begin, .. } = *exchange;
                charges.commit();
                record.upstream = Outcome::Error { latency: begin.elapsed().into() };
                record.reason = Some("cancelled by the client".to_owned());
                self.write(&record);
            }
        }
        let Some(upstream) = self.upstream() else { return };
        if let Err(error) = upstream.send(self, &Message::Notification(notification)).await {
            tracing::warn!(session = %self.id, server = %self.server.name, %error, "a notification was not delivered");
        }
    }

    async fn client_response(self: &Arc<Self>, response: Response) {
        if !response.id().is_some_and(|id| self.answer(id)) {
            tracing::warn!(session = %self.id, "the client answered a question that nobody asked; it is dropped");
            return;
        }
        let Some(upstream) = self.upstream() else { return };
        if let Err(error) = upstream.send(self, &Message::Response(response)).await {
            tracing::warn!(session = %self.id, server = %self.server.name, %error, "an answer was not delivered");
        }
    }

    async fn server_response(self: &Arc<Self>, response: Response) {
        let flight = response.id().and_then(|id| self.arrive(id));
        match flight {
            Some(InFlight::Own(waiting)) => {
                // Whoever asked may have given up waiting.
                let _gone = waiting.send(response);
            }
            Some(InFlight::Client(exchange)) => self.conclude(*exchange, response).await,
            None => tracing::warn!(
                session = %self.id,
                server = %self.server.name,
                "the server answered a request that is not under way; it is dropped"
            ),
        }
    }

    /// Ends an exchange with the server's response.
    async fn conclude(self: &Arc<Self>, exchange: Exchange, response: Response) {
        let Exchange { request, call, reply, charges, mut record, begin, .. } = exchange;
        let latency = begin.elapsed().into();
        let failed = catalogue::is_failure(&response);
        if failed {
            charges.rollback();
            record.upstream = Outcome::Error { latency };
        } else {
            charges.commit();
            record.upstream = Outcome::Ok { latency };
        }
        if request.method() == "initialize"
            && let Some(revision) =
                response.result().and_then(|result| result.get("protocolVersion")).and_then(Value::as_str)
        {
            self.agree_on(&revision);
        }
        let answer = self.guard(&request, &call, &response, &mut record);
        self.write(&record);
        deliver(&reply, Outgoing::Last(answer)).await;
    }

    /// What the client gets for the server's response: lists filtered, replies judged.
    fn guard(
        &self,
        request: &Request,
        call: &Arc<Call>,
        response: &Response,
        record: &mut Record,
    ) -> Document {
        let plan = self.server.plan();
        if response.result().is_some()
            && let Some((method, shape)) =
                method::lookup(request.method()).and_then(|method| Some((method, method.shape()?)))
        {
            let listing = match Listing::read(response, shape) {
                Ok(listing) => listing,
                Err(error) => {
                    tracing::warn!(session = %self.id, server = %self.server.name, %error, "the server's list is withheld");
                    return denial::unavailable(
                        request.id(),
                        &format!("the server's list is malformed: {error}"),
                    );
                }
            };
            let params = request.params().map(Value::to_document);
            let (entries, is_whole) = catalogue::page(&listing, params.as_ref());
            if is_whole {
                self.catalogue.learn(method, &entries);
            }
            let judged = judge::filter(plan.as_deref(), call, &entries);
            merge(record, judged.rules, judged.evaluation);
            return match judged.ruling {
                Ok(keep) => listing.filter(&keep, LIST_TTL).unwrap_or_else(|error| {
                    denial::unavailable(
                        request.id(),
                        &format!("the server's list could not be filtered: {error}"),
                    )
                }),
                Err(refusal) => {
                    deny(record, &refusal);
                    denial::denied(request, &refusal, ERA)
                }
            };
        }
        let Some(plan) =
            plan.as_deref().filter(|plan| judge::reads_replies(plan, &call.method, call.target.as_deref()))
        else {
            return response.document().clone();
        };
        let value = response
            .result()
            .or_else(|| response.error().map(bartizan_wire::message::ErrorObject::value))
            .map_or("null", Value::text);
        let reply = Reply { is_error: catalogue::is_failure(response), value: value.into() };
        let judged = judge::judge_reply(plan, call, reply, &self.shared.server_limits);
        merge(record, judged.rules, judged.evaluation);
        match judged.ruling {
            ReplyRuling::Unchanged => response.document().clone(),
            ReplyRuling::Denied(refusal) => {
                deny(record, &refusal);
                denial::denied(request, &refusal, ERA)
            }
            ReplyRuling::Rewritten(result) => response
                .with_result("", &result)
                .map(|response| response.document().clone())
                .unwrap_or_else(|error| {
                    let refusal = Denial {
                        reason: format!("The result could not be changed as the policy demands: {error}"),
                        ..Denial::default()
                    };
                    deny(record, &refusal);
                    denial::denied(request, &refusal, ERA)
                }),
        }
    }

    async fn server_notification(self: &Arc<Self>, notification: Notification, origin: Option<&Id>) {
        self.catalogue.forget(notification.method());
        if !self.judge_undemanding(notification.method(), notification.params(), Flow::ServerToClient) {
            return;
        }
        if notification.method() == "notifications/cancelled"
            && let Some(id) = cancelled(&notification)
        {
            self.answer(&id);
        }
        let progress = notification
            .params()
            .and_then(|params| params.get("progressToken"))
            .and_then(|token| Id::from_value(token).ok())
            .and_then(|token| self.reply_of_progress(&token));
        let reply = progress.or_else(|| origin.and_then(|origin| self.reply_of(origin)));
        self.pass_on(notification.document().clone(), reply).await;
    }

    async fn server_request(self: &Arc<Self>, request: Request, origin: Option<&Id>) {
        let arguments = arguments_of(method::lookup(request.method()), request.params());
        let call = self.call(request.method(), arguments, Flow::ServerToClient);
        let mut draft = self.record(&call, Some(request.id()), arguments);
        let plan = self.server.plan();
        let Judged { ruling, rules, evaluation } =
            judge::judge_call(plan.as_deref(), &*self.shared.quotas, call, None, &self.shared.server_limits);
        draft.rules = rules;
        draft.evaluation = evaluation.into();
        draft.policy_digest = digest(plan.as_deref());
        let refusal = match ruling {
            Ruling::Hidden => Denial { reason: "Unknown request.".to_owned(), ..Denial::default() },
            Ruling::Denied(refusal) => refusal,
            Ruling::Allowed { arguments: None, reservation } => {
                if self.ask(request.id()) {
                    reservation.forwarded().commit();
                    self.write(&draft);
                    let reply = origin.and_then(|origin| self.reply_of(origin));
                    self.pass_on(request.document().clone(), reply).await;
                    return;
                }
                Denial { reason: "The server asked twice with the same id.".to_owned(), ..Denial::default() }
            }
            Ruling::Allowed { arguments: Some(_), .. } => Denial {
                reason: "A policy wanted to change a request of the server, which is not possible."
                    .to_owned(),
                ..Denial::default()
            },
        };
        self.write_denial(&mut draft, &refusal);
        let answer = denial::denied(&request, &refusal, ERA);
        let answer = Message::read(&answer);
        if let (Ok(answer), Some(upstream)) = (answer, self.upstream())
            && let Err(error) = upstream.send(self, &answer).await
        {
            tracing::warn!(session = %self.id, server = %self.server.name, %error, "a refusal was not delivered");
        }
    }

    /// Judges a message that gets no answer. Whether it goes on.
    fn judge_undemanding(&self, name: &str, params: Option<Value<'_>>, flow: Flow) -> bool {
        let arguments = arguments_of(method::lookup(name), params);
        let call = self.call(name, arguments, flow);
        let mut draft = self.record(&call, None, arguments);
        let plan = self.server.plan();
        let Judged { ruling, rules, evaluation } =
            judge::judge_call(plan.as_deref(), &*self.shared.quotas, call, None, &self.shared.client_limits);
        draft.rules = rules;
        draft.evaluation = evaluation.into();
        draft.policy_digest = digest(plan.as_deref());
        match ruling {
            Ruling::Allowed { arguments: None, reservation } => {
                reservation.forwarded().commit();
                self.write(&draft);
                true
            }
            Ruling::Allowed { arguments: Some(_), .. } => {
                let refusal = Denial {
                    reason: "A policy wanted to change a notification, which is not possible.".to_owned(),
                    ..Denial::default()
                };
                self.write_denial(&mut draft, &refusal);
                false
            }
            Ruling::Denied(refusal) => {
                self.write_denial(&mut draft, &refusal);
                false
            }
            Ruling::Hidden => {
                draft.verdict = RecordedVerdict::Hidden;
                self.write(&draft);
                false
            }
        }
    }

    /// Passes a server's message on: into the stream of the request it belongs to, or the session's.
    async fn pass_on(&self, document: Document, reply: Option<mpsc::Sender<Outgoing>>) {
        let document = match reply {
            None => document,
            Some(reply) => match reply.send(Outgoing::Message(document)).await {
                Ok(()) => return,
                Err(closed) => closed.0.document().clone(),
            },
        };
        self.send(document).await;
    }

    /// Ends an exchange that cannot get a response.
    pub(crate) fn fail(&self, exchange: Exchange, problem: &str) {
        let Exchange { request, reply, charges, mut record, begin, .. } = exchange;
        charges.rollback();
        record.upstream = Outcome::Unavailable { latency: begin.elapsed().into() };
        record.reason = Some(problem.to_owned());
        self.write(&record);
        let text = format!("The MCP server `{}` did not answer: {problem}", self.server.name);
        // This runs where nothing may wait; an exchange's channel always has room for its last message,
        // unless its client stopped reading.
        if reply.try_send(Outgoing::Last(denial::unavailable(request.id(), &text))).is_err() {
            tracing::warn!(session = %self.id, "the client reads no more: it does not learn of the failure");
        }
    }

    fn call(&self, name: &str, arguments: Option<Value<'_>>, direction: Flow) -> Call {
        Call {
            method: name.into(),
            direction,
            server: Arc::clone(&self.server.name),
            target: None,
            arguments: arguments.map(|arguments| arguments.text().into()),
            entry: None,
            session: Arc::clone(&self.id),
            principal: None,
            claims: None,
            time: now(),
        }
    }

    fn record(&self, call: &Call, id: Option<&Id>, arguments: Option<Value<'_>>) -> Record {
        Record {
            time: Timestamp::from_unix_millis(call.time),
            event: Event::Decision,
            request: id.map(|id| id.as_json().to_owned()),
            session: Arc::clone(&self.id),
            principal: call.principal.clone(),
            server: Arc::clone(&call.server),
            method: Arc::clone(&call.method),
            target: call.target.clone(),
            direction: match call.direction {
                Flow::ClientToServer => RecordedDirection::ClientToServer,
                Flow::ServerToClient => RecordedDirection::ServerToClient,
            },
            argument_keys: argument_keys(arguments),
            verdict: RecordedVerdict::Allow,
            rule: None,
            reason: None,
            rules: Vec::new(),
            policy_digest: digest(self.server.plan().as_deref()),
            evaluation: std::time::Duration::ZERO.into(),
            upstream: Outcome::NotForwarded,
        }
    }

    fn write_denial(&self, record: &mut Record, refusal: &Denial) {
        deny(record, refusal);
        self.write(record);
    }

    fn write(&self, record: &Record) {
        if let Err(error) = self.shared.log.record(record) {
            tracing::error!(%error, "a decision could not be recorded");
        }
    }
}

/// What becomes of a request.
enum Verdict {
    Answer(Document),
    Forward(Box<Forward>),
}

struct Forward {
    call: Arc<Call>,
    record: Record,
    /// Where in the params the rewritten arguments go, and the arguments.
    rewritten: Option<(&'static str, Document)>,
    reservation: bartizan_state::quota::Reservation,
}

fn deny(record: &mut Record, refusal: &Denial) {
    record.verdict = RecordedVerdict::Deny;
    record.rule.clone_from(&refusal.rule);
    record.reason = Some(refusal.reason.clone());
}

fn merge(record: &mut Record, rules: Vec<RuleRecord>, evaluation: std::time::Duration) {
    record.rules.extend(rules);
    record.evaluation = (std::time::Duration::from_micros(record.evaluation.0) + evaluation).into();
}

fn digest(plan: Option<&crate::plan::ActivePlan>) -> Arc<str> {
    plan.map_or_else(|| rule::NO_POLICY.into(), |plan| Arc::clone(&plan.digest))
}

fn argument_keys(arguments: Option<Value<'_>>) -> BTreeSet<String> {
    match arguments {
        Some(arguments) if arguments.kind() == Kind::Object => {
            arguments.members().map(|(key, _)| key.into_owned()).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn arguments_of<'a>(method: Option<&Method>, params: Option<Value<'a>>) -> Option<Value<'a>> {
    match method {
        Some(method) => method.arguments(params),
        None => params,
    }
}

fn cancelled(notification: &Notification) -> Option<Id> {
    Id::from_value(notification.params()?.get("requestId")?).ok()
}

async fn deliver(reply: &mpsc::Sender<Outgoing>, outgoing: Outgoing) {
    if reply.send(outgoing).await.is_err() {
        tracing::debug!("the client is gone: an answer is dropped");
    }
}

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
