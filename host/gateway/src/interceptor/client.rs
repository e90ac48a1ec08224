//! From the client to the server.

use std::sync::Arc;
use std::time::Instant;

use bartizan_audit::record::{Record, Upstream as Reached, Verdict as Recorded};
use bartizan_policy::rule;
use bartizan_runtime::{Call, Entry, Flow};
use bartizan_state::quota::Reservation;
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::json::Document;
use bartizan_wire::message::{ErrorObject, Id, Message, Notification, Request, Response};
use bartizan_wire::method::{self, Direction, Method, Noun, Target};
use tokio::sync::mpsc;

use super::{ERA, arguments_of, cancelled, deliver, record, unlisted};
use crate::catalogue::CatalogueError;
use crate::era;
use crate::flights::{Exchange, Flight, Grounded};
use crate::judge::{self, Judged, Ruling};
use crate::plan::ActivePlan;
use crate::session::{Fate, Outgoing, Session};

/// The rule named when a target is on no list of the server.
const UNKNOWN: &str = "(unknown)";

/// What becomes of a request.
enum Verdict {
    /// The gateway answers it.
    Answer(Document),
    /// The server gets it.
    Forward(Box<Forward>),
}

/// A judged request.
struct Forward {
    call: Call,
    record: Record,
    method: Option<&'static Method>,
    /// The rewritten arguments, if a plugin rewrote them.
    arguments: Option<Document>,
    reservation: Reservation,
}

impl Session {
    /// Whether a request can be judged without asking the server for its lists first.
    pub(crate) fn is_judged_at_once(&self, request: &Request) -> bool {
        let target = method::lookup(request.method()).and_then(|method| method.target(request.params()));
        target.is_none_or(|target| self.catalogue.knows(target.noun, &target.name))
    }

    /// Takes a request from the client. It can be cancelled from now on; what the future does is judge it
    /// and forward or refuse it.
    pub(crate) fn take_request(
        self: &Arc<Self>,
        request: Request,
        reply: mpsc::Sender<Outgoing>,
    ) -> impl Future<Output = ()> + Send + use<> {
        self.touch();
        let begun = self.flights.lock().judge(request.id());
        let session = Arc::clone(self);
        async move { session.client_request(request, begun, reply).await }
    }

    async fn client_request(
        self: &Arc<Self>,
        request: Request,
        begun: Result<(), Grounded>,
        reply: mpsc::Sender<Outgoing>,
    ) {
        let id = request.id().clone();
        let answer = match begun {
            Err(grounded) => self.grounded(&id, grounded),
            Ok(()) => {
                let answer = match self.judge_request(&request).await {
                    Verdict::Answer(answer) => Some(answer),
                    Verdict::Forward(forward) => self.forward(request, *forward, reply.clone()).await,
                };
                if answer.is_some() {
                    self.flights.lock().refuse(&id);
                }
                answer
            }
        };
        if let Some(answer) = answer {
            deliver(&reply, Outgoing::Last(answer)).await;
        }
    }

    async fn judge_request(self: &Arc<Self>, request: &Request) -> Verdict {
        let id = request.id();
        let method = method::lookup(request.method());
        let arguments = arguments_of(method, request.params());
        let mut call = self.call(request.method(), arguments, Flow::ClientToServer);
        let mut draft = self.draft(&call, Some(id), arguments);
        let target = method.and_then(|method| method.target(request.params()));
        if let Some(answer) = unserved(request, method, target.as_ref()) {
            let reason = Message::read(&answer).ok().and_then(|answer| match answer {
                Message::Response(response) => {
                    response.error().and_then(ErrorObject::message).map(std::borrow::Cow::into_owned)
                }
                _ => None,
            });
            self.write_denial(
                &mut draft,
                &Denial { reason: reason.unwrap_or_default(), ..Denial::default() },
            );
            return Verdict::Answer(answer);
        }
        let mut listing = None;
        if let Some(target) = &target {
            call.target = Some(target.name.as_ref().into());
            draft.target.clone_from(&call.target);
            match self.definition(target).await {
                Ok(Some(entry)) => call.entry = Some(entry),
                Ok(None) => {
                    draft.verdict = Recorded::Hidden;
                    draft.rule = Some(UNKNOWN.to_owned());
                    self.write(&draft);
                    return Verdict::Answer(denial::hidden(request, ERA));
                }
                Err(error) => {
                    tracing::warn!(session = %self.id, server = %self.server.name, %error, "a call cannot be judged");
                    draft.verdict = Recorded::Deny;
                    draft.reason = Some(error.to_string());
                    self.write(&draft);
                    let text = format!("The MCP server `{}` cannot be asked: {error}", self.server.name);
                    return Verdict::Answer(denial::unavailable(id, &text));
                }
            }
            listing = self.listing(target);
        }

        let plan = self.server.plan();
        let plan = plan.as_deref();
        let judged_call = call.clone();
        let judged = match self.judge_other_spelling(plan, &call, target.as_ref(), listing.as_ref()) {
            Some(refused) => refused,
            None => judge::judge_call(
                plan,
                &*self.shared.quotas,
                call,
                listing.as_ref(),
                &self.shared.client_limits,
            ),
        };
        let Judged { ruling, rules, evaluation } = judged;
        record::judged(&mut draft, plan, rules, evaluation);
        match ruling {
            Ruling::Hidden => {
                draft.verdict = Recorded::Hidden;
                draft.rule = Some(rule::HIDDEN.to_owned());
                self.write(&draft);
                Verdict::Answer(denial::hidden(request, ERA))
            }
            Ruling::Denied(refusal) => {
                self.write_denial(&mut draft, &refusal);
                Verdict::Answer(denial::denied(request, &refusal, ERA))
            }
            Ruling::Allowed { .. } if is_task(request) && plan.is_some_and(judge::reads_any_reply) => {
                let reason =
                    "Results of tasks cannot be judged yet, and the policy judges results.".to_owned();
                let refusal = Denial { reason, ..Denial::default() };
                self.write_denial(&mut draft, &refusal);
                Verdict::Answer(denial::denied(request, &refusal, ERA))
            }
            Ruling::Allowed { arguments, reservation } => Verdict::Forward(Box::new(Forward {
                call: judged_call,
                record: draft,
                method,
                arguments,
                reservation,
            })),
        }
    }

