//! An event stream as the body of an answer.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bartizan_wire::json::Document;
use bartizan_wire::message::Id;
use bartizan_wire::sse::{self, Event};
use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Interval, MissedTickBehavior};

use super::Front;
use super::replay::{EventId, Track, UNRELATED};
use crate::mailbox::Reader;
use crate::session::{Outgoing, Session};

/// How long a client is asked to wait before it takes up a stream again.
const RETRY: Duration = Duration::from_secs(1);

/// Where the messages of a stream come from.
pub(super) enum Messages {
    /// The exchanges of one POST, until so many responses; what came first, and the rest.
    Exchange { first: VecDeque<Outgoing>, rest: mpsc::Receiver<Outgoing>, lasts: usize },
    /// What belongs to no request.
    Unrelated(Reader),
    /// A stream that is taken up again after this event.
    Track(Arc<Track>, u64),
    /// All that a session sends.
    Pipe(mpsc::Receiver<Outgoing>),
}

/// Messages as a body: one event each, until the last.
pub(crate) struct EventStream {
    messages: Messages,
    /// Where the messages of an exchange are kept for a client that loses the stream.
    track: Option<Arc<Track>>,
    /// Events that go first.
    opening: VecDeque<Event>,
    keep_alive: Interval,
    ended: bool,
    /// The client is to come back for the rest.
    is_paused: bool,
    /// What ends when the stream does.
    company: Company,
}

/// What a stream keeps, until it is dropped.
#[derive(Default)]
pub(super) struct Company {
    /// The request that nobody waits for any more.
    pub(super) call: Option<Call>,
    #[expect(dead_code, reason = "held until the stream is dropped")]
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// The session that is nothing without the stream.
    #[expect(dead_code, reason = "held until the stream is dropped")]
    pub(super) session: Option<Only>,
}

/// A request whose client gives it up by going away.
pub(super) struct Call {
    session: Arc<Session>,
    number: Option<Id>,
}

impl Call {
    pub(super) fn new(session: Arc<Session>, number: Option<Id>) -> Self {
        Self { session, number }
    }

    /// Takes note that the answer is there.
    pub(super) fn done(&mut self) {
        self.number = None;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(number) = self.number.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let session = Arc::clone(&self.session);
            runtime.spawn(async move { session.hang_up(&number, None).await });
        }
    }
}

/// A session with one stream for everything, which ends with it.
pub(super) struct Only {
    pub(super) front: Arc<Front>,
    pub(super) token: Arc<str>,
    pub(super) session: Arc<Session>,
}

impl Drop for Only {
    fn drop(&mut self) {
        self.front.table.remove(&self.token);
        self.session.end("the client has closed its stream");
    }
}

impl EventStream {
    pub(super) fn new(messages: Messages, keep_alive: Duration, company: Company) -> Self {
        let mut keep_alive = tokio::time::interval_at(tokio::time::Instant::now() + keep_alive, keep_alive);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            messages,
            track: None,
            opening: VecDeque::new(),
            keep_alive,
            ended: false,
            is_paused: false,
            company,
        }
    }

    /// Keeps what is sent, so that a client can take the stream up again.
    pub(super) fn on_track(mut self, track: Arc<Track>) -> Self {
        self.track = Some(track);
        self
    }

    /// Sends this first.
    pub(super) fn opening_with(mut self, event: Event) -> Self {
        self.opening.push_back(event);
        self
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(event) = self.opening.pop_front() {
            return Poll::Ready(Some(event));
        }
        match &mut self.messages {
            Messages::Exchange { first, rest, lasts } => {
                let outgoing = loop {
                    let next = match first.pop_front() {
                        Some(first) => Some(first),
                        None => std::task::ready!(rest.poll_recv(context)),
                    };
                    // It has begun.
                    if !matches!(next, Some(Outgoing::Begin)) {
                        break next;
                    }
                };
                match outgoing {
                    None => {
                        self.finish();
                        Poll::Ready(None)
                    }
                    Some(Outgoing::Pause(retry)) => {
                        self.is_paused = true;
                        let retry = u64::try_from(retry.as_millis()).ok();
                        Poll::Ready(Some(Event { retry, ..Event::default() }))
                    }
                    Some(outgoing) => {
                        let Some(document) = outgoing.document() else { return Poll::Ready(None) };
                        let id = self.track.as_ref().map(|track| track.record(document));
                        let event = message(id, document);
                        if matches!(outgoing, Outgoing::Last(_)) {
                            *lasts = lasts.saturating_sub(1);
                            if *lasts == 0 {
                                self.finish();
                            }
                        }
                        Poll::Ready(Some(event))
                    }
                }
            }
            Messages::Unrelated(reader) => reader.poll_next(context).map(|next| {
                let (number, document) = next?;
                Some(message(Some(EventId { stream: UNRELATED, number }), &document))
            }),
            Messages::Track(track, position) => {
                let next = std::task::ready!(track.poll_after(*position, context));
                Poll::Ready(next.map(|(id, document)| {
                    *position = id.number;
                    message(Some(id), &document)
                }))
            }
            Messages::Pipe(messages) => loop {
                let Some(outgoing) = std::task::ready!(messages.poll_recv(context)) else {
                    return Poll::Ready(None);
                };
                if let Some(document) = outgoing.document() {
                    return Poll::Ready(Some(message(None, document)));
                }
            },
        }
    }

    /// All of an exchange was sent.
    fn finish(&mut self) {
        self.ended = true;
        if let Some(track) = &self.track {
            track.complete();
        }
        if let Some(call) = &mut self.company.call {
            call.done();
        }
    }
}

fn message(id: Option<EventId>, document: &Document) -> Event {
    Event { id: id.map(|id| id.to_string()), ..Event::message(document.as_str()) }
}

/// The event that gives a client an id to come back with before there is any message.
pub(super) fn priming(id: EventId) -> Event {
    let retry = u64::try_from(RETRY.as_millis()).ok();
    Event { id: Some(id.to_string()), event: None, retry, data: Some(String::new()) }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended || self.is_paused {
            return Poll::Ready(None);
        }
        let bytes = match self.poll_event(context) {
            Poll::Ready(Some(event)) => {
                self.keep_alive.reset();
                Bytes::from(sse::encode(&event))
            }
            Poll::Ready(None) => {
                self.ended = true;
                return Poll::Ready(None);
            }
            Poll::Pending => match self.keep_alive.poll_tick(context) {
                Poll::Ready(_) => Bytes::from_static(sse::KEEP_ALIVE.as_bytes()),
                Poll::Pending => return Poll::Pending,
            },
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        // The client is gone before the end: what still comes is kept for its return.
        let Some(track) = self.track.take().filter(|_| !self.ended) else { return };
        let nothing = Messages::Pipe(mpsc::channel(1).1);
        if let Messages::Exchange { first, rest, lasts } = std::mem::replace(&mut self.messages, nothing)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let mut lasts = lasts;
            for outgoing in first {
                lasts -= usize::from(matches!(outgoing, Outgoing::Last(_)));
                if let Some(document) = outgoing.document() {
                    track.record(document);
                }
            }
            runtime.spawn(async move { track.drain(rest, lasts).await });
        }
    }
}
