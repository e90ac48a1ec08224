//! Quotas in memory: one process, nothing kept over a restart.
//!
//! One mutex guards everything. A call touches a handful of counters for well under a microsecond
//! each, and a single lock makes the step over all of them atomic without any order to keep.

mod tally;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rust_decimal::Decimal;

use self::tally::Tally;
use super::{Amount, Charge, Counter, Millis, QuotaError, Quotas, Reservation, ScopeKey, Settlement};

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
}

/// Proof that a charge was taken.
struct Receipt {
    scope: ScopeKey,
    counter: Counter,
    serial: u64,
    at: Millis,
    cost: Amount,
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
                    return Err(self.exhausted(charges, index, now));
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
        Some(Receipt { scope, counter, serial, at: now, cost: charge.cost })
    }

    fn give_back(&mut self, receipts: &[Receipt]) {
        for receipt in receipts {
            let slot =
                self.scopes.get_mut(&receipt.scope).and_then(|counters| counters.get_mut(&receipt.counter));
            if let Some(slot) = slot.filter(|slot| slot.serial == receipt.serial) {
                slot.tally.remove(receipt.cost, receipt.at);
            }
        }
    }

    /// Finds which charge holds the call back longest. `refused` is one that does not fit.
    fn exhausted(&mut self, charges: &[Charge], refused: usize, now: Millis) -> QuotaError {
        let mut demands: HashMap<_, Demand> = HashMap::new();
        for (index, charge) in charges.iter().enumerate() {
            let used = self.slot(&charge.scope, &charge.counter).tally.used();
            let demand = demands.entry((&charge.scope, &charge.counter)).or_default();
            demand.total += charge.cost.decimal();
            if demand.exceeded_by.is_none() && used + demand.total > charge.counter.limit.decimal() {
                demand.exceeded_by = Some(index);
            }
        }

        let mut longest = (Fits::From(0), Reverse(refused));
        for ((scope, counter), demand) in demands {
            let Some(index) = demand.exceeded_by else { continue };
            let room = counter.limit.decimal() - demand.total;
            let fits = if room < Decimal::ZERO {
                Fits::Never
            } else {
                let latest = self.now;
                Fits::From(self.slot(scope, counter).tally.falls_to(room, latest))
            };
            longest = longest.max((fits, Reverse(index)));
        }

        let (fits, Reverse(charge)) = longest;
        let retry_after = match fits {
            Fits::From(edge) => Some(now.seconds_until(edge)),
            Fits::Never => None,
        };
        QuotaError::Exhausted { charge, retry_after }
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

/// What the charges of one call take of one counter together.
#[derive(Default)]
struct Demand {
    total: Decimal,
    exceeded_by: Option<usize>,
}

/// When a demand fits its counter, if nothing else is charged meanwhile; later is greater.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Fits {
    /// From this millisecond since the epoch on.
    From(u64),
    /// It is more than the limit.
    Never,
}

#[cfg(test)]
mod tests;
