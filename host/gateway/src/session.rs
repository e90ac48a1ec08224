//! One MCP session: a client on one side, a server on the other, and what is under way between them.
//!
//! Invariants: a response goes to the request it answers, once, and is dropped if there is none
//! ([`Flights`]); the client's answer to a question of the server goes through once, and only if the
//! question was asked; once a session has ended nothing departs any more.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bartizan_audit::log::Sink;
use bartizan_state::quota::Quotas;
use bartizan_wire::json::{Document, Limits};
use bartizan_wire::message::{Id, Message, Response};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use crate::catalogue::Catalogue;
use crate::flights::{Exchange, Flight, Flights};
use crate::mailbox::{Mailbox, Reader};
use crate::server::Server;
use crate::upstream::Upstream;

/// How long the gateway waits for an answer to its own requests.
const OWN_PATIENCE: Duration = Duration::from_secs(30);

/// A message for the client.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// One that others follow.
    Message(Document),
    /// The response that ends an exchange.
    Last(Document),
}

impl Outgoing {
    /// The message.
    pub(crate) fn document(&self) -> &Document {
        match self {
            Self::Message(document) | Self::Last(document) => document,
        }
    }

    /// The message, by value.
    pub(crate) fn into_document(self) -> Document {
        match self {
            Self::Message(document) | Self::Last(document) => document,
        }
    }
}

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) quotas: Box<dyn Quotas>,
    pub(crate) log: Box<dyn Sink>,
    /// What a client may send.
    pub(crate) client_limits: Limits,
    /// What a server may send.
    pub(crate) server_limits: Limits,
}

/// A session.
pub(crate) struct Session {
    pub(crate) id: Arc<str>,
    pub(crate) server: Arc<Server>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) catalogue: Catalogue,
    pub(crate) flights: Mutex<Flights>,
    upstream: OnceLock<Upstream>,
    asked: Mutex<HashSet<Id>>,
    unrelated: Unrelated,
    ended: OnceLock<String>,
    revision: OnceLock<String>,
    used: Mutex<Instant>,
    gone: watch::Sender<bool>,
}

/// Where messages of the server go that belong to no request.
pub(crate) enum Unrelated {
    /// The client's one pipe: a client that does not read holds its server up.
    Pipe(mpsc::Sender<Outgoing>),
    /// An event stream that the client may open.
    Mailbox(Mailbox),
}

