//! Telling clients that their lists are others now, after the gateway has loaded again: what is visible may
//! have changed though the server has not.

use std::sync::Arc;

use bartizan_wire::json::{Document, Value};
use bartizan_wire::message::{Message, Notification};

use super::server::{SUBSCRIPTION, is_wanted};
use crate::session::{Outgoing, Session};

/// What a server can have lists of, by the name of its capability, and the notification that such a list has
/// changed.
const LISTS: [(&str, &str); 3] = [
    ("tools", "notifications/tools/list_changed"),
    ("prompts", "notifications/prompts/list_changed"),
    ("resources", "notifications/resources/list_changed"),
];

/// The lists of a server that has these capabilities, by the notifications of their changes.
pub(crate) fn lists_of(capabilities: Option<Value<'_>>) -> Vec<&'static str> {
    let has = |name: &str| capabilities.is_some_and(|capabilities| capabilities.get(name).is_some());
    LISTS.iter().filter(|(name, _)| has(name)).map(|(_, notification)| *notification).collect()
}

impl Session {
    /// Tells the client that lists have changed: in a session of the legacy era, and on every subscription
    /// that asks for it.
    pub(crate) async fn tell_of_lists(self: &Arc<Self>) {
        for method in self.lists() {
            let text = format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#);
            if let Some(notification) = notification(&text) {
                self.send(notification.document().clone()).await;
            }
        }
        let subscriptions =
            self.flights.lock().numbers(|exchange| exchange.request.method() == "subscriptions/listen");
        for number in subscriptions {
            for (_, method) in LISTS {
                self.tell_subscription(&number, method);
            }
        }
    }

    fn tell_subscription(&self, number: &bartizan_wire::message::Id, method: &str) {
        let text = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"_meta":{{}}}}}}"#);
        let Some(notification) = notification(&text) else { return };
        let found = {
            let flights = self.flights.lock();
            flights.get(number).filter(|exchange| is_wanted(&exchange.request, &notification)).and_then(
                |exchange| {
                    let id: Document = exchange.request.id().to_document();
                    Some((notification.with_param(SUBSCRIPTION, &id).ok()?, exchange.reply.clone()))
                },
            )
        };
        let Some((notification, reply)) = found else { return };
        // A client that does not read what it subscribed to asks for its lists again some time.
        if reply.try_send(Outgoing::Message(notification.document().clone())).is_err() {
            tracing::debug!(session = %self.id, "a client does not read its subscription: it is not told");
        }
    }
}

fn notification(text: &str) -> Option<Notification> {
    match Message::parse(text.as_bytes(), &bartizan_wire::json::Limits::default()) {
        Ok(Message::Notification(notification)) => Some(notification),
        _ => None,
    }
}
