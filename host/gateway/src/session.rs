//! One MCP session: a client on one side, a server on the other, and what is under way between them.
//!
//! Invariants: a request of the client is under way at most once; a response goes to the request with its
//! id, once, and is dropped if there is none; so it is in the other direction. Ids are forwarded as they
//! are, since client and server of a session have their own connection; the gateway's own requests have
//! ids that no client may use.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bartizan_audit::log::Sink;
use bartizan_audit::record::Record;
use bartizan_runtime::Call;
use bartizan_state::quota::{Forwarded, Quotas};
use bartizan_wire::json::{Document, Limits};
use bartizan_wire::message::{Id, Message, Request, Response};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use crate::catalogue::Catalogue;
use crate::server::Server;
use crate::upstream::Upstream;

/// Begins the ids of the gateway's own requests.
const OWN_ID: &str = "bartizan:";
/// How long the gateway waits for an answer to its own requests.
const OWN_PATIENCE: Duration = Duration::from_secs(30);
/// How many messages wait for a client that has no stream open.
const WAITING: usize = 256;

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
    upstream: OnceLock<Upstream>,
    flight: Mutex<HashMap<Id, InFlight>>,
    asked: Mutex<HashSet<Id>>,
    stream: Mutex<Stream>,
    own_ids: AtomicU64,
    ended: OnceLock<String>,
    revision: OnceLock<String>,
    used: Mutex<Instant>,
    gone: watch::Sender<bool>,
}

/// A request that was forwarded and not answered yet.
pub(crate) enum InFlight {
    /// The client's.
    Client(Box<Exchange>),
    /// The gateway's own.
    Own(oneshot::Sender<Response>),
}

/// A client's request under way.
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) call: Arc<Call>,
    pub(crate) reply: mpsc::Sender<Outgoing>,
    pub(crate) charges: Forwarded,
    pub(crate) record: Record,
    pub(crate) begin: Instant,
    pub(crate) progress: Option<Id>,
}

/// Where messages go that belong to no request.
#[derive(Default)]
struct Stream {
    open: Option<mpsc::Sender<Outgoing>>,
    waiting: VecDeque<Document>,
}

