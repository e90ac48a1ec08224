//! One MCP session: a client on one side, a server on the other, and what is under way between them.
//!
//! Invariants: a response goes to the request it answers, once, and is dropped if there is none
//! ([`Flights`]); the client's answer to a question of the server goes through once, and only if the
//! question was asked; once a session has ended nothing departs any more.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bartizan_audit::log::Sink;
use bartizan_wire::denial::Denial;
use bartizan_wire::era::{Era, Revision};
use bartizan_wire::json::{self, Document};
use bartizan_wire::message::{Id, Message, Response};
use bartizan_wire::meta;
use http::HeaderMap;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use crate::admission::Stores;
use crate::catalogue::Catalogue;
use crate::clock;
use crate::config::{Limits, UpstreamConfig};
use crate::downstream::http::Tracks;
use crate::flights::{Exchange, Flight, Flights, Ids};
use crate::mailbox::{Mailbox, Reader};
use crate::memory::{Changes, Room, SessionMemory};
use crate::recorder::Recorder;
use crate::rounds::Rounds;
use crate::server::Server;
use crate::tasks::Tasks;
use crate::upstream::{Reaper, Upstream, carry_aside};
use crate::webhook::Webhook;

/// How long the gateway waits for an answer to its own requests.
const OWN_PATIENCE: Duration = Duration::from_secs(30);

/// What a client is sent.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A message that others follow.
    Message(Document),
    /// The response that ends an exchange.
    Last(Document),
    /// Nothing yet, but the server answers as a stream, where answers can be streams.
    Begin,
    /// Nothing for now: the server wants the client to come back for the rest, after so long.
    Pause(Duration),
}

impl Outgoing {
    /// The message, if it is one.
    pub(crate) fn document(&self) -> Option<&Document> {
        match self {
            Self::Message(document) | Self::Last(document) => Some(document),
            Self::Begin | Self::Pause(_) => None,
        }
    }

    /// The message, by value.
    pub(crate) fn into_document(self) -> Option<Document> {
        match self {
            Self::Message(document) | Self::Last(document) => Some(document),
            Self::Begin | Self::Pause(_) => None,
        }
    }
}

/// What all sessions share.
pub(crate) struct Shared {
    pub(crate) stores: Stores,
    pub(crate) log: Arc<dyn Sink>,
    /// What redacts the content of calls for the log, if that is recorded.
    pub(crate) recorder: Option<Recorder>,
    /// Who is told of requests for approval.
    pub(crate) webhook: Option<Webhook>,
    /// What a client may send.
    pub(crate) client_limits: json::Limits,
    /// What a server may send.
    pub(crate) server_limits: json::Limits,
    pub(crate) limits: Limits,
    pub(crate) rounds: Rounds,
    /// The room that plugins have to remember sessions.
    pub(crate) room: Arc<Room>,
    /// What ends the children of a gateway that is killed.
    pub(crate) reaper: Option<Reaper>,
}

/// A session. In the modern era, over HTTP, all clients of a server have one together: requests stand for
/// themselves there.
pub(crate) struct Session {
    pub(crate) id: Arc<str>,
    pub(crate) server: Arc<Server>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) catalogue: Catalogue,
    pub(crate) flights: Mutex<Flights>,
    pub(crate) tasks: Arc<Tasks>,
    /// What plugins remember of the session: of one that clients share, of all of them together.
    pub(crate) memory: SessionMemory,
    /// What was sent on the event streams of exchanges.
    pub(crate) tracks: Mutex<Tracks>,
    upstream: OnceLock<Upstream>,
    asked: Mutex<HashSet<Id>>,
    unrelated: Unrelated,
    ended: OnceLock<String>,
    agreed: OnceLock<Agreed>,
    used: Mutex<Instant>,
    is_probe: AtomicBool,
    is_input_over: AtomicBool,
    gone: watch::Sender<bool>,
}

/// What a handshake has agreed on.
struct Agreed {
    revision: String,
    /// The notifications of the lists that the server has.
    lists: Vec<&'static str>,
}

/// Where messages of the server go that belong to no request.
pub(crate) enum Unrelated {
    /// The client's one pipe: a client that does not read holds its server up.
    Pipe(mpsc::Sender<Outgoing>),
    /// An event stream that the client may open.
    Mailbox(Mailbox),
    /// Nowhere: the clients share the session, and none of them is meant.
    Nobody,
}

