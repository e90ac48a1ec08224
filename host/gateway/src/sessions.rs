//! The beginning and the end of sessions.

use std::sync::Arc;
use std::time::Instant;

use crate::config::{HttpTransport, UpstreamConfig};
use crate::digest;
use crate::session::Session;
use crate::upstream::{HttpClient, HttpUpstream, Place, SseUpstream, StandardError, Upstream, spawn};

/// Random bytes in a session's token.
const TOKEN_BYTES: usize = 32;
/// Characters of a session's label: enough to tell sessions apart.
const LABEL_CHARACTERS: usize = 16;

/// What a client names its session by: 256 random bits in hex, which cannot be guessed. Whoever has it has
/// the session, so it is not logged and plugins do not see it.
pub(crate) fn new_token() -> Result<Arc<str>, getrandom::Error> {
    let mut random = [0; TOKEN_BYTES];
    getrandom::fill(&mut random)?;
    Ok(digest::hex(&random).into())
}

/// What a session is called in the log and before plugins: part of its token's hash.
pub(crate) fn label(token: &str) -> Arc<str> {
    let mut label = digest::of(token);
    label.truncate(LABEL_CHARACTERS);
    label.into()
}

/// Gives a session its server: starts the command, or prepares the connection.
pub(crate) fn connect(session: &Arc<Session>, client: &HttpClient) -> Result<(), String> {
    match &session.server.upstream {
        UpstreamConfig::Stdio(command) => {
            let problem = |error: &dyn std::fmt::Display| format!("`{}`: {error}", command.command);
            session.server.starts.check(Instant::now()).map_err(|error| problem(&error))?;
            let started = spawn(&session.server.name, command, StandardError::Logged)
                .map_err(|error| problem(&error))?;
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
        UpstreamConfig::Http { url, headers, transport } => {
            let place = Place { client: client.clone(), url: url.clone(), headers: headers.clone() };
            match transport {
                HttpTransport::Streamable => {
                    session.connect(Upstream::Http(Box::new(HttpUpstream::new(place))));
                }
                HttpTransport::Sse => {
                    let (upstream, stream) = SseUpstream::new(place);
                    session.connect(Upstream::Sse(Box::new(upstream)));
                    let attended = Arc::clone(session);
                    tokio::spawn(async move { stream.attend(&attended).await });
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn tokens_are_long_and_different_and_labels_do_not_tell_them() {
        let tokens: std::collections::HashSet<_> = (0..100).map(|_| super::new_token().unwrap()).collect();
        assert_eq!(tokens.len(), 100);
        for token in tokens {
            let label = super::label(&token);
            assert_eq!((token.len(), label.len()), (64, 16));
            assert!(!token.contains(&*label));
        }
    }
}
