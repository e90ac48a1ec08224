//! A server that is reached over HTTP+SSE, the transport of 2024-11-05: one event stream for everything that
//! the server says, and a URL, named by its first event, for everything that it is told.
//!
//! That URL has to be of the same origin as the stream: credentials go nowhere else.

use std::sync::Arc;
use std::time::Duration;

use bartizan_wire::message::Message;
use bartizan_wire::sse;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, Full};
use tokio::sync::watch;

use super::http::{Place, connection_problem};
use super::{UpstreamError, closed};
use crate::session::Session;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// How long the stream may take to say where messages go, and a message to be accepted.
const PATIENCE: Duration = Duration::from_secs(30);

/// A session with an HTTP+SSE server.
pub(crate) struct SseUpstream {
    place: Place,
    /// Where messages go, once the server has said so.
    target: watch::Receiver<Option<Uri>>,
    closing: watch::Sender<bool>,
}

/// The stream of a session: connect the session, then let [`SseStream::attend`] run.
pub(crate) struct SseStream {
    place: Place,
    target: watch::Sender<Option<Uri>>,
    closing: watch::Receiver<bool>,
}

impl SseUpstream {
    pub(crate) fn new(place: Place) -> (Self, SseStream) {
        let (sender, target) = watch::channel(None);
        let closing = watch::Sender::new(false);
        let stream = SseStream { place: place.clone(), target: sender, closing: closing.subscribe() };
        (Self { place, target, closing }, stream)
    }

    pub(super) async fn send(&self, message: &Message) -> Result<(), UpstreamError> {
        let url = self.target().await?;
        let place = Place { url, ..self.place.clone() };
        let body = Full::new(Bytes::copy_from_slice(message.document().as_bytes()));
        let request = place.request(&Method::POST, JSON, body)?;
        let response = tokio::time::timeout(PATIENCE, place.client.request(request))
            .await
            .map_err(|_elapsed| UpstreamError::Http("it does not accept the message in time".to_owned()))?
            .map_err(|error| UpstreamError::Http(connection_problem(&error)))?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(UpstreamError::Http(format!("it answered HTTP {}", response.status().as_u16())))
        }
    }

    /// Where messages go, once the server has said so.
    async fn target(&self) -> Result<Uri, UpstreamError> {
        let mut target = self.target.clone();
        match tokio::time::timeout(PATIENCE, target.wait_for(Option::is_some)).await {
            Ok(Ok(url)) => url.clone().ok_or(UpstreamError::Ended),
            Ok(Err(_stream_is_gone)) => Err(UpstreamError::Ended),
            Err(_elapsed) => Err(UpstreamError::Http("it does not say where messages go".to_owned())),
        }
    }

    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }
}

impl SseStream {
    /// Carries the server's messages until its stream ends, and ends the session then.
    pub(crate) async fn attend(self, session: &Arc<Session>) {
        let Self { place, target, closing } = self;
        let reason = tokio::select! {
            ended = read(&place, &target, session) => match ended {
                Ok(()) => "its event stream has ended".to_owned(),
                Err(problem) => problem,
            },
            () = closed(closing) => return,
        };
        drop(target);
        session.end(&reason);
    }
}

async fn read(
    place: &Place,
    target: &watch::Sender<Option<Uri>>,
    session: &Arc<Session>,
) -> Result<(), String> {
    let request =
        place.request(&Method::GET, EVENT_STREAM, Full::default()).map_err(|error| error.to_string())?;
    let patience = session.shared.limits.first_byte_timeout;
    let response = tokio::time::timeout(patience, place.client.request(request))
        .await
        .map_err(|_elapsed| "its event stream did not begin in time".to_owned())?
        .map_err(|error| connection_problem(&error))?;
    let media =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !response.status().is_success() || !media.starts_with("text/event-stream") {
        return Err(format!("it has no event stream there (HTTP {})", response.status().as_u16()));
    }
    let mut body = response.into_body();
    let mut parser = sse::Parser::new(session.shared.server_limits.bytes);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("its event stream broke off: {error}"))?;
        let Some(data) = frame.data_ref() else { continue };
        let pushed = parser.push(data);
        while let Some(event) = parser.next_event() {
            if event.event.as_deref() == Some("endpoint") {
                let said = event.data.as_deref().unwrap_or_default();
                let url = resolve(&place.url, said)
                    .ok_or_else(|| "it wants its messages at another origin than its stream's".to_owned())?;
                // The first one stands.
                target.send_if_modified(|target| {
                    let is_first = target.is_none();
                    if is_first {
                        *target = Some(url);
                    }
                    is_first
                });
            } else if let Some(payload) = event.payload() {
                // What cannot be read is in the log.
                let _unreadable = session.from_server_text(payload.as_bytes(), None).await;
            }
        }
        pushed.map_err(|error| format!("its event stream is malformed: {error}"))?;
    }
    Ok(())
}

/// The URL that messages go to: what the server says, seen from its stream, at the same origin.
fn resolve(stream: &Uri, said: &str) -> Option<Uri> {
    let stream = url::Url::parse(&stream.to_string()).ok()?;
    let url = stream.join(said.trim()).ok()?;
    (url.origin() == stream.origin()).then(|| url.as_str().parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn messages_stay_at_the_origin() {
        let stream = "https://example.com/mcp/sse".parse().unwrap();
        for (said, expected) in [
            ("/messages?id=1", Some("https://example.com/messages?id=1")),
            ("messages", Some("https://example.com/mcp/messages")),
            ("https://example.com:443/m", Some("https://example.com/m")),
            ("https://example.org/m", None),
            ("http://example.com/m", None),
            ("//evil.example/m", None),
            ("https://example.com:444/m", None),
        ] {
            let resolved = resolve(&stream, said).map(|url| url.to_string());
            assert_eq!(resolved.as_deref(), expected, "{said}");
        }
    }
}
