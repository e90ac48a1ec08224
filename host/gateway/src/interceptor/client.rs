//! From the client to the server: requests.

use std::sync::Arc;
use std::time::Instant;

use bartizan_audit::record::{Record, Verdict as Recorded};
use bartizan_policy::rule;
use bartizan_runtime::{Call, Entry, Flow};
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::era::Era;
use bartizan_wire::json::Document;
use bartizan_wire::message::{ErrorObject, Id, Message, Request, Response};
use bartizan_wire::method::{self, Direction, Kind, Method, Noun, Target};
use http::HeaderMap;
use tokio::sync::mpsc;

use super::approval::{Outcome, Waiter};
use super::{Arrival, arguments_of, deliver, parameters, record, unlisted};
use crate::admission::{self, Admission, Ruling};
use crate::catalogue::CatalogueError;
use crate::era;
use crate::flights::{Exchange, Flight, Grounded};
use crate::judge::{self, Judged};
use crate::memory::Changes;
use crate::outgoing;
use crate::rounds::Subject;
use crate::session::{Fate, Outgoing, Session};
use crate::upstream::Carrier;

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
    admission: Admission,
    /// What plugins want to remember of it.
    memory: Changes,
    /// The request as it is to be forwarded, apart from its id and its arguments.
    request: Request,
    headers: HeaderMap,
}

impl Session {
    /// Whether a request can be judged without asking the server for its lists first.
    pub(crate) fn is_judged_at_once(&self, request: &Request) -> bool {
        // A call that is held must not hold up what comes after it.
        let holds = self.server.plan().is_some_and(|plan| {
            matches!(plan.document.approvals.mode, bartizan_policy::document::ApprovalMode::Hold(_))
        });
        // Neither must one whose plugins ask others.
        if holds || self.server.plan().is_some_and(|plan| plan.waits()) {
            return false;
        }
        let target = method::lookup(request.method()).and_then(|method| method.target(request.params()));
        target.is_none_or(|target| self.catalogue.knows(target.noun, &target.name))
    }

    /// Takes a request from the client: the number it has from now on, by which it can be given up, and a
    /// future that judges it and forwards or refuses it. Without a number it is refused. What the future gives
    /// is still to be run where there is something, for the answer to come.
    pub(crate) fn take_request(
        self: &Arc<Self>,
        arrival: Arrival,
        reply: mpsc::Sender<Outgoing>,
    ) -> (Option<Id>, impl Future<Output = Option<Carrier>> + Send + use<>) {
        self.touch();
        let begun = self.flights.lock().begin(arrival.request.id());
        let session = Arc::clone(self);
        let number = begun.as_ref().ok().cloned();
        (number, async move { session.client_request(arrival, begun, reply).await })
    }

    async fn client_request(
        self: &Arc<Self>,
        arrival: Arrival,
        begun: Result<Id, Grounded>,
        reply: mpsc::Sender<Outgoing>,
    ) -> Option<Carrier> {
        let id = arrival.request.id().clone();
        let answer = match begun {
            Err(grounded) => self.grounded(&id, grounded),
            Ok(number) => match self.judge_request(&arrival, &number, &reply).await {
                Verdict::Answer(answer) => {
                    let is_wanted = self.flights.lock().refuse(&number, &id);
                    is_wanted.then_some(answer)
                }
                Verdict::Forward(forward) => {
                    match self.forward(arrival, &number, *forward, reply.clone()).await {
                        Ok(carrier) => return carrier,
                        Err(answer) => answer,
                    }
                }
            },
        };
        if let Some(answer) = answer {
            deliver(&reply, Outgoing::Last(answer)).await;
        }
        None
    }

