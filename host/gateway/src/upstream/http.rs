//! A server that is reached over Streamable HTTP.
//!
//! Every message of the client is one POST. The response is a JSON message or an event stream; both come
//! back through the session, so that nothing reaches the client unjudged. Redirects are not followed, and
//! nothing of the client's own headers is passed on.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bartizan_wire::message::{ErrorObject, Id, Message};
use bartizan_wire::sse;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::watch;

use super::{UpstreamError, closed};
use crate::flights::Flight;
use crate::session::{Fate, Session};

const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// How long a server may take to be connected to.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// The pauses before a stream that ended is opened again.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long a server may take to accept a notification, or to end a session.
const ACCEPT_PATIENCE: Duration = Duration::from_secs(30);

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
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        Ok(Self(client))
    }
}

/// A session with an HTTP server.
pub(crate) struct HttpUpstream {
    endpoint: Arc<Endpoint>,
    listening: AtomicBool,
    closing: watch::Sender<bool>,
}

impl HttpUpstream {
    pub(crate) fn new(client: HttpClient, url: Uri, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        let endpoint = Arc::new(Endpoint { client, url, headers, session_id: OnceLock::new() });
        Self { endpoint, listening: AtomicBool::new(false), closing: watch::Sender::new(false) }
    }

    pub(super) async fn send(&self, session: &Arc<Session>, message: &Message) -> Result<(), UpstreamError> {
        let body = Full::new(Bytes::copy_from_slice(message.document().as_bytes()));
        let request = self.endpoint.request(&Method::POST, BOTH, session.revision(), body)?;
        match message {
            Message::Request(asked) => {
                let exchange = Exchange {
                    session: Arc::clone(session),
                    number: asked.id().clone(),
                    endpoint: Arc::clone(&self.endpoint),
                };
                let closing = self.closing.subscribe();
                tokio::spawn(async move {
                    // Ends with the session: dropping the response closes its connection.
                    tokio::select! {
                        () = exchange.run(request) => {}
                        () = closed(closing) => {}
                    }
                });
                Ok(())
            }
            Message::Notification(_) | Message::Response(_) => {
                let sent =
                    tokio::time::timeout(ACCEPT_PATIENCE, self.endpoint.client.0.request(request)).await;
                let response = sent
                    .map_err(|_elapsed| {
                        UpstreamError::Http("it does not accept the message in time".to_owned())
                    })?
                    .map_err(|error| UpstreamError::Http(connection_problem(&error)))?;
                if response.status().is_success() {
                    Ok(())
                } else {
                    Err(UpstreamError::Http(format!("it answered HTTP {}", response.status().as_u16())))
                }
            }
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
        if self.endpoint.session_id.get().is_none() {
            return;
        }
        let request =
            self.endpoint.request(&Method::DELETE, EVENT_STREAM, session.revision(), Full::default());
        let client = self.endpoint.client.clone();
        if let (Ok(request), Ok(runtime)) = (request, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                // A server need not take it (405), and may be gone.
                let _best_effort = tokio::time::timeout(ACCEPT_PATIENCE, client.0.request(request)).await;
            });
        }
    }
}

/// Where a session's server is, and what it knows the session by.
struct Endpoint {
    client: HttpClient,
    url: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The server's own id of the session, once it has given one.
    session_id: OnceLock<HeaderValue>,
}

impl Endpoint {
    fn request(
        &self,
        method: &Method,
        accept: HeaderValue,
        revision: Option<&str>,
        body: Full<Bytes>,
    ) -> Result<Request<Full<Bytes>>, UpstreamError> {
        let mut request = Request::builder().method(method).uri(self.url.clone());
        if let Some(headers) = request.headers_mut() {
            for (name, value) in &self.headers {
                headers.append(name.clone(), value.clone());
            }
            headers.insert(ACCEPT, accept);
            if *method == Method::POST {
                headers.insert(CONTENT_TYPE, JSON);
            }
            if let Some(id) = self.session_id.get() {
                headers.insert(SESSION_ID, id.clone());
            }
            if let Some(revision) = revision.and_then(|revision| HeaderValue::from_str(revision).ok()) {
                headers.insert(PROTOCOL_VERSION, revision);
            }
        }
        request.body(body).map_err(|error| UpstreamError::Http(error.to_string()))
    }

