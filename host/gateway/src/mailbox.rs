//! Messages of the server that belong to no request, waiting for the client's event stream.
//!
//! Order is kept. A client may open a stream late, lose it and open another: the newest stream reads, and
//! what was not read yet goes to it; one that says how far it came gets what was read but lost as well.
//! Nothing here waits, so a client that does not read cannot hold up anything else; what exceeds the room
//! is dropped, oldest first, with a line in the log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bartizan_wire::json::Document;
use parking_lot::Mutex;

/// How many messages wait.
const ROOM: usize = 256;
/// How many bytes of messages wait, or are kept; one message may be longer.
const BYTES: usize = 16 << 20;
/// How many messages that were read are kept, in case that they did not arrive.
const KEPT: usize = 64;

/// The waiting messages of one session.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Content>>);

/// A message with its number in the mailbox.
pub(crate) type Numbered = (u64, Document);

#[derive(Default)]
struct Content {
    waiting: VecDeque<Numbered>,
    waiting_bytes: usize,
    read: VecDeque<Numbered>,
    read_bytes: usize,
    /// The number of the last message; the first is 1.
    last: u64,
    /// Which reader is the newest.
    reader: u64,
    /// Whether that reader is still there.
    is_read: bool,
    waker: Option<Waker>,
    closed: bool,
}

impl Content {
    /// Takes the oldest message that waits.
    fn take(&mut self) -> Option<Numbered> {
        let numbered = self.waiting.pop_front()?;
        self.waiting_bytes -= numbered.1.as_bytes().len();
        Some(numbered)
    }

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
        let length = document.as_bytes().len();
        let mut has_room = true;
        while content.waiting.len() >= ROOM || content.waiting_bytes + length > BYTES {
            if content.take().is_none() {
                break;
            }
            has_room = false;
        }
        content.last += 1;
        content.waiting_bytes += length;
        let number = content.last;
        content.waiting.push_back((number, document));
        content.wake();
        has_room
    }

    /// Begins to read, after the message of this number if one is given; a reader from before ends.
    pub(crate) fn open(&self, after: Option<u64>) -> Reader {
        let mut content = self.0.lock();
        if let Some(after) = after {
            while let Some(lost) = content.read.pop_back_if(|(number, _)| *number > after) {
                let length = lost.1.as_bytes().len();
                content.read_bytes -= length;
                content.waiting_bytes += length;
                content.waiting.push_front(lost);
            }
        }
        content.reader += 1;
        content.is_read = true;
        content.wake();
        Reader { mailbox: self.clone(), number: content.reader }
    }

    /// Whether there has been a message of this number; 0 is the beginning.
    pub(crate) fn has_had(&self, number: u64) -> bool {
        number <= self.0.lock().last
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
    /// The number of the message before the one that is read next.
    pub(crate) fn position(&self) -> u64 {
        let content = self.mailbox.0.lock();
        content.waiting.front().map_or(content.last, |(number, _)| number.saturating_sub(1))
    }

    /// The next message; `None` when the mailbox is closed or somebody else reads.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Numbered>> {
        let mut content = self.mailbox.0.lock();
        if content.reader != self.number {
            return Poll::Ready(None);
        }
        if let Some(numbered) = content.take() {
            content.read_bytes += numbered.1.as_bytes().len();
            content.read.push_back(numbered.clone());
            while content.read.len() > KEPT || content.read_bytes > BYTES {
                let Some((_, oldest)) = content.read.pop_front() else { break };
                content.read_bytes -= oldest.as_bytes().len();
            }
            return Poll::Ready(Some(numbered));
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
        document.map(|document| document.map(|(_, document)| document.to_string()))
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
        let mut reader = mailbox.open(None);
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
        let mut first = mailbox.open(None);
        let mut second = mailbox.open(None);
        mailbox.put(number(1));
        assert_eq!(next(&mut first), Poll::Ready(None));
        drop(first);
        assert!(mailbox.is_read(), "the second reader is still there");
        assert_eq!(next(&mut second), Poll::Ready(Some("1".to_owned())));
    }

    #[test]
    fn what_was_lost_on_the_way_is_read_again() {
        let mailbox = Mailbox::default();
        for count in 1..=3 {
            mailbox.put(number(count));
        }
        let mut first = mailbox.open(None);
        for count in 1..=2 {
            assert_eq!(next(&mut first), Poll::Ready(Some(count.to_string())));
        }
        let mut second = mailbox.open(Some(1));
        for count in 2..=3 {
            assert_eq!(next(&mut second), Poll::Ready(Some(count.to_string())));
        }
        assert_eq!(next(&mut second), Poll::Pending);
        let mut third = mailbox.open(Some(3));
        assert_eq!(next(&mut third), Poll::Pending, "nothing was lost");
        assert!(mailbox.has_had(0) && mailbox.has_had(3) && !mailbox.has_had(4));
    }

    #[test]
    fn a_reader_says_where_it_begins() {
        let mailbox = Mailbox::default();
        assert_eq!(mailbox.open(None).position(), 0);
        mailbox.put(number(1));
        mailbox.put(number(2));
        let mut first = mailbox.open(None);
        assert_eq!(first.position(), 0);
        assert_eq!(next(&mut first), Poll::Ready(Some("1".to_owned())));
        assert_eq!(mailbox.open(None).position(), 1, "what was read is not read again");
        assert_eq!(mailbox.open(Some(0)).position(), 0);
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mailbox = Mailbox::default();
        for count in 0..ROOM {
            assert!(mailbox.put(number(count)));
        }
        assert!(!mailbox.put(number(ROOM)));
        assert_eq!(next(&mut mailbox.open(None)), Poll::Ready(Some("1".to_owned())));
    }

    #[test]
    fn long_messages_take_more_room() {
        let mailbox = Mailbox::default();
        let long = Document::string(&"a".repeat(BYTES / 2));
        assert!(mailbox.put(number(1)) && mailbox.put(long.clone()));
        assert!(!mailbox.put(long.clone()), "two of them are too many");
        let mut reader = mailbox.open(None);
        assert_eq!(next(&mut reader), Poll::Ready(Some(long.to_string())));
        assert_eq!(next(&mut reader), Poll::Pending);
        // One that is longer than all the room gets through to whoever reads, and is not kept.
        let longest = Document::string(&"a".repeat(2 * BYTES));
        mailbox.put(longest.clone());
        assert_eq!(next(&mut reader), Poll::Ready(Some(longest.to_string())));
        let content = mailbox.0.lock();
        assert_eq!((content.waiting_bytes, content.read_bytes), (0, 0));
    }

    #[test]
    fn what_is_there_is_read_before_the_end() {
        let mailbox = Mailbox::default();
        mailbox.put(number(1));
        mailbox.close();
        let mut reader = mailbox.open(None);
        assert_eq!(next(&mut reader), Poll::Ready(Some("1".to_owned())));
        assert_eq!(next(&mut reader), Poll::Ready(None));
    }
}
