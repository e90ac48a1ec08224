//! Clients over HTTP: Streamable HTTP at `/mcp/<server>`, in both eras, and HTTP+SSE, the transport of
//! 2024-11-05, at `/sse/<server>`.
//!
//! A request of the modern era says so itself and stands for itself (`stateless`). Everything else belongs
//! to a session that `initialize` has begun (`sessions`, `table`).

mod answer;
mod events;
mod pair;
mod replay;
mod running;
mod sessions;
mod stateless;
mod table;

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use arc_swap::ArcSwap;
use bartizan_wire::era::{Era, Revision};
use bartizan_wire::headers::protocol_version;
use bartizan_wire::message::{Incoming, Message, MessageError};
use bartizan_wire::{denial, meta};
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::Either;
use hyper::body::Incoming as Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::body::{BodyError, read_body};
use super::cors;
use super::guard::{self, Guard, Refusal};
use crate::config::UpstreamConfig;
use crate::listener::Peer;
use crate::plan::ActivePlan;
use crate::server::Server;
use crate::session::{Session, Shared};
use crate::upstream::HttpClient;
use answer::{Answer, json, refuse};
pub(crate) use replay::Tracks;
use stateless::Stateless;
pub(crate) use table::Table;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");

/// How many messages of an exchange may wait for the client to read them.
const BACKLOG: usize = 64;

/// The HTTP front of all servers.
pub(crate) struct Front {
    servers: ArcSwap<HashMap<String, Arc<Server>>>,
    guard: Guard,
    shared: Arc<Shared>,
    client: HttpClient,
    pub(crate) table: Table,
    stateless: Stateless,
    streams: Arc<Semaphore>,
}

impl Front {
    pub(crate) fn new(
        servers: HashMap<String, Arc<Server>>,
        guard: Guard,
        shared: Arc<Shared>,
        client: HttpClient,
    ) -> Self {
        let limits = &shared.limits;
        Self {
            table: Table::new(limits.sessions, limits.sessions_per_client),
            streams: Arc::new(Semaphore::new(limits.streams)),
            stateless: Stateless::default(),
            servers: ArcSwap::from_pointee(servers),
            guard,
            shared,
            client,
        }
    }

    /// The servers, in the order of their names.
    pub(crate) fn servers(&self) -> Vec<Arc<Server>> {
        let mut servers: Vec<Arc<Server>> = self.servers.load().values().map(Arc::clone).collect();
        servers.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        servers
    }

    /// Serves these from now on. A server that is reached as before keeps its sessions, and is judged by its
    /// new plan at once; the sessions of one that is not there any more, or is another one now, end. The
    /// answer is the servers whose plans judge otherwise than before.
    pub(crate) fn install(
        &self,
        servers: BTreeMap<String, (UpstreamConfig, Option<ActivePlan>)>,
    ) -> Vec<Arc<Server>> {
        let before = self.servers.load_full();
        let mut now = HashMap::new();
        let mut changed = Vec::new();
        for (name, (upstream, plan)) in servers {
            let server = match before.get(&name).filter(|server| server.upstream == upstream) {
                Some(server) => {
                    if server.set_plan(plan) {
                        changed.push(Arc::clone(server));
                    }
                    Arc::clone(server)
                }
                None => {
                    let server = Arc::new(Server::new(&name, upstream, plan));
                    changed.push(Arc::clone(&server));
                    server
                }
            };
            now.insert(name, server);
        }
        let is_gone =
            |server: &Arc<Server>| now.get(&*server.name).is_none_or(|current| !Arc::ptr_eq(current, server));
        let gone: Vec<Arc<Server>> =
            before.values().filter(|server| is_gone(server)).map(Arc::clone).collect();
        self.servers.store(Arc::new(now));
        for server in gone {
            for session in self.sessions() {
                if Arc::ptr_eq(&session.server, &server) {
                    session.end("the configuration of the server has changed");
                }
            }
            self.stateless.forget(&server.name);
        }
        changed
    }

    /// Ends what was not used for long.
    pub(crate) fn sweep(&self) {
        self.table.end_idle(self.shared.limits.session_idle);
    }

