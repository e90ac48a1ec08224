//! Quotas as a caller sees them: edges of windows, when to retry, all or nothing, clocks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

use std::num::NonZeroU32;

use bartizan_state::quota::{
    Charge, Counter, MemoryQuotas, Millis, QuotaError, Quotas, Reservation, ScopeKey, Unit, Window,
};

/// Thursday, 2026-01-01T00:00:00Z.
const NEW_YEAR: u64 = 1_767_225_600_000;
const SECOND: u64 = 1_000;
const DAY: u64 = 86_400 * SECOND;

fn sliding(seconds: u32) -> Window {
    Window::Sliding { seconds: NonZeroU32::new(seconds).unwrap() }
}

fn charge(name: &str, cost: &str, limit: &str, window: Window) -> Charge {
    Charge {
        counter: Counter { name: name.into(), limit: limit.parse().unwrap(), window },
        scope: ScopeKey::Session("s".into()),
        cost: cost.parse().unwrap(),
        message: None,
        rule: None,
    }
}

fn reserve(quotas: &MemoryQuotas, charges: &[Charge], now: u64) -> Result<Reservation, QuotaError> {
    quotas.reserve(charges, Millis::new(now))
}

/// Whether the charges fit at `now`, without taking them.
fn fits(quotas: &MemoryQuotas, charges: &[Charge], now: u64) -> bool {
    reserve(quotas, charges, now).map(Reservation::rollback).is_ok()
}

fn take(quotas: &MemoryQuotas, charges: &[Charge], now: u64) {
    reserve(quotas, charges, now).unwrap().forwarded().commit();
}