    async fn judge_request(
        self: &Arc<Self>,
        arrival: &Arrival,
        number: &Id,
        reply: &mpsc::Sender<Outgoing>,
    ) -> Verdict {
        let Arrival { request, era, .. } = arrival;
        let (era, id) = (*era, request.id());
        let method = method::lookup(request.method());
        let arguments = arguments_of(method, request.params());
        let mut call = self.call(request.method(), arguments, Flow::ClientToServer);
        let mut draft = self.draft(&call, Some(id), arguments);
        let target = method.and_then(|method| method.target(request.params()));
        let refuse = |draft: Record, answer: Document| {
            self.write_denial(draft, &Denial { reason: reason_of(&answer), ..Denial::default() });
            Verdict::Answer(answer)
        };
        if let Some(answer) = unserved(request, era, method, target.as_ref()) {
            return refuse(draft, answer);
        }
        // Before anything is looked up, so that it says nothing of what there is.
        if let Some(refusal) = self.unrecordable() {
            self.write_denial(draft, &refusal);
            return Verdict::Answer(denial::denied(request, &refusal, era));
        }
        let mut listing = None;
        if let Some(target) = &target {
            call.target = Some(target.name.as_ref().into());
            draft.target.clone_from(&call.target);
            match self.definition(era, target).await {
                Ok(Some(entry)) => call.entry = Some(entry),
                Ok(None) => {
                    draft.verdict = Recorded::Hidden;
                    draft.rule = Some(UNKNOWN.to_owned());
                    self.write(draft);
                    return Verdict::Answer(denial::hidden(request, era));
                }
                Err(error) => {
                    tracing::warn!(session = %self.id, server = %self.server.name, %error, "a call cannot be judged");
                    draft.verdict = Recorded::Deny;
                    draft.reason = Some(error.to_string());
                    self.write(draft);
                    let text = format!("The MCP server `{}` cannot be asked: {error}", self.server.name);
                    return Verdict::Answer(denial::unavailable(id, &text));
                }
            }
            listing = self.listing(target);
        }
        // What is wrong with them is not said of a target that does not exist for the caller.
        let round = parameters::headers(arrival, call.entry.as_deref(), arguments)
            .map_err(|mismatch| denial::header_mismatch(id, &mismatch))
            .and_then(|headers| Ok((headers, self.open_round(request, &call)?)));

        let plan = self.server.plan();
        let plan = plan.as_deref();
        let turn = outgoing::turn(plan).await;
        let judged = match self.judge_aside(plan, request, &call, target.as_ref(), listing.as_ref()) {
            Err(refused) => *refused,
            Ok(needs) => {
                let limits = &self.shared.client_limits;
                judge::judge_call(plan, call, listing.as_ref(), limits, &self.memory)
                    .map(|opinion, _| opinion.needing(needs))
            }
        };
        drop(turn);
        // What an earlier round took stands for the later ones, and a request that is not forwarded takes
        // nothing.
        let is_first = round.as_ref().is_ok_and(|(_, round)| !round.is_counted);
        let Judged { ruling, rules, evaluation, call: judged_call } = if is_first {
            let progress = token_of(request);
            self.admit_or_wait(judged, plan, &Waiter { number, reply, progress: progress.as_ref() }).await
        } else {
            judged.map(|opinion, _| admission::admit_again(opinion))
        };
        record::judged(&mut draft, plan, rules, evaluation);
        self.keep_content(&mut draft, judged_call.as_ref());
        match (ruling, round) {
            (Ruling::Hidden, _) => {
                if let Some(target) = &target {
                    Box::pin(self.catalogue.pretend_to_search(self, era, target.noun)).await;
                }
                draft.verdict = Recorded::Hidden;
                draft.rule = Some(rule::HIDDEN.to_owned());
                self.write(draft);
                Verdict::Answer(denial::hidden(request, era))
            }
            (_, Err(answer)) => refuse(draft, answer),
            (Ruling::Denied(refusal), Ok(_)) => {
                self.write_denial(draft, &refusal);
                Verdict::Answer(denial::denied(request, &refusal, era))
            }
            (Ruling::Waiting(waiting), Ok(_)) => {
                let refusal = admission::waiting(&waiting.approval);
                draft.verdict = Recorded::Ask;
                draft.rule.clone_from(&refusal.rule);
                draft.reason = Some(refusal.reason.clone());
                draft.approval = refusal.ticket.as_deref().map(Into::into);
                self.write(draft);
                Verdict::Answer(denial::denied(request, &refusal, era))
            }
            (Ruling::Allowed { call, arguments, admission, memory }, Ok((headers, round))) => {
                draft.approval = admission.ticket().map(|ticket| ticket.to_string().into());
                Verdict::Forward(Box::new(Forward {
                    call: Arc::unwrap_or_clone(call),
                    record: draft,
                    method,
                    arguments,
                    admission,
                    memory,
                    request: round.request,
                    headers,
                }))
            }
        }
    }