impl Session {
    pub(crate) fn new(
        id: Arc<str>,
        server: Arc<Server>,
        shared: Arc<Shared>,
        unrelated: Unrelated,
    ) -> Arc<Self> {
        let ids = match &unrelated {
            Unrelated::Pipe(_) | Unrelated::Mailbox(_) => Ids::OneClient,
            Unrelated::Nobody => Ids::Anyone,
        };
        let most = match ids {
            Ids::OneClient => shared.limits.in_flight,
            // Each of the many clients has a connection at least.
            Ids::Anyone => shared.limits.in_flight.max(shared.limits.connections),
        };
        let tasks = match &server.upstream {
            // Each child gives its own tasks their ids.
            UpstreamConfig::Stdio(_) => Arc::default(),
            UpstreamConfig::Http { .. } => Arc::clone(&server.tasks),
        };
        let memory = SessionMemory::new(Arc::clone(&shared.room));
        Arc::new(Self {
            id,
            server,
            shared,
            catalogue: Catalogue::default(),
            flights: Mutex::new(Flights::new(ids, most)),
            tasks,
            memory,
            tracks: Mutex::default(),
            upstream: OnceLock::new(),
            asked: Mutex::default(),
            unrelated,
            ended: OnceLock::new(),
            agreed: OnceLock::new(),
            used: Mutex::new(Instant::now()),
            is_probe: AtomicBool::new(false),
            is_input_over: AtomicBool::new(false),
            gone: watch::Sender::new(false),
        })
    }

    /// Gives the session its server. Once.
    pub(crate) fn connect(&self, upstream: Upstream) {
        if self.upstream.set(upstream).is_err() {
            tracing::error!(session = %self.id, "a session was connected twice");
        }
    }

    /// The session begins in order to find out whether the server speaks an era: a server that does not
    /// may well end.
    pub(crate) fn begin_probe(&self) {
        self.is_probe.store(true, Ordering::SeqCst);
    }

    /// The server speaks the era: from now on it has no reason to end.
    pub(crate) fn end_probe(&self) {
        self.is_probe.store(false, Ordering::SeqCst);
    }

    /// Whether it is being found out what the server speaks.
    pub(crate) fn is_probe(&self) -> bool {
        self.is_probe.load(Ordering::SeqCst)
    }

    /// The client with one pipe says nothing more: nobody waits for calls that are held.
    pub(crate) fn end_of_input(&self) {
        self.is_input_over.store(true, Ordering::SeqCst);
    }

    /// Whether the client with one pipe says nothing more.
    pub(crate) fn is_input_over(&self) -> bool {
        self.is_input_over.load(Ordering::SeqCst)
    }

    pub(crate) fn upstream(&self) -> Option<&Upstream> {
        self.upstream.get()
    }

    /// Remembers that the server asked the client something. False if that id is already open, or as many
    /// questions as may be.
    pub(crate) fn ask(&self, id: &Id) -> bool {
        let mut asked = self.asked.lock();
        asked.len() < self.shared.limits.in_flight && asked.insert(id.clone())
    }

    /// Whether the server waits for an answer with this id; it does so once.
    pub(crate) fn answer(&self, id: &Id) -> bool {
        self.asked.lock().remove(id)
    }

    /// Opens the stream of messages that belong to no request. `None` for a client with one pipe.
    /// A client that lost one takes up after what it read last.
    pub(crate) fn open_stream(&self, after: Option<u64>) -> Option<Reader> {
        match &self.unrelated {
            Unrelated::Pipe(_) | Unrelated::Nobody => None,
            Unrelated::Mailbox(mailbox) => Some(mailbox.open(after)),
        }
    }

    /// Whether the stream of messages that belong to no request has had one of this number.
    pub(crate) fn has_sent(&self, number: u64) -> bool {
        match &self.unrelated {
            Unrelated::Pipe(_) | Unrelated::Nobody => false,
            Unrelated::Mailbox(mailbox) => mailbox.has_had(number),
        }
    }

    /// The client's one pipe, if it has one.
    pub(crate) fn pipe(&self) -> Option<mpsc::Sender<Outgoing>> {
        match &self.unrelated {
            Unrelated::Pipe(pipe) => Some(pipe.clone()),
            Unrelated::Mailbox(_) | Unrelated::Nobody => None,
        }
    }

