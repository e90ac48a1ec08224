//! The one interceptor: judge → act → record, for every message in both directions.
//!
//! A client's message (`client`): parsed → judged → refused by the gateway's own answer, or reserved and
//! forwarded as our own serialisation of what was judged. A server's message (`server`): matched to what is
//! under way → filtered or judged → charges committed or rolled back → passed on. Each decision leaves one
//! record (`record`).

mod approval;
mod aside;
mod client;
mod lists;
mod notices;
mod parameters;
mod record;
mod reply;
mod round;
mod server;
mod task;

use std::sync::Arc;

use bartizan_audit::record::{Upstream as Reached, Verdict as Recorded};
use bartizan_runtime::{Call, Entry, Flow};
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::era::Era;
use bartizan_wire::json::Value;
use bartizan_wire::message::{Id, Incoming, Message, MessageError, Notification, Request};
use bartizan_wire::meta;
use bartizan_wire::method::{self, Direction, Method, Target};
use http::HeaderMap;
use tokio::sync::mpsc;

use self::approval::Outcome;
use crate::admission::{self, Ruling};
use crate::catalogue;
use crate::clock;
use crate::flights::Exchange;
use crate::judge::{self, Judged, Opinion};
use crate::session::{Fate, Outgoing, Session};
use crate::upstream::carry_aside;

pub(crate) use lists::lists_of;
pub(crate) use parameters::select as parameter_headers;

/// A request as its transport delivered it.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) request: Request,
    pub(crate) era: Era,
    /// The headers that repeat arguments, where there are headers.
    pub(crate) headers: Option<HeaderMap>,
}

