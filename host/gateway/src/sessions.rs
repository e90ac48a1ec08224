//! The beginning and the end of sessions.

use std::sync::Arc;

use crate::config::UpstreamConfig;
use crate::session::Session;
use crate::upstream::{HttpClient, HttpUpstream, StandardError, Upstream, spawn};

/// Random bytes in a session's id.
const ID_BYTES: usize = 32;

/// An id that cannot be guessed: 256 random bits in hex.
pub(crate) fn new_id() -> Result<Arc<str>, getrandom::Error> {
    use std::fmt::Write as _;
    let mut random = [0; ID_BYTES];
    getrandom::fill(&mut random)?;
    let mut id = String::with_capacity(2 * ID_BYTES);
    for byte in random {
        // Writing to a `String` does not fail.
        let _infallible = write!(id, "{byte:02x}");
    }
    Ok(id.into())
}

/// Gives a session its server: starts the command, or prepares the connection.
pub(crate) fn connect(session: &Arc<Session>, client: &HttpClient) -> Result<(), String> {
    match &session.server.upstream {
        UpstreamConfig::Stdio(command) => {
            let started = spawn(&session.server.name, command, StandardError::Logged)
                .map_err(|error| format!("`{}`: {error}", command.command))?;
            let (upstream, attendance) = started.split();
            session.connect(Upstream::Stdio(upstream));
            let attended = Arc::clone(session);
            tokio::spawn(async move {
                match attendance.attend(&attended).await {
                    Ok(status) => {
                        tracing::info!(server = %attended.server.name, session = %attended.id, %status, "the server's process has ended");
                    }
                    Err(error) => {
                        tracing::error!(server = %attended.server.name, session = %attended.id, %error, "the server's process is lost");
                    }
                }
            });
        }
        UpstreamConfig::Http { url, headers } => {
            let upstream = HttpUpstream::new(client.clone(), url.clone(), headers.clone());
            session.connect(Upstream::Http(Box::new(upstream)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_long_and_different() {
        let ids: std::collections::HashSet<_> = (0..100).map(|_| super::new_id().unwrap()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == 64));
    }
}