    /// All sessions, those that clients share as well.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        let mut sessions = self.table.all();
        sessions.extend(self.stateless.all());
        sessions
    }

    /// Ends the streams that only listen, in good order.
    pub(crate) async fn end_subscriptions(&self) {
        for session in self.stateless.all() {
            session.end_subscriptions().await;
        }
    }

    /// Answers one HTTP request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Body>) -> Result<Answer, Infallible> {
        let (parts, body) = request.into_parts();
        let mut answer = self.route(&parts, body).await.unwrap_or_else(|refusal| refuse(&refusal));
        cors::allow(&parts, &self.guard.origins, answer.headers_mut());
        Ok(answer)
    }

    async fn route(self: &Arc<Self>, parts: &Parts, body: Body) -> Result<Answer, Refusal> {
        self.guard.admit(parts)?;
        if let Some(answer) = cors::preflight(parts) {
            return Ok(answer.map(Either::Left));
        }
        let not_found =
            || Refusal::new(StatusCode::NOT_FOUND, "there is nothing here; servers are at /mcp/<server>");
        let path = parts.uri.path().strip_prefix('/').ok_or_else(not_found)?;
        let (transport, name) = path.split_once('/').ok_or_else(not_found)?;
        if !matches!(transport, "mcp" | "sse" | "messages") {
            return Err(not_found());
        }
        let server = self.servers.load().get(name).map(Arc::clone);
        let server = &server
            .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no server of this name here"))?;
        match (transport, &parts.method) {
            ("mcp", &Method::POST) => self.post(parts, body, server).await,
            ("mcp", &Method::GET | &Method::DELETE) if is_stateless(parts)? => {
                Ok(not_allowed("POST", "there are neither streams nor sessions in this revision"))
            }
            ("mcp", &Method::GET) => self.get(parts, server),
            ("mcp", &Method::DELETE) => self.delete(parts, server),
            ("mcp", _) => Ok(not_allowed("POST, GET, DELETE", "the methods are POST, GET and DELETE")),
            ("sse", &Method::GET) => self.open_pair(parts, server),
            ("messages", &Method::POST) => Box::pin(self.post_to_pair(parts, body, server)).await,
            ("sse", _) => Ok(not_allowed("GET", "the method is GET")),
            _ => Ok(not_allowed("POST", "the method is POST")),
        }
    }

    async fn post(
        self: &Arc<Self>,
        parts: &Parts,
        body: Body,
        server: &Arc<Server>,
    ) -> Result<Answer, Refusal> {
        guard::check_post(parts)?;
        let version = guard::single(&parts.headers, &PROTOCOL_VERSION)?;
        let incoming = match self.read(server, body).await? {
            Ok(incoming) => incoming,
            Err(answer) => return Ok(answer),
        };
        let message = match incoming {
            Incoming::One(message) => message,
            Incoming::Batch(messages) => {
                revision(version)?;
                return Box::pin(self.batch(parts, messages, server)).await;
            }
        };
        let names_modern = protocol_version(version)
            .is_ok_and(|revision| revision.is_some_and(|revision| revision.era() == Era::Modern));
        match message {
            Message::Request(request) if names_modern || meta::era(&request) == Era::Modern => {
                self.answer_stateless(parts, request, server, version).await
            }
            Message::Notification(_) | Message::Response(_) if names_modern => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "clients send requests only in this revision; to cancel one, close its stream",
            )),
            message => {
                revision(version)?;
                self.post_to_session(parts, message, server).await
            }
        }
    }

    /// Reads a body as the messages that it is; or the answer to one that is none.
    async fn read(&self, server: &Server, body: Body) -> Result<Result<Incoming, Answer>, Refusal> {
        let limits = &self.shared.client_limits;
        let malformed = |status: StatusCode, problem: &MessageError| {
            tracing::warn!(server = %server.name, error = %problem, "a malformed message is refused");
            Ok(Err(json(status, denial::malformed(problem).as_bytes())))
        };
        let body = match read_body(body, &self.shared.limits).await {
            Ok(body) => body,
            Err(BodyError::TooLong { limit }) => {
                return malformed(StatusCode::PAYLOAD_TOO_LARGE, &MessageError::TooLong { limit });
            }
            Err(error @ BodyError::TooSlow { .. }) => {
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, error.to_string()));
            }
            Err(error @ BodyError::Broken(_)) => {
                return Err(Refusal::new(StatusCode::BAD_REQUEST, error.to_string()));
            }
        };
        match Incoming::parse(&body, limits) {
            Ok(incoming) => Ok(Ok(incoming)),
            Err(error) => malformed(StatusCode::BAD_REQUEST, &error),
        }
    }

    /// Room for one more event stream that just listens.
    fn stream_permit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_none| {
            let limit = self.shared.limits.streams;
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{limit} event streams are open, which is the limit"),
            )
        })
    }
}

/// Where a request comes from.
fn peer(parts: &Parts) -> IpAddr {
    parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

/// Whether the header names a revision without sessions.
fn is_stateless(parts: &Parts) -> Result<bool, Refusal> {
    let named = revision(guard::single(&parts.headers, &PROTOCOL_VERSION)?)?;
    Ok(named.is_some_and(|revision| revision.era() == Era::Modern))
}

/// The revision that the header names. One that nobody knows is refused.
fn revision(version: Option<&str>) -> Result<Option<Revision>, Refusal> {
    protocol_version(version).map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))
}

fn not_allowed(methods: &'static str, problem: &str) -> Answer {
    let mut answer = refuse(&Refusal::new(StatusCode::METHOD_NOT_ALLOWED, problem));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}
