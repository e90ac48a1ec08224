//! What becomes of reserved quota, in two states.
//!
//! Whether quota may be given back depends on one question: can the server have acted on the call?
//! Before the call is forwarded it cannot, so a [`Reservation`] that is dropped (a later check failed,
//! the caller went away, the task was cancelled) is given back. Once the first byte is on its way it
//! can, and a call whose fate is unknown has to count, or a caller could evade every limit by hanging
//! up early: a [`Forwarded`] that is dropped stays taken. [`Reservation::forwarded`] is the only way
//! from one to the other, so the moment is a line of code that can be found.

use std::fmt;

/// How a store ends a reservation that it made. For implementations of [`Quotas`](super::Quotas).
///
/// Exactly one of these is called, once. Neither can fail: a store that cannot be reached must
/// keep the quota taken.
pub trait Settlement: Send {
    /// Keeps the quota taken.
    fn commit(self: Box<Self>);
    /// Gives the quota back, as if it had never been taken. What is out of its window by now has
    /// come back already and must not be given twice.
    fn rollback(self: Box<Self>);
    /// The server answered with an error: keeps what charges with `counts_errors` took, and gives the
    /// others back as [`Settlement::rollback`] does.
    fn failed(self: Box<Self>);
}

/// Quota that a call has reserved and that has not been forwarded. Dropping it gives the quota back.
#[must_use = "dropping a reservation gives the quota back"]
pub struct Reservation {
    settlement: Option<Box<dyn Settlement>>,
}

impl Reservation {
    /// The reservation of a store, to be ended by `settlement`.
    pub fn new(settlement: Box<dyn Settlement>) -> Self {
        Self { settlement: Some(settlement) }
    }

    /// The reservation of a call that is charged nothing.
    pub fn empty() -> Self {
        Self { settlement: None }
    }

    /// From here on the server may act on the call. To be called right before the first byte is sent.
    pub fn forwarded(mut self) -> Forwarded {
        Forwarded { settlement: self.settlement.take() }
    }

    /// Gives the quota back: the call does not go ahead.
    pub fn rollback(self) {
        drop(self);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(settlement) = self.settlement.take() {
            settlement.rollback();
        }
    }
}

/// Quota of a call that was forwarded. Dropping it keeps the quota taken.
#[must_use = "say whether the server answered, failed or was not reached"]
pub struct Forwarded {
    settlement: Option<Box<dyn Settlement>>,
}

impl Forwarded {
    /// Keeps all of the quota taken: the server did what was asked, or nobody knows.
    pub fn commit(self) {
        drop(self);
    }

    /// Gives all of the quota back: the call was not sent after all, or the server is unavailable.
    pub fn rollback(mut self) {
        if let Some(settlement) = self.settlement.take() {
            settlement.rollback();
        }
    }

    /// The server answered with an error: charges with `counts_errors` stay taken, the others are
    /// given back.
    pub fn failed(mut self) {
        if let Some(settlement) = self.settlement.take() {
            settlement.failed();
        }
    }
}

impl Drop for Forwarded {
    fn drop(&mut self) {
        if let Some(settlement) = self.settlement.take() {
            settlement.commit();
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").finish_non_exhaustive()
    }
}

impl fmt::Debug for Forwarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarded").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    struct Witness(Sender<&'static str>);

    impl Settlement for Witness {
        fn commit(self: Box<Self>) {
            self.0.send("commit").unwrap();
        }
        fn rollback(self: Box<Self>) {
            self.0.send("rollback").unwrap();
        }
        fn failed(self: Box<Self>) {
            self.0.send("failed").unwrap();
        }
    }

    #[test]
    fn every_end_settles_exactly_once() {
        type End = fn(Reservation);
        let cases: [(&str, End, &str); 6] = [
            ("dropped", |reservation| drop(reservation), "rollback"),
            ("rolled back", |reservation| reservation.rollback(), "rollback"),
            ("forwarded and dropped", |reservation| drop(reservation.forwarded()), "commit"),
            ("forwarded and committed", |reservation| reservation.forwarded().commit(), "commit"),
            ("forwarded and rolled back", |reservation| reservation.forwarded().rollback(), "rollback"),
            ("forwarded and failed", |reservation| reservation.forwarded().failed(), "failed"),
        ];
        for (name, end, expected) in cases {
            let (sender, settled) = channel();
            end(Reservation::new(Box::new(Witness(sender))));
            assert_eq!(settled.into_iter().collect::<Vec<_>>(), [expected], "{name}");
        }
    }
}
