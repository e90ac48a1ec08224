//! The server's side of a session.

mod http;
mod stdio;

use std::sync::Arc;

use bartizan_wire::message::Message;
use tokio::sync::watch;

pub(crate) use http::{HttpClient, HttpUpstream};
pub(crate) use stdio::{StandardError, StdioUpstream, spawn};

use crate::session::Session;

/// How a session reaches its server.
pub(crate) enum Upstream {
    /// A child process.
    Stdio(StdioUpstream),
    /// Streamable HTTP.
    Http(Box<HttpUpstream>),
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
    /// [`Session::from_server`].
    pub(crate) async fn send(&self, session: &Arc<Session>, message: &Message) -> Result<(), UpstreamError> {
        match self {
            Self::Stdio(upstream) => upstream.send(message).await,
            Self::Http(upstream) => upstream.send(session, message).await,
        }
    }

    /// Lets the server go.
    pub(crate) fn close(&self, session: &Session) {
        match self {
            Self::Stdio(upstream) => upstream.close(),
            Self::Http(upstream) => upstream.close(session),
        }
    }
}
