//! Quotas under many calls at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod common;

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bartizan_state::approval::{ApprovalError, Binding, Decision, Demand, Filter, Request, Status};
use bartizan_state::quota::{
    Charge, Counter, Millis, QuotaError, Quotas, Reservation, ScopeKey, Unit, Window,
};

use common::{NEW_YEAR, Place, Random};

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
        counts_errors: false,
    }
}

fn fits(quotas: &dyn Quotas, charge: &Charge, now: u64) -> bool {
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

fn a_hundred_of_many_calls_at_once_get_through(place: Place) {
    for window in [sliding(3_600), Window::Fixed(Unit::Hour)] {
        let quotas = place.quotas();
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
        assert!(fits(&*quotas, &rest("999900"), NEW_YEAR + 7), "refused calls burnt nothing");
        assert!(!fits(&*quotas, &rest("999900.1"), NEW_YEAR + 7), "granted calls all count");
    }
}

fn calls_at_once_that_do_not_go_ahead_leave_everything(place: Place) {
    let quotas = place.quotas();
    let window = sliding(3_600);
    on_many_threads(|thread| {
        for turn in 0..50 {
            let charges = [charge("c", "1", "64", window)];
            let reservation = quotas.reserve(&charges, Millis::new(NEW_YEAR + (thread + turn) % 7));
            drop(reservation.expect("there is one for each thread"));
        }
    });
    assert!(fits(&*quotas, &charge("c", "64", "64", window), NEW_YEAR + 7));
}

/// Everything that became of a thread's calls that stays, by counter, in tenths.
type Stayed = [AtomicUsize; 3];

fn charges_are_neither_lost_nor_doubled(place: Place) {
    let quotas = place.quotas();
    // A limit that is never met, one that is met at times, and one of a fixed window.
    let counters =
        [("ample", "1000000", sliding(3_600)), ("scarce", "9", sliding(3_600)), ("day", "100000", day())];
    let stayed: Stayed = Default::default();
    let refused = AtomicUsize::new(0);
    on_many_threads(|thread| {
        let mut random = Random::new(thread);
        for turn in 0..40 {
            let mut call = Vec::new();
            for _ in 0..=random.below(3) {
                let index = random.below(counters.len());
                let (name, limit, window) = counters[index];
                let tenths = random.below(15);
                let cost = format!("{}.{}", tenths / 10, tenths % 10);
                let counts_errors = random.below(2) == 0;
                call.push((index, tenths, Charge { counts_errors, ..charge(name, &cost, limit, window) }));
            }
            let charges: Vec<_> = call.iter().map(|(.., charge)| charge.clone()).collect();
            let now = Millis::new(NEW_YEAR + (thread + turn) % 7);
            let reservation = match quotas.reserve(&charges, now) {
                Ok(reservation) => reservation,
                Err(QuotaError::Exhausted { .. }) => {
                    refused.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Err(error) => panic!("{error:?}"),
            };
            let stays: fn(&Charge) -> bool = match random.below(6) {
                0 => {
                    reservation.forwarded().commit();
                    |_| true
                }
                1 => {
                    drop(reservation.forwarded());
                    |_| true
                }
                2 => {
                    reservation.forwarded().rollback();
                    |_| false
                }
                3 => {
                    drop(reservation);
                    |_| false
                }
                _ => {
                    reservation.forwarded().failed();
                    |charge| charge.counts_errors
                }
            };
            for (index, tenths, charge) in &call {
                if stays(charge) {
                    stayed[*index].fetch_add(*tenths, Ordering::Relaxed);
                }
            }
        }
    });
    assert!(refused.into_inner() > 0, "the scarce one was contended");
    for ((name, limit, window), stayed) in counters.into_iter().zip(stayed) {
        let (stayed, most) = (stayed.into_inner(), limit.parse::<usize>().unwrap() * 10);
        assert!(stayed <= most, "{name}: {stayed} of {most} tenths");
        let rest = |tenths: usize| charge(name, &format!("{}.{}", tenths / 10, tenths % 10), limit, window);
        assert!(fits(&*quotas, &rest(most - stayed), NEW_YEAR + 7), "{name}: something was counted twice");
        assert!(!fits(&*quotas, &rest(most - stayed + 1), NEW_YEAR + 7), "{name}: something was lost");
    }
}

fn day() -> Window {
    Window::Fixed(Unit::Day)
}

fn of_many_identical_calls_as_many_go_through_as_were_approved(place: Place) {
    let approvals = place.approvals();
    let request = Request {
        binding: Binding::new([1; 32]),
        server: "s".into(),
        method: "tools/call".into(),
        target: None,
        principal: None,
        session: "s".into(),
        arguments: "{}".into(),
        rules: Vec::new(),
        message: String::new(),
        expires_after: 3_600,
    };
    let now = Millis::new(NEW_YEAR);
    let (granted, restored) = (AtomicUsize::new(0), AtomicUsize::new(0));
    on_many_threads(|thread| {
        for turn in 0..10 {
            match approvals.demand(&request, now).unwrap() {
                Demand::Granted(grant) if (thread + turn) % 3 == 0 => {
                    approvals.restore(grant).unwrap();
                    restored.fetch_add(1, Ordering::Relaxed);
                }
                Demand::Granted(_) => drop(granted.fetch_add(1, Ordering::Relaxed)),
                // Several try to decide: one of them does.
                Demand::Pending(approval) => {
                    match approvals.decide(&approval.ticket, Decision::Approve, "g", None, now) {
                        Ok(_) | Err(ApprovalError::Decided { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                Demand::Refused(_) => panic!("nobody denied"),
            }
        }
    });
    let list = approvals.list(Filter::All, now).unwrap();
    let count = |status| list.iter().filter(|approval| approval.status == status).count();
    assert_eq!(count(Status::Used), granted.into_inner());
    assert!(count(Status::Pending) <= 1);
    assert!(restored.into_inner() > 0 && count(Status::Used) > 0);
}

in_every_place! {
    a_hundred_of_many_calls_at_once_get_through,
    calls_at_once_that_do_not_go_ahead_leave_everything,
    charges_are_neither_lost_nor_doubled,
    of_many_identical_calls_as_many_go_through_as_were_approved,
}
