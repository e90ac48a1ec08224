//! An event stream as it is: ids, pauses and empty events included.

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use crate::http::{Headers, Http, POST, Session};
use crate::waiting::{SOON, within};

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: Option<String>,
    /// How many milliseconds the client is to wait before it comes back.
    pub retry: Option<u64>,
    /// Its name.
    pub name: Option<String>,
    /// What it says.
    pub data: String,
}

impl Event {
    /// The message that it is.
    pub fn message(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{self:?} is no message: {error}"))
    }

    fn read(text: &str) -> Option<Self> {
        let mut event = Self::default();
        for line in text.lines() {
            match line.split_once(": ").unwrap_or((line.trim_end_matches(':'), "")) {
                ("id", id) => event.id = Some(id.to_owned()),
                ("retry", retry) => event.retry = retry.parse().ok(),
                ("event", name) => event.name = Some(name.to_owned()),
                ("data", data) => event.data.push_str(data),
                _ => {}
            }
        }
        (event != Self::default()).then_some(event)
    }
}

/// A stream of events.
#[derive(Debug)]
pub struct RawEvents {
    body: Incoming,
    text: String,
}

impl RawEvents {
    /// The events of a response, which must be a stream of them.
    pub fn new(response: Response<Incoming>) -> Self {
        let media = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        assert_eq!((response.status().as_u16(), media), (200, Some("text/event-stream")));
        Self { body: response.into_body(), text: String::new() }
    }

    /// Posts a message of a session.
    pub async fn post(url: &str, session: &Session, message: &Value) -> Self {
        let headers = [POST, &session.headers()].concat();
        Self::new(Http::default().open("POST", url, &headers, message.to_string()).await)
    }

    /// Opens a stream of a session, after an event if one is given.
    pub async fn get(url: &str, session: &Session, after: Option<&str>) -> Self {
        Self::new(Self::try_get(url, session, after).await)
    }

    /// The response to the same.
    pub async fn try_get(url: &str, session: &Session, after: Option<&str>) -> Response<Incoming> {
        let accept: &Headers<'_> = &[("accept", "text/event-stream")];
        let after: Vec<_> = after.map(|id| ("last-event-id", id)).into_iter().collect();
        let headers = [accept, &session.headers(), &after].concat();
        Http::default().open("GET", url, &headers, Bytes::new()).await
    }

    /// The next event; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        within(SOON, "an event", async {
            self.read().await.map(|frame| frame.expect("the stream does not break off"))
        })
        .await
    }

    /// The next event, whenever it comes; `None` at the end of the stream, or when it breaks off.
    pub async fn next_at_last(&mut self) -> Option<Event> {
        self.read().await?.ok()
    }

    async fn read(&mut self) -> Option<Result<Event, hyper::Error>> {
        loop {
            while let Some((text, rest)) = self.text.split_once("\n\n") {
                let event = Event::read(text);
                self.text = rest.to_owned();
                if let Some(event) = event {
                    return Some(Ok(event));
                }
            }
            match self.body.frame().await? {
                Ok(frame) => {
                    if let Some(data) = frame.data_ref() {
                        self.text
                            .push_str(std::str::from_utf8(data).expect("the gateway writes whole events"));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// The next event, which there must be.
    pub async fn event(&mut self) -> Event {
        self.next().await.expect("the stream goes on")
    }

    /// All that still comes.
    pub async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}
