//! What is going on on one connection, and until when it may go on like that.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Version};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::{Ambiguous, Lengths};
use crate::config::Limits;

/// The shortest time between two looks.
const SHORTEST_LOOK: Duration = Duration::from_millis(25);

/// What is going on on one connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Requests whose answer is not out.
    in_flight: usize,
    /// The protocol of the last request. None before the first one.
    version: Option<Version>,
    /// Since when nothing is in flight.
    idle_since: Instant,
    /// Since when something is there of the next request.
    head_since: Option<Instant>,
    lengths: Lengths,
}

impl State {
    /// Until when the connection may stay as it is.
    fn deadline(&self, limits: &Limits) -> Option<Instant> {
        if self.in_flight > 0 {
            return None;
        }
        let patience = if self.version.is_some() { limits.idle_connection } else { limits.header_timeout };
        let idle = self.idle_since.checked_add(patience);
        let head = self.head_since.and_then(|since| since.checked_add(limits.header_timeout));
        // HTTP/2 has frames that are no request: an answer to a ping must not look like half a head.
        let head = head.filter(|_| self.version != Some(Version::HTTP_2));
        idle.into_iter().chain(head).min()
    }
}

impl Activity {
    /// A connection begins.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            in_flight: 0,
            version: None,
            idle_since: Instant::now(),
            head_since: None,
            lengths: Lengths::default(),
        })))
    }

    /// Bytes have come.
    fn received(&self, bytes: &[u8]) {
        let mut state = self.0.lock();
        if state.version != Some(Version::HTTP_2) {
            state.lengths.look_at(bytes);
        }
        if state.in_flight == 0 && state.head_since.is_none() {
            state.head_since = Some(Instant::now());
        }
    }

    /// A request's head is complete. The request is in flight until what this gives is dropped.
    pub(super) fn begin<B>(self: &Arc<Self>, request: &mut Request<B>) -> InFlight {
        let mut state = self.0.lock();
        state.in_flight = state.in_flight.saturating_add(1);
        state.version = Some(request.version());
        state.head_since = None;
        if state.lengths.are_ambiguous(request) {
            request.extensions_mut().insert(Ambiguous);
        }
        InFlight(Arc::clone(self))
    }

    /// Waits until the client has done nothing, or taken too long for a request, for longer than it may.
    ///
    /// It looks now and then instead of being told, which would cost something for every request; so it
    /// may notice late, by half of the shorter limit.
    pub(super) async fn overdue(&self, limits: &Limits) {
        let look = (limits.header_timeout.min(limits.idle_connection) / 2).max(SHORTEST_LOOK);
        loop {
            let now = Instant::now();
            let wait = match self.0.lock().deadline(limits) {
                Some(deadline) if deadline <= now => return,
                Some(deadline) => look.min(deadline.saturating_duration_since(now)),
                None => look,
            };
            tokio::time::sleep(wait).await;
        }
    }
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        if state.in_flight == 0 {
            state.idle_since = Instant::now();
        }
    }
}

/// A connection that takes note of what comes.
pub(super) struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let new = buffer.filled().get(before..).unwrap_or_default();
        if !new.is_empty() {
            self.activity.received(new);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            header_timeout: Duration::from_secs(10),
            idle_connection: Duration::from_mins(2),
            ..Limits::default()
        }
    }

    /// How many seconds a connection that began to be idle now may stay as it is.
    fn patience(activity: &Activity) -> Option<u64> {
        let state = activity.0.lock();
        let deadline = state.deadline(&limits())?;
        Some(deadline.duration_since(state.idle_since).as_secs_f64().round() as u64)
    }

    fn request(version: Version) -> Request<()> {
        let mut request = Request::new(());
        *request.version_mut() = version;
        request
    }

    #[test]
    fn the_first_request_has_less_time_than_the_next() {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let activity = Activity::new();
            assert_eq!(patience(&activity), Some(10));
            let one = activity.begin(&mut request(version));
            assert_eq!(patience(&activity), None);
            let two = activity.begin(&mut request(version));
            drop(one);
            assert_eq!(patience(&activity), None);
            drop(two);
            assert_eq!(patience(&activity), Some(120));
        }
    }

    #[test]
    fn half_a_head_has_less_time_than_none() {
        for (version, expected) in [(Version::HTTP_11, 10), (Version::HTTP_2, 120)] {
            let activity = Activity::new();
            drop(activity.begin(&mut request(version)));
            activity.received(b"G");
            activity.received(b"E");
            assert_eq!(patience(&activity), Some(expected), "{version:?}");
            drop(activity.begin(&mut request(version)));
            assert_eq!(patience(&activity), Some(120), "{version:?}");
        }
    }
}
