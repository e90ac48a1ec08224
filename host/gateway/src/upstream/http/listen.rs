//! The server's own stream of messages that belong to no request.

use std::sync::Arc;

use http::Method;
use http_body_util::Full;

use super::{
    EVENT_STREAM, Endpoint, FIRST_PAUSE, LAST_EVENT_ID, LONGEST_PAUSE, Position, connection_problem,
    read_events,
};
use crate::session::Session;

impl Endpoint {
    /// Reads the server's stream as long as there is one. One that breaks off is taken up where it was.
    pub(super) async fn listen(&self, session: &Arc<Session>) {
        let mut pause = FIRST_PAUSE;
        let mut position = Position::default();
        loop {
            let Ok(mut request) = self.request(&Method::GET, EVENT_STREAM, session, Full::default()) else {
                return;
            };
            if let Some(last) = &position.last {
                request.headers_mut().insert(LAST_EVENT_ID, last.clone());
            }
            match self.place.client.request(request).await {
                Ok(response) if response.status().is_success() => {
                    pause = FIRST_PAUSE;
                    if let Err(problem) =
                        read_events(session, response.into_body(), None, &mut position).await
                    {
                        tracing::debug!(server = %session.server.name, problem, "the server's stream broke");
                    }
                }
                Ok(response) if response.status().is_server_error() => {
                    let status = response.status().as_u16();
                    tracing::debug!(server = %session.server.name, status, "the server's stream is not to be had now");
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
            tokio::time::sleep(position.retry.unwrap_or(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
