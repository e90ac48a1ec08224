//! What was sent on the event streams of a session's exchanges, for a client that loses one and takes it up
//! again (`Last-Event-ID`).
//!
//! Events have ids of the form `<stream>-<number>`; they mean something within their session only. What is
//! kept is bounded; a stream that has lost what its client lacks cannot be taken up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bartizan_wire::json::Document;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::session::Outgoing;

/// The stream of what belongs to no request.
pub(super) const UNRELATED: u64 = 0;

/// How many streams of one session are kept.
const TRACKS: usize = 8;
/// How many streams that are complete are kept.
const COMPLETE: usize = 2;
/// What is kept of one stream.
const EVENTS: usize = 256;
const BYTES: usize = 256 << 10;

/// The id of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) stream: u64,
    pub(super) number: u64,
}

impl EventId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (stream, number) = text.split_once('-')?;
        Some(Self { stream: stream.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.stream, self.number)
    }
}

/// The streams of one session.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    last: u64,
    tracks: VecDeque<Arc<Track>>,
}

impl Tracks {
    /// Begins a stream.
    pub(super) fn begin(&mut self) -> Arc<Track> {
        self.last += 1;
        let mut complete = self.tracks.iter().filter(|track| track.is_complete()).count();
        self.tracks.retain(|track| {
            let goes = complete > COMPLETE && track.is_complete();
            complete -= usize::from(goes);
            !goes
        });
        if self.tracks.len() >= TRACKS {
            self.tracks.pop_front();
        }
        let track = Arc::new(Track { stream: self.last, content: Mutex::default() });
        self.tracks.push_back(Arc::clone(&track));
        track
    }

    /// The stream of this number, if it is still known.
    pub(super) fn find(&self, stream: u64) -> Option<Arc<Track>> {
        self.tracks.iter().find(|track| track.stream == stream).cloned()
    }
}

/// One stream.
#[derive(Debug)]
pub(super) struct Track {
    stream: u64,
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    /// The number of the last event; the first is 1, and 0 is the beginning.
    last: u64,
    kept: VecDeque<(u64, Document)>,
    bytes: usize,
    is_complete: bool,
    waker: Option<Waker>,
}

impl Track {
    /// The id of the beginning.
    pub(super) fn beginning(&self) -> EventId {
        EventId { stream: self.stream, number: 0 }
    }

    /// Keeps an event: its id.
    pub(super) fn record(&self, document: &Document) -> EventId {
        let mut content = self.content.lock();
        content.last += 1;
        let number = content.last;
        content.bytes += document.as_bytes().len();
        content.kept.push_back((number, document.clone()));
        while content.kept.len() > EVENTS || content.bytes > BYTES {
            if let Some((_, oldest)) = content.kept.pop_front() {
                content.bytes -= oldest.as_bytes().len();
            }
        }
        if let Some(waker) = content.waker.take() {
            waker.wake();
        }
        EventId { stream: self.stream, number }
    }

    /// Takes note that nothing more comes.
    pub(super) fn complete(&self) {
        let mut content = self.content.lock();
        content.is_complete = true;
        if let Some(waker) = content.waker.take() {
            waker.wake();
        }
    }

    fn is_complete(&self) -> bool {
        self.content.lock().is_complete
    }

    /// Whether everything after an event is still there.
    pub(super) fn can_go_on_after(&self, number: u64) -> bool {
        let content = self.content.lock();
        let first_kept = content.kept.front().map_or(content.last + 1, |(number, _)| *number);
        number <= content.last && number + 1 >= first_kept
    }

    /// The event after this one; `None` when nothing more comes, or it is lost.
    pub(super) fn poll_after(
        &self,
        number: u64,
        context: &mut Context<'_>,
    ) -> Poll<Option<(EventId, Document)>> {
        let mut content = self.content.lock();
        let next = content.kept.iter().find(|(kept, _)| *kept > number);
        if let Some((next, document)) = next {
            // A gap is no stream.
            let found = (*next == number + 1)
                .then(|| (EventId { stream: self.stream, number: *next }, document.clone()));
            return Poll::Ready(found);
        }
        if content.is_complete {
            return Poll::Ready(None);
        }
        content.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// Keeps what still comes for a client that has lost the stream.
    pub(super) async fn drain(&self, mut rest: mpsc::Receiver<Outgoing>, mut lasts: usize) {
        while lasts > 0 {
            let Some(outgoing) = rest.recv().await else { break };
            lasts -= usize::from(matches!(outgoing, Outgoing::Last(_)));
            if let Some(document) = outgoing.document() {
                self.record(document);
            }
        }
        self.complete();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u64) -> Document {
        Document::from(&serde_json::json!(number))
    }

    fn after(track: &Track, position: u64) -> Poll<Option<String>> {
        let polled = track.poll_after(position, &mut Context::from_waker(Waker::noop()));
        polled.map(|found| found.map(|(id, document)| format!("{id} {document}")))
    }

    #[test]
    fn a_stream_goes_on_where_it_was_lost() {
        let mut tracks = Tracks::default();
        let track = tracks.begin();
        assert_eq!(after(&track, 0), Poll::Pending);
        for count in 1..=3 {
            track.record(&number(count * 10));
        }
        assert!(track.can_go_on_after(0) && track.can_go_on_after(3) && !track.can_go_on_after(4));
        assert_eq!(after(&track, 1), Poll::Ready(Some("1-2 20".to_owned())));
        assert_eq!(after(&track, 3), Poll::Pending);
        track.complete();
        assert_eq!(after(&track, 2), Poll::Ready(Some("1-3 30".to_owned())));
        assert_eq!(after(&track, 3), Poll::Ready(None));
        assert_eq!(EventId::parse("1-3"), Some(EventId { stream: 1, number: 3 }));
        for text in ["", "1", "a-1", "1-", "1-2-3"] {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_gaps_are_no_streams() {
        let mut tracks = Tracks::default();
        let track = tracks.begin();
        for count in 0..2 * EVENTS as u64 {
            track.record(&number(count));
        }
        assert!(!track.can_go_on_after(1));
        assert_eq!(after(&track, 1), Poll::Ready(None));
        assert!(track.can_go_on_after(EVENTS as u64));
        for _ in 0..100 {
            tracks.begin().complete();
        }
        assert!(tracks.find(1).is_some(), "it is not complete");
        assert!(tracks.find(2).is_none() && tracks.find(101).is_some());
        assert!(tracks.tracks.len() <= TRACKS);
    }

    #[tokio::test]
    async fn a_lost_stream_is_drained_to_its_end() {
        let mut tracks = Tracks::default();
        let track = tracks.begin();
        let (sender, rest) = mpsc::channel(1);
        let drained = Arc::clone(&track);
        let draining = tokio::spawn(async move { drained.drain(rest, 1).await });
        sender.send(Outgoing::Message(number(1))).await.unwrap();
        sender.send(Outgoing::Last(number(2))).await.unwrap();
        draining.await.unwrap();
        assert_eq!(after(&track, 1), Poll::Ready(Some("1-2 2".to_owned())));
        assert_eq!(after(&track, 2), Poll::Ready(None));
    }
}
