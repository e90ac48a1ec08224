//! Clients over Streamable HTTP: `POST`, `GET` and `DELETE` at `/mcp/<server>`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bartizan_wire::denial;
use bartizan_wire::era::Revision;
use bartizan_wire::message::{Message, MessageError, Request as Asked};
use bartizan_wire::sse;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming};
use parking_lot::RwLock;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};

use super::guard::{self, Guard, Refusal};
use crate::era;
use crate::mailbox::{Mailbox, Reader};
use crate::server::Server;
use crate::session::{Outgoing, Session, Shared, Unrelated};
use crate::sessions;
use crate::upstream::{HttpClient, Upstream};

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const UNCACHED: HeaderValue = HeaderValue::from_static("no-cache");

/// How many messages of an exchange may wait for the client to read them.
const BACKLOG: usize = 64;
/// How often a silent stream says that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A response of the gateway.
pub(crate) type Answer = Response<Either<Full<Bytes>, EventStream>>;

/// The HTTP front of all servers.
pub(crate) struct Front {
    pub(crate) servers: HashMap<String, Arc<Server>>,
    pub(crate) guard: Guard,
    pub(crate) shared: Arc<Shared>,
    pub(crate) client: HttpClient,
    pub(crate) sessions: RwLock<HashMap<Arc<str>, Arc<Session>>>,
    pub(crate) most_sessions: usize,
}

impl Front {
    /// Answers one HTTP request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Answer, Infallible> {
        let (parts, body) = request.into_parts();
        Ok(self.route(&parts, body).await.unwrap_or_else(|refusal| refuse(&refusal)))
    }

    async fn route(self: &Arc<Self>, parts: &Parts, body: Incoming) -> Result<Answer, Refusal> {
        self.guard.admit(parts)?;
        let not_found =
            || Refusal::new(StatusCode::NOT_FOUND, "there is nothing here; servers are at /mcp/<server>");
        let name = parts.uri.path().strip_prefix("/mcp/").ok_or_else(not_found)?;
        let server = self
            .servers
            .get(name)
            .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no server of this name here"))?;
        match parts.method {
            Method::POST => self.post(parts, body, server).await,
            Method::GET => self.get(parts, server),
            Method::DELETE => self.delete(parts, server),
            _ => {
                let mut answer = refuse(&Refusal::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "the methods are POST, GET and DELETE",
                ));
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, GET, DELETE"));
                Ok(answer)
            }
        }
    }

    async fn post(
        self: &Arc<Self>,
        parts: &Parts,
        body: Incoming,
        server: &Arc<Server>,
    ) -> Result<Answer, Refusal> {
        guard::check_post(parts)?;
        let revision = revision(parts)?;
        let limits = &self.shared.client_limits;
        let body = match Limited::new(body, limits.bytes).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let problem = MessageError::TooLong { limit: limits.bytes };
                return Ok(malformed(StatusCode::PAYLOAD_TOO_LARGE, &problem));
            }
            Err(error) => {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    format!("the body cannot be read: {error}"),
                ));
            }
        };
        let message = match Message::parse(&body, limits) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(server = %server.name, %error, "a malformed message is refused");
                return Ok(malformed(StatusCode::BAD_REQUEST, &error));
            }
        };
        if let Message::Request(request) = &message
            && let Some(refusal) = era::refuse_modern(request, revision)
        {
            return Ok(json(StatusCode::BAD_REQUEST, refusal.as_bytes()));
        }
        match message {
            Message::Request(request) if request.method() == "initialize" => {
                self.initialize(request, server).await
            }
            Message::Request(request) => {
                let session = self.session(parts, server)?;
                Ok(exchange(&session, request).await)
            }
            message @ (Message::Notification(_) | Message::Response(_)) => {
                let session = self.session(parts, server)?;
                let (reply, _nothing_comes) = mpsc::channel(1);
                session.from_client(Ok(message), reply).await;
                Ok(empty(StatusCode::ACCEPTED))
            }
        }
    }

    /// Begins a session.
    async fn initialize(self: &Arc<Self>, request: Asked, server: &Arc<Server>) -> Result<Answer, Refusal> {
        if self.sessions.read().len() >= self.most_sessions {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("there are {} sessions, which is the limit", self.most_sessions),
            ));
        }
        let token = sessions::new_token().map_err(|error| {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no session id can be made: {error}"))
        })?;
        let session = Session::new(
            sessions::label(&token),
            Arc::clone(server),
            Arc::clone(&self.shared),
            Unrelated::Mailbox(Mailbox::default()),
        );
        if let Err(problem) = sessions::connect(&session, &self.client) {
            tracing::error!(server = %server.name, problem, "the server cannot be started");
            let text = format!("The MCP server `{}` cannot be started: {problem}", server.name);
            return Ok(json(StatusCode::OK, denial::unavailable(request.id(), &text).as_bytes()));
        }
        self.sessions.write().insert(Arc::clone(&token), Arc::clone(&session));
        // A client that goes away before it learns its session leaves nothing behind.
        let handshake = Handshake { front: self, token: &token, session: &session, is_done: false };
        let mut answer = exchange(&session, request).await;
        let failed = session.has_ended() || session.revision().is_none() && is_json(&answer);
        if !failed && let Ok(token) = HeaderValue::from_str(&token) {
            handshake.done();
            answer.headers_mut().insert(SESSION_ID, token);
        }
        Ok(answer)
    }

    fn get(self: &Arc<Self>, parts: &Parts, server: &Arc<Server>) -> Result<Answer, Refusal> {
        guard::check_get(parts)?;
        revision(parts)?;
        let session = self.session(parts, server)?;
        session.touch();
        if let Some(Upstream::Http(upstream)) = session.upstream() {
            upstream.listen(&session);
        }
        let reader = session
            .open_stream()
            .ok_or_else(|| Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this session has no stream"))?;
        Ok(stream(EventStream::new(Messages::Unrelated(reader))))
    }

    fn delete(self: &Arc<Self>, parts: &Parts, server: &Arc<Server>) -> Result<Answer, Refusal> {
        let (token, session) = self.session_and_token(parts, server)?;
        self.sessions.write().remove(token);
        session.end("the client has ended the session");
        Ok(empty(StatusCode::NO_CONTENT))
    }

    /// The session that a request names.
    fn session(&self, parts: &Parts, server: &Arc<Server>) -> Result<Arc<Session>, Refusal> {
        self.session_and_token(parts, server).map(|(_, session)| session)
    }

    fn session_and_token<'p>(
        &self,
        parts: &'p Parts,
        server: &Arc<Server>,
    ) -> Result<(&'p str, Arc<Session>), Refusal> {
        let Some(token) = guard::single(&parts.headers, &SESSION_ID)? else {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "the header Mcp-Session-Id is missing: begin with `initialize`",
            ));
        };
        let found = self.sessions.read().get(token).cloned();
        let unknown =
            || Refusal::new(StatusCode::NOT_FOUND, "there is no such session (any more): `initialize` again");
        let session = found.filter(|session| session.server.name == server.name).ok_or_else(unknown)?;
        if session.has_ended() {
            self.sessions.write().remove(token);
            return Err(unknown());
        }
        Ok((token, session))
    }
}

