//! From the client to the server: what wants no answer, and what gives one.

use std::sync::Arc;

use bartizan_audit::record::Upstream as Reached;
use bartizan_runtime::Flow;
use bartizan_wire::denial;
use bartizan_wire::message::{Id, Message, Notification, Response};
use http::HeaderMap;

use super::approval::Outcome;
use super::cancelled;
use crate::flights::Exchange;
use crate::session::{Outgoing, Session};
use crate::upstream::Upstream;

impl Session {
    pub(super) async fn client_notification(self: &Arc<Self>, notification: Notification) {
        if self.has_ended() || !self.judge_notification(&notification, Flow::ClientToServer) {
            return;
        }
        if notification.method() == "notifications/cancelled" {
            let number = cancelled(&notification).and_then(|id| self.flights.lock().number_of(&id));
            if let Some(number) = number {
                self.hang_up(&number, Some(&notification)).await;
            }
            return;
        }
        let Some(upstream) = self.upstream() else { return };
        let is_handshake_done = notification.method() == "notifications/initialized";
        if let Err(error) = upstream.send(self, &Message::Notification(notification), HeaderMap::new()).await
        {
            tracing::warn!(session = %self.id, server = %self.server.name, %error, "a notification was not delivered");
        }
        // A client with one pipe gets there what the server has to say.
        if let Upstream::Http(http) = upstream
            && is_handshake_done
            && self.pipe().is_some()
        {
            http.listen(self);
        }
    }

    /// Gives up a request that the client wants no answer to any more, by its number. The server is told
    /// what the client said, or else that it is gone.
    pub(crate) async fn hang_up(self: &Arc<Self>, number: &Id, said: Option<&Notification>) {
        self.flights.lock().cancel(number);
        let Some(exchange) = self.abandon(number) else { return };
        if self.has_one_child_for_all() {
            self.flights.lock().haunt(number.clone());
        }
        let Exchange { taken, mut record, begin, era, .. } = *exchange;
        self.settle(taken, Outcome::Done);
        record.upstream = Reached::Error { latency: begin.elapsed().into() };
        record.reason = Some("cancelled by the client".to_owned());
        self.write(record);
        // The server knows it by our number.
        let renamed = match said {
            Some(said) => said.with_param("/requestId", &number.to_document()).ok(),
            None => farewell(number),
        };
        let (Some(renamed), Some(upstream)) = (renamed, self.upstream()) else { return };
        if let Err(error) = upstream.cancel(self, number, era, renamed).await {
            tracing::warn!(session = %self.id, server = %self.server.name, %error, "a cancellation was not delivered");
        }
    }

    /// Answers the subscriptions under way: they are over, in good order.
    pub(crate) async fn end_subscriptions(self: &Arc<Self>) {
        let subscriptions =
            self.flights.lock().numbers(|exchange| exchange.request.method() == "subscriptions/listen");
        for number in subscriptions {
            let answered =
                self.flights.lock().get(&number).map(|exchange| {
                    (denial::end_of_subscription(exchange.request.id()), exchange.reply.clone())
                });
            let Some((answer, reply)) = answered else { continue };
            self.hang_up(&number, None).await;
            // A client that does not read is not waited for.
            let _full_or_gone = reply.try_send(Outgoing::Last(answer));
        }
    }

    pub(super) async fn client_response(self: &Arc<Self>, response: Response) {
        if !response.id().is_some_and(|id| self.answer(id)) {
            tracing::warn!(session = %self.id, "the client answered a question that nobody asked; it is dropped");
            return;
        }
        let Some(upstream) = self.upstream() else { return };
        if let Err(error) = upstream.send(self, &Message::Response(response), HeaderMap::new()).await {
            tracing::warn!(session = %self.id, server = %self.server.name, %error, "an answer was not delivered");
        }
    }
}

/// What a client says that just goes away.
fn farewell(number: &Id) -> Option<Notification> {
    let text = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{},"reason":"The client has closed its stream."}}}}"#,
        number.as_json()
    );
    match Message::parse(text.as_bytes(), &bartizan_wire::json::Limits::default()) {
        Ok(Message::Notification(notification)) => Some(notification),
        _ => None,
    }
}
