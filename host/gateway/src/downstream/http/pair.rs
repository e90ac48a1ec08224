//! HTTP+SSE, the transport of 2024-11-05: `GET /sse/<server>` opens a session and is its one event stream,
//! whose first event says where the client's messages go. The session ends with its stream.

use std::sync::Arc;

use bartizan_wire::denial;
use bartizan_wire::message::{Incoming, Message, MessageError};
use bartizan_wire::sse::Event;
use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming as Body;
use tokio::sync::mpsc;

use super::answer::{Answer, empty, json, stream};
use super::events::{Company, EventStream, Messages, Only};
use super::{BACKLOG, Front, peer};
use crate::downstream::guard::{self, Refusal};
use crate::interceptor::Arrival;
use crate::server::Server;
use crate::session::{Session, Unrelated};
use crate::sessions;
use crate::upstream::carry_aside;

/// What names the session in the URL for messages.
const PARAMETER: &str = "session_id";

impl Front {
    /// Opens a session and its stream.
    pub(super) fn open_pair(
        self: &Arc<Self>,
        parts: &Parts,
        server: &Arc<Server>,
    ) -> Result<Answer, Refusal> {
        guard::check_get(parts)?;
        let permit = self.stream_permit()?;
        let token = sessions::new_token().map_err(|error| {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no session id can be made: {error}"))
        })?;
        let (sender, messages) = mpsc::channel(BACKLOG);
        let session = Session::new(
            sessions::label(&token),
            Arc::clone(server),
            Arc::clone(&self.shared),
            Unrelated::Pipe(sender),
        );
        let full =
            |error: super::table::Full| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string());
        self.table.insert(Arc::clone(&token), Arc::clone(&session), peer(parts)).map_err(full)?;
        let only = Only { front: Arc::clone(self), token: Arc::clone(&token), session: Arc::clone(&session) };
        sessions::connect(&session, &self.client).map_err(|problem| {
            tracing::error!(server = %server.name, problem, "the server cannot be started");
            Refusal::new(
                StatusCode::BAD_GATEWAY,
                format!("the MCP server `{}` cannot be started: {problem}", server.name),
            )
        })?;
        let endpoint = Event {
            event: Some("endpoint".to_owned()),
            ..Event::message(format!("/messages/{}?{PARAMETER}={token}", server.name))
        };
        let company = Company { permit: Some(permit), session: Some(only), call: None };
        let keep_alive = self.shared.limits.keep_alive;
        Ok(stream(EventStream::new(Messages::Pipe(messages), keep_alive, company).opening_with(endpoint)))
    }

    /// Takes a message for a session with one stream; what it brings comes there.
    pub(super) async fn post_to_pair(
        self: &Arc<Self>,
        parts: &Parts,
        body: Body,
        server: &Arc<Server>,
    ) -> Result<Answer, Refusal> {
        guard::check_message(parts)?;
        let session = self.pair(parts, server)?;
        let message = match self.read(server, body).await? {
            Ok(Incoming::One(message)) => message,
            Ok(Incoming::Batch(_)) => {
                let refused = denial::malformed(&MessageError::Batch);
                return Ok(json(StatusCode::BAD_REQUEST, refused.as_bytes()));
            }
            Err(answer) => return Ok(answer),
        };
        let Some(pipe) = session.pipe() else { return Err(unknown()) };
        match message {
            Message::Request(request) => {
                let (_, forwarding) = session.take_request(Arrival::plain(request), pipe);
                tokio::spawn(async move { carry_aside(forwarding.await) });
            }
            message => session.from_client(Ok(message), pipe).await,
        }
        Ok(empty(StatusCode::ACCEPTED))
    }

    fn pair(&self, parts: &Parts, server: &Arc<Server>) -> Result<Arc<Session>, Refusal> {
        let token = parts
            .uri
            .query()
            .and_then(|query| {
                query.split('&').find_map(|pair| pair.strip_prefix(PARAMETER)?.strip_prefix('='))
            })
            .ok_or_else(unknown)?;
        self.table
            .find(token)
            .filter(|session| session.server.name == server.name && !session.has_ended())
            .ok_or_else(unknown)
    }
}

fn unknown() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is no such session (any more)")
}
