//! From the client to the server: requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_audit::record::{Record, Verdict as Recorded};
use bartizan_policy::rule;
use bartizan_runtime::{Call, Entry, Flow};
use bartizan_state::quota::{Quotas, Reservation};
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::era::Era;
use bartizan_wire::json::{Document, Value};
use bartizan_wire::message::{ErrorObject, Id, Message, Request, Response};
use bartizan_wire::method::{self, Direction, Kind, Method, Noun, Target};
use http::HeaderMap;
use tokio::sync::mpsc;

use super::{Arrival, arguments_of, deliver, parameters, record, unlisted};
use crate::catalogue::CatalogueError;
use crate::era;
use crate::flights::{Exchange, Flight, Grounded};
use crate::judge::{self, Judged, Ruling};
use crate::plan::ActivePlan;
use crate::rounds::Subject;
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
    /// The request as it is to be forwarded, apart from its id and its arguments.
    request: Request,
    headers: HeaderMap,
}

impl Session {
    /// Whether a request can be judged without asking the server for its lists first.
    pub(crate) fn is_judged_at_once(&self, request: &Request) -> bool {
        let target = method::lookup(request.method()).and_then(|method| method.target(request.params()));
        target.is_none_or(|target| self.catalogue.knows(target.noun, &target.name))
    }

    /// Takes a request from the client: the number it has from now on, by which it can be given up, and a
    /// future that judges it and forwards or refuses it. Without a number it is refused.
    pub(crate) fn take_request(
        self: &Arc<Self>,
        arrival: Arrival,
        reply: mpsc::Sender<Outgoing>,
    ) -> (Option<Id>, impl Future<Output = ()> + Send + use<>) {
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
    ) {
        let id = arrival.request.id().clone();
        let answer = match begun {
            Err(grounded) => self.grounded(&id, grounded),
            Ok(number) => match self.judge_request(&arrival).await {
                Verdict::Answer(answer) => {
                    let is_wanted = self.flights.lock().refuse(&number, &id);
                    is_wanted.then_some(answer)
                }
                Verdict::Forward(forward) => self.forward(arrival, &number, *forward, reply.clone()).await,
            },
        };
        if let Some(answer) = answer {
            deliver(&reply, Outgoing::Last(answer)).await;
        }
    }

