//! Quotas in the file: one transaction for all charges of a call.
//!
//! What is reserved is written as taken, so a call that was under way when the process was killed stays
//! taken, and a commit has nothing left to do.

mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rusqlite::{Connection, Transaction};

use self::tally::{Receipt, StoredTallies, give_back};
use super::SqliteStore;
use super::database::{Database, Durability};
use super::error::StoreError;
use crate::quota::{Charge, Hold, Millis, QuotaError, Quotas, Reservation, ScopeKey, Settlement, hold};

/// Counters are swept when as many reservations were made by this process as there were counters at the
/// last time, but not more often than this.
const RESERVATIONS_PER_SWEEP: usize = 1_024;

/// What a process knows beside the file.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The latest time that any call came with here, in milliseconds since the epoch. The file knows only
    /// of times at which something was charged.
    latest: AtomicU64,
    pub(super) reservations_until_sweep: AtomicUsize,
}

impl Quotas for SqliteStore {
    fn reserve(&self, charges: &[Charge], now: Millis) -> Result<Reservation, QuotaError> {
        if charges.is_empty() {
            return Ok(Reservation::empty());
        }
        let latest = Millis::new(self.pace.latest.fetch_max(now.get(), Ordering::Relaxed).max(now.get()));
        self.sessions.observe(latest);

        let (of_sessions, stored): (Vec<_>, Vec<_>) =
            charges.iter().enumerate().partition(|(_, charge)| matches!(charge.scope, ScopeKey::Session(_)));
        if stored.is_empty() {
            return self.sessions.reserve(charges, now);
        }
        let reserved = if of_sessions.is_empty() {
            Ok(Reservation::empty())
        } else {
            let charges: Vec<_> = of_sessions.iter().map(|&(_, charge)| charge.clone()).collect();
            self.sessions.reserve(&charges, now)
        };
        match reserved {
            Ok(of_session) => {
                // Dropped, and so given back, unless the file takes its part as well.
                let receipts = self.take(&stored, now, latest).map_err(unavailable)??;
                let database = Arc::clone(&self.database);
                Ok(Reservation::new(Box::new(Held { of_session, database, receipts })))
            }
            Err(QuotaError::Exhausted { charge, retry_after }) => {
                let index = of_sessions.get(charge).map_or(charge, |&(index, _)| index);
                let longest = self.longest(&stored, now, latest).map_err(unavailable)?;
                Err(longest
                    .max(Some(Hold::new(index, retry_after)))
                    .map_or_else(|| QuotaError::Exhausted { charge: index, retry_after }, QuotaError::from))
            }
            Err(error @ QuotaError::Unavailable(_)) => Err(error),
        }
    }

    fn end_session(&self, session: &str) {
        self.sessions.end_session(session);
    }
}

fn unavailable(error: StoreError) -> QuotaError {
    QuotaError::Unavailable(error.into())
}

impl SqliteStore {
    /// Takes all charges, or finds what holds them back.
    fn take(
        &self,
        charges: &[(usize, &Charge)],
        now: Millis,
        latest: Millis,
    ) -> Result<Result<Vec<Receipt>, QuotaError>, StoreError> {
        self.database.write(Durability::Process, |transaction| {
            let mut tallies = StoredTallies::new(transaction, clock(transaction)?.max(latest));
            if let Some(held) = hold(charges.iter().copied(), now, &mut tallies)? {
                return Ok(Err(held.into()));
            }
            let mut receipts = Vec::with_capacity(charges.len());
            for (_, charge) in charges {
                receipts.extend(tallies.take(charge)?);
            }
            if !receipts.is_empty() {
                set_clock(transaction, tallies.now())?;
                self.sweep_when_due(transaction, tallies.now())?;
            }
            Ok(Ok(receipts))
        })
    }

    /// What holds charges back that are not to be taken anyway.
    fn longest(
        &self,
        charges: &[(usize, &Charge)],
        now: Millis,
        latest: Millis,
    ) -> Result<Option<Hold>, StoreError> {
        self.database.read(|connection| {
            let mut tallies = StoredTallies::new(connection, clock(connection)?.max(latest));
            hold(charges.iter().copied(), now, &mut tallies)
        })
    }

    fn sweep_when_due(&self, transaction: &Transaction<'_>, now: Millis) -> rusqlite::Result<()> {
        let left = &self.pace.reservations_until_sweep;
        if left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            return Ok(());
        }
        transaction.prepare_cached("DELETE FROM counters WHERE idle_from <= ?1")?.execute([now])?;
        let counters: usize =
            transaction.prepare_cached("SELECT count(*) FROM counters")?.query_row([], |row| row.get(0))?;
        left.store(counters.max(RESERVATIONS_PER_SWEEP), Ordering::Relaxed);
        Ok(())
    }
}

fn clock(connection: &Connection) -> rusqlite::Result<Millis> {
    connection.prepare_cached("SELECT now FROM clock")?.query_row([], |row| row.get(0))
}

fn set_clock(transaction: &Transaction<'_>, now: Millis) -> rusqlite::Result<()> {
    transaction.prepare_cached("UPDATE clock SET now = ?1 WHERE now < ?1")?.execute([now]).map(drop)
}

/// What is to be given back if a call does not happen.
struct Held {
    of_session: Reservation,
    database: Arc<Database>,
    receipts: Vec<Receipt>,
}

impl Settlement for Held {
    fn commit(self: Box<Self>) {
        self.of_session.forwarded().commit();
    }

    fn rollback(self: Box<Self>) {
        self.of_session.rollback();
        settle(&self.database, &self.receipts);
    }

    fn failed(self: Box<Self>) {
        let Self { of_session, database, mut receipts } = *self;
        of_session.forwarded().failed();
        receipts.retain(|receipt| !receipt.counts_errors);
        settle(&database, &receipts);
    }
}

/// Gives back what the receipts are for. If the file cannot be written it stays taken.
fn settle(database: &Database, receipts: &[Receipt]) {
    if receipts.is_empty() {
        return;
    }
    let given_back = database.write(Durability::Process, |transaction| {
        receipts.iter().try_for_each(|receipt| give_back(transaction, receipt))
    });
    drop(given_back);
}
