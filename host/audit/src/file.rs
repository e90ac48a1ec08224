//! The log on disk: append-only JSON lines, each bound to the one before.
//!
//! # Format
//! A log is a directory (mode 0700) of files (mode 0600), and may be written by several processes at
//! once.
//!
//! - `audit-<first>.jsonl`: the lines. `<first>` is the number of the file's first line in 20 digits,
//!   so that names sort by sequence. Every line is one JSON object and a line break (`\n`).
//! - `head`: where the log ends, see below.
//!
//! Each line is the event's object with two members in front, exactly so, without white space:
//! `{"seq":<number>,"prev":"<digest>",`. What they mean is said in [`chain`](crate::chain): `seq` counts
//! lines over all files from 1, `prev` is the SHA-256 of the bytes of the line before without its line
//! break, over the end of a file as well; 64 zeros before the first line. To recompute: for each line,
//! hash its bytes and compare with the next line's `prev`; the digest of the last line is the head's `hash`.
//!
//! Lines about the log itself ([`upkeep`]): `file` is the first line of a file, and has the version of
//! the format. `repair` closes a torn end. `retention` says which files were removed.
//!
//! `head` is one JSON object, `{"seq","hash","file","end","synced","sum"}`, padded with spaces to 512 bytes
//! with a line break: number and digest of the last line, its file, that file's length, the number of the
//! last line that is known to be on the disk, and the SHA-256 of the text before `,"sum"`. It is
//! overwritten in place after every batch, and it is what processes lock (`flock`).
//!
//! # What holds
//! - A log that ends before its head was cut. A log may be ahead of its head: its writer was killed in
//!   between. The next one goes on from the last whole line.
//! - A torn end is left as it is. `~` and a line break are put behind it if it has none, which no line
//!   of the chain ends with, and a `repair` line follows, whose `prev` is the last whole line and which has the number and the digest of the
//!   bytes in between. So a tear cannot be told from nothing, and nothing can be made to look like a tear
//!   without hashing every later line anew.
//! - After a power cut lines may be missing that the head knows, but only lines behind its `synced`.
//!   The `repair` line says how many. If more are missing, or whole lines are changed, the log is not
//!   opened: a person has to look.
//! - The first line after which files were removed by retention is named by a `retention` line, with
//!   its `prev`. Files that are missing without one were taken away.
//! - There is no key: who may write to the directory can write a whole other history, with a head. Against
//!   that, keep heads elsewhere and give them to [`verify`](crate::verify::verify_with) as anchors. A running process
//!   notices a history that is not the one it has seen.

mod append;
mod batch;
mod error;
mod head;
mod name;
mod options;
mod queue;
mod recover;
mod retention;
pub mod upkeep;
mod writer;

pub use error::{FileError, Tampering};
pub(crate) use head::Head;
pub use name::FileName;
pub use options::{Durability, Options, Rotation};

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::event::Event;
use crate::file::append::Appender;
use crate::file::error::doing;
use crate::file::queue::Queue;
use crate::file::writer::Writer;
use crate::log::{Sink, SinkError};

/// The name of the sidecar.
pub(crate) const HEAD: &str = "head";

/// Writes to the log on disk.
///
/// `record` puts the event into a queue that a thread of its own writes from. With
/// [`Durability::Batched`], `Ok` means that the queue has the event: it is written within milliseconds
/// while the disk keeps up. If the process is killed (`kill -9`), what is in the queue is lost: a few
/// milliseconds of events. If the machine stops, what is not on the disk is lost as well: about a
/// second. With [`Durability::Each`], `Ok` means that it is on the disk.
///
/// If the queue is full, and with [`Durability::Each`] always, `record` blocks: on an async worker, call it with
/// `block_in_place` or the like while the sink is busy.
///
/// If the log cannot be written (the disk is full, the directory is gone), the sink is not ready,
/// which is logged once. It keeps what is queued, tries again four times a second, and is ready again
/// when that worked. Only if the queue is full by then, `record` fails, after [`Options::patience`].
///
/// Dropping the sink writes everything; if that is not possible for two seconds, what is lost is logged.
pub struct FileSink {
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
}

impl FileSink {
    /// Opens the log in a directory, and begins one if there is none. What a killed writer left is
    /// closed with a `repair` line.
    ///
    /// # Errors
    /// [`FileError`] if the system refuses it, or if the log was changed by another hand.
    pub fn open(directory: impl AsRef<Path>, options: Options) -> Result<Self, FileError> {
        let directory = directory.as_ref();
        let log = Appender::open(directory, options.rotation)?;
        let queue = Arc::new(Queue::new(options));
        let writer = Writer::new(Arc::clone(&queue), log);
        let thread = thread::Builder::new().name("audit log".into()).spawn(|| writer.run());
        let writer = thread.map_err(doing("start a thread to write to", directory))?;
        Ok(Self { queue, writer: Some(writer) })
    }

    /// Brings to the disk everything that was taken so far. Blocks until then.
    ///
    /// # Errors
    /// [`SinkError`] if an attempt failed. What was taken is kept, and tried again.
    pub fn flush(&self) -> Result<(), SinkError> {
        self.queue.flush()
    }
}

impl Sink for FileSink {
    fn record(&self, event: &Event) -> Result<(), SinkError> {
        // Done here, so that the callers share the work, and none of the event needs to be cloned.
        let mut body = Vec::with_capacity(1024);
        serde_json::to_writer(&mut body, event).map_err(SinkError::new)?;
        self.queue.push(&body)
    }

    fn ready(&self) -> Result<(), SinkError> {
        self.queue.ready()
    }

    fn is_busy(&self) -> bool {
        self.queue.is_busy()
    }

    fn flush(&self) -> Result<(), SinkError> {
        Self::flush(self)
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            // The thread has told those who wait if it failed.
            let _ = writer.join();
        }
    }
}
