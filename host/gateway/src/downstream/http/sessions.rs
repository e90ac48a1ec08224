//! The legacy era: `initialize` begins a session, which the client names in every request after it.

use std::collections::VecDeque;
use std::sync::Arc;

use bartizan_wire::denial;
use bartizan_wire::era::Revision;
use bartizan_wire::json::Document;
use bartizan_wire::message::{self, Message, MessageError, Request as Asked};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use tokio::sync::mpsc;

use super::answer::{self, Answer, empty, is_complete, json, stream};
use super::events::{Company, EventStream, Messages, priming};
use super::replay::{EventId, UNRELATED};
use super::running::{Running, carry, receive};
use super::{BACKLOG, Front, SESSION_ID, peer};
use crate::downstream::guard::{self, Refusal};
use crate::interceptor::Arrival;
use crate::mailbox::Mailbox;
use crate::server::Server;
use crate::session::{Outgoing, Session, Unrelated};
use crate::sessions;
use crate::upstream::Upstream;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How requests came, and how their answers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One by itself.
    Single,
    /// An array, of one element as well.
    Array,
}

impl Front {
    /// Answers a single message of a session.
    pub(super) async fn post_to_session(
        self: &Arc<Self>,
        parts: &Parts,
        message: Message,
        server: &Arc<Server>,
    ) -> Result<Answer, Refusal> {
        match message {
            Message::Request(request) if request.method() == "initialize" => {
                // Boxed, as is all else that is rare: every request would carry room for it.
                Box::pin(self.initialize(parts, request, server)).await
            }
            Message::Request(request) => {
                let session = self.session(parts, server)?;
                Ok(self.exchange(&session, Form::Single, vec![request], Vec::new()).await)
            }
            message @ (Message::Notification(_) | Message::Response(_)) => {
                let session = self.session(parts, server)?;
                tell(&session, message).await;
                Ok(empty(StatusCode::ACCEPTED))
            }
        }
    }

    /// Answers an array of messages, each judged by itself; the revision 2025-03-26 has them, and no
    /// other.
    pub(super) async fn batch(
        self: &Arc<Self>,
        parts: &Parts,
        messages: Vec<Result<Message, MessageError>>,
        server: &Arc<Server>,
    ) -> Result<Answer, Refusal> {
        let refused = || json(StatusCode::BAD_REQUEST, denial::malformed(&MessageError::Batch).as_bytes());
        // Without a session the revision is not agreed on.
        if guard::single(&parts.headers, &SESSION_ID)?.is_none() {
            return Ok(refused());
        }
        let session = self.session(parts, server)?;
        if !session.has_batches() {
            return Ok(refused());
        }
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        for message in messages {
            match message {
                Ok(Message::Request(request)) if request.method() == "initialize" => {
                    answers.push(denial::invalid_params(request.id(), "`initialize` must not be in a batch"));
                }
                Ok(Message::Request(request)) => requests.push(request),
                Ok(message) => tell(&session, message).await,
                Err(error) => answers.push(denial::malformed(&error)),
            }
        }
        if requests.is_empty() && answers.is_empty() {
            return Ok(empty(StatusCode::ACCEPTED));
        }
        Ok(self.exchange(&session, Form::Array, requests, answers).await)
    }

