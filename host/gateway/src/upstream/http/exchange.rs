//! One POST of a request and what comes back.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bartizan_wire::era::{Era, Revision};
use bartizan_wire::message::{ErrorObject, Id, Message, MessageError};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;

use super::{
    EVENT_STREAM, Endpoint, FIRST_PAUSE, LAST_EVENT_ID, LOOK, Position, SESSION_ID, connection_problem,
    read_events,
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
    /// Whether the head of the response is there.
    pub(super) has_begun: AtomicBool,
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
    /// Boxed, since what comes back may make the session send again. Ends when nobody waits any more: dropping
    /// the response closes its connection.
    pub(super) fn run(self, request: Request<Full<Bytes>>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            tokio::select! {
                () = self.carry(request) => {}
                () = self.overdue() => {}
            }
        })
    }

    async fn carry(&self, request: Request<Full<Bytes>>) {
        let (outcome, fate) = match self.endpoint.place.client.request(request).await {
            Ok(response) => {
                self.has_begun.store(true, Ordering::Relaxed);
                (self.read_all(response).await, Fate::Unknown)
            }
            // Without a connection nothing was sent.
            Err(error) if error.is_connect() => (Err(connection_problem(&error).into()), Fate::NotSent),
            Err(error) => (Err(connection_problem(&error).into()), Fate::Unknown),
        };
        self.conclude(outcome, fate);
    }

    /// Waits until nothing more is wanted of it: its answer has not begun in time, or it has not been under way
    /// for a while.
    async fn overdue(&self) {
        let patience = self.session.shared.limits.first_byte_timeout;
        let begin = Instant::now();
        loop {
            let left = patience.saturating_sub(begin.elapsed());
            let waits_for_head = !self.has_begun.load(Ordering::Relaxed);
            tokio::time::sleep(if waits_for_head { left.min(LOOK) } else { LOOK }).await;
            if !self.has_begun.load(Ordering::Relaxed) && begin.elapsed() >= patience {
                let text = format!("its answer did not begin within {} s", patience.as_secs());
                return self.conclude(Err(text.into()), Fate::Unknown);
            }
            if !self.is_under_way() {
                break;
            }
        }
        // What comes right after an answer is still read, so that the connection can be used again.
        tokio::time::sleep(LOOK).await;
    }

    /// Gives the request up if its answer has not come.
    fn conclude(&self, outcome: Result<(), Problem>, fate: Fate) {
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
        match self.read(response).await? {
            Outcome::Read => Ok(()),
            Outcome::Stream(position, ended) => Box::pin(self.resume(position, ended)).await,
        }
    }

    /// Takes up an event stream that has ended, as long as there is no answer.
    async fn resume(&self, mut position: Position, mut ended: Result<(), String>) -> Result<(), Problem> {
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
                    let reading = read_events(&self.session, body, Some(&self.number), &mut position);
                    ended = Box::pin(reading).await;
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
                let reading = read_events(&self.session, body, Some(&self.number), &mut position);
                let ended = Box::pin(reading).await;
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
                        let reading = self.session.from_server_text(&body, Some(&self.number));
                        let read = Box::pin(reading).await;
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