impl Arrival {
    /// A request that came without headers, or with none that count.
    pub(crate) fn plain(request: Request) -> Self {
        Self { era: meta::era(&request), request, headers: None }
    }
}

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
            Ok(Message::Request(request)) => {
                carry_aside(self.take_request(Arrival::plain(request), reply).1.await);
            }
            Ok(Message::Notification(notification)) => self.client_notification(notification).await,
            Ok(Message::Response(response)) => self.client_response(response).await,
            Err(error) => {
                tracing::warn!(session = %self.id, server = %self.server.name, %error, "a malformed message is refused");
                deliver(&reply, Outgoing::Last(denial::malformed(&error))).await;
            }
        }
    }

    /// Takes what the server sent at once: one message, or several where the revision has that. `origin`
    /// is as for a single message.
    ///
    /// # Errors
    ///
    /// When it cannot be read; that is in the log then, and nothing else has happened.
    pub(crate) async fn from_server_text(
        self: &Arc<Self>,
        text: &[u8],
        origin: Option<&Id>,
    ) -> Result<(), MessageError> {
        let limits = &self.shared.server_limits;
        let incoming = if self.has_batches() {
            Incoming::parse(text, limits)
        } else {
            Message::parse(text, limits).map(Incoming::One)
        };
        match incoming {
            Ok(Incoming::One(message)) => self.from_server(Ok(message), origin).await,
            Ok(Incoming::Batch(messages)) => {
                for message in messages {
                    self.from_server(message, origin).await;
                }
            }
            Err(error) => {
                self.from_server(Err(error.clone()), origin).await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes a message from the server. `origin` is the number of the request in whose response stream it
    /// came, where the transport tells.
    pub(crate) async fn from_server(
        self: &Arc<Self>,
        message: Result<Message, MessageError>,
        origin: Option<&Id>,
    ) {
        match message {
            Ok(Message::Response(response)) => self.server_response(response).await,
            Ok(Message::Notification(notification)) => {
                Box::pin(self.server_notification(notification, origin)).await;
            }
            Ok(Message::Request(request)) => Box::pin(self.server_request(request, origin)).await,
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

    /// Judges a message that gets no answer. Whether it goes on.
    fn judge_notification(&self, notification: &Notification, flow: Flow) -> bool {
        let (name, params) = (notification.method(), notification.params());
        let method = method::lookup(name);
        let arguments = arguments_of(method, params);
        let mut call = self.call(name, arguments, flow);
        let mut draft = self.draft(&call, None, arguments);
        if !is_notification(name, method, flow, self.notification_era()) {
            // A request without an id would be carried out by some servers, and answered by none.
            let reason = format!("{name} is no notification.");
            self.write_denial(draft, &Denial { reason, ..Denial::default() });
            return false;
        }
        let target = method.and_then(|method| method.target(params));
        let mut listing = None;
        if let Some(target) = &target {
            call.target = Some(target.name.as_ref().into());
            call.entry = Some(Arc::new(unlisted(&target.name)));
            draft.target.clone_from(&call.target);
            listing = self.listing(target);
        }
        let plan = self.server.plan();
        let limits = &self.shared.client_limits;
        let judged = judge::judge_call(plan.as_deref(), call, listing.as_ref(), limits, &self.memory).map(
            |opinion, rules| match opinion {
                // Nobody would hear of the ticket.
                Opinion::Passed(passed) if !passed.asks.is_empty() => Ruling::Denied(Denial {
                    reason: "A notification cannot wait for a person's approval.".to_owned(),
                    rule: passed.asks.into_iter().find_map(|ask| ask.rule),
                    ..Denial::default()
                }),
                opinion => self.admit(opinion, plan.as_deref(), rules),
            },
        );
        let Judged { ruling, rules, evaluation, .. } = judged;
        record::judged(&mut draft, plan.as_deref(), rules, evaluation);
        match ruling {
            Ruling::Allowed { arguments: None, admission, memory, .. } => {
                if let Err(refusal) = self.remember(&memory) {
                    self.write_denial(draft, &refusal);
                    return false;
                }
                admission.forwarded().commit();
                self.write(draft);
                true
            }
            Ruling::Allowed { arguments: Some(_), .. } => {
                let reason = "A policy wanted to change a notification, which is not possible.".to_owned();
                self.write_denial(draft, &Denial { reason, ..Denial::default() });
                false
            }
            Ruling::Waiting(waiting) => {
                self.write_denial(draft, &admission::waiting(&waiting.approval));
                false
            }
            Ruling::Denied(refusal) => {
                self.write_denial(draft, &refusal);
                false
            }
            Ruling::Hidden => {
                draft.verdict = Recorded::Hidden;
                self.write(draft);
                false
            }
        }
    }

    /// Ends an exchange that cannot get a response.
    pub(crate) fn fail(&self, exchange: Exchange, problem: &str, fate: Fate) {
        let Exchange { request, reply, taken, mut record, begin, .. } = exchange;
        match fate {
            Fate::NotSent => self.settle(taken, Outcome::NotSent),
            Fate::Unknown => self.settle(taken, Outcome::Done),
        }
        record.upstream = Reached::Unavailable { latency: begin.elapsed().into() };
        record.reason = Some(problem.to_owned());
        self.write(record);
        let text = format!("The MCP server `{}` did not answer: {problem}", self.server.name);
        deliver_aside(reply, Outgoing::Last(denial::unavailable(request.id(), &text)));
    }

    /// Gives up a request whose answer came but cannot be read.
    pub(crate) fn give_up(&self, number: &Id, problem: &str) {
        if let Some(exchange) = self.abandon(number) {
            self.fail(*exchange, problem, Fate::Unknown);
        }
    }

    /// The era whose notifications a session has, if it is always the same.
    fn notification_era(&self) -> Option<Era> {
        if self.is_shared() {
            Some(Era::Modern)
        } else if self.revision().is_some() {
            Some(Era::Legacy)
        } else {
            None
        }
    }

    /// The list request in which a target would be found.
    fn listing(&self, target: &Target<'_>) -> Option<Arc<Call>> {
        let list = catalogue::list_method(target.noun)?;
        Some(Arc::new(self.call(list.name, None, Flow::ClientToServer)))
    }

    /// A message as plugins see it, without a target yet.
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
            time: clock::now(),
        }
    }
}

/// Whether a message without an id may be one: by the table, and by its name if the table has it not.
fn is_notification(name: &str, method: Option<&Method>, flow: Flow, era: Option<Era>) -> bool {
    let direction = match flow {
        Flow::ClientToServer => Direction::ClientToServer,
        Flow::ServerToClient => Direction::ServerToClient,
    };
    match method {
        Some(method) => {
            method.kind == method::Kind::Notification
                && era.is_none_or(|era| method.eras.includes(era))
                && method.direction.includes(direction)
        }
        None => name.starts_with("notifications/"),
    }
}

/// What plugins read as the arguments.
fn arguments_of<'a>(method: Option<&Method>, params: Option<Value<'a>>) -> Option<Value<'a>> {
    match method {
        Some(method) => method.arguments(params),
        None => params,
    }
}

/// The definition of something that is on no list.
fn unlisted(uri: &str) -> Entry {
    catalogue::entry(uri, &format!(r#"{{"uri":{}}}"#, bartizan_wire::json::quote(uri)))
}

/// The id of the request that a notification cancels.
fn cancelled(notification: &Notification) -> Option<Id> {
    Id::from_value(notification.params()?.get("requestId")?).ok()
}

/// Delivers what a client gets without waiting for the client: what else the server says must not wait.
fn deliver_aside(reply: mpsc::Sender<Outgoing>, outgoing: Outgoing) {
    if let Err(mpsc::error::TrySendError::Full(outgoing)) = reply.try_send(outgoing) {
        tokio::spawn(async move { deliver(&reply, outgoing).await });
    }
}

async fn deliver(reply: &mpsc::Sender<Outgoing>, outgoing: Outgoing) {
    if reply.send(outgoing).await.is_err() {
        tracing::debug!("the client is gone: an answer is dropped");
    }
}
