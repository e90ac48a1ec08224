//! The thread that writes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::file::append::Appender;
use crate::file::batch::Batch;
use crate::file::error::FileError;
use crate::file::queue::{Job, Queue};

/// What was written is brought to the disk at least so often.
const SYNC: Duration = Duration::from_secs(1);
/// The time between two attempts while the log cannot be written.
const RETRY: Duration = Duration::from_millis(250);
/// How many attempts are made after the log was closed.
const LAST_ATTEMPTS: u32 = 8;

/// The writer, and how far it is.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    log: Appender,
    batch: Batch,
    /// How many events are written, and how many of these are on the disk.
    written: u64,
    synced: u64,
    /// When the oldest event that is not on the disk was written.
    dirty: Option<Instant>,
}

impl Writer {
    pub(crate) fn new(queue: Arc<Queue>, log: Appender) -> Self {
        Self { queue, log, batch: Batch::default(), written: 0, synced: 0, dirty: None }
    }

    /// Writes until the queue is closed and everything is on the disk.
    pub(crate) fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        let _gone = Gone(&queue);
        let mut attempts = 0;
        let mut job = Job { wanted: 0, closing: false };
        loop {
            if self.batch.is_empty() {
                let due = self.dirty.map(|since| since + SYNC);
                job = queue.next(&mut self.batch, due);
            }
            match self.attempt(&job) {
                Ok(()) => {
                    attempts = 0;
                    if queue.succeeded() {
                        tracing::info!("the audit log is written again");
                    }
                    if job.closing && self.batch.is_empty() && self.dirty.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    let error = Arc::new(error);
                    if queue.failed(Arc::clone(&error)) {
                        let error: &dyn std::error::Error = &*error;
                        tracing::error!(error, "the audit log cannot be written; events wait until it can");
                    }
                    attempts += 1;
                    if job.closing && attempts >= LAST_ATTEMPTS {
                        let lost = self.batch.len() + queue.len();
                        tracing::error!(lost, "the audit log was closed before it could be written again");
                        return;
                    }
                    job = queue.pause(RETRY);
                }
            }
        }
    }

    /// Writes the batch, and brings what is written to the disk if it is time.
    fn attempt(&mut self, job: &Job) -> Result<(), FileError> {
        if !self.batch.is_empty() {
            let before = self.batch.len();
            let result = self.log.append(&mut self.batch);
            let written = before - self.batch.len();
            if written > 0 {
                self.written += written as u64;
                self.dirty.get_or_insert_with(Instant::now);
            }
            result?;
        }
        let due = self.dirty.is_some_and(|since| since.elapsed() >= SYNC);
        if self.dirty.is_some() && (due || job.closing || job.wanted > self.synced) {
            self.log.sync()?;
            self.dirty = None;
            self.synced = self.written;
            self.queue.synced(self.synced);
        }
        Ok(())
    }
}

/// Tells those who wait that the writer is gone, however it went.
struct Gone<'q>(&'q Queue);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.gone();
    }
}
