//! The places where state is kept, so that one suite runs over all of them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "not every suite needs everything; a test fails by panicking"
)]

use bartizan_state::approval::{Approvals, MemoryApprovals};
use bartizan_state::quota::{Charge, Counter, MemoryQuotas, Quotas, ScopeKey, Window};
use bartizan_state::sqlite::SqliteStore;
use tempfile::TempDir;

/// Thursday, 2026-01-01T00:00:00Z.
pub(crate) const NEW_YEAR: u64 = 1_767_225_600_000;

/// Where state is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Memory,
    Sqlite,
    /// In the file, which is opened twice: operations take turns on two stores.
    SqliteTwice,
}

/// A new store, and the directory that goes with it.
pub(crate) struct Store<T: ?Sized> {
    pub(crate) of: Box<T>,
    _directory: Option<TempDir>,
}

impl<T: ?Sized> std::ops::Deref for Store<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.of
    }
}

impl Place {
    pub(crate) fn quotas(self) -> Store<dyn Quotas> {
        match self {
            Self::Memory => Store { of: Box::new(MemoryQuotas::new()), _directory: None },
            Self::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let of = Box::new(SqliteStore::open(directory.path()).unwrap());
                Store { of, _directory: Some(directory) }
            }
            Self::SqliteTwice => {
                let directory = tempfile::tempdir().unwrap();
                Store { of: Box::new(Twice::open(&directory)), _directory: Some(directory) }
            }
        }
    }

    pub(crate) fn approvals(self) -> Store<dyn Approvals> {
        match self {
            Self::Memory => Store { of: Box::new(MemoryApprovals::new()), _directory: None },
            Self::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let of = Box::new(SqliteStore::open(directory.path()).unwrap());
                Store { of, _directory: Some(directory) }
            }
            Self::SqliteTwice => {
                let directory = tempfile::tempdir().unwrap();
                Store { of: Box::new(Twice::open(&directory)), _directory: Some(directory) }
            }
        }
    }

    /// A charge in a scope that the place keeps itself.
    pub(crate) fn charge(self, name: &str, cost: &str, limit: &str, window: Window) -> Charge {
        Charge {
            counter: Counter { name: name.into(), limit: limit.parse().unwrap(), window },
            scope: match self {
                Self::Memory => ScopeKey::Session("s".into()),
                Self::Sqlite | Self::SqliteTwice => ScopeKey::Principal("s".into()),
            },
            cost: cost.parse().unwrap(),
            message: None,
            rule: None,
            counts_errors: false,
        }
    }
}

/// Two stores on one directory that take turns, as two processes do.
struct Twice {
    stores: [SqliteStore; 2],
    turns: std::sync::atomic::AtomicUsize,
}

impl Twice {
    fn open(directory: &TempDir) -> Self {
        let stores = [(), ()].map(|()| SqliteStore::open(directory.path()).unwrap());
        Self { stores, turns: 0.into() }
    }

    fn next(&self) -> &SqliteStore {
        let turn = self.turns.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.stores.get(turn % 2).unwrap()
    }
}

mod twice {
    use bartizan_state::approval::{
        Approval, ApprovalError, Decision, Demand, Filter, Grant, Request, Ticket,
    };
    use bartizan_state::quota::{Millis, QuotaError, Reservation};

    use super::*;

    impl Quotas for Twice {
        fn reserve(&self, charges: &[Charge], now: Millis) -> Result<Reservation, QuotaError> {
            self.next().reserve(charges, now)
        }
        fn end_session(&self, session: &str) {
            self.stores.iter().for_each(|store| store.end_session(session));
        }
    }

    impl Approvals for Twice {
        fn demand(&self, request: &Request, now: Millis) -> Result<Demand, ApprovalError> {
            self.next().demand(request, now)
        }
        fn restore(&self, grant: Grant) -> Result<(), ApprovalError> {
            self.next().restore(grant)
        }
        fn decide(
            &self,
            ticket: &Ticket,
            decision: Decision,
            by: &str,
            reason: Option<&str>,
            now: Millis,
        ) -> Result<Approval, ApprovalError> {
            self.next().decide(ticket, decision, by, reason, now)
        }
        fn withdraw(&self, ticket: &Ticket, now: Millis) -> Result<Approval, ApprovalError> {
            self.next().withdraw(ticket, now)
        }
        fn find(&self, ticket: &Ticket, now: Millis) -> Result<Option<Approval>, ApprovalError> {
            self.next().find(ticket, now)
        }
        fn list(&self, filter: Filter, now: Millis) -> Result<Vec<Approval>, ApprovalError> {
            self.next().list(filter, now)
        }
    }
}

/// A generator of numbers that look random (Marsaglia's xorshift), the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound
    }
}

/// Makes a test for each place of each case, a function of a [`Place`].
#[macro_export]
macro_rules! in_every_place {
    ($($case:ident),+ $(,)?) => {
        mod memory {
            $(#[test] fn $case() { super::$case($crate::common::Place::Memory); })+
        }
        mod sqlite {
            $(#[test] fn $case() { super::$case($crate::common::Place::Sqlite); })+
        }
        mod sqlite_opened_twice {
            $(#[test] fn $case() { super::$case($crate::common::Place::SqliteTwice); })+
        }
    };
}