    /// The server's definition of a target; `None` if it has none.
    async fn definition(
        self: &Arc<Self>,
        era: Era,
        target: &Target<'_>,
    ) -> Result<Option<Arc<Entry>>, CatalogueError> {
        match target.noun {
            Noun::Tool | Noun::Prompt => self.catalogue.find(self, era, target.noun, &target.name).await,
            // Resources need not be on a list: templates make them up.
            Noun::Resource => Ok(Some(Arc::new(unlisted(&target.name)))),
            // A task that no call here began is none.
            Noun::Task => Ok(self.tasks.origin(&target.name).map(|_| Arc::new(unlisted(&target.name)))),
        }
    }

    /// The answer to a request that does not depart.
    fn grounded(&self, id: &Id, grounded: Grounded) -> Option<Document> {
        match grounded {
            Grounded::IdInUse => Some(denial::invalid_params(id, "a request with this id is under way")),
            Grounded::Crowded => Some(denial::unavailable(
                id,
                "Too many requests are under way in this session: wait for some to end",
            )),
            Grounded::Ended => {
                let text = format!("The MCP server `{}` is gone: {}", self.server.name, self.end_reason());
                Some(denial::unavailable(id, &text))
            }
            // Nobody waits for an answer.
            Grounded::Cancelled => None,
        }
    }

    /// Forwards a judged request. If it could not be forwarded the error is the answer, where one is wanted.
    async fn forward(
        self: &Arc<Self>,
        arrival: Arrival,
        number: &Id,
        forward: Forward,
        reply: mpsc::Sender<Outgoing>,
    ) -> Result<Option<Carrier>, Option<Document>> {
        let Forward { mut call, mut record, method, arguments, admission, memory, .. } = forward;
        let Forward { request: inner, mut headers, .. } = forward;
        let Arrival { request, era, .. } = arrival;
        let progress = token_of(&request);
        let outbound = outbound(inner, method, arguments.as_ref(), number, progress.is_some());
        let outbound = match outbound {
            Ok(outbound) => outbound,
            Err(problem) => {
                let reason = format!("The call could not be changed as the policy demands: {problem}.");
                let refusal = Denial { reason, ..Denial::default() };
                self.flights.lock().refuse(number, request.id());
                self.write_denial(record, &refusal);
                return Err(Some(denial::denied(&request, &refusal, era)));
            }
        };
        if arguments.is_some() {
            let arguments = arguments_of(method, outbound.params());
            call.arguments = arguments.map(|arguments| arguments.text().into());
            record.argument_keys = record::argument_keys(arguments);
            parameters::mirror(&mut headers, call.entry.as_deref(), arguments);
        }
        let id = request.id().clone();
        let exchange = Box::new(Exchange {
            request,
            era,
            call: Arc::new(call),
            reply,
            taken: admission.forwarded(),
            record,
            begin: Instant::now(),
            progress,
        });
        let departed = self.flights.lock().depart(number, Flight::Client(exchange));
        if let Err((grounded, flight)) = departed {
            if let Flight::Client(exchange) = flight {
                let Exchange { taken, mut record, .. } = *exchange;
                self.settle(taken, Outcome::NotSent);
                record.reason = Some("it was not forwarded any more".to_owned());
                self.write(record);
            }
            return Err(self.grounded(&id, grounded));
        }
        if let Err(refusal) = self.remember(&memory) {
            let Exchange { request, era, taken, record, .. } = *self.abandon(number).ok_or(None)?;
            self.settle(taken, Outcome::NotSent);
            self.write_denial(record, &refusal);
            return Err(Some(denial::denied(&request, &refusal, era)));
        }
        let sent = match self.upstream() {
            Some(upstream) => upstream
                .send(self, &Message::Request(outbound), headers)
                .await
                .map_err(|error| error.to_string()),
            None => Err("the server is not connected".to_owned()),
        };
        sent.or_else(|problem| {
            if let Some(exchange) = self.abandon(number) {
                self.fail(*exchange, &problem, Fate::NotSent);
            }
            Ok(None)
        })
    }

