//! The server's side of a session.

mod http;
mod reaper;
mod sse;
mod stdio;

use std::pin::Pin;
use std::sync::Arc;

use ::http::HeaderMap;
use bartizan_wire::era::Era;
use bartizan_wire::message::{Id, Message, Notification};
use tokio::sync::watch;

pub(crate) use self::http::{HttpClient, HttpUpstream, Place};
pub(crate) use reaper::Reaper;
pub use reaper::reap;
pub(crate) use sse::SseUpstream;
pub(crate) use stdio::{StandardError, StdioUpstream, spawn};

use crate::session::Session;

/// Brings back what a server answers to a request over HTTP. To be run to its end, by whoever forwards the request.
pub(crate) type Carrier = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a carrier, if there is one, in a task of its own.
pub(crate) fn carry_aside(carrier: Option<Carrier>) {
    if let Some(carrier) = carrier {
        tokio::spawn(carrier);
    }
}

/// How a session reaches its server.
pub(crate) enum Upstream {
    /// A child process.
    Stdio(StdioUpstream),
    /// Streamable HTTP.
    Http(Box<HttpUpstream>),
    /// HTTP+SSE.
    Sse(Box<SseUpstream>),
}

/// A message did not reach the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// The child process does not read any more.
    #[error("its process has ended")]
    Ended,
    /// The request could not be sent or its response not be read.
    #[error("{0}")]
    Http(String),
}

/// Waits until an upstream is closed.
async fn closed(mut closing: watch::Receiver<bool>) {
    // An error means that the upstream is gone, which closes as well.
    let _closed = closing.wait_for(|closing| *closing).await;
}

impl Upstream {
    /// Sends one message, in our own serialisation. What the server answers comes back through
    /// [`Session::from_server`], where there is a carrier by its doing. `headers` go with it where there are
    /// headers.
    pub(crate) async fn send(
        &self,
        session: &Arc<Session>,
        message: &Message,
        headers: HeaderMap,
    ) -> Result<Option<Carrier>, UpstreamError> {
        match self {
            Self::Stdio(upstream) => upstream.send(message).await.map(|()| None),
            Self::Http(upstream) => upstream.send(session, message, headers).await,
            Self::Sse(upstream) => upstream.send(message).await.map(|()| None),
        }
    }

    /// Tells the server that a request needs no answer any more. `notification` says so where the server
    /// has to be told.
    pub(crate) async fn cancel(
        &self,
        session: &Arc<Session>,
        number: &Id,
        era: Era,
        notification: Notification,
    ) -> Result<(), UpstreamError> {
        match (self, era) {
            // The end of the response's stream says it.
            (Self::Http(upstream), Era::Modern) => {
                upstream.abort(number);
                Ok(())
            }
            _ => {
                let message = Message::Notification(notification);
                self.send(session, &message, HeaderMap::new()).await.map(carry_aside)
            }
        }
    }

    /// Lets the server go. The session hears when it is gone.
    pub(crate) fn close(&self, session: &Session) {
        match self {
            Self::Stdio(upstream) => upstream.close(),
            Self::Http(upstream) => upstream.close(session),
            Self::Sse(upstream) => {
                upstream.close();
                session.upstream_is_gone();
            }
        }
    }
}