    /// Begins a session.
    async fn initialize(
        self: &Arc<Self>,
        parts: &Parts,
        request: Asked,
        server: &Arc<Server>,
    ) -> Result<Answer, Refusal> {
        let full =
            |error: super::table::Full| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string());
        self.table.check(peer(parts)).map_err(full)?;
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
        // A client that goes away before it learns its session leaves nothing behind.
        let handshake = Handshake { front: self, token: &token, session: &session, is_done: false };
        self.table.insert(Arc::clone(&token), Arc::clone(&session), peer(parts)).map_err(full)?;
        let mut answer = self.exchange(&session, Form::Single, vec![request], Vec::new()).await;
        let failed = session.has_ended() || session.revision().is_none() && is_complete(&answer);
        if !failed && let Ok(token) = HeaderValue::from_str(&token) {
            handshake.done();
            answer.headers_mut().insert(SESSION_ID, token);
        }
        Ok(answer)
    }

    pub(super) fn get(self: &Arc<Self>, parts: &Parts, server: &Arc<Server>) -> Result<Answer, Refusal> {
        guard::check_get(parts)?;
        let session = self.session(parts, server)?;
        session.touch();
        let last = match guard::single(&parts.headers, &LAST_EVENT_ID)? {
            None => None,
            Some(text) => Some(EventId::parse(text).ok_or_else(unknown_event)?),
        };
        let permit = self.stream_permit()?;
        let company = Company { permit: Some(permit), ..Company::default() };
        let keep_alive = self.shared.limits.keep_alive;
        if let Some(last) = last.filter(|last| last.stream != UNRELATED) {
            let track = session.tracks.lock().find(last.stream);
            let track = track.filter(|track| track.can_go_on_after(last.number)).ok_or_else(unknown_event)?;
            let messages = Messages::Track(track, last.number);
            return Ok(stream(EventStream::new(messages, keep_alive, company)));
        }
        let after = last.map(|last| last.number);
        if after.is_some_and(|after| !session.has_sent(after)) {
            return Err(unknown_event());
        }
        match session.upstream() {
            Some(Upstream::Http(upstream)) => upstream.listen(&session),
            Some(Upstream::Stdio(_) | Upstream::Sse(_)) | None => {}
        }
        let reader = session
            .open_stream(after)
            .ok_or_else(|| Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this session has no stream"))?;
        let beginning = EventId { stream: UNRELATED, number: reader.position() };
        let mut events = EventStream::new(Messages::Unrelated(reader), keep_alive, company);
        if is_primed(&session) {
            events = events.opening_with(priming(beginning));
        }
        Ok(stream(events))
    }

    pub(super) fn delete(self: &Arc<Self>, parts: &Parts, server: &Arc<Server>) -> Result<Answer, Refusal> {
        let (token, session) = self.session_and_token(parts, server)?;
        self.table.remove(token);
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
        let unknown =
            || Refusal::new(StatusCode::NOT_FOUND, "there is no such session (any more): `initialize` again");
        let found = self.table.find(token);
        let session = found.filter(|session| session.server.name == server.name).ok_or_else(unknown)?;
        if session.has_ended() {
            self.table.remove(token);
            return Err(unknown());
        }
        Ok((token, session))
    }

    /// Lets a session answer requests: as JSON if the responses come first, else as an event stream.
    /// `answers` are there already.
    async fn exchange(
        &self,
        session: &Arc<Session>,
        form: Form,
        requests: Vec<Asked>,
        answers: Vec<Document>,
    ) -> Answer {
        let keep_alive = self.shared.limits.keep_alive;
        let (reply, mut messages) = mpsc::channel(BACKLOG);
        let mut lasts = requests.len() + answers.len();
        let mut first: VecDeque<Outgoing> = answers.into_iter().map(Outgoing::Last).collect();
        // A client that goes away does not cancel: in this era it says so, or comes back for the rest.
        let mut running = Running::default();
        for request in requests {
            let (_, forwarding) = session.take_request(Arrival::plain(request), reply.clone());
            match form {
                Form::Single => running = Running::new(carry(forwarding)),
                Form::Array => drop(tokio::spawn(carry(forwarding))),
            }
        }
        drop(reply);
        // A client that hears nothing at all gives up: an answer that takes long begins as a stream.
        let begin = tokio::time::Instant::now();
        let is_stream = loop {
            if first.len() >= lasts {
                break false;
            }
            match tokio::time::timeout_at(begin + keep_alive, receive(&mut messages, &mut running)).await {
                Ok(Some(last @ Outgoing::Last(_))) => first.push_back(last),
                Ok(Some(message)) => {
                    first.push_back(message);
                    break true;
                }
                // No response at all to some, since the client has cancelled.
                Ok(None) => {
                    lasts = first.len();
                    break lasts == 0;
                }
                Err(_elapsed) => break true,
            }
        };
        if !is_stream {
            let documents: Vec<Document> = first.into_iter().filter_map(Outgoing::into_document).collect();
            return match documents.as_slice() {
                [document] if form == Form::Single => answer::message(StatusCode::OK, document),
                documents => answer::message(StatusCode::OK, &message::join(documents)),
            };
        }
        let track = session.tracks.lock().begin();
        let beginning = track.beginning();
        let messages = Messages::Exchange { first, rest: messages, lasts };
        let mut events = EventStream::new(messages, keep_alive, Company::default()).on_track(track);
        if is_primed(session) {
            events = events.opening_with(priming(beginning));
        }
        stream(events)
    }
}

/// Hands a session what wants no answer.
async fn tell(session: &Arc<Session>, message: Message) {
    let (reply, _nothing_comes) = mpsc::channel(1);
    Box::pin(session.from_client(Ok(message), reply)).await;
}

/// Whether the client expects a stream to begin with an event without data.
fn is_primed(session: &Session) -> bool {
    session.revision() == Some(Revision::V2025_11_25.as_str())
}

fn unknown_event() -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "there is no event of this Last-Event-ID (any more)")
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
            self.front.table.remove(self.token);
            self.session.end("the handshake failed");
        }
    }
}
