//! What only the inside can see: that memory is given back.

use super::super::{Unit, Window};
use super::*;

fn charge(scope: ScopeKey, window: Window) -> Charge {
    let counter = Counter { name: "calls".into(), limit: Amount::from(3), window };
    Charge { counter, scope, cost: Amount::ONE, message: None, rule: None, counts_errors: false }
}

fn session(name: &str) -> ScopeKey {
    ScopeKey::Session(name.into())
}

fn sliding(seconds: u32) -> Window {
    Window::Sliding { seconds: seconds.try_into().unwrap() }
}

fn take(quotas: &MemoryQuotas, charge: &Charge, now: u64) {
    quotas.reserve(std::slice::from_ref(charge), Millis::new(now)).unwrap().forwarded().commit();
}

#[test]
fn counters_of_sessions_that_went_silent_are_dropped() {
    for window in [sliding(60), Window::Fixed(Unit::Minute)] {
        let quotas = MemoryQuotas::new();
        for index in 0..10_000 {
            take(&quotas, &charge(session(&index.to_string()), window), 0);
        }
        assert_eq!(quotas.ledger.lock().counters(), 10_000);

        let live = charge(session("live"), window);
        for index in 0..=10_001 {
            take(&quotas, &live, 60_000 * (1 + index));
        }
        let ledger = quotas.ledger.lock();
        assert_eq!((ledger.scopes.len(), ledger.counters()), (1, 1), "{window:?}");
    }
}

#[test]
fn a_sweep_spares_what_still_counts() {
    let quotas = MemoryQuotas::new();
    let busy = charge(session("busy"), sliding(60));
    for _ in 0..3 {
        take(&quotas, &busy, 0);
    }
    let other = charge(session("other"), sliding(1));
    for _ in 0..20_000 {
        take(&quotas, &other, 59_999);
        quotas.end_session("other");
    }
    assert!(quotas.reserve(&[busy], Millis::new(59_999)).is_err());
}

#[test]
fn the_end_of_a_session_drops_its_counters_and_no_others() {
    let quotas = MemoryQuotas::new();
    let (ended, other) = (charge(session("a"), sliding(60)), charge(session("b"), sliding(60)));
    let principal = charge(ScopeKey::Principal("a".into()), sliding(60));
    for charge in [&ended, &other, &principal] {
        take(&quotas, charge, 0);
    }
    quotas.end_session("a");
    let ledger = quotas.ledger.lock();
    assert!(!ledger.scopes.contains_key(&ended.scope));
    assert_eq!(ledger.counters(), 2);
}

#[test]
fn a_reservation_of_an_ended_session_gives_nothing_to_its_successor() {
    let quotas = MemoryQuotas::new();
    let charge = charge(session("a"), sliding(60));
    let open = quotas.reserve(std::slice::from_ref(&charge), Millis::new(0)).unwrap();
    quotas.end_session("a");
    for _ in 0..3 {
        take(&quotas, &charge, 0);
    }
    open.rollback();
    assert!(quotas.reserve(&[charge], Millis::new(0)).is_err());
}

#[test]
fn refused_calls_leave_nothing_behind() {
    let quotas = MemoryQuotas::new();
    let mut charge = charge(session("a"), sliding(60));
    charge.cost = Amount::from(4);
    assert!(quotas.reserve(&[charge], Millis::new(0)).is_err());
    let mut ledger = quotas.ledger.lock();
    ledger.reservations_until_sweep = 0;
    ledger.sweep_when_due();
    assert_eq!((ledger.scopes.len(), ledger.counters()), (0, 0));
}
