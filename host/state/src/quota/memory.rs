//! Quotas in memory: one process, nothing kept over a restart.
//!
//! One mutex guards everything. A call touches a handful of counters for well under a microsecond
//! each, and a single lock makes the step over all of them atomic without any order to keep.

mod tally;

use std::collections::HashMap;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;

use parking_lot::Mutex;
use rust_decimal::Decimal;

pub(crate) use self::tally::MAX_ENTRIES;
use self::tally::Tally;
use super::{
    Amount, Charge, Counter, Hold, Millis, QuotaError, Quotas, Reservation, ScopeKey, Settlement, Tallies,
    hold,
};

/// Counters are swept when as many reservations were made as there are counters, but not more often
/// than this. The cost of sweeping is so spread evenly over the reservations.
const RESERVATIONS_PER_SWEEP: usize = 1_024;

/// Quotas in memory. Clones share their counters.
///
/// A counter takes memory while costs count in it. When they no longer do it is dropped, at the latest
/// after as many more reservations as there are counters (at least 1,024), or at once when its session
/// ends. A sliding window holds up to 65,536 different milliseconds exactly (2 MiB); a busier one gets
/// coarser instead of larger: a cost then counts up to 1/16000 of the window too long, never too short.
#[derive(Clone, Debug, Default)]
pub struct MemoryQuotas {
    ledger: Arc<Mutex<Ledger>>,
}

impl MemoryQuotas {
    /// No counter has anything in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of a time that a call came with, though it charged nothing here.
    pub(crate) fn observe(&self, now: Millis) {
        let mut ledger = self.ledger.lock();
        ledger.now = ledger.now.max(now);
    }
}

impl Quotas for MemoryQuotas {
    fn reserve(&self, charges: &[Charge], now: Millis) -> Result<Reservation, QuotaError> {
        if charges.is_empty() {
            return Ok(Reservation::empty());
        }
        let receipts = self.ledger.lock().reserve(charges, now)?;
        Ok(Reservation::new(Box::new(Held { ledger: Arc::clone(&self.ledger), receipts })))
    }

    fn end_session(&self, session: &str) {
        self.ledger.lock().scopes.remove(&ScopeKey::Session(session.into()));
    }
}

/// What is to be given back if a call does not happen.
struct Held {
    ledger: Arc<Mutex<Ledger>>,
    receipts: Vec<Receipt>,
}

impl Settlement for Held {
    // What is reserved is taken already.
    fn commit(self: Box<Self>) {}

    fn rollback(self: Box<Self>) {
        self.ledger.lock().give_back(&self.receipts);
    }

    fn failed(self: Box<Self>) {
        self.ledger.lock().give_back(self.receipts.iter().filter(|receipt| !receipt.counts_errors));
    }
}

/// Proof that a charge was taken.
struct Receipt {
    scope: ScopeKey,
    counter: Counter,
    serial: u64,
    at: Millis,
    cost: Amount,
    counts_errors: bool,
}

/// All counters.
#[derive(Debug, Default)]
struct Ledger {
    /// The latest time that any call came with: time never runs backwards here.
    now: Millis,
    /// By scope first, so that a session can be forgotten without looking at the others.
    scopes: HashMap<ScopeKey, HashMap<Counter, Slot>>,
    /// How many slots were ever made.
    serials: u64,
    reservations_until_sweep: usize,
}

/// A counter in use.
#[derive(Debug)]
struct Slot {
    /// Tells it from an earlier slot of the same key that was dropped.
    serial: u64,
    tally: Tally,
}

impl Ledger {
    fn reserve(&mut self, charges: &[Charge], now: Millis) -> Result<Vec<Receipt>, QuotaError> {
        self.now = self.now.max(now);
        self.sweep_when_due();

        let mut receipts = Vec::with_capacity(charges.len());
        for (index, charge) in charges.iter().enumerate() {
            match self.take(charge) {
                Some(receipt) => receipts.push(receipt),
                None => {
                    self.give_back(&receipts);
                    let Ok(held) = hold(charges.iter().enumerate(), now, self);
                    return Err(held.unwrap_or(Hold::new(index, Some(NonZeroU32::MIN))).into());
                }
            }
        }
        Ok(receipts)
    }

    /// Takes one charge if it fits.
    fn take(&mut self, charge: &Charge) -> Option<Receipt> {
        let now = self.now;
        let slot = self.slot(&charge.scope, &charge.counter);
        if slot.tally.used() + charge.cost.decimal() > charge.counter.limit.decimal() {
            return None;
        }
        slot.tally.add(charge.cost, now);
        let serial = slot.serial;
        let (scope, counter) = (charge.scope.clone(), charge.counter.clone());
        let Charge { cost, counts_errors, .. } = *charge;
        Some(Receipt { scope, counter, serial, at: now, cost, counts_errors })
    }

    fn give_back<'a>(&mut self, receipts: impl IntoIterator<Item = &'a Receipt>) {
        for receipt in receipts {
            let slot =
                self.scopes.get_mut(&receipt.scope).and_then(|counters| counters.get_mut(&receipt.counter));
            if let Some(slot) = slot.filter(|slot| slot.serial == receipt.serial) {
                slot.tally.remove(receipt.cost, receipt.at);
            }
        }
    }

    /// The counter of a scope as it stands now, made if it is not there.
    fn slot(&mut self, scope: &ScopeKey, counter: &Counter) -> &mut Slot {
        let Self { now, scopes, serials, .. } = self;
        let slot = scopes.entry(scope.clone()).or_default().entry(counter.clone()).or_insert_with(|| {
            *serials += 1;
            Slot { serial: *serials, tally: Tally::new(counter.window, *now) }
        });
        slot.tally.advance(*now);
        slot
    }

    fn sweep_when_due(&mut self) {
        if let Some(left) = self.reservations_until_sweep.checked_sub(1) {
            self.reservations_until_sweep = left;
            return;
        }
        let now = self.now;
        self.scopes.retain(|_, counters| {
            counters.retain(|_, slot| !slot.tally.is_idle(now));
            !counters.is_empty()
        });
        self.reservations_until_sweep = self.counters().max(RESERVATIONS_PER_SWEEP);
    }

    fn counters(&self) -> usize {
        self.scopes.values().map(HashMap::len).sum()
    }
}

/// As they stand now.
impl Tallies for Ledger {
    type Error = Infallible;

    fn used(&mut self, scope: &ScopeKey, counter: &Counter) -> Result<Decimal, Infallible> {
        Ok(self.slot(scope, counter).tally.used())
    }

    fn falls_to(&mut self, scope: &ScopeKey, counter: &Counter, most: Decimal) -> Result<u64, Infallible> {
        let now = self.now;
        Ok(self.slot(scope, counter).tally.falls_to(most, now))
    }
}

#[cfg(test)]
mod tests;
