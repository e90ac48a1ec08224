//! A client on any transport, as one that sends messages and gets messages.

use bartizan_tests::events::RawEvents;
use bartizan_tests::http::{Http, POST};
use bartizan_tests::modern::{borrowed, repeated};
use bartizan_tests::program::Program;
use bartizan_tests::waiting::{SOON, within};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::mpsc;

/// A client's connection.
pub(crate) enum Link {
    /// On the pipes of `bartizan run`.
    Pipes(Box<Program>),
    /// Over HTTP, in either of its forms.
    Http(Wire),
}

/// A connection over HTTP: what comes on any stream comes here.
pub(crate) struct Wire {
    url: String,
    /// The session, and its revision.
    session: Option<(String, String)>,
    sender: mpsc::UnboundedSender<Value>,
    messages: mpsc::UnboundedReceiver<Value>,
}

impl Link {
    /// Starts a program.
    pub(crate) fn pipes(command: Command) -> Self {
        Self::Pipes(Box::new(Program::start(command)))
    }

    /// Streamable HTTP at a URL.
    pub(crate) fn streamable(url: &str) -> Self {
        let (sender, messages) = mpsc::unbounded_channel();
        Self::Http(Wire { url: url.to_owned(), session: None, sender, messages })
    }

    /// HTTP+SSE, at the URL of its stream.
    pub(crate) async fn pair(url: &str) -> Self {
        let response = Http::default().open("GET", url, &[("accept", "text/event-stream")], "").await;
        let mut events = RawEvents::new(response);
        let endpoint = events.event().await;
        assert_eq!(endpoint.name.as_deref(), Some("endpoint"), "{endpoint:?}");
        let host = url.split('/').take(3).collect::<Vec<_>>().join("/");
        let (sender, messages) = mpsc::unbounded_channel();
        carry(events, sender.clone());
        Self::Http(Wire { url: format!("{host}{}", endpoint.data), session: None, sender, messages })
    }

    /// Sends a message. What comes back comes as messages.
    pub(crate) async fn send(&mut self, message: &Value) {
        match self {
            Self::Pipes(program) => program.write(format!("{message}\n").as_bytes()).await,
            Self::Http(wire) => wire.send(message).await,
        }
    }

    /// Begins to use the session that a handshake has made, where it has to be named.
    pub(crate) async fn begin(&mut self, revision: &str) {
        if let Self::Http(wire) = self
            && let Some((id, agreed)) = &mut wire.session
        {
            *agreed = revision.to_owned();
            let headers =
                [("accept", "text/event-stream"), ("mcp-session-id", id), ("mcp-protocol-version", revision)];
            let stream = Http::default().open("GET", &wire.url, &headers, "").await;
            carry(RawEvents::new(stream), wire.sender.clone());
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Value {
        match self {
            Self::Pipes(program) => {
                let line = program.line().await;
                let line = line.unwrap_or_else(|| panic!("the output has ended: {}", program.log()));
                serde_json::from_str(&line).expect("the gateway writes JSON")
            }
            Self::Http(wire) => {
                within(SOON, "a message", wire.messages.recv()).await.expect("the test holds a sender")
            }
        }
    }

    /// Sends a request; all messages up to its answer, which is the last.
    pub(crate) async fn request(&mut self, request: &Value) -> Vec<Value> {
        self.send(request).await;
        let mut messages = Vec::new();
        loop {
            let message = self.message().await;
            let is_answer = message["id"] == request["id"] && message["method"].is_null();
            messages.push(message);
            if is_answer {
                return messages;
            }
        }
    }
}

impl Wire {
    async fn send(&mut self, message: &Value) {
        let mut named: Vec<(&'static str, String)> = repeated(message);
        if let Some((id, revision)) = &self.session {
            named.extend([("mcp-session-id", id.clone()), ("mcp-protocol-version", revision.clone())]);
        } else if message.pointer("/params/_meta/io.modelcontextprotocol~1protocolVersion").is_none() {
            named.clear();
        }
        let headers = [POST, &borrowed(&named)].concat();
        if message["method"] == "initialize" || message["id"].is_null() || message["method"].is_null() {
            let answer = Http::default().send("POST", &self.url, &headers, message.to_string()).await;
            assert!(answer.status < 300, "{message}: {answer:?}");
            if let Some(id) = answer.header("mcp-session-id") {
                self.session = Some((id.to_owned(), String::new()));
            }
            if !answer.body.is_empty() {
                self.sender.send(answer.json()).expect("the test reads");
            }
            return;
        }
        // The answer may come after a question that comes elsewhere.
        let (url, body, sender) = (self.url.clone(), message.to_string(), self.sender.clone());
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        tokio::spawn(async move {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let response = Http::default().open("POST", &url, &headers, body).await;
            if response.headers().get("content-type").is_some_and(|media| media == "text/event-stream") {
                carry(RawEvents::new(response), sender);
                return;
            }
            let bytes = response.into_body().collect().await.expect("a response is whole").to_bytes();
            if !bytes.is_empty() {
                let message = serde_json::from_slice(&bytes).expect("the gateway answers with JSON");
                // The test may be over.
                let _unread = sender.send(message);
            }
        });
    }
}

/// Takes what comes on a stream, until the test is over.
fn carry(mut events: RawEvents, sender: mpsc::UnboundedSender<Value>) {
    tokio::spawn(async move {
        while let Some(event) = events.next_at_last().await {
            if !event.data.is_empty() && sender.send(event.message()).is_err() {
                return;
            }
        }
    });
}