    /// Reads the server's stream as long as there is one.
    async fn listen(&self, session: &Arc<Session>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let Ok(request) = self.request(&Method::GET, EVENT_STREAM, session.revision(), Full::default())
            else {
                return;
            };
            match self.client.0.request(request).await {
                Ok(response) if response.status().is_success() => {
                    pause = FIRST_PAUSE;
                    if let Err(problem) = read_events(session, response.into_body(), None).await {
                        tracing::debug!(server = %session.server.name, problem, "the server's stream broke");
                    }
                }
                // 405 is the answer of a server that has no such stream.
                Ok(response) => {
                    let status = response.status().as_u16();
                    tracing::debug!(server = %session.server.name, status, "the server has no stream");
                    return;
                }
                Err(error) => {
                    let problem = connection_problem(&error);
                    tracing::warn!(server = %session.server.name, problem, "the server's stream cannot be opened");
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// One POST of a request and what comes back.
struct Exchange {
    session: Arc<Session>,
    number: Id,
    endpoint: Arc<Endpoint>,
}

impl Exchange {
    /// Boxed, since what comes back may make the session send again.
    fn run(self, request: Request<Full<Bytes>>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move { self.carry(request).await })
    }

    async fn carry(&self, request: Request<Full<Bytes>>) {
        let (outcome, fate) = match self.endpoint.client.0.request(request).await {
            Ok(response) => (self.read(response).await, Fate::Unknown),
            // Without a connection nothing was sent.
            Err(error) if error.is_connect() => (Err(connection_problem(&error)), Fate::NotSent),
            Err(error) => (Err(connection_problem(&error)), Fate::Unknown),
        };
        let problem = match outcome {
            Ok(()) => "its response ended without an answer".to_owned(),
            Err(problem) => problem,
        };
        // Usually the answer came and nothing is under way any more.
        let flight = self.session.flights.lock().arrive(&self.number);
        match flight {
            Some(Flight::Client(exchange)) => self.session.fail(*exchange, &problem, fate),
            Some(Flight::Own(waiting)) => drop(waiting),
            None => {}
        }
    }

    async fn read(&self, response: Response<Incoming>) -> Result<(), String> {
        let status = response.status();
        if status.is_success()
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
                read_events(&self.session, response.into_body(), Some(&self.number)).await
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
                        Ok(())
                    }
                    Ok(Message::Response(response)) if !status.is_success() => {
                        let text =
                            response.error().and_then(ErrorObject::message).unwrap_or_default().into_owned();
                        Err(self.refused(status, &text))
                    }
                    Ok(_) => Err("its response is not an answer to the request".to_owned()),
                    Err(_) if !status.is_success() => Err(self.refused(status, "")),
                    Err(error) => Err(format!("its response is malformed: {error}")),
                }
            }
            _ if !status.is_success() => Err(self.refused(status, "")),
            _ => Err("its response is neither JSON nor an event stream".to_owned()),
        }
    }

    /// What an HTTP error means. A session that the server has forgotten is over.
    fn refused(&self, status: StatusCode, text: &str) -> String {
        let problem = match text {
            "" => format!("it answered HTTP {}", status.as_u16()),
            text => format!("it answered HTTP {}: {text}", status.as_u16()),
        };
        if status == StatusCode::NOT_FOUND && self.endpoint.session_id.get().is_some() {
            self.session.end("the server has forgotten the session");
        }
        problem
    }
}

/// Passes every message of an event stream to the session.
async fn read_events(session: &Arc<Session>, mut body: Incoming, origin: Option<&Id>) -> Result<(), String> {
    let limits = session.shared.server_limits;
    let mut parser = sse::Parser::new(limits.bytes);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("its response broke off: {error}"))?;
        let Some(data) = frame.data_ref() else { continue };
        let pushed = parser.push(data);
        while let Some(event) = parser.next_event() {
            if let Some(payload) = event.payload() {
                session.from_server(Message::parse(payload.as_bytes(), &limits), origin).await;
            }
        }
        pushed.map_err(|error| format!("its event stream is malformed: {error}"))?;
    }
    Ok(())
}

fn connection_problem(error: &hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