impl Session {
    pub(crate) fn new(
        id: Arc<str>,
        server: Arc<Server>,
        shared: Arc<Shared>,
        unrelated: Unrelated,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            server,
            shared,
            catalogue: Catalogue::default(),
            flights: Mutex::default(),
            upstream: OnceLock::new(),
            asked: Mutex::default(),
            unrelated,
            ended: OnceLock::new(),
            revision: OnceLock::new(),
            used: Mutex::new(Instant::now()),
            gone: watch::Sender::new(false),
        })
    }

    /// Gives the session its server. Once.
    pub(crate) fn connect(&self, upstream: Upstream) {
        if self.upstream.set(upstream).is_err() {
            tracing::error!(session = %self.id, "a session was connected twice");
        }
    }

    pub(crate) fn upstream(&self) -> Option<&Upstream> {
        self.upstream.get()
    }

    /// Remembers that the server asked the client something. False if that id is already open.
    pub(crate) fn ask(&self, id: &Id) -> bool {
        self.asked.lock().insert(id.clone())
    }

    /// Whether the server waits for an answer with this id; it does so once.
    pub(crate) fn answer(&self, id: &Id) -> bool {
        self.asked.lock().remove(id)
    }

    /// Opens the stream of messages that belong to no request. `None` for a client with one pipe.
    pub(crate) fn open_stream(&self) -> Option<Reader> {
        match &self.unrelated {
            Unrelated::Pipe(_) => None,
            Unrelated::Mailbox(mailbox) => Some(mailbox.open()),
        }
    }

    /// Sends a message to the client that belongs to no request.
    pub(crate) async fn send(&self, document: Document) {
        let delivered = match &self.unrelated {
            Unrelated::Pipe(pipe) => pipe.send(Outgoing::Message(document)).await.is_ok(),
            Unrelated::Mailbox(mailbox) => mailbox.put(document),
        };
        if !delivered {
            tracing::warn!(
                session = %self.id,
                server = %self.server.name,
                "the client does not read the server's messages: one is dropped"
            );
        }
    }

    /// Asks the server something for the gateway itself.
    pub(crate) async fn own_request(
        self: &Arc<Self>,
        method: &str,
        params: &str,
    ) -> Result<Response, String> {
        let (sender, receiver) = oneshot::channel();
        let number = {
            let mut flights = self.flights.lock();
            let number = flights.number();
            if flights.depart(&number, Flight::Own(sender)).is_err() {
                return Err(self.end_reason());
            }
            number
        };
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{},"method":"{method}","params":{params}}}"#, number.as_json());
        let sent = async {
            let message = Message::parse(text.as_bytes(), &self.shared.server_limits)
                .map_err(|error| error.to_string())?;
            let upstream = self.upstream().ok_or("the server is not connected")?;
            upstream.send(self, &message).await.map_err(|error| error.to_string())
        };
        if let Err(problem) = sent.await {
            self.flights.lock().arrive(&number);
            return Err(problem);
        }
        match tokio::time::timeout(OWN_PATIENCE, receiver).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(_dropped)) => Err(self.end_reason()),
            Err(_elapsed) => {
                self.flights.lock().arrive(&number);
                Err(format!("no answer to {method} within {} s", OWN_PATIENCE.as_secs()))
            }
        }
    }

    /// The revision that client and server agreed on, once they have.
    pub(crate) fn revision(&self) -> Option<&str> {
        self.revision.get().map(String::as_str)
    }

    pub(crate) fn agree_on(&self, revision: &str) {
        // A second `initialize` is the server's to refuse; the first agreement stands.
        let _first = self.revision.set(revision.to_owned());
    }

    /// Ends the session: its server is gone, or is to go. What is under way fails with the reason; its
    /// charges stay, since the server may have acted.
    pub(crate) fn end(&self, reason: &str) {
        if self.ended.set(reason.to_owned()).is_err() {
            return;
        }
        let flights = self.flights.lock().end();
        for flight in flights {
            if let Flight::Client(exchange) = flight {
                self.fail(*exchange, reason, Fate::Unknown);
            }
        }
        if let Unrelated::Mailbox(mailbox) = &self.unrelated {
            mailbox.close();
        }
        self.shared.quotas.end_session(&self.id);
        if let Some(upstream) = self.upstream() {
            upstream.close(self);
        }
    }

    /// Takes a client's request out of those under way.
    pub(crate) fn abandon(&self, number: &Id) -> Option<Box<Exchange>> {
        match self.flights.lock().arrive(number) {
            Some(Flight::Client(exchange)) => Some(exchange),
            Some(Flight::Own(_)) | None => None,
        }
    }

    /// Whether the session has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// Why the session ended.
    pub(crate) fn end_reason(&self) -> String {
        self.ended.get().cloned().unwrap_or_else(|| "the server is gone".to_owned())
    }

    /// Takes note that the server's process is no more.
    pub(crate) fn upstream_is_gone(&self) {
        self.gone.send_replace(true);
    }

    /// Waits until the server's process is no more, if it is one.
    pub(crate) async fn wait_for_upstream(&self) {
        if matches!(self.upstream(), Some(Upstream::Stdio(_))) {
            let mut gone = self.gone.subscribe();
            // The sender lives as long as the session: this ends with `true`.
            let _gone = gone.wait_for(|gone| *gone).await;
        }
    }

    /// Waits until the client has waited for nothing for so long.
    pub(crate) async fn wait_for_quiet(&self, quiet: Duration) {
        let mut look = tokio::time::interval(quiet / 10);
        let mut since = Instant::now();
        while since.elapsed() < quiet {
            look.tick().await;
            if self.flights.lock().is_awaited() {
                since = Instant::now();
            }
        }
    }

    /// Takes note that the client is there.
    pub(crate) fn touch(&self) {
        *self.used.lock() = Instant::now();
    }

    /// Whether the client was not heard of for so long, and waits for nothing.
    pub(crate) fn is_idle(&self, limit: Duration) -> bool {
        let reads = match &self.unrelated {
            Unrelated::Pipe(pipe) => !pipe.is_closed(),
            Unrelated::Mailbox(mailbox) => mailbox.is_read(),
        };
        self.used.lock().elapsed() > limit && !reads && !self.flights.lock().is_awaited()
    }
}

/// What is known of a request that gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It did not reach the server: it costs nothing.
    NotSent,
    /// The server may have acted on it: it counts.
    Unknown,
}