    async fn judge_request(self: &Arc<Self>, arrival: &Arrival) -> Verdict {
        let Arrival { request, era, .. } = arrival;
        let (era, id) = (*era, request.id());
        let method = method::lookup(request.method());
        let arguments = arguments_of(method, request.params());
        let mut call = self.call(request.method(), arguments, Flow::ClientToServer);
        let mut draft = self.draft(&call, Some(id), arguments);
        let target = method.and_then(|method| method.target(request.params()));
        let refuse = |draft: &mut Record, answer: Document| {
            self.write_denial(draft, &Denial { reason: reason_of(&answer), ..Denial::default() });
            Verdict::Answer(answer)
        };
        if let Some(answer) = unserved(request, era, method, target.as_ref()) {
            return refuse(&mut draft, answer);
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
                    self.write(&draft);
                    return Verdict::Answer(denial::hidden(request, era));
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
        // What is wrong with them is not said of a target that does not exist for the caller.
        let round = parameters::headers(arrival, call.entry.as_deref(), arguments)
            .map_err(|mismatch| denial::header_mismatch(id, &mismatch))
            .and_then(|headers| Ok((headers, self.open_round(request, &call)?)));

        let plan = self.server.plan();
        let plan = plan.as_deref();
        let judged_call = call.clone();
        let is_charged = round.as_ref().is_ok_and(|(_, round)| !round.is_counted);
        let quotas: &dyn Quotas = if is_charged { &*self.shared.quotas } else { &judge::Unlimited };
        let judged = match self.judge_aside(plan, request, &call, target.as_ref(), listing.as_ref()) {
            Some(refused) => refused,
            None => judge::judge_call(plan, quotas, call, listing.as_ref(), &self.shared.client_limits),
        };
        let Judged { ruling, rules, evaluation } = judged;
        record::judged(&mut draft, plan, rules, evaluation);
        match (ruling, round) {
            (Ruling::Hidden, _) => {
                if let Some(target) = &target {
                    self.catalogue.pretend_to_search(self, era, target.noun).await;
                }
                draft.verdict = Recorded::Hidden;
                draft.rule = Some(rule::HIDDEN.to_owned());
                self.write(&draft);
                Verdict::Answer(denial::hidden(request, era))
            }
            (_, Err(answer)) => refuse(&mut draft, answer),
            (Ruling::Denied(refusal), Ok(_)) => {
                self.write_denial(&mut draft, &refusal);
                Verdict::Answer(denial::denied(request, &refusal, era))
            }
            (Ruling::Allowed { arguments, reservation }, Ok((headers, round))) => {
                Verdict::Forward(Box::new(Forward {
                    call: judged_call,
                    record: draft,
                    method,
                    arguments,
                    reservation,
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

    /// Judges what else a request reaches. `None` if there is nothing against it.
    fn judge_aside(
        &self,
        plan: Option<&ActivePlan>,
        request: &Request,
        call: &Call,
        target: Option<&Target<'_>>,
        listing: Option<&Arc<Call>>,
    ) -> Option<Judged<Ruling>> {
        match target {
            Some(target) => self.judge_other_spelling(plan, call, target, listing),
            None if request.method() == "subscriptions/listen" => self.judge_subscription(plan, request),
            None => None,
        }
    }

    /// Judges a resource by the spelling of its URI that servers make of it: what is refused under one
    /// spelling must not be had under another.
    fn judge_other_spelling(
        &self,
        plan: Option<&ActivePlan>,
        call: &Call,
        target: &Target<'_>,
        listing: Option<&Arc<Call>>,
    ) -> Option<Judged<Ruling>> {
        if target.noun != Noun::Resource {
            return None;
        }
        other_spellings(&target.name).into_iter().find_map(|spelling| {
            let mut other = call.clone();
            other.entry = Some(Arc::new(unlisted(&spelling)));
            other.target = Some(spelling.into());
            self.judge_uncounted(plan, other, listing)
        })
    }

    /// Judges the resources that a subscription names, each as one that is subscribed to, and refuses
    /// tasks that are not known.
    fn judge_subscription(&self, plan: Option<&ActivePlan>, request: &Request) -> Option<Judged<Ruling>> {
        let wanted = request.params()?.get("notifications")?;
        let named = |key: &str| wanted.get(key).into_iter().flat_map(Value::elements).map(Value::as_str);
        for task in named("taskIds") {
            if task.is_none_or(|task| self.tasks.origin(&task).is_none()) {
                return Some(refused("There is no such task."));
            }
        }
        for uri in named("resourceSubscriptions") {
            let Some(uri) = uri else { return Some(refused("A resource is named by its URI, a string.")) };
            let mut call = self.call("resources/subscribe", None, Flow::ClientToServer);
            call.entry = Some(Arc::new(unlisted(&uri)));
            call.target = Some(uri.as_ref().into());
            let target = Target { noun: Noun::Resource, name: uri };
            let listing = self.listing(&target);
            let judged = self
                .judge_uncounted(plan, call.clone(), listing.as_ref())
                .or_else(|| self.judge_other_spelling(plan, &call, &target, listing.as_ref()));
            match judged {
                Some(Judged { ruling: Ruling::Hidden, rules, evaluation }) => {
                    return Some(Judged { rules, evaluation, ..refused("There is no such resource.") });
                }
                Some(judged) => return Some(judged),
                None => {}
            }
        }
        None
    }

    /// Judges a call that takes no quota. `None` if there is nothing against it.
    fn judge_uncounted(
        &self,
        plan: Option<&ActivePlan>,
        call: Call,
        listing: Option<&Arc<Call>>,
    ) -> Option<Judged<Ruling>> {
        let limits = &self.shared.client_limits;
        let judged = judge::judge_call(plan, &judge::Unlimited, call, listing, limits);
        (!matches!(judged.ruling, Ruling::Allowed { .. })).then_some(judged)
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

    /// Forwards a judged request. The answer, if it could not be forwarded.
    async fn forward(
        self: &Arc<Self>,
        arrival: Arrival,
        number: &Id,
        forward: Forward,
        reply: mpsc::Sender<Outgoing>,
    ) -> Option<Document> {
        let Forward { mut call, mut record, method, arguments, reservation, request: inner, mut headers } =
            forward;
        let Arrival { request, era, .. } = arrival;
        let progress = request
            .params()
            .and_then(|params| params.pointer("/_meta/progressToken"))
            .and_then(|token| Id::from_value(token).ok());
        let outbound = outbound(inner, method, arguments.as_ref(), number, progress.is_some());
        let outbound = match outbound {
            Ok(outbound) => outbound,
            Err(problem) => {
                let reason = format!("The call could not be changed as the policy demands: {problem}.");
                let refusal = Denial { reason, ..Denial::default() };
                self.flights.lock().refuse(number, request.id());
                self.write_denial(&mut record, &refusal);
                return Some(denial::denied(&request, &refusal, era));
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
            charges: reservation.forwarded(),
            record,
            begin: Instant::now(),
            progress,
        });
        let departed = self.flights.lock().depart(number, Flight::Client(exchange));
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
            Some(upstream) => upstream
                .send(self, &Message::Request(outbound), headers)
                .await
                .map_err(|error| error.to_string()),
            None => Err("the server is not connected".to_owned()),
        };
        if let Err(problem) = sent
            && let Some(exchange) = self.abandon(number)
        {
            self.fail(*exchange, &problem, Fate::NotSent);
        }
        None
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

/// What servers may make of a URI: its form after the URL standard, and what is left of that without escapes.
fn other_spellings(uri: &str) -> Vec<String> {
    let normal = url::Url::parse(uri).map_or_else(|_no_url| uri.to_owned(), String::from);
    let plain = unescape(&normal);
    let plain_again = url::Url::parse(&plain).map_or_else(|_no_url| plain.clone(), String::from);
    let mut spellings = vec![normal, plain, plain_again];
    spellings.retain(|spelling| spelling != uri);
    spellings.dedup();
    spellings
}

/// A text with its `%XX` resolved (RFC 3986 §2.1).
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped =
            after.split_first_chunk::<2>().filter(|_| *first == b'%').and_then(|(digits, after)| {
                let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
                Some((u8::from_str_radix(digits, 16).ok()?, after))
            });
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn refused(reason: &str) -> Judged<Ruling> {
    Judged {
        ruling: Ruling::Denied(Denial { reason: reason.to_owned(), ..Denial::default() }),
        rules: Vec::new(),
        evaluation: Duration::ZERO,
    }
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