    /// Whether the session is shared by clients who know nothing of each other.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.unrelated, Unrelated::Nobody)
    }

    /// Whether one process serves clients who know nothing of each other: what it says comes in one line.
    pub(crate) fn has_one_child_for_all(&self) -> bool {
        self.is_shared() && matches!(self.upstream(), Some(Upstream::Stdio(_)))
    }

    /// Sends a message to the client that belongs to no request.
    pub(crate) async fn send(&self, document: Document) {
        let delivered = match &self.unrelated {
            Unrelated::Pipe(pipe) => pipe.send(Outgoing::Message(document)).await.is_ok(),
            Unrelated::Mailbox(mailbox) => mailbox.put(document),
            Unrelated::Nobody => {
                tracing::debug!(server = %self.server.name, "a message that belongs to no request is dropped");
                return;
            }
        };
        if !delivered {
            tracing::warn!(
                session = %self.id,
                server = %self.server.name,
                "the client does not read the server's messages: one is dropped"
            );
        }
    }

    /// Asks the server something for the gateway itself. `params` are the members of the object.
    pub(crate) async fn own_request(
        self: &Arc<Self>,
        era: Era,
        method: &str,
        params: &[(&str, Document)],
    ) -> Result<Response, Unanswered> {
        let (sender, receiver) = oneshot::channel();
        let number = {
            let mut flights = self.flights.lock();
            let number = flights.number();
            if flights.depart(&number, Flight::Own(sender)).is_err() {
                return Err(Unanswered::Lost(self.end_reason()));
            }
            number
        };
        let sent = async {
            let message = own_message(&number, era, method, params)?;
            let upstream = self.upstream().ok_or("the server is not connected")?;
            let sent = upstream.send(self, &message, HeaderMap::new()).await;
            sent.map(carry_aside).map_err(|error| error.to_string())
        };
        if let Err(problem) = sent.await {
            self.flights.lock().arrive(&number);
            return Err(Unanswered::Lost(problem));
        }
        match tokio::time::timeout(OWN_PATIENCE, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_dropped)) => Err(Unanswered::Lost(self.end_reason())),
            Err(_elapsed) => {
                self.flights.lock().arrive(&number);
                let text = format!("no answer to {method} within {} s", OWN_PATIENCE.as_secs());
                Err(Unanswered::Silent(text))
            }
        }
    }

    /// Keeps what plugins want to remember of a message that goes on. If that cannot be, it does not.
    pub(crate) fn remember(&self, changes: &Changes) -> Result<(), Denial> {
        self.memory.keep(changes, clock::now()).map_err(Denial::from)
    }

    /// The revision that client and server agreed on, once they have.
    pub(crate) fn revision(&self) -> Option<&str> {
        self.agreed.get().map(|agreed| agreed.revision.as_str())
    }

    /// The notifications of the lists that the server has, once a handshake has told.
    pub(crate) fn lists(&self) -> &[&'static str] {
        self.agreed.get().map(|agreed| agreed.lists.as_slice()).unwrap_or_default()
    }

    pub(crate) fn agree_on(&self, revision: &str, lists: Vec<&'static str>) {
        // A second `initialize` is the server's to refuse; the first agreement stands.
        let _first = self.agreed.set(Agreed { revision: revision.to_owned(), lists });
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
        if !self.is_shared() {
            self.shared.stores.quotas.end_session(&self.id);
        }
        match self.upstream() {
            Some(upstream) => upstream.close(self),
            None => self.upstream_is_gone(),
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

    /// Takes note that the server's process is no more, or knows that the session is over.
    pub(crate) fn upstream_is_gone(&self) {
        self.gone.send_replace(true);
    }

    /// Takes the same note later.
    pub(crate) fn gone(&self) -> watch::Sender<bool> {
        self.gone.clone()
    }

    /// Waits until the session has ended, and the server's process is no more, or knows of it.
    pub(crate) async fn wait_for_upstream(&self) {
        let mut gone = self.gone.subscribe();
        // The sender lives as long as the session: this ends with `true`.
        let _gone = gone.wait_for(|gone| *gone).await;
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
            Unrelated::Nobody => true,
        };
        self.used.lock().elapsed() > limit && !reads && !self.flights.lock().is_awaited()
    }
}

/// Why a request of the gateway's own has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    /// The server's transport refused it.
    #[error("{0}")]
    Refused(String),
    /// The server says nothing.
    #[error("{0}")]
    Silent(String),
    /// The server could not be reached, or is gone.
    #[error("{0}")]
    Lost(String),
}

/// A request of the gateway's own.
fn own_message(number: &Id, era: Era, method: &str, params: &[(&str, Document)]) -> Result<Message, String> {
    let meta = (era == Era::Modern)
        .then(|| ("_meta", meta::of_everything(Revision::LATEST, "bartizan", env!("CARGO_PKG_VERSION"))));
    let members: Vec<String> =
        params.iter().chain(&meta).map(|(name, value)| format!("{}:{value}", json::quote(name))).collect();
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":{},"method":{},"params":{{{}}}}}"#,
        number.as_json(),
        json::quote(method),
        members.join(",")
    );
    Message::parse(text.as_bytes(), &json::Limits::default()).map_err(|error| error.to_string())
}

/// What is known of a request that gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It did not reach the server: it costs nothing.
    NotSent,
    /// The server may have acted on it: it counts.
    Unknown,
}
