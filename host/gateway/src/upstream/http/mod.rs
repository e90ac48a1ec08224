//! A server that is reached over Streamable HTTP.
//!
//! Every message of the client is one POST (`exchange`). The response is a JSON message or an event stream;
//! a server with sessions may also have a stream of its own (`listen`). All of it comes back through the
//! session, so that nothing reaches the client unjudged. Redirects are not followed, and nothing of the
//! client's own headers is passed on but those that repeat arguments.

mod exchange;
mod listen;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bartizan_wire::era::Era;
use bartizan_wire::headers::encode_mirror;
use bartizan_wire::message::{Id, Message, Request as Asked};
use bartizan_wire::{meta, method, sse};
use bytes::Bytes;
use futures_util::future::{AbortHandle, abortable};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Carrier, UpstreamError, closed};
use crate::payload::bytes_of;
use crate::session::Session;

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// How long a server may take to be connected to.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next request. Many servers close theirs after 5 s, and a request that
/// crosses with that is lost: the gateway is first.
const IDLE: Duration = Duration::from_secs(4);
/// The pauses before a stream that ended is opened again, whatever the server wants.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often it is looked whether a response is still wanted: one that goes on after its answer is dropped.
const LOOK: Duration = Duration::from_secs(2);
/// How long a server may take to accept a notification.
const ACCEPT_PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to end a session.
const FAREWELL: Duration = Duration::from_secs(2);

/// The connections to all HTTP servers.
#[derive(Clone)]
pub(crate) struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl HttpClient {
    /// Sets up the pool.
    ///
    /// # Errors
    ///
    /// When the system's certificates cannot be read.
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        connector.set_nodelay(true);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self(client))
    }

    /// Sends a request, and waits for the head of the response.
    pub(crate) async fn request(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        self.0.request(request).await
    }
}

/// Where a server is, and what it wants to be told with each request.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) client: HttpClient,
    pub(crate) url: Uri,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// A session with an HTTP server.
pub(crate) struct HttpUpstream {
    endpoint: Arc<Endpoint>,
    listening: AtomicBool,
    closing: watch::Sender<bool>,
    /// The requests under way.
    carriers: Arc<Mutex<HashMap<Id, AbortHandle>>>,
}

impl HttpUpstream {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            endpoint: Arc::new(Endpoint { place, session_id: OnceLock::new() }),
            listening: AtomicBool::new(false),
            closing: watch::Sender::new(false),
            carriers: Arc::default(),
        }
    }

    pub(super) async fn send(
        &self,
        session: &Arc<Session>,
        message: &Message,
        headers: HeaderMap,
    ) -> Result<Option<Carrier>, UpstreamError> {
        let body = Full::new(bytes_of(message.document()));
        let mut request = self.endpoint.request(&Method::POST, BOTH, session, body)?;
        match message {
            Message::Request(asked) => {
                let era = meta::era(asked);
                if era == Era::Modern {
                    describe(request.headers_mut(), asked, headers);
                }
                Ok(self.carrier(session, asked.id(), era, request))
            }
            Message::Notification(_) | Message::Response(_) => {
                let sent = tokio::time::timeout(ACCEPT_PATIENCE, self.endpoint.place.client.request(request));
                let response = Box::pin(sent)
                    .await
                    .map_err(|_elapsed| {
                        UpstreamError::Http("it does not accept the message in time".to_owned())
                    })?
                    .map_err(|error| UpstreamError::Http(connection_problem(&error)))?;
                if response.status().is_success() {
                    Ok(None)
                } else {
                    Err(UpstreamError::Http(format!("it answered HTTP {}", response.status().as_u16())))
                }
            }
        }
    }

    /// What sends a request and sees to what comes back. `None` if the session has ended.
    fn carrier(
        &self,
        session: &Arc<Session>,
        number: &Id,
        era: Era,
        request: Request<Full<Bytes>>,
    ) -> Option<Carrier> {
        let exchange = exchange::Exchange {
            session: Arc::clone(session),
            number: number.clone(),
            era,
            endpoint: Arc::clone(&self.endpoint),
            has_begun: AtomicBool::new(false),
        };
        let (carrying, handle) = abortable(exchange.run(request));
        {
            let mut under_way = self.carriers.lock();
            // `close` has looked for what is under way.
            if *self.closing.borrow() {
                return None;
            }
            under_way.insert(number.clone(), handle);
        }
        let (carriers, number) = (Arc::clone(&self.carriers), number.clone());
        Some(Box::pin(async move {
            // Who has aborted it has removed it.
            if carrying.await.is_ok() {
                carriers.lock().remove(&number);
            }
        }))
    }

    /// Drops the response of a request, which tells a server of the modern era that nobody waits for it.
    pub(super) fn abort(&self, number: &Id) {
        if let Some(carrier) = self.carriers.lock().remove(number) {
            carrier.abort();
        }
    }

    /// Listens to the server's stream of messages that belong to no request, if it has one, until the
    /// session ends; a stream that ends is opened again. Once for each session.
    pub(crate) fn listen(&self, session: &Arc<Session>) {
        if self.listening.swap(true, Ordering::SeqCst) {
            return;
        }
        let closing = self.closing.subscribe();
        let endpoint = Arc::clone(&self.endpoint);
        let session = Arc::clone(session);
        tokio::spawn(async move {
            tokio::select! {
                () = endpoint.listen(&session) => {}
                () = closed(closing) => {}
            }
        });
    }

    pub(super) fn close(&self, session: &Session) {
        self.closing.send_replace(true);
        for (_, carrier) in self.carriers.lock().drain() {
            carrier.abort();
        }
        let request = self.endpoint.session_id.get().and_then(|_| {
            self.endpoint.request(&Method::DELETE, EVENT_STREAM, session, Full::default()).ok()
        });
        let (Some(request), Ok(runtime)) = (request, tokio::runtime::Handle::try_current()) else {
            session.upstream_is_gone();
            return;
        };
        let (client, gone) = (self.endpoint.place.client.clone(), session.gone());
        runtime.spawn(async move {
            // A server need not take it (405), and may be gone.
            let _best_effort = tokio::time::timeout(FAREWELL, client.request(request)).await;
            gone.send_replace(true);
        });
    }
}