/// A session whose client does not know it yet: ended unless the handshake is done.
struct Handshake<'a> {
    front: &'a Front,
    token: &'a str,
    session: &'a Session,
    is_done: bool,
}

impl Handshake<'_> {
    fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for Handshake<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.front.sessions.write().remove(self.token);
            self.session.end("the handshake failed");
        }
    }
}

/// Lets a session answer a request: as JSON if the response comes first, else as an event stream.
async fn exchange(session: &Arc<Session>, request: Asked) -> Answer {
    let (reply, mut messages) = mpsc::channel(BACKLOG);
    // A client that goes away does not cancel: in this era it says so, or comes back for the rest.
    tokio::spawn(session.take_request(request, reply));
    // A client that hears nothing at all gives up: an answer that takes long begins as a stream.
    let Ok(first) = tokio::time::timeout(KEEP_ALIVE, messages.recv()).await else {
        return stream(EventStream::new(Messages::Exchange { first: None, rest: messages }));
    };
    match first {
        Some(Outgoing::Last(document)) => json(StatusCode::OK, document.as_bytes()),
        // A message before the response; or no response at all, since the client has cancelled.
        first => stream(EventStream::new(Messages::Exchange { first, rest: messages })),
    }
}

/// The revision that the header names. One that nobody knows is refused.
fn revision(parts: &Parts) -> Result<Option<Revision>, Refusal> {
    let header = guard::single(&parts.headers, &PROTOCOL_VERSION)?;
    bartizan_wire::headers::protocol_version(header)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))
}

fn is_json(answer: &Answer) -> bool {
    matches!(answer.body(), Either::Left(_))
}

fn malformed(status: StatusCode, problem: &MessageError) -> Answer {
    json(status, denial::malformed(problem).as_bytes())
}

/// A refusal of the whole request: HTTP's status, and a JSON-RPC error that says why.
fn refuse(refusal: &Refusal) -> Answer {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":-32600,"message":{}}}}}"#,
        bartizan_wire::json::quote(&refusal.problem)
    );
    json(refusal.status, text.as_bytes())
}

fn json(status: StatusCode, text: &[u8]) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::copy_from_slice(text))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}

fn stream(events: EventStream) -> Answer {
    let mut answer = Response::new(Either::Right(events));
    answer.headers_mut().insert(CONTENT_TYPE, EVENT_STREAM);
    answer.headers_mut().insert(CACHE_CONTROL, UNCACHED);
    answer.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    answer
}

/// Where the messages of a stream come from.
enum Messages {
    /// The exchange of one request, until its response.
    Exchange { first: Option<Outgoing>, rest: mpsc::Receiver<Outgoing> },
    /// What belongs to no request.
    Unrelated(Reader),
}

impl Messages {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        match self {
            Self::Exchange { first, rest } => match first.take() {
                Some(first) => Poll::Ready(Some(first)),
                None => rest.poll_recv(context),
            },
            Self::Unrelated(reader) => {
                reader.poll_next(context).map(|document| document.map(Outgoing::Message))
            }
        }
    }
}

/// Messages as a body: one event each, until the last.
pub(crate) struct EventStream {
    messages: Messages,
    keep_alive: Interval,
    ended: bool,
}

impl EventStream {
    fn new(messages: Messages) -> Self {
        let mut keep_alive = tokio::time::interval_at(tokio::time::Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { messages, keep_alive, ended: false }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let bytes = match self.messages.poll_next(context) {
            Poll::Ready(Some(outgoing)) => {
                self.ended = matches!(outgoing, Outgoing::Last(_));
                self.keep_alive.reset();
                Bytes::from(sse::encode(&sse::Event::message(outgoing.document().as_str())))
            }
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => match self.keep_alive.poll_tick(context) {
                Poll::Ready(_) => Bytes::from_static(sse::KEEP_ALIVE.as_bytes()),
                Poll::Pending => return Poll::Pending,
            },
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