    /// What the state of a call of several rounds is bound to.
    pub(super) fn subject<'a>(&'a self, call: &'a Call, arguments: Option<&'a str>) -> Subject<'a> {
        Subject {
            server: &self.server.name,
            session: &self.id,
            principal: call.principal.as_deref(),
            method: &call.method,
            target: call.target.as_deref(),
            arguments,
        }
    }
}

/// The client's token for notifications of progress.
fn token_of(request: &Request) -> Option<Id> {
    let token = request.params().and_then(|params| params.pointer("/_meta/progressToken"));
    token.and_then(|token| Id::from_value(token).ok())
}

/// The request as the server gets it: with the arguments that were judged, under our number, which is its
/// token of progress as well. Arguments may change what is done to the target that was judged, not the
/// target.
fn outbound(
    request: Request,
    method: Option<&'static Method>,
    arguments: Option<&Document>,
    number: &Id,
    has_progress: bool,
) -> Result<Request, String> {
    let target = |request: &Request| {
        method.and_then(|method| method.target(request.params())).map(|target| target.name.into_owned())
    };
    let mut outbound = match arguments {
        None => request,
        Some(arguments) => {
            let pointer = method.map_or("", |method| method.arguments);
            let rewritten = request.with_param(pointer, arguments).map_err(|error| error.to_string())?;
            if target(&request) != target(&rewritten) {
                return Err("a rewrite must not change the target".to_owned());
            }
            rewritten
        }
    };
    if has_progress {
        outbound = outbound
            .with_param("/_meta/progressToken", &number.to_document())
            .map_err(|error| error.to_string())?;
    }
    outbound.with_id(number).map_err(|error| error.to_string())
}

/// The answer to a request that is not for plugins to judge: of another era, not a request of clients, or
/// without the target that its method needs.
fn unserved(
    request: &Request,
    era: Era,
    method: Option<&Method>,
    target: Option<&Target<'_>>,
) -> Option<Document> {
    let id = request.id();
    let meta = match era {
        Era::Legacy => None,
        Era::Modern => match era::read_meta(request) {
            Ok(meta) => Some(meta),
            Err(answer) => return Some(answer),
        },
    };
    let method = method?;
    let is_served = method.kind != Kind::Notification
        && method.eras.includes(era)
        && method.direction.includes(Direction::ClientToServer);
    if !is_served {
        // A client that tries the modern era first goes on with the legacy one.
        return Some(denial::unknown_method(id));
    }
    if method.kind == Kind::Task && meta.is_some_and(|meta| !meta.takes_tasks()) {
        return Some(denial::missing_capability(id, &["extensions", bartizan_wire::meta::TASKS]));
    }
    if !method.places.is_empty() && target.is_none() {
        let problem = format!("{} needs a target: exactly one name or URI, a string", method.name);
        return Some(denial::invalid_params(id, &problem));
    }
    None
}

/// What an answer of the gateway's own says, for the record.
fn reason_of(answer: &Document) -> String {
    match Message::read(answer) {
        Ok(Message::Response(response)) => error_of(&response).unwrap_or_default(),
        _ => String::new(),
    }
}

fn error_of(response: &Response) -> Option<String> {
    response.error().and_then(ErrorObject::message).map(std::borrow::Cow::into_owned)
}
