//! Quotas under many calls at once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what is wrong by failing")]

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bartizan_state::quota::{
    Charge, Counter, MemoryQuotas, Millis, Quotas, Reservation, ScopeKey, Unit, Window,
};

const NEW_YEAR: u64 = 1_767_225_600_000;

fn sliding(seconds: u32) -> Window {
    Window::Sliding { seconds: seconds.try_into().unwrap() }
}

fn charge(name: &str, cost: &str, limit: &str, window: Window) -> Charge {
    Charge {
        counter: Counter { name: name.into(), limit: limit.parse().unwrap(), window },
        scope: ScopeKey::Everyone,
        cost: cost.parse().unwrap(),
        message: None,
        rule: None,
    }
}

fn fits(quotas: &MemoryQuotas, charge: &Charge, now: u64) -> bool {
    quotas.reserve(std::slice::from_ref(charge), Millis::new(now)).map(Reservation::rollback).is_ok()
}

/// Runs `work` on 64 threads that start together.
fn on_many_threads(work: impl Fn(u64) + Sync) {
    let start = Barrier::new(64);
    thread::scope(|scope| {
        for thread in 0..64 {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

#[test]
fn a_hundred_of_many_calls_at_once_get_through() {
    for window in [sliding(3_600), Window::Fixed(Unit::Hour)] {
        let quotas = MemoryQuotas::new();
        let charges = [charge("ample", "1", "1000000", window), charge("scarce", "1", "100", window)];
        let granted = AtomicUsize::new(0);
        on_many_threads(|thread| {
            for turn in 0..50 {
                if let Ok(reservation) = quotas.reserve(&charges, Millis::new(NEW_YEAR + (thread + turn) % 7))
                {
                    granted.fetch_add(1, Ordering::Relaxed);
                    drop(reservation.forwarded());
                }
            }
        });
        assert_eq!(granted.into_inner(), 100, "{window:?}");
        let rest = |cost| charge("ample", cost, "1000000", window);
        assert!(fits(&quotas, &rest("999900"), NEW_YEAR + 7), "refused calls burnt nothing");
        assert!(!fits(&quotas, &rest("999900.1"), NEW_YEAR + 7), "granted calls all count");
    }
}

#[test]
fn calls_at_once_that_do_not_go_ahead_leave_everything() {
    let quotas = MemoryQuotas::new();
    let window = sliding(3_600);
    on_many_threads(|thread| {
        for turn in 0..50 {
            let charges = [charge("c", "1", "64", window)];
            let reservation = quotas.reserve(&charges, Millis::new(NEW_YEAR + (thread + turn) % 7));
            drop(reservation.expect("there is one for each thread"));
        }
    });
    assert!(fits(&quotas, &charge("c", "64", "64", window), NEW_YEAR + 7));
}