/// Where a session's server is, and what it knows the session by.
struct Endpoint {
    place: Place,
    /// The server's own id of the session, once it has given one.
    session_id: OnceLock<HeaderValue>,
}

impl Endpoint {
    fn request(
        &self,
        method: &Method,
        accept: HeaderValue,
        session: &Session,
        body: Full<Bytes>,
    ) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let mut request = self.place.request(method, accept, body)?;
        let headers = request.headers_mut();
        if let Some(id) = self.session_id.get() {
            headers.insert(SESSION_ID, id.clone());
        }
        if let Some(revision) = session.revision().and_then(|revision| HeaderValue::from_str(revision).ok()) {
            headers.insert(PROTOCOL_VERSION, revision);
        }
        Ok(request)
    }
}

impl Place {
    pub(super) fn request(
        &self,
        method: &Method,
        accept: HeaderValue,
        body: Full<Bytes>,
    ) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.url.clone())
            .body(body)
            .map_err(|error| UpstreamError::Http(error.to_string()))?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            headers.append(name.clone(), value.clone());
        }
        headers.insert(ACCEPT, accept);
        if *method == Method::POST {
            headers.insert(CONTENT_TYPE, JSON);
        }
        Ok(request)
    }
}

/// Puts what a request of the modern era says of itself into its headers as well.
fn describe(headers: &mut HeaderMap, asked: &Asked, parameters: HeaderMap) {
    headers.extend(parameters);
    headers.remove(SESSION_ID);
    let revision = meta::Meta::read(asked).map(|meta| meta.revision().as_str()).ok();
    let target = method::lookup(asked.method()).and_then(|method| method.header_target(asked.params()));
    for (name, value) in
        [(PROTOCOL_VERSION, revision), (METHOD, Some(asked.method())), (NAME, target.as_deref())]
    {
        match value.and_then(|value| HeaderValue::from_str(&encode_mirror(value)).ok()) {
            Some(value) => headers.insert(name, value),
            None => headers.remove(name),
        };
    }
}

/// How far an event stream has come.
#[derive(Debug, Default)]
struct Position {
    /// The id of its last event that had one.
    last: Option<HeaderValue>,
    /// How long the server wants to be left alone before it is asked again.
    retry: Option<Duration>,
}

/// Passes every message of an event stream to the session.
async fn read_events(
    session: &Arc<Session>,
    mut body: Incoming,
    origin: Option<&Id>,
    position: &mut Position,
) -> Result<(), String> {
    let mut parser = sse::Parser::new(session.shared.server_limits.bytes);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("its response broke off: {error}"))?;
        let Some(data) = frame.data_ref() else { continue };
        let pushed = parser.push(data);
        while let Some(event) = parser.next_event() {
            if let Some(id) = &event.id {
                // An empty one resets it.
                position.last = Some(id.as_str())
                    .filter(|id| !id.is_empty())
                    .and_then(|id| HeaderValue::from_str(id).ok());
            }
            if let Some(retry) = event.retry {
                position.retry = Some(Duration::from_millis(retry).clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
            }
            if let Some(payload) = event.payload() {
                // What cannot be read is in the log; the request fails when its stream ends.
                let _unreadable = session.from_server_text(payload.as_bytes(), origin).await;
            }
        }
        pushed.map_err(|error| format!("its event stream is malformed: {error}"))?;
    }
    Ok(())
}

pub(super) fn connection_problem(error: &hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
