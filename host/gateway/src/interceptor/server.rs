//! From the server to the client.

use std::sync::Arc;

use bartizan_audit::record::{Record, Upstream as Reached};
use bartizan_runtime::{Call, Flow};
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::era::{Era, Revision};
use bartizan_wire::json::{Document, Value};
use bartizan_wire::message::{Id, Message, Notification, Request, Response};
use bartizan_wire::meta;
use bartizan_wire::method::{self, Direction};
use http::HeaderMap;
use tokio::sync::mpsc;

use super::approval::Outcome;
use super::{arguments_of, cancelled, deliver, deliver_aside, lists_of, record, round};
use crate::admission::{self, Ruling};
use crate::catalogue;
use crate::flights::{Exchange, Flight};
use crate::judge::{self, Judged};
use crate::memory::Changes;
use crate::outgoing;
use crate::session::{Fate, Outgoing, Session};

/// Where a notification says which subscription it belongs to.
pub(super) const SUBSCRIPTION: &str = "/_meta/io.modelcontextprotocol~1subscriptionId";

/// Where a message of the server goes: into the stream of the request with this number.
type Address = (Id, mpsc::Sender<Outgoing>);

/// A notification as the client is to get it, and where it goes; without an address, to those that belong
/// to no request.
type Addressed = (Notification, Option<Address>);

impl Session {
    pub(super) async fn server_response(self: &Arc<Self>, response: Response) {
        let flight =
            response.id().and_then(|number| self.flights.lock().arrive(number).map(|f| (f, number.clone())));
        match flight {
            Some((Flight::Own(waiting), _)) => {
                // Whoever asked may have given up waiting.
                let _gone = waiting.send(Ok(response));
            }
            Some((Flight::Client(exchange), number)) => match response.with_id(exchange.request.id()) {
                Ok(response) => self.conclude(*exchange, &number, response).await,
                Err(error) => {
                    self.fail(*exchange, &format!("its answer is unusable: {error}"), Fate::Unknown);
                }
            },
            None => tracing::warn!(
                session = %self.id,
                server = %self.server.name,
                "the server answered a request that is not under way; it is dropped"
            ),
        }
    }

    /// Ends an exchange with the server's response, which has the client's id again.
    async fn conclude(self: &Arc<Self>, exchange: Exchange, number: &Id, response: Response) {
        let Exchange { request, era, call, reply, taken, mut record, begin, progress } = exchange;
        let latency = begin.elapsed().into();
        // A call that goes on later is no failure yet, whatever it says: its next round is not charged.
        if catalogue::is_failure(&response) && !asks_for_input(&response) {
            self.settle(taken, Outcome::Failed);
            record.upstream = Reached::Error { latency };
        } else {
            self.settle(taken, Outcome::Done);
            record.upstream = Reached::Ok { latency };
        }
        if request.method() == "initialize"
            && let Some(revision) =
                response.result().and_then(|result| result.get("protocolVersion")).and_then(Value::as_str)
        {
            let capabilities = response.result().and_then(|result| result.get("capabilities"));
            self.agree_on(&revision, lists_of(capabilities));
        }
        let answered =
            Answered { request, era, call, progress: progress.map(|token| (number.clone(), token)) };
        let mut changes = Changes::default();
        let turn = outgoing::turn(self.server.plan().as_deref()).await;
        let guarded = self.guard(&answered, response, &mut record, &mut changes);
        drop(turn);
        let answer = match guarded {
            Ok(response) => match self.remember(&changes) {
                Ok(()) => response.document().clone(),
                Err(refusal) => {
                    record::deny(&mut record, &refusal);
                    denial::denied(&answered.request, &refusal, era)
                }
            },
            Err(refused) => refused,
        };
        self.write(record);
        if self.has_one_child_for_all() {
            deliver_aside(reply, Outgoing::Last(answer));
        } else {
            deliver(&reply, Outgoing::Last(answer)).await;
        }
    }

