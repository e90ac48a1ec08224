//! What callers and the writing thread share: the queue, and how far the writer is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use thiserror::Error;

use crate::file::batch::Batch;
use crate::file::error::FileError;
use crate::file::options::{Durability, Options};
use crate::log::SinkError;

/// How long the writer waits for company of the first event of a batch.
const LINGER: Duration = Duration::from_millis(5);

/// The queue between callers and the writer.
pub(crate) struct Queue {
    options: Options,
    state: Mutex<State>,
    /// There is something for the writer to do.
    work: Condvar,
    /// There is room in the queue, or no hope for it.
    room: Condvar,
    /// Something reached the disk, or failed to.
    progress: Condvar,
}

#[derive(Default)]
struct State {
    batch: Batch,
    /// How many events were taken, and how many of these are on the disk.
    taken: u64,
    synced: u64,
    /// So many events are to be brought to the disk at once.
    wanted: u64,
    /// The log takes no events any more, and the writer stops when it has written the rest.
    closing: bool,
    /// The writer is gone.
    gone: bool,
    /// Why the last attempt to write failed, if it did.
    failure: Option<Arc<FileError>>,
    /// How many attempts failed.
    failures: u64,
}

/// A log that could not be written for as long as a caller can wait.
#[derive(Debug, Error)]
#[error("the queue of the audit log is full, and the log cannot be written")]
struct Full(#[source] Arc<FileError>);

/// What the writer is to do next.
pub(crate) struct Job {
    /// The last event that is to be brought to the disk at once.
    pub(crate) wanted: u64,
    pub(crate) closing: bool,
}

impl Queue {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            state: Mutex::default(),
            work: Condvar::new(),
            room: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    /// Takes the JSON object of one event.
    pub(crate) fn push(&self, body: &[u8]) -> Result<(), SinkError> {
        let mut state = self.state.lock();
        let mut deadline = None;
        while !state.batch.is_empty() && state.batch.bytes() + body.len() > self.options.queue {
            state.check_writer()?;
            match state.failure.clone() {
                Some(failure) => {
                    let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.options.patience);
                    if self.room.wait_until(&mut state, deadline).timed_out() {
                        return Err(SinkError::new(Full(failure)));
                    }
                }
                None => {
                    deadline = None;
                    self.room.wait(&mut state);
                }
            }
        }
        state.check_writer()?;
        let first = state.batch.is_empty();
        state.batch.push(body);
        state.taken += 1;
        let crowded = state.batch.bytes() > self.options.queue / 2;
        match self.options.durability {
            Durability::Each => {
                let mine = state.taken;
                self.await_disk(state, mine, Some(self.options.patience))
            }
            Durability::Batched => {
                drop(state);
                if first || crowded {
                    self.work.notify_one();
                }
                Ok(())
            }
        }
    }

    /// Waits until everything that was taken is on the disk, or an attempt to bring it there failed.
    pub(crate) fn flush(&self) -> Result<(), SinkError> {
        let state = self.state.lock();
        let taken = state.taken;
        self.await_disk(state, taken, None)
    }

    /// Waits until so many events are on the disk; in spite of failures for as long as the patience lasts.
    fn await_disk(
        &self,
        mut state: MutexGuard<'_, State>,
        wanted: u64,
        patience: Option<Duration>,
    ) -> Result<(), SinkError> {
        state.wanted = state.wanted.max(wanted);
        self.work.notify_one();
        let deadline = patience.map(|patience| Instant::now() + patience);
        let failures = state.failures;
        while state.synced < wanted {
            state.check_writer()?;
            let failure = state.failure.clone().filter(|_| state.failures > failures);
            match (failure, deadline) {
                (Some(failure), Some(deadline)) => {
                    if self.progress.wait_until(&mut state, deadline).timed_out() {
                        return Err(SinkError::new(failure));
                    }
                }
                (Some(failure), None) => return Err(SinkError::new(failure)),
                (None, _) => self.progress.wait(&mut state),
            }
        }
        Ok(())
    }

    /// Whether the last attempt to write went well.
    pub(crate) fn ready(&self) -> Result<(), SinkError> {
        let state = self.state.lock();
        state.check_writer()?;
        state.failure.clone().map_or(Ok(()), |failure| Err(SinkError::new(failure)))
    }

    /// Whether taking an event waits for the disk, or soon will.
    pub(crate) fn is_busy(&self) -> bool {
        self.options.durability == Durability::Each
            || self.state.lock().batch.bytes() > self.options.queue / 2
    }

    /// How many events wait.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().batch.len()
    }

    pub(crate) fn close(&self) {
        self.state.lock().closing = true;
        self.work.notify_one();
    }

    /// For the writer: waits for work until `until` at the latest, and moves what waits to the end of
    /// an empty batch.
    pub(crate) fn next(&self, batch: &mut Batch, until: Option<Instant>) -> Job {
        let mut state = self.state.lock();
        let wait = |state: &mut MutexGuard<'_, State>, until: Option<Instant>| match until {
            Some(until) => self.work.wait_until(state, until).timed_out(),
            None => {
                self.work.wait(state);
                false
            }
        };
        while state.batch.is_empty() && !state.is_urgent() {
            if wait(&mut state, until) {
                break;
            }
        }
        let linger = Instant::now() + LINGER;
        while !state.batch.is_empty()
            && !state.is_urgent()
            && state.batch.bytes() <= self.options.queue / 2
            && !wait(&mut state, Some(linger))
        {}
        std::mem::swap(&mut state.batch, batch);
        self.room.notify_all();
        Job { wanted: state.wanted, closing: state.closing }
    }

    /// For the writer: waits before another attempt.
    pub(crate) fn pause(&self, pause: Duration) -> Job {
        let mut state = self.state.lock();
        let until = Instant::now() + pause;
        while !self.work.wait_until(&mut state, until).timed_out() {}
        Job { wanted: state.wanted, closing: state.closing }
    }

    /// For the writer: so many events are on the disk.
    pub(crate) fn synced(&self, count: u64) {
        let mut state = self.state.lock();
        state.synced = count;
        self.progress.notify_all();
    }

    /// For the writer: an attempt went well. Returns whether the one before had not.
    pub(crate) fn succeeded(&self) -> bool {
        self.state.lock().failure.take().is_some()
    }

    /// For the writer: an attempt failed. Returns whether the one before had not.
    pub(crate) fn failed(&self, failure: Arc<FileError>) -> bool {
        let mut state = self.state.lock();
        state.failures += 1;
        let before = state.failure.replace(failure);
        self.progress.notify_all();
        self.room.notify_all();
        before.is_none()
    }

    /// For the writer: it is gone.
    pub(crate) fn gone(&self) {
        self.state.lock().gone = true;
        self.progress.notify_all();
        self.room.notify_all();
    }
}

impl State {
    const fn is_urgent(&self) -> bool {
        self.closing || self.wanted > self.synced
    }

    fn check_writer(&self) -> Result<(), SinkError> {
        if self.gone { Err(SinkError::new(FileError::Stopped)) } else { Ok(()) }
    }
}