fn refusal(quotas: &MemoryQuotas, charges: &[Charge], now: u64) -> (usize, Option<u32>) {
    match reserve(quotas, charges, now) {
        Err(QuotaError::Exhausted { charge, retry_after }) => (charge, retry_after.map(NonZeroU32::get)),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn a_window_ends_on_the_millisecond_and_the_refusal_says_when() {
    // Taken at `taken`, refused at `refused` with `retry` seconds, fits again from `edge` on.
    struct Case {
        window: Window,
        taken: u64,
        refused: u64,
        retry: u32,
        edge: u64,
    }
    let case = |window, taken, refused, retry, edge| Case { window, taken, refused, retry, edge };
    let february = NEW_YEAR + 31 * DAY;
    let cases = [
        case(sliding(1), 0, 0, 1, 1_000),
        case(sliding(1), 1, 1_000, 1, 1_001),
        case(sliding(60), 5, 5, 60, 60_005),
        case(sliding(60), 5, 6, 60, 60_005),
        case(sliding(60), 5, 1_005, 59, 60_005),
        case(sliding(60), 5, 60_004, 1, 60_005),
        case(sliding(u32::MAX), 0, 0, u32::MAX, u64::from(u32::MAX) * SECOND),
        case(Window::Fixed(Unit::Second), 0, 999, 1, 1_000),
        case(Window::Fixed(Unit::Second), 999, 999, 1, 1_000),
        case(Window::Fixed(Unit::Minute), 0, 0, 60, 60_000),
        case(Window::Fixed(Unit::Minute), 59_999, 59_999, 1, 60_000),
        case(Window::Fixed(Unit::Hour), 0, 1, 3_600, 3_600_000),
        case(Window::Fixed(Unit::Day), 0, 0, 86_400, DAY),
        case(Window::Fixed(Unit::Day), 0, DAY - 1_001, 2, DAY),
        case(Window::Fixed(Unit::Week), 0, 0, 4 * 86_400, 4 * DAY), // Thursday to Monday
        case(Window::Fixed(Unit::Month), 0, 0, 31 * 86_400, 31 * DAY),
        case(Window::Fixed(Unit::Month), february - NEW_YEAR, february - NEW_YEAR, 28 * 86_400, 59 * DAY),
    ];
    for Case { window, taken, refused, retry, edge } in cases {
        let quotas = MemoryQuotas::new();
        let charges = [charge("c", "1", "1", window)];
        take(&quotas, &charges, NEW_YEAR + taken);
        let name = format!("{window:?} taken at {taken}");
        assert_eq!(refusal(&quotas, &charges, NEW_YEAR + refused), (0, Some(retry)), "{name}");
        assert!(!fits(&quotas, &charges, NEW_YEAR + edge - 1), "{name}: too early");
        assert!(fits(&quotas, &charges, NEW_YEAR + edge), "{name}: at the edge");
        assert!(fits(&quotas, &charges, NEW_YEAR + refused + u64::from(retry) * SECOND), "{name}: on retry");
    }
}

#[test]
fn a_large_cost_waits_until_enough_has_left_the_window() {
    let quotas = MemoryQuotas::new();
    for (at, cost) in [(0, "2"), (1_000, "3.5"), (2_000, "4.5")] {
        take(&quotas, &[charge("c", cost, "10", sliding(10))], at);
    }
    for (cost, retry) in
        [("0.1", Some(7)), ("2", Some(7)), ("2.1", Some(8)), ("5.5", Some(8)), ("5.6", Some(9))]
    {
        let charges = [charge("c", cost, "10", sliding(10))];
        assert_eq!(refusal(&quotas, &charges, 3_000), (0, retry), "{cost}");
    }
    assert_eq!(refusal(&quotas, &[charge("c", "10.000000001", "10", sliding(10))], 3_000), (0, None));
    assert!(fits(&quotas, &[charge("c", "0", "10", sliding(10))], 3_000), "nothing always fits");
}

#[test]
fn decimal_costs_fill_a_limit_exactly() {
    let quotas = MemoryQuotas::new();
    let charges = [charge("c", "0.1", "1", Window::Fixed(Unit::Day))];
    let granted =
        (0..20).take_while(|_| reserve(&quotas, &charges, 0).map(|r| r.forwarded().commit()).is_ok());
    assert_eq!(granted.count(), 10);
}

#[test]
fn charges_of_a_call_are_taken_together_or_not_at_all() {
    let quotas = MemoryQuotas::new();
    let wide = charge("wide", "1", "2", sliding(60));
    let narrow = charge("narrow", "1", "1", sliding(60));
    take(&quotas, std::slice::from_ref(&narrow), 0);
    for _ in 0..5 {
        assert_eq!(refusal(&quotas, &[wide.clone(), narrow.clone()], 0), (1, Some(60)));
    }
    let twice = [wide.clone(), wide.clone()];
    take(&quotas, &twice, 0);
    assert_eq!(refusal(&quotas, &[wide], 0), (0, Some(60)));
}

#[test]
fn charges_that_meet_in_one_counter_add_up() {
    let quotas = MemoryQuotas::new();
    let [two, three] = ["2", "3"].map(|cost| charge("c", cost, "4", sliding(60)));
    assert!(fits(&quotas, std::slice::from_ref(&two), 0));
    assert!(fits(&quotas, std::slice::from_ref(&three), 0));
    assert_eq!(refusal(&quotas, &[two.clone(), three], 0), (1, None), "five never fits four");
    assert!(fits(&quotas, &[two.clone(), two.clone()], 0));

    take(&quotas, std::slice::from_ref(&two), 0);
    take(&quotas, std::slice::from_ref(&two), 1_000);
    assert_eq!(refusal(&quotas, &[two.clone(), two], 2_000), (0, Some(59)), "both have to leave the window");
}

#[test]
fn the_charge_that_holds_back_longest_is_named() {
    let quotas = MemoryQuotas::new();
    let [short, long, same] = [("a", 10), ("b", 60), ("c", 60)].map(|(n, s)| charge(n, "1", "1", sliding(s)));
    let never = charge("d", "2", "1", sliding(1));
    take(&quotas, &[short.clone(), long.clone(), same.clone()], 0);
    let all = [short, long, never, same];
    assert_eq!(refusal(&quotas, &all[..1], 0), (0, Some(10)));
    assert_eq!(refusal(&quotas, &all[..2], 0), (1, Some(60)));
    assert_eq!(refusal(&quotas, &all, 0), (2, None));
    assert_eq!(
        refusal(&quotas, &[all[0].clone(), all[3].clone(), all[1].clone()], 0),
        (1, Some(60)),
        "a tie"
    );
}

#[test]
fn a_counter_is_shared_only_with_equal_name_scope_limit_and_window() {
    let quotas = MemoryQuotas::new();
    let used = charge("c", "1", "1", sliding(60));
    take(&quotas, std::slice::from_ref(&used), 0);
    let scoped = |scope| Charge { scope, ..used.clone() };
    for (name, other, shared) in [
        ("the same", used.clone(), true),
        ("another spelling of the limit", charge("c", "1", "1.00", sliding(60)), true),
        ("another rule", Charge { rule: Some("/r".into()), ..used.clone() }, true),
        ("another name", charge("d", "1", "1", sliding(60)), false),
        ("another limit", charge("c", "1", "2", sliding(60)), false),
        ("another length", charge("c", "1", "1", sliding(61)), false),
        ("a fixed window", charge("c", "1", "1", Window::Fixed(Unit::Minute)), false),
        ("another session", scoped(ScopeKey::Session("t".into())), false),
        ("a principal of that name", scoped(ScopeKey::Principal("s".into())), false),
        ("a server of that name", scoped(ScopeKey::Server("s".into())), false),
        ("everyone", scoped(ScopeKey::Everyone), false),
    ] {
        assert_eq!(!fits(&quotas, &[other], 0), shared, "{name}");
    }
}

#[test]
fn quota_comes_back_unless_the_call_was_forwarded() {
    type End = fn(Reservation);
    let cases: [(&str, End, bool); 5] = [
        ("dropped", |reservation| drop(reservation), true),
        ("rolled back", |reservation| reservation.rollback(), true),
        ("forwarded, fate unknown", |reservation| drop(reservation.forwarded()), false),
        ("committed", |reservation| reservation.forwarded().commit(), false),
        ("the server failed", |reservation| reservation.forwarded().rollback(), true),
    ];
    for window in [sliding(60), Window::Fixed(Unit::Minute)] {
        for (name, end, comes_back) in cases {
            let quotas = MemoryQuotas::new();
            let charges = [charge("c", "1", "1", window)];
            let reservation = reserve(&quotas, &charges, 0).unwrap();
            assert!(!fits(&quotas, &charges, 0), "{name}: taken while it is open");
            end(reservation);
            assert_eq!(fits(&quotas, &charges, 0), comes_back, "{name}");
        }
    }
}

#[test]
fn quota_of_a_window_that_is_over_is_not_given_back_to_the_next() {
    for window in [sliding(60), Window::Fixed(Unit::Minute)] {
        let quotas = MemoryQuotas::new();
        let charges = [charge("c", "1", "1", window)];
        let slow = reserve(&quotas, &charges, 0).unwrap().forwarded();
        take(&quotas, &charges, 60_000);
        slow.rollback();
        assert!(!fits(&quotas, &charges, 60_000), "{window:?}");
    }
}

#[test]
fn a_clock_that_steps_back_returns_nothing_early() {
    for window in [sliding(60), Window::Fixed(Unit::Minute), Window::Fixed(Unit::Month)] {
        let quotas = MemoryQuotas::new();
        let charges = [charge("c", "1", "1", window)];
        take(&quotas, &charges, NEW_YEAR);
        for back in [1, 59_999, 60_000, 40 * DAY, NEW_YEAR] {
            let (index, retry) = refusal(&quotas, &charges, NEW_YEAR - back);
            let until = NEW_YEAR - back + u64::from(retry.unwrap()) * SECOND;
            assert_eq!(index, 0);
            assert!(until >= NEW_YEAR + 60_000, "{window:?}: the advice counts from the caller's clock");
        }
        assert!(!fits(&quotas, &charges, NEW_YEAR + 59_999), "{window:?}");
    }
}

#[test]
fn a_call_that_comes_late_counts_from_the_latest_time_seen() {
    let quotas = MemoryQuotas::new();
    let charges = [charge("c", "1", "1", sliding(1))];
    assert!(fits(&quotas, &charges, 5_000));
    take(&quotas, &charges, 4_000);
    assert!(!fits(&quotas, &charges, 5_999));
    assert!(fits(&quotas, &charges, 6_000));
}

#[test]
fn a_call_without_charges_always_fits() {
    take(&MemoryQuotas::new(), &[], 0);
}
