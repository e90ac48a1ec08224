//! One POST of a request and what comes back.

use std::pin::Pin;
use std::sync::Arc;

use bartizan_wire::era::{Era, Revision};
use bartizan_wire::message::{ErrorObject, Id, Message, MessageError};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;

use super::{
    EVENT_STREAM, Endpoint, FIRST_PAUSE, LAST_EVENT_ID, Position, SESSION_ID, connection_problem, read_events,
};
use crate::flights::Flight;
use crate::session::{Fate, Outgoing, Session, Unanswered};

/// How often in a row a stream that broke off is taken up again without anything new on it.
const ATTEMPTS: u32 = 5;

pub(super) struct Exchange {
    pub(super) session: Arc<Session>,
    pub(super) number: Id,
    pub(super) era: Era,
    pub(super) endpoint: Arc<Endpoint>,
}

/// Why there is no answer.
struct Problem {
    text: String,
    /// The server's HTTP status, if it is that.
    status: Option<StatusCode>,
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self { text, status: None }
    }
}

impl From<Problem> for Unanswered {
    fn from(Problem { text, status }: Problem) -> Self {
        match status {
            // What servers say that do not know such a request.
            Some(
                StatusCode::BAD_REQUEST
                | StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::NOT_ACCEPTABLE
                | StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ) => Self::Refused(text),
            _ => Self::Lost(text),
        }
    }
}

/// What became of a response.
enum Outcome {
    /// All of it was read.
    Read,
    /// It was an event stream that ended there, in good order or not.
    Stream(Position, Result<(), String>),
}

impl Exchange {
    /// Boxed, since what comes back may make the session send again.
    pub(super) fn run(self, request: Request<Full<Bytes>>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.carry(request).await })
    }

    async fn carry(&self, request: Request<Full<Bytes>>) {
        let patience = self.session.shared.limits.first_byte_timeout;
        let sent = tokio::time::timeout(patience, self.endpoint.place.client.request(request)).await;
        let (outcome, fate) = match sent {
            Ok(Ok(response)) => (self.read_all(response).await, Fate::Unknown),
            // Without a connection nothing was sent.
            Ok(Err(error)) if error.is_connect() => (Err(connection_problem(&error).into()), Fate::NotSent),
            Ok(Err(error)) => (Err(connection_problem(&error).into()), Fate::Unknown),
            Err(_elapsed) => {
                let text = format!("its answer did not begin within {} s", patience.as_secs());
                (Err(text.into()), Fate::Unknown)
            }
        };
        let problem = match outcome {
            Ok(()) => "its response ended without an answer".to_owned().into(),
            Err(problem) => problem,
        };
        // Usually the answer came and nothing is under way any more.
        let flight = self.session.flights.lock().arrive(&self.number);
        match flight {
            Some(Flight::Client(exchange)) => self.session.fail(*exchange, &problem.text, fate),
            Some(Flight::Own(waiting)) => {
                // Whoever asked may have given up waiting.
                let _gone = waiting.send(Err(problem.into()));
            }
            None => {}
        }
    }

    /// Reads a response to its end. An event stream that ends before the answer came is taken up again, as
    /// long as the server goes on with it.
    async fn read_all(&self, response: Response<Incoming>) -> Result<(), Problem> {
        let Outcome::Stream(mut position, mut ended) = self.read(response).await? else { return Ok(()) };
        let mut attempts = 0;
        while self.era == Era::Legacy && self.is_under_way() && attempts < ATTEMPTS {
            let Some(last) = position.last.clone() else { break };
            let pause = position.retry.unwrap_or(FIRST_PAUSE);
            if ended.is_ok() && self.session.revision() == Some(Revision::V2025_11_25.as_str()) {
                // The server has done that on purpose: its client can do without an open stream as well.
                self.session.say(&self.number, Outgoing::Pause(pause)).await;
            }
            tokio::time::sleep(pause).await;
            let mut request = self
                .endpoint
                .request(&Method::GET, EVENT_STREAM, &self.session, Full::default())
                .map_err(|error| error.to_string())?;
            request.headers_mut().insert(LAST_EVENT_ID, last.clone());
            attempts += 1;
            match self.endpoint.place.client.request(request).await {
                Ok(response) if response.status().is_success() => {
                    let body = response.into_body();
                    ended = read_events(&self.session, body, Some(&self.number), &mut position).await;
                    if position.last.as_ref() != Some(&last) {
                        attempts = 0;
                    }
                }
                Ok(response) => return Err(self.refused(response.status(), "")),
                Err(error) => ended = Err(connection_problem(&error)),
            }
        }
        ended.map_err(Problem::from)
    }

    fn is_under_way(&self) -> bool {
        self.session.flights.lock().is_under_way(&self.number)
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Outcome, Problem> {
        let status = response.status();
        if status.is_success()
            && self.era == Era::Legacy
            && let Some(id) = response.headers().get(SESSION_ID)
        {
            // The first one stands for the whole session.
            let _first = self.endpoint.session_id.set(id.clone());
        }
        let media = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(|value| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        match media.as_deref() {
            Some("text/event-stream") if status.is_success() => {
                self.session.say(&self.number, Outgoing::Begin).await;
                let mut position = Position::default();
                let body = response.into_body();
                let ended = read_events(&self.session, body, Some(&self.number), &mut position).await;
                Ok(Outcome::Stream(position, ended))
            }
            Some("application/json") => {
                let limits = &self.session.shared.server_limits;
                let body = Limited::new(response.into_body(), limits.bytes)
                    .collect()
                    .await
                    .map_err(|error| format!("its response cannot be read: {error}"))?
                    .to_bytes();
                match Message::parse(&body, limits) {
                    // An error of the transport may carry another id than the request's, or none.
                    Ok(Message::Response(response)) if response.id() == Some(&self.number) => {
                        self.session.from_server(Ok(Message::Response(response)), Some(&self.number)).await;
                        Ok(Outcome::Read)
                    }
                    Ok(Message::Response(response)) if !status.is_success() => {
                        let text =
                            response.error().and_then(ErrorObject::message).unwrap_or_default().into_owned();
                        Err(self.refused(status, &text))
                    }
                    Ok(_) => Err("its response is not an answer to the request".to_owned().into()),
                    Err(MessageError::Batch) if status.is_success() => {
                        let read = self.session.from_server_text(&body, Some(&self.number)).await;
                        read.map(|()| Outcome::Read)
                            .map_err(|error| format!("its response is malformed: {error}").into())
                    }
                    Err(_) if !status.is_success() => Err(self.refused(status, "")),
                    Err(error) => Err(format!("its response is malformed: {error}").into()),
                }
            }
            _ if !status.is_success() => Err(self.refused(status, "")),
            _ => Err("its response is neither JSON nor an event stream".to_owned().into()),
        }
    }

    /// What an HTTP error means. A session that the server has forgotten is over.
    fn refused(&self, status: StatusCode, text: &str) -> Problem {
        let text = match text {
            "" => format!("it answered HTTP {}", status.as_u16()),
            text => format!("it answered HTTP {}: {text}", status.as_u16()),
        };
        if status == StatusCode::NOT_FOUND
            && self.era == Era::Legacy
            && self.endpoint.session_id.get().is_some()
        {
            self.session.end("the server has forgotten the session");
        }
        Problem { text, status: Some(status) }
    }
}