    pub(super) async fn server_notification(
        self: &Arc<Self>,
        notification: Notification,
        origin: Option<&Id>,
    ) {
        self.catalogue.forget(notification.method());
        let name = notification.method().to_owned();
        let Some((notification, address)) = self.address(notification, origin) else {
            tracing::debug!(
                session = %self.id,
                server = %self.server.name,
                method = name,
                "a notification that belongs to nothing the client asked for is dropped"
            );
            return;
        };
        if !self.judge_notification(&notification, Flow::ServerToClient) {
            return;
        }
        self.pass_on(notification.document().clone(), address).await;
    }

    /// Finds out where a notification goes, and puts the client's own ids back into it. `None` if it
    /// belongs to nothing that is known.
    fn address(&self, notification: Notification, origin: Option<&Id>) -> Option<Addressed> {
        let params = notification.params();
        if let Some(number) = params.and_then(meta::subscription_id) {
            let flights = self.flights.lock();
            let exchange = flights.get(&number)?;
            if !is_wanted(&exchange.request, &notification) {
                return None;
            }
            let id = exchange.request.id().to_document();
            let reply = exchange.reply.clone();
            drop(flights);
            let notification = self.guard_task_notification(notification)?;
            return Some((notification.with_param(SUBSCRIPTION, &id).ok()?, Some((number, reply))));
        }
        if notification.method() == "notifications/cancelled" {
            // It is about a question of the server's own, whose ids the client knows.
            return self.answer(&cancelled(&notification)?).then_some((notification, None));
        }
        if notification.method() == "notifications/progress" {
            let number = Id::from_value(params?.get("progressToken")?).ok()?;
            let under_way = {
                let flights = self.flights.lock();
                flights
                    .get(&number)
                    .and_then(|exchange| Some((exchange.progress.clone()?, exchange.reply.clone())))
            };
            let (token, reply) = match under_way {
                Some((token, reply)) => (token, Some((number, reply))),
                // A task goes on when its call has been answered.
                None => (self.tasks.progress(&self.id, &number)?, None),
            };
            return Some((notification.with_param("/progressToken", &token.to_document()).ok()?, reply));
        }
        let flights = self.flights.lock();
        let number = match origin {
            Some(origin) => Some(origin.clone()),
            // In a shared session a message that names no request can be for anybody, unless it is of the log
            // that a request asks for, and the server works on no other.
            None if self.is_shared() => {
                let is_log = notification.method() == "notifications/message";
                Some(flights.only().filter(|number| {
                    is_log && flights.get(number).is_some_and(|exchange| wants_log(&exchange.request))
                })?)
            }
            None => None,
        };
        let exchange = number.and_then(|number| Some((flights.get(&number)?, number)));
        // What a subscription brings says so.
        if exchange.as_ref().is_some_and(|(exchange, _)| exchange.request.method() == "subscriptions/listen")
        {
            return None;
        }
        let address = exchange.map(|(exchange, number)| (number, exchange.reply.clone()));
        drop(flights);
        Some((self.guard_task_notification(notification)?, address))
    }