impl Session {
    pub(crate) fn new(id: Arc<str>, server: Arc<Server>, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self {
            id,
            server,
            shared,
            catalogue: Catalogue::default(),
            upstream: OnceLock::new(),
            flight: Mutex::default(),
            asked: Mutex::default(),
            stream: Mutex::default(),
            own_ids: AtomicU64::new(0),
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

    /// Puts a request under way, unless its id is taken.
    pub(crate) fn depart(&self, id: &Id, flight: InFlight) -> Result<(), InFlight> {
        let mut flights = self.flight.lock();
        if flights.contains_key(id) {
            return Err(flight);
        }
        flights.insert(id.clone(), flight);
        Ok(())
    }

    /// Whether a client may use this id for a request now.
    pub(crate) fn is_free(&self, id: &Id) -> bool {
        !id.as_json().starts_with(&format!("\"{OWN_ID}")) && !self.flight.lock().contains_key(id)
    }

    /// Takes a request out of those under way.
    pub(crate) fn arrive(&self, id: &Id) -> Option<InFlight> {
        self.flight.lock().remove(id)
    }

    /// Ends an exchange that will get no response. Its charges stay: the server may have acted.
    pub(crate) fn abandon(&self, id: &Id) -> Option<Box<Exchange>> {
        let mut flights = self.flight.lock();
        match flights.remove(id) {
            Some(InFlight::Client(exchange)) => Some(exchange),
            Some(own @ InFlight::Own(_)) => {
                flights.insert(id.clone(), own);
                None
            }
            None => None,
        }
    }

    /// The request that a progress token belongs to.
    pub(crate) fn reply_of_progress(&self, token: &Id) -> Option<mpsc::Sender<Outgoing>> {
        self.flight.lock().values().find_map(|flight| match flight {
            InFlight::Client(exchange) if exchange.progress.as_ref() == Some(token) => {
                Some(exchange.reply.clone())
            }
            _ => None,
        })
    }

    /// Where messages of the exchange with this id go.
    pub(crate) fn reply_of(&self, id: &Id) -> Option<mpsc::Sender<Outgoing>> {
        match self.flight.lock().get(id) {
            Some(InFlight::Client(exchange)) => Some(exchange.reply.clone()),
            _ => None,
        }
    }

    /// Remembers that the server asked the client something. False if that id is already open.
    pub(crate) fn ask(&self, id: &Id) -> bool {
        self.asked.lock().insert(id.clone())
    }

    /// Whether the server waits for an answer with this id; it does so once.
    pub(crate) fn answer(&self, id: &Id) -> bool {
        self.asked.lock().remove(id)
    }

    /// Opens the stream for messages that belong to no request; what waited goes first. The stream that
    /// was open before ends.
    pub(crate) fn open_stream(&self, sender: mpsc::Sender<Outgoing>) {
        let mut stream = self.stream.lock();
        while let Some(document) = stream.waiting.pop_front() {
            if let Err(error) = sender.try_send(Outgoing::Message(document)) {
                if let Outgoing::Message(document) = error.into_inner() {
                    stream.waiting.push_front(document);
                }
                break;
            }
        }
        stream.open = Some(sender);
    }

    /// Sends a message to the client that belongs to no request.
    pub(crate) async fn send(&self, document: Document) {
        let open = self.stream.lock().open.clone();
        let document = match open {
            Some(sender) => match sender.send(Outgoing::Message(document)).await {
                Ok(()) => return,
                Err(closed) => closed.0.document().clone(),
            },
            None => document,
        };
        let mut stream = self.stream.lock();
        if stream.open.as_ref().is_some_and(mpsc::Sender::is_closed) {
            stream.open = None;
        }
        if stream.waiting.len() >= WAITING {
            stream.waiting.pop_front();
            tracing::warn!(
                session = %self.id,
                server = %self.server.name,
                "the client reads no stream: its oldest waiting message is dropped"
            );
        }
        stream.waiting.push_back(document);
    }

    /// Asks the server something for the gateway itself.
    pub(crate) async fn own_request(
        self: &Arc<Self>,
        method: &str,
        params: &str,
    ) -> Result<Response, String> {
        let number = self.own_ids.fetch_add(1, Ordering::Relaxed);
        let id = Id::from(format!("{OWN_ID}{number}").as_str());
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":{},"method":"{method}","params":{params}}}"#, id.as_json());
        let message =
            Message::parse(text.as_bytes(), &self.shared.server_limits).map_err(|error| error.to_string())?;
        let (sender, receiver) = oneshot::channel();
        if self.depart(&id, InFlight::Own(sender)).is_err() {
            return Err("the gateway used an id twice".to_owned());
        }
        let upstream = self.upstream().ok_or("the server is not connected")?;
        if let Err(error) = upstream.send(self, &message).await {
            self.arrive(&id);
            return Err(error.to_string());
        }
        match tokio::time::timeout(OWN_PATIENCE, receiver).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(_dropped)) => Err(self.end_reason()),
            Err(_elapsed) => {
                self.arrive(&id);
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

    /// Ends the session: its server is gone, or is to go. What is under way fails with the reason.
    pub(crate) fn end(&self, reason: &str) {
        if self.ended.set(reason.to_owned()).is_err() {
            return;
        }
        let flights = std::mem::take(&mut *self.flight.lock());
        for (_, flight) in flights {
            if let InFlight::Client(exchange) = flight {
                self.fail(*exchange, reason);
            }
        }
        self.stream.lock().open = None;
        self.shared.quotas.end_session(&self.id);
        if let Some(upstream) = self.upstream() {
            upstream.close(self);
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

    /// Takes note that the client is there.
    pub(crate) fn touch(&self) {
        *self.used.lock() = Instant::now();
    }

    /// Whether the client was not heard of for so long, and nothing is under way or open.
    pub(crate) fn is_idle(&self, limit: Duration) -> bool {
        self.used.lock().elapsed() > limit
            && self.flight.lock().is_empty()
            && self.stream.lock().open.as_ref().is_none_or(mpsc::Sender::is_closed)
    }
}
