//! From the server to the client.

use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::record::{Record, Upstream as Reached};
use bartizan_runtime::{Call, Flow, Reply};
use bartizan_wire::denial::{self, Denial};
use bartizan_wire::json::{Document, Value};
use bartizan_wire::listing::Listing;
use bartizan_wire::message::{ErrorObject, Id, Message, Notification, Request, Response};
use bartizan_wire::method::{self, Method, Shape};
use tokio::sync::mpsc;

use super::{ERA, arguments_of, cancelled, deliver, record};
use crate::catalogue;
use crate::flights::{Exchange, Flight};
use crate::judge::{self, Judged, ReplyRuling, Ruling};
use crate::plan::ActivePlan;
use crate::session::{Fate, Outgoing, Session};

/// How long a client may keep a filtered list.
const LIST_TTL: Duration = Duration::from_secs(60);

impl Session {
    pub(super) async fn server_response(self: &Arc<Self>, response: Response) {
        let flight = response.id().and_then(|number| self.flights.lock().arrive(number));
        match flight {
            Some(Flight::Own(waiting)) => {
                // Whoever asked may have given up waiting.
                let _gone = waiting.send(response);
            }
            Some(Flight::Client(exchange)) => match response.with_id(exchange.request.id()) {
                Ok(response) => self.conclude(*exchange, response).await,
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
    async fn conclude(self: &Arc<Self>, exchange: Exchange, response: Response) {
        let Exchange { request, call, reply, charges, mut record, begin, .. } = exchange;
        let latency = begin.elapsed().into();
        if catalogue::is_failure(&response) {
            charges.rollback();
            record.upstream = Reached::Error { latency };
        } else {
            charges.commit();
            record.upstream = Reached::Ok { latency };
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
        let plan = plan.as_deref();
        let list = method::lookup(request.method()).and_then(|method| Some((method, method.shape()?)));
        match list {
            Some((method, shape)) if response.result().is_some() => {
                match self.filter(plan, (method, shape), request, call, response, record) {
                    Ok(filtered) => self.guard_reply(plan, request, call, &filtered, record),
                    Err(refused) => refused,
                }
            }
            _ => self.guard_reply(plan, request, call, response, record),
        }
    }

    /// A list without what the caller may not know of, or the answer instead.
    fn filter(
        &self,
        plan: Option<&ActivePlan>,
        (method, shape): (&Method, &Shape),
        request: &Request,
        call: &Arc<Call>,
        response: &Response,
        record: &mut Record,
    ) -> Result<Response, Document> {
        let unusable = |problem: &str| {
            tracing::warn!(session = %self.id, server = %self.server.name, problem, "the server's list is withheld");
            denial::unavailable(
                request.id(),
                &format!("The list of the MCP server `{}` is unusable: {problem}", self.server.name),
            )
        };
        let listing = Listing::read(response, shape).map_err(|error| unusable(&error.to_string()))?;
        let params = request.params().map(Value::to_document);
        let (entries, is_whole) = catalogue::page(&listing, params.as_ref());
        if is_whole {
            self.catalogue.learn(&self.server, method, &entries);
        }
        let Judged { ruling, rules, evaluation } = judge::filter(plan, call, &entries);
        record::judged(record, plan, rules, evaluation);
        let keep = ruling.map_err(|refusal| {
            record::deny(record, &refusal);
            denial::denied(request, &refusal, ERA)
        })?;
        let filtered = listing.filter(&keep, LIST_TTL).map_err(|error| unusable(&error.to_string()))?;
        match Message::read(&filtered) {
            Ok(Message::Response(response)) => Ok(response),
            Ok(_) => Err(unusable("it is no response any more")),
            Err(error) => Err(unusable(&error.to_string())),
        }
    }

    /// What the client gets for a response after the plugins that judge replies.
    fn guard_reply(
        &self,
        plan: Option<&ActivePlan>,
        request: &Request,
        call: &Arc<Call>,
        response: &Response,
        record: &mut Record,
    ) -> Document {
        let Some(plan) = plan.filter(|plan| judge::reads_replies(plan, &call.method, call.target.as_deref()))
        else {
            return response.document().clone();
        };
        let value = response
            .result()
            .or_else(|| response.error().map(ErrorObject::value))
            .map_or("null", Value::text);
        let reply = Reply { is_error: catalogue::is_failure(response), value: value.into() };
        let Judged { ruling, rules, evaluation } =
            judge::judge_reply(plan, call, reply, &self.shared.server_limits);
        record::judged(record, Some(plan), rules, evaluation);
        let refusal = match ruling {
            ReplyRuling::Unchanged => return response.document().clone(),
            ReplyRuling::Denied(refusal) => refusal,
            ReplyRuling::Rewritten(result) => match response.with_result("", &result) {
                Ok(response) => return response.document().clone(),
                Err(error) => Denial {
                    reason: format!("The result could not be changed as the policy demands: {error}."),
                    ..Denial::default()
                },
            },
        };
        record::deny(record, &refusal);
        denial::denied(request, &refusal, ERA)
    }

    pub(super) async fn server_notification(
        self: &Arc<Self>,
        notification: Notification,
        origin: Option<&Id>,
    ) {
        self.catalogue.forget(notification.method());
        if !self.judge_notification(&notification, Flow::ServerToClient) {
            return;
        }
        if notification.method() == "notifications/cancelled"
            && let Some(id) = cancelled(&notification)
        {
            self.answer(&id);
        }
        let token = notification
            .params()
            .and_then(|params| params.get("progressToken"))
            .and_then(|token| Id::from_value(token).ok());
        let reply = {
            let flights = self.flights.lock();
            token
                .and_then(|token| flights.reply_of_progress(&token))
                .or_else(|| origin.and_then(|origin| flights.reply_of(origin)))
        };
        self.pass_on(notification.document().clone(), reply).await;
    }

    pub(super) async fn server_request(self: &Arc<Self>, request: Request, origin: Option<&Id>) {
        let arguments = arguments_of(method::lookup(request.method()), request.params());
        let call = self.call(request.method(), arguments, Flow::ServerToClient);
        let mut draft = self.draft(&call, Some(request.id()), arguments);
        let plan = self.server.plan();
        let plan = plan.as_deref();
        let Judged { ruling, rules, evaluation } =
            judge::judge_call(plan, &*self.shared.quotas, call, None, &self.shared.server_limits);
        record::judged(&mut draft, plan, rules, evaluation);
        let because = |reason: &str| Denial { reason: reason.to_owned(), ..Denial::default() };
        let refusal = match ruling {
            Ruling::Hidden => because("The client knows of no such request."),
            Ruling::Denied(refusal) => refusal,
            Ruling::Allowed { arguments: None, reservation } if self.ask(request.id()) => {
                reservation.forwarded().commit();
                self.write(&draft);
                let reply = origin.and_then(|origin| self.flights.lock().reply_of(origin));
                self.pass_on(request.document().clone(), reply).await;
                return;
            }
            Ruling::Allowed { arguments: None, .. } => because("The server asked twice with the same id."),
            Ruling::Allowed { arguments: Some(_), .. } => {
                because("A policy wanted to change a request of the server, which is not possible.")
            }
        };
        self.write_denial(&mut draft, &refusal);
        let Ok(answer) = Message::read(&denial::denied(&request, &refusal, ERA)) else { return };
        // Not from here: a server that asks and does not read must not hold up what it answers.
        let session = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(upstream) = session.upstream()
                && let Err(error) = upstream.send(&session, &answer).await
            {
                tracing::warn!(session = %session.id, server = %session.server.name, %error, "a refusal was not delivered");
            }
        });
    }

    /// Passes a server's message on: into the stream of the request it belongs to, or the session's.
    async fn pass_on(&self, document: Document, reply: Option<mpsc::Sender<Outgoing>>) {
        let document = match reply {
            None => document,
            Some(reply) => match reply.send(Outgoing::Message(document)).await {
                Ok(()) => return,
                Err(closed) => closed.0.into_document(),
            },
        };
        self.send(document).await;
    }
}