    pub(super) async fn server_request(self: &Arc<Self>, request: Request, origin: Option<&Id>) {
        if self.is_shared() || self.revision().is_none() {
            // Nobody there can answer: questions are asked by results in the modern era.
            tracing::warn!(
                session = %self.id,
                server = %self.server.name,
                method = request.method(),
                "the server asks where it must not; the question is dropped"
            );
            return;
        }
        let method = method::lookup(request.method());
        let arguments = arguments_of(method, request.params());
        let call = self.call(request.method(), arguments, Flow::ServerToClient);
        let mut draft = self.draft(&call, Some(request.id()), arguments);
        let plan = self.server.plan();
        let plan = plan.as_deref();
        let because = |reason: &str| Denial { reason: reason.to_owned(), ..Denial::default() };
        let is_misdirected =
            method.is_some_and(|method| !method.direction.includes(Direction::ServerToClient));
        let refusal = if is_misdirected {
            because("A server must not ask a client for this.")
        } else {
            let Judged { ruling, rules, evaluation, .. } =
                judge::judge_call(plan, call, None, &self.shared.server_limits, &self.memory)
                    .map(|opinion, rules| self.admit(opinion, plan, rules));
            record::judged(&mut draft, plan, rules, evaluation);
            match ruling {
                Ruling::Hidden => because("The client knows of no such request."),
                Ruling::Denied(refusal) => refusal,
                Ruling::Waiting(waiting) => {
                    draft.approval = Some(waiting.approval.ticket.to_string().into());
                    admission::waiting(&waiting.approval)
                }
                Ruling::Allowed { arguments: None, admission, memory, .. } if self.ask(request.id()) => {
                    match self.remember(&memory) {
                        Ok(()) => {
                            admission.forwarded().commit();
                            self.write(draft);
                            let address = origin.and_then(|origin| {
                                let flights = self.flights.lock();
                                flights.get(origin).map(|found| (origin.clone(), found.reply.clone()))
                            });
                            self.pass_on(request.document().clone(), address).await;
                            return;
                        }
                        Err(refusal) => {
                            self.answer(request.id());
                            refusal
                        }
                    }
                }
                Ruling::Allowed { arguments: None, .. } => {
                    because("The server asked twice with the same id, or too much that is not answered yet.")
                }
                Ruling::Allowed { arguments: Some(_), .. } => {
                    because("A policy wanted to change a request of the server, which is not possible.")
                }
            }
        };
        self.write_denial(draft, &refusal);
        let Ok(answer) = Message::read(&denial::denied(&request, &refusal, Era::Legacy)) else { return };
        // Not from here: a server that asks and does not read must not hold up what it answers.
        let session = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(upstream) = session.upstream()
                && let Err(error) = upstream.send(&session, &answer, HeaderMap::new()).await
            {
                tracing::warn!(session = %session.id, server = %session.server.name, %error, "a refusal was not delivered");
            }
        });
    }

    /// Passes a server's message on: into the stream of the request it belongs to, or the session's. A client
    /// that does not read holds its server up, unless others share the server: then it loses its stream.
    async fn pass_on(self: &Arc<Self>, document: Document, address: Option<Address>) {
        let Some((number, reply)) = address else { return self.send(document).await };
        let outgoing = Outgoing::Message(document);
        if self.has_one_child_for_all() {
            if let Err(mpsc::error::TrySendError::Full(_)) = reply.try_send(outgoing) {
                tracing::warn!(server = %self.server.name, "a client does not read what it asked for: it is given up");
                // Not from here: a server that does not read must not hold up what it says.
                let session = Arc::clone(self);
                tokio::spawn(async move { session.hang_up(&number, None).await });
            }
            return;
        }
        if let Err(closed) = reply.send(outgoing).await
            && let Some(document) = closed.0.into_document()
        {
            self.send(document).await;
        }
    }

    /// Tells the client of a request how its answer comes, where it is told such things.
    pub(crate) async fn say(&self, number: &Id, what: Outgoing) {
        let reply = {
            let flights = self.flights.lock();
            // How a handshake ends decides whether there is a session: it is not a stream without need.
            let exchange = flights.get(number).filter(|exchange| exchange.request.method() != "initialize");
            exchange.map(|exchange| exchange.reply.clone())
        };
        if let Some(reply) = reply.filter(|_| self.pipe().is_none()) {
            deliver(&reply, what).await;
        }
    }

    /// Whether the client may be sent arrays of messages, and the server may send them.
    pub(crate) fn has_batches(&self) -> bool {
        self.revision() == Some(Revision::V2025_03_26.as_str())
    }
}

/// A request that was answered.
pub(super) struct Answered {
    /// As the client sent it.
    pub(super) request: Request,
    pub(super) era: Era,
    /// As it was forwarded.
    pub(super) call: Arc<Call>,
    /// What the server and the client know its progress by.
    pub(super) progress: Option<(Id, Id)>,
}

