//! One client's requests over HTTP, and what comes back, in time or not.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::tally::Fault;

/// What comes later than this is stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The headers of a request.
pub(crate) type Headers<'h> = [(&'h str, &'h str)];

/// A client with connections of its own, which close when it is dropped.
pub(crate) struct Client {
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    url: Uri,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The message of its body, or all those of its event stream.
    pub(crate) messages: Vec<Value>,
}

impl Client {
    pub(crate) fn new(url: Uri) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector), url }
    }

    /// Sends a request; the head of the response.
    pub(crate) async fn open(
        &self,
        method: Method,
        headers: &Headers<'_>,
        body: String,
    ) -> Result<Response<Incoming>, Fault> {
        let what = format!("{method} {body}");
        let accept = match method {
            Method::GET => "text/event-stream",
            _ => "application/json, text/event-stream",
        };
        let mut request = Request::builder().method(method).uri(self.url.clone()).header("accept", accept);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).map_err(|error| Fault::Wrong(error.to_string()))?;
        let response = in_time(&what, self.http.request(request)).await?;
        response.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            Fault::Broken(format!("{what}: {error} {cause}"))
        })
    }

    /// Sends a request; the whole response.
    pub(crate) async fn send(
        &self,
        method: Method,
        headers: &Headers<'_>,
        body: String,
    ) -> Result<Answer, Fault> {
        let what = format!("{method} {body}");
        in_time(&what, async {
            let (parts, body) = self.open(method, headers, body).await?.into_parts();
            let is_stream =
                parts.headers.get("content-type").is_some_and(|media| media == "text/event-stream");
            let mut messages = Vec::new();
            if is_stream {
                let mut events = Events::new(body);
                while let Some(event) = events.next().await? {
                    messages.extend(event.message);
                }
            } else {
                let body = body.collect().await.map_err(|error| Fault::Broken(format!("{what}: {error}")))?;
                let body = body.to_bytes();
                if !body.is_empty() {
                    messages.push(json(&body)?);
                }
            }
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, messages })
        })
        .await?
    }
}

impl Answer {
    /// The only message.
    pub(crate) fn message(&self) -> Result<&Value, Fault> {
        match self.messages.as_slice() {
            [message] => Ok(message),
            messages => Err(wrong("one message", &(self.status, messages))),
        }
    }
}

/// The events of a response.
pub(crate) struct Events {
    body: Incoming,
    text: String,
}

/// An event.
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    /// Nothing if the event only gives an id.
    pub(crate) message: Option<Value>,
}

impl Events {
    pub(crate) fn new(body: Incoming) -> Self {
        Self { body, text: String::new() }
    }

    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Fault> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                let id = field("id: ").map(str::to_owned);
                let data = field("data: ").filter(|data| !data.is_empty());
                let message = data.map(|data| json(data.as_bytes())).transpose()?;
                self.text = rest.to_owned();
                if id.is_some() || message.is_some() {
                    return Ok(Some(Event { id, message }));
                }
            }
            let Some(frame) = self.body.frame().await else {
                return match self.text.is_empty() {
                    true => Ok(None),
                    false => Err(wrong("a whole event", &self.text)),
                };
            };
            let frame = frame.map_err(|error| Fault::Broken(format!("a stream broke off: {error}")))?;
            if let Some(data) = frame.data_ref() {
                self.text.push_str(&String::from_utf8_lossy(data));
            }
        }
    }
}

/// Waits, but not for long.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Fault> {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.map_err(|_elapsed| Fault::Stuck(format!("{what}: nothing after {} s", PATIENCE.as_secs())))
}

pub(crate) fn wrong(expected: &str, got: &dyn std::fmt::Debug) -> Fault {
    Fault::Wrong(format!("not {expected}: {got:?}"))
}

fn json(text: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(text).map_err(|_| wrong("JSON", &String::from_utf8_lossy(text)))
}
