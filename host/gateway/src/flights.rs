//! The requests of one session that were forwarded and not answered yet.
//!
//! Every request goes to the server under a number of ours, never the client's id: a server that mixes
//! up ids (`1` and `"1"`, integers beyond 2^53) or answers a cancelled request cannot make one request's
//! response pass for another's. A number is used once, so a late or second answer finds nothing.

use std::collections::HashMap;
use std::time::Instant;

use bartizan_audit::record::Record;
use bartizan_runtime::Call;
use bartizan_state::quota::Forwarded;
use bartizan_wire::message::{Id, Request, Response};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

use crate::session::Outgoing;

/// A request that was forwarded and not answered yet.
pub(crate) enum Flight {
    /// The client's.
    Client(Box<Exchange>),
    /// The gateway's own.
    Own(oneshot::Sender<Response>),
}

/// A client's request under way.
pub(crate) struct Exchange {
    /// As the client sent it.
    pub(crate) request: Request,
    /// As it was forwarded.
    pub(crate) call: Arc<Call>,
    pub(crate) reply: mpsc::Sender<Outgoing>,
    pub(crate) charges: Forwarded,
    pub(crate) record: Record,
    pub(crate) begin: Instant,
    pub(crate) progress: Option<Id>,
}

/// Why a request does not depart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grounded {
    /// The client has a request with this id under way.
    IdInUse,
    /// The session has ended.
    Ended,
    /// The client has cancelled it while it was being judged.
    Cancelled,
}

/// A request that is being judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judging {
    Wanted,
    Cancelled,
}

/// The flights of a session.
#[derive(Default)]
pub(crate) struct Flights {
    next: u64,
    flights: HashMap<Id, Flight>,
    /// The client's ids, and the numbers that stand for them.
    numbers: HashMap<Id, Id>,
    /// The client's ids of requests that are being judged.
    judging: HashMap<Id, Judging>,
    ended: bool,
}

impl Flights {
    /// A number for a request.
    pub(crate) fn number(&mut self) -> Id {
        self.next += 1;
        Id::from(self.next)
    }

    /// Begins to judge a request with this id of the client's, unless it must not depart anyway.
    pub(crate) fn judge(&mut self, client: &Id) -> Result<(), Grounded> {
        if self.ended {
            return Err(Grounded::Ended);
        }
        if self.numbers.contains_key(client) || self.judging.contains_key(client) {
            return Err(Grounded::IdInUse);
        }
        self.judging.insert(client.clone(), Judging::Wanted);
        Ok(())
    }

    /// Ends the judging of a request that does not depart.
    pub(crate) fn refuse(&mut self, client: &Id) {
        self.judging.remove(client);
    }

    /// Cancels a request that is being judged: it will not depart.
    pub(crate) fn cancel(&mut self, client: &Id) {
        if let Some(judging) = self.judging.get_mut(client) {
            *judging = Judging::Cancelled;
        }
    }

    /// Puts a request under way. It is given back if it must not depart.
    pub(crate) fn depart(&mut self, number: &Id, flight: Flight) -> Result<(), (Grounded, Flight)> {
        if self.ended {
            return Err((Grounded::Ended, flight));
        }
        if let Flight::Client(exchange) = &flight {
            let client = exchange.request.id();
            if self.judging.remove(client) == Some(Judging::Cancelled) {
                return Err((Grounded::Cancelled, flight));
            }
            self.numbers.insert(client.clone(), number.clone());
        }
        self.flights.insert(number.clone(), flight);
        Ok(())
    }

    /// Takes the request that a number stands for.
    pub(crate) fn arrive(&mut self, number: &Id) -> Option<Flight> {
        let flight = self.flights.remove(number)?;
        if let Flight::Client(exchange) = &flight {
            self.numbers.remove(exchange.request.id());
        }
        Some(flight)
    }

    /// The number that stands for a client's request under way.
    pub(crate) fn number_of(&self, client: &Id) -> Option<Id> {
        self.numbers.get(client).cloned()
    }

    /// Where the messages of a request go.
    pub(crate) fn reply_of(&self, number: &Id) -> Option<mpsc::Sender<Outgoing>> {
        match self.flights.get(number) {
            Some(Flight::Client(exchange)) => Some(exchange.reply.clone()),
            _ => None,
        }
    }

    /// Where the messages of the request with this progress token go.
    pub(crate) fn reply_of_progress(&self, token: &Id) -> Option<mpsc::Sender<Outgoing>> {
        self.flights.values().find_map(|flight| match flight {
            Flight::Client(exchange) if exchange.progress.as_ref() == Some(token) => {
                Some(exchange.reply.clone())
            }
            _ => None,
        })
    }

    /// Whether a client waits for an answer.
    pub(crate) fn is_awaited(&self) -> bool {
        self.flights
            .values()
            .any(|flight| matches!(flight, Flight::Client(exchange) if !exchange.reply.is_closed()))
            || !self.judging.is_empty()
    }

    /// Lets nothing depart any more, and gives up what is under way.
    pub(crate) fn end(&mut self) -> Vec<Flight> {
        self.ended = true;
        self.numbers.clear();
        self.flights.drain().map(|(_, flight)| flight).collect()
    }
}