    /// The server's definition of a target; `None` if it has none.
    async fn definition(self: &Arc<Self>, target: &Target<'_>) -> Result<Option<Arc<Entry>>, CatalogueError> {
        match target.noun {
            Noun::Tool | Noun::Prompt => self.catalogue.find(self, target.noun, &target.name).await,
            // Resources need not be on a list: templates make them up.
            Noun::Resource | Noun::Task => Ok(Some(Arc::new(unlisted(&target.name)))),
        }
    }

    /// Judges a resource by the spelling of its URI that servers make of it: what is refused under one
    /// spelling must not be had under another. `None` if there is nothing against it.
    fn judge_other_spelling(
        &self,
        plan: Option<&ActivePlan>,
        call: &Call,
        target: Option<&Target<'_>>,
        listing: Option<&Arc<Call>>,
    ) -> Option<Judged<Ruling>> {
        let target = target.filter(|target| target.noun == Noun::Resource)?;
        let spelling = url::Url::parse(&target.name).ok().map(String::from)?;
        if spelling == target.name {
            return None;
        }
        let mut other = call.clone();
        other.entry = Some(Arc::new(unlisted(&spelling)));
        other.target = Some(spelling.into());
        let limits = &self.shared.client_limits;
        let judged = judge::judge_call(plan, &judge::Unlimited, other, listing, limits);
        (!matches!(judged.ruling, Ruling::Allowed { .. })).then_some(judged)
    }

    /// The answer to a request that does not depart.
    fn grounded(&self, id: &Id, grounded: Grounded) -> Option<Document> {
        match grounded {
            Grounded::IdInUse => Some(denial::invalid_params(id, "a request with this id is under way")),
            Grounded::Ended => {
                let text = format!("The MCP server `{}` is gone: {}", self.server.name, self.end_reason());
                Some(denial::unavailable(id, &text))
            }
            // Nobody waits for an answer.
            Grounded::Cancelled => None,
        }
    }

    /// Forwards a judged request. The answer, if it could not be forwarded.
    async fn forward(
        self: &Arc<Self>,
        request: Request,
        forward: Forward,
        reply: mpsc::Sender<Outgoing>,
    ) -> Option<Document> {
        let Forward { mut call, mut record, method, arguments, reservation } = forward;
        let number = self.flights.lock().number();
        let outbound = rewrite(&request, method, arguments.as_ref())
            .and_then(|outbound| outbound.with_id(&number).map_err(|error| error.to_string()));
        let outbound = match outbound {
            Ok(outbound) => outbound,
            Err(problem) => {
                let reason = format!("The call could not be changed as the policy demands: {problem}.");
                let refusal = Denial { reason, ..Denial::default() };
                self.write_denial(&mut record, &refusal);
                return Some(denial::denied(&request, &refusal, ERA));
            }
        };
        if arguments.is_some() {
            let arguments = arguments_of(method, outbound.params());
            call.arguments = arguments.map(|arguments| arguments.text().into());
            record.argument_keys = record::argument_keys(arguments);
        }
        let id = request.id().clone();
        let progress = request
            .params()
            .and_then(|params| params.pointer("/_meta/progressToken"))
            .and_then(|token| Id::from_value(token).ok());
        let exchange = Box::new(Exchange {
            request,
            call: Arc::new(call),
            reply,
            charges: reservation.forwarded(),
            record,
            begin: Instant::now(),
            progress,
        });
        let departed = self.flights.lock().depart(&number, Flight::Client(exchange));
        if let Err((grounded, flight)) = departed {
            if let Flight::Client(exchange) = flight {
                let Exchange { charges, mut record, .. } = *exchange;
                charges.rollback();
                record.reason = Some("it was not forwarded any more".to_owned());
                self.write(&record);
            }
            return self.grounded(&id, grounded);
        }
        let sent = match self.upstream() {
            Some(upstream) => {
                upstream.send(self, &Message::Request(outbound)).await.map_err(|error| error.to_string())
            }
            None => Err("the server is not connected".to_owned()),
        };
        if let Err(problem) = sent
            && let Some(exchange) = self.abandon(&number)
        {
            self.fail(*exchange, &problem, Fate::NotSent);
        }
        None
    }

