//! Messages of the server that belong to no request, waiting for the client's event stream.
//!
//! Order is kept. A client may open a stream late, lose it and open another: the newest stream reads, and
//! what was not read yet goes to it. Nothing here waits, so a client that does not read cannot hold up
//! anything else; what exceeds the room is dropped, oldest first, with a line in the log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bartizan_wire::json::Document;
use parking_lot::Mutex;

/// How many messages wait.
const ROOM: usize = 256;

/// The waiting messages of one session.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    waiting: VecDeque<Document>,
    /// Which reader is the newest.
    reader: u64,
    /// Whether that reader is still there.
    is_read: bool,
    waker: Option<Waker>,
    closed: bool,
}

impl Content {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Mailbox {
    /// Puts a message in. False if an older one had to go.
    pub(crate) fn put(&self, document: Document) -> bool {
        let mut content = self.0.lock();
        let has_room = content.waiting.len() < ROOM;
        if !has_room {
            content.waiting.pop_front();
        }
        content.waiting.push_back(document);
        content.wake();
        has_room
    }

    /// Begins to read; a reader from before ends.
    pub(crate) fn open(&self) -> Reader {
        let mut content = self.0.lock();
        content.reader += 1;
        content.is_read = true;
        content.wake();
        Reader { mailbox: self.clone(), number: content.reader }
    }

    /// Ends every reader, once it has read what is there.
    pub(crate) fn close(&self) {
        let mut content = self.0.lock();
        content.closed = true;
        content.wake();
    }

    /// Whether somebody reads.
    pub(crate) fn is_read(&self) -> bool {
        self.0.lock().is_read
    }
}

/// A stream that reads the mailbox.
pub(crate) struct Reader {
    mailbox: Mailbox,
    number: u64,
}

impl Reader {
    /// The next message; `None` when the mailbox is closed or somebody else reads.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Document>> {
        let mut content = self.mailbox.0.lock();
        if content.reader != self.number {
            return Poll::Ready(None);
        }
        if let Some(document) = content.waiting.pop_front() {
            return Poll::Ready(Some(document));
        }
        if content.closed {
            return Poll::Ready(None);
        }
        content.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut content = self.mailbox.0.lock();
        if content.reader == self.number {
            content.is_read = false;
            content.waker = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(reader: &mut Reader) -> Poll<Option<String>> {
        let document = reader.poll_next(&mut Context::from_waker(Waker::noop()));
        document.map(|document| document.map(|document| document.to_string()))
    }

    fn number(number: usize) -> Document {
        Document::from(&serde_json::json!(number))
    }

    #[test]
    fn keeps_the_order_for_a_reader_that_comes_late() {
        let mailbox = Mailbox::default();
        for count in 0..100 {
            assert!(mailbox.put(number(count)));
        }
        let mut reader = mailbox.open();
        mailbox.put(number(100));
        for count in 0..=100 {
            assert_eq!(next(&mut reader), Poll::Ready(Some(count.to_string())));
        }
        assert_eq!(next(&mut reader), Poll::Pending);
        assert!(mailbox.is_read());
        drop(reader);
        assert!(!mailbox.is_read());
    }

    #[test]
    fn the_newest_reader_reads() {
        let mailbox = Mailbox::default();
        let mut first = mailbox.open();
        let mut second = mailbox.open();
        mailbox.put(number(1));
        assert_eq!(next(&mut first), Poll::Ready(None));
        drop(first);
        assert!(mailbox.is_read(), "the second reader is still there");
        assert_eq!(next(&mut second), Poll::Ready(Some("1".to_owned())));
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mailbox = Mailbox::default();
        for count in 0..ROOM {
            assert!(mailbox.put(number(count)));
        }
        assert!(!mailbox.put(number(ROOM)));
        assert_eq!(next(&mut mailbox.open()), Poll::Ready(Some("1".to_owned())));
    }

    #[test]
    fn what_is_there_is_read_before_the_end() {
        let mailbox = Mailbox::default();
        mailbox.put(number(1));
        mailbox.close();
        let mut reader = mailbox.open();
        assert_eq!(next(&mut reader), Poll::Ready(Some("1".to_owned())));
        assert_eq!(next(&mut reader), Poll::Ready(None));
    }
}