impl Session {
    /// What the client gets for the server's response: lists filtered, replies judged, states sealed; or
    /// the answer instead. `changes` is what plugins want to remember if the client gets it.
    fn guard(
        &self,
        answered: &Answered,
        response: Response,
        record: &mut Record,
        changes: &mut Changes,
    ) -> Result<Response, Document> {
        let Answered { request, era, call, .. } = answered;
        self.check_kind(request, *era, &response)?;
        let Some(method) = method::lookup(request.method()).filter(|_| response.result().is_some()) else {
            return self.guard_reply((request, *era), call, response, record, changes);
        };
        if method.kind == method::Kind::Task {
            return self.guard_task(answered, response, record, changes);
        }
        let response = match method.shape() {
            Some(shape) => self.filter(answered, (method, shape), &response, record)?,
            None => response,
        };
        self.begin_task(answered, &response)?;
        let response = self.guard_reply((request, *era), call, response, record, changes)?;
        let response = Self::guard_cache(response);
        match (era, method.kind) {
            (_, method::Kind::Lifecycle) => Ok(self.guard_instructions(Self::guard_ttl(response))),
            (Era::Modern, method::Kind::Subscription) => {
                // The server knows the subscription by our number.
                match response.result().and_then(meta::subscription_id) {
                    Some(_) => response
                        .with_result(SUBSCRIPTION, &request.id().to_document())
                        .map_err(|error| denial::unavailable(request.id(), &error.to_string())),
                    None => Ok(response),
                }
            }
            (Era::Modern, _) if asks_for_input(&response) => {
                self.close_round(request, call, &response, record)
            }
            _ => Ok(response),
        }
    }
}

/// Whether the server is to tell of its doings while it works on a request.
fn wants_log(request: &Request) -> bool {
    let said = request.params().and_then(|params| params.get("_meta"));
    said.and_then(|said| said.get(meta::LOG_LEVEL)).is_some()
}

impl Session {
    /// Withholds a result of a kind that is not one of its era, or that the client has not asked for: nobody
    /// can say what a client makes of it.
    fn check_kind(&self, request: &Request, era: Era, response: &Response) -> Result<(), Document> {
        let Some(kind) = response.result().and_then(|result| result.get("resultType")) else { return Ok(()) };
        let is_one = match (era, kind.as_str().as_deref()) {
            (_, Some("complete")) => true,
            (Era::Modern, Some("input_required")) => round::may_take_several(request.method()),
            (Era::Modern, Some("task")) => meta::Meta::read(request).is_ok_and(|meta| meta.takes_tasks()),
            (Era::Modern, _) => false,
            // In this era there are no kinds, and other words are no more than further members.
            (Era::Legacy, kind) => kind != Some("input_required"),
        };
        if is_one {
            return Ok(());
        }
        tracing::warn!(session = %self.id, server = %self.server.name, "a result of a wrong kind is withheld");
        let problem = format!(
            "The answer of the MCP server `{}` is unusable: its `resultType` is not one that it can have here",
            self.server.name
        );
        Err(denial::unavailable(request.id(), &problem))
    }
}

fn asks_for_input(response: &Response) -> bool {
    let kind = response.result().and_then(|result| result.get("resultType")).and_then(Value::as_str);
    kind.as_deref() == Some("input_required")
}

/// Whether a subscription asked for such a notification.
pub(super) fn is_wanted(subscription: &Request, notification: &Notification) -> bool {
    let wanted = subscription.params().and_then(|params| params.get("notifications"));
    let flag =
        |key: &str| wanted.and_then(|wanted| wanted.get(key)).and_then(Value::as_bool).unwrap_or(false);
    let named = |key: &str, name: &str| {
        let said = notification.params().and_then(|params| params.get(name)).and_then(Value::as_str);
        let mut all = wanted.and_then(|wanted| wanted.get(key)).into_iter().flat_map(Value::elements);
        said.is_some_and(|said| all.any(|one| one.as_str().as_ref() == Some(&said)))
    };
    match notification.method() {
        "notifications/subscriptions/acknowledged" => true,
        "notifications/tools/list_changed" => flag("toolsListChanged"),
        "notifications/prompts/list_changed" => flag("promptsListChanged"),
        "notifications/resources/list_changed" => flag("resourcesListChanged"),
        // A server may name a part of what was subscribed to.
        "notifications/resources/updated" => {
            wanted.and_then(|wanted| wanted.get("resourceSubscriptions")).is_some()
        }
        "notifications/tasks" => named("taskIds", "taskId"),
        _ => false,
    }
}