    pub(super) async fn client_notification(self: &Arc<Self>, notification: Notification) {
        if self.has_ended() || !self.judge_notification(&notification, Flow::ClientToServer) {
            return;
        }
        let notification = if notification.method() == "notifications/cancelled" {
            // Only what is under way can be cancelled, and the server knows it by our number.
            let Some(renamed) = self.cancel(&notification) else { return };
            renamed
        } else {
            notification
        };
        let Some(upstream) = self.upstream() else { return };
        if let Err(error) = upstream.send(self, &Message::Notification(notification)).await {
            tracing::warn!(session = %self.id, server = %self.server.name, %error, "a notification was not delivered");
        }
    }

    /// Ends the exchange that a client cancels: the server need not answer any more. What the server is to
    /// be told.
    fn cancel(&self, notification: &Notification) -> Option<Notification> {
        let client = cancelled(notification)?;
        let number = {
            let mut flights = self.flights.lock();
            flights.cancel(&client);
            flights.number_of(&client)?
        };
        let Exchange { charges, mut record, begin, .. } = *self.abandon(&number)?;
        charges.commit();
        record.upstream = Reached::Error { latency: begin.elapsed().into() };
        record.reason = Some("cancelled by the client".to_owned());
        self.write(&record);
        let renamed = notification.document().replace("/params/requestId", &number.to_document()).ok()?;
        match Message::read(&renamed) {
            Ok(Message::Notification(notification)) => Some(notification),
            _ => None,
        }
    }

    pub(super) async fn client_response(self: &Arc<Self>, response: Response) {
        if !response.id().is_some_and(|id| self.answer(id)) {
            tracing::warn!(session = %self.id, "the client answered a question that nobody asked; it is dropped");
            return;
        }
        let Some(upstream) = self.upstream() else { return };
        if let Err(error) = upstream.send(self, &Message::Response(response)).await {
            tracing::warn!(session = %self.id, server = %self.server.name, %error, "an answer was not delivered");
        }
    }
}

/// The answer to a request that is not for plugins to judge: of another era, not a request of clients, or
/// without the target that its method needs.
fn unserved(request: &Request, method: Option<&Method>, target: Option<&Target<'_>>) -> Option<Document> {
    let id = request.id();
    let Some(method) = method else { return era::refuse_modern(request, None) };
    let is_served = method.kind != method::Kind::Notification
        && method.eras.includes(ERA)
        && method.direction.includes(Direction::ClientToServer);
    if !is_served {
        // A client that tries the modern era first goes on with the legacy one.
        return Some(denial::unknown_method(id));
    }
    if let Some(refusal) = era::refuse_modern(request, None) {
        return Some(refusal);
    }
    if !method.places.is_empty() && target.is_none() {
        let problem = format!("{} needs a target: exactly one name or URI, a string", method.name);
        return Some(denial::invalid_params(id, &problem));
    }
    None
}

/// The request with other arguments. They may change what is done to the target that was judged, not the
/// target.
fn rewrite(
    request: &Request,
    method: Option<&'static Method>,
    arguments: Option<&Document>,
) -> Result<Request, String> {
    let Some(arguments) = arguments else { return Ok(request.clone()) };
    let pointer = method.map_or("", |method| method.arguments);
    let rewritten = request.with_param(pointer, arguments).map_err(|error| error.to_string())?;
    let target = |request: &Request| {
        method.and_then(|method| method.target(request.params())).map(|target| target.name.into_owned())
    };
    if target(request) == target(&rewritten) {
        Ok(rewritten)
    } else {
        Err("a rewrite must not change the target".to_owned())
    }
}

/// Whether the result of a request comes later, as that of a task.
fn is_task(request: &Request) -> bool {
    request.method().starts_with("tasks/")
        || request.params().is_some_and(|params| params.get("task").is_some())
}
