//! The requests of one session that were forwarded and not answered yet.
//!
//! Every request goes to the server under a number of ours, never the client's id: a server that mixes
//! up ids (`1` and `"1"`, integers beyond 2^53) or answers a cancelled request cannot make one request's
//! response pass for another's. A number is used once, so a late or second answer finds nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bartizan_audit::record::Record;
use bartizan_runtime::Call;
use bartizan_wire::era::Era;
use bartizan_wire::message::{Id, Request, Response};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

use crate::admission::Underway;
use crate::session::{Outgoing, Unanswered};

/// A request that was forwarded and not answered yet.
pub(crate) enum Flight {
    /// The client's.
    Client(Box<Exchange>),
    /// The gateway's own.
    Own(oneshot::Sender<Result<Response, Unanswered>>),
}

/// A client's request under way.
pub(crate) struct Exchange {
    /// As the client sent it.
    pub(crate) request: Request,
    pub(crate) era: Era,
    /// As it was forwarded.
    pub(crate) call: Arc<Call>,
    pub(crate) reply: mpsc::Sender<Outgoing>,
    /// What it has taken.
    pub(crate) taken: Underway,
    pub(crate) record: Record,
    pub(crate) begin: Instant,
    /// The client's token for notifications of progress; the server knows it by our number.
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
    /// As many requests are under way as may be.
    Crowded,
}

/// Whose ids the requests of a session carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// One client's, who uses each once at a time.
    OneClient,
    /// Many clients', who know nothing of each other.
    Anyone,
}

/// The flights of a session.
pub(crate) struct Flights {
    ids: Ids,
    most: usize,
    next: u64,
    flights: HashMap<Id, Flight>,
    /// The client's ids, and the numbers that stand for them.
    numbers: HashMap<Id, Id>,
    /// The numbers of requests that are being judged, and whether they were cancelled meanwhile.
    judging: HashMap<Id, bool>,
    /// Requests that were given up and not answered, and when: the server may still work on them.
    ghosts: HashMap<Id, Instant>,
    ended: bool,
}

/// How long a server may work on a request that was given up.
const HAUNTING: Duration = Duration::from_secs(60);
/// How many requests that were given up are remembered.
const GHOSTS: usize = 10_000;

impl Flights {
    /// At most so many requests of clients are under way at once.
    pub(crate) fn new(ids: Ids, most: usize) -> Self {
        Self {
            ids,
            most,
            next: 0,
            flights: HashMap::new(),
            numbers: HashMap::new(),
            judging: HashMap::new(),
            ghosts: HashMap::new(),
            ended: false,
        }
    }

    /// A number for a request.
    pub(crate) fn number(&mut self) -> Id {
        self.next += 1;
        Id::from(self.next)
    }

    /// Begins to judge a request with this id of the client's, unless it must not depart anyway. The number
    /// that stands for it from now on.
    pub(crate) fn begin(&mut self, client: &Id) -> Result<Id, Grounded> {
        if self.ended {
            return Err(Grounded::Ended);
        }
        if self.judging.len() + self.flights.len() >= self.most {
            return Err(Grounded::Crowded);
        }
        if self.ids == Ids::OneClient && self.numbers.contains_key(client) {
            return Err(Grounded::IdInUse);
        }
        let number = self.number();
        if self.ids == Ids::OneClient {
            self.numbers.insert(client.clone(), number.clone());
        }
        self.judging.insert(number.clone(), false);
        Ok(number)
    }

    /// Ends the judging of a request that does not depart. False if it was cancelled meanwhile: nobody
    /// waits for an answer.
    pub(crate) fn refuse(&mut self, number: &Id, client: &Id) -> bool {
        self.forget(number, client);
        self.judging.remove(number) != Some(true)
    }

    /// Cancels a request that is being judged: it will not depart.
    pub(crate) fn cancel(&mut self, number: &Id) {
        if let Some(cancelled) = self.judging.get_mut(number) {
            *cancelled = true;
        }
    }

    /// Whether a request was cancelled, or its session has ended, while it is being judged.
    pub(crate) fn is_cancelled(&self, number: &Id) -> bool {
        self.ended || self.judging.get(number).copied().unwrap_or(true)
    }

    /// Puts a request under way. It is given back if it must not depart.
    pub(crate) fn depart(&mut self, number: &Id, flight: Flight) -> Result<(), (Grounded, Flight)> {
        let cancelled = self.judging.remove(number) == Some(true);
        let grounded = match (self.ended, cancelled) {
            (true, _) => Some(Grounded::Ended),
            (false, true) => Some(Grounded::Cancelled),
            (false, false) => None,
        };
        if let Some(grounded) = grounded {
            if let Flight::Client(exchange) = &flight {
                self.forget(number, exchange.request.id());
            }
            return Err((grounded, flight));
        }
        self.flights.insert(number.clone(), flight);
        Ok(())
    }

    /// Takes note that nobody waits for an answer that the server may still work on.
    pub(crate) fn haunt(&mut self, number: Id) {
        if self.ghosts.len() >= GHOSTS {
            self.ghosts.retain(|_, since| since.elapsed() < HAUNTING);
        }
        self.ghosts.insert(number, Instant::now());
    }

    /// Takes the request that a number stands for.
    pub(crate) fn arrive(&mut self, number: &Id) -> Option<Flight> {
        self.ghosts.remove(number);
        let flight = self.flights.remove(number)?;
        if let Flight::Client(exchange) = &flight {
            self.forget(number, exchange.request.id());
        }
        Some(flight)
    }

    fn forget(&mut self, number: &Id, client: &Id) {
        if self.numbers.get(client) == Some(number) {
            self.numbers.remove(client);
        }
    }

    /// The number that stands for a client's request, in a session of one client.
    pub(crate) fn number_of(&self, client: &Id) -> Option<Id> {
        self.numbers.get(client).cloned()
    }

    /// A client's request under way.
    pub(crate) fn get(&self, number: &Id) -> Option<&Exchange> {
        match self.flights.get(number) {
            Some(Flight::Client(exchange)) => Some(exchange),
            _ => None,
        }
    }

    /// The numbers of clients' requests that are such.
    pub(crate) fn numbers(&self, is_such: impl Fn(&Exchange) -> bool) -> Vec<Id> {
        let such = self.flights.iter().filter_map(|(number, flight)| match flight {
            Flight::Client(exchange) if is_such(exchange) => Some(number.clone()),
            _ => None,
        });
        such.collect()
    }

    /// Whether an answer is waited for.
    pub(crate) fn is_under_way(&self, number: &Id) -> bool {
        self.flights.contains_key(number)
    }

    /// The number of the only request of a client that the server can be working on, if there is just one.
    pub(crate) fn only(&self) -> Option<Id> {
        if self.ghosts.values().any(|since| since.elapsed() < HAUNTING) {
            return None;
        }
        let mut numbers = self.flights.iter().filter_map(|(number, flight)| match flight {
            Flight::Client(_) => Some(number),
            Flight::Own(_) => None,
        });
        let first = numbers.next();
        first.filter(|_| numbers.next().is_none()).cloned()
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
