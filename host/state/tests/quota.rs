//! Quotas as a caller sees them: edges of windows, when to retry, all or nothing, clocks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod common;

use std::num::NonZeroU32;

use bartizan_state::quota::{Charge, Millis, QuotaError, Quotas, Reservation, ScopeKey, Unit, Window};

use common::{NEW_YEAR, Place};

const SECOND: u64 = 1_000;
const DAY: u64 = 86_400 * SECOND;

fn sliding(seconds: u32) -> Window {
    Window::Sliding { seconds: NonZeroU32::new(seconds).unwrap() }
}

fn reserve(quotas: &dyn Quotas, charges: &[Charge], now: u64) -> Result<Reservation, QuotaError> {
    quotas.reserve(charges, Millis::new(now))
}

/// Whether the charges fit at `now`, without taking them.
fn fits(quotas: &dyn Quotas, charges: &[Charge], now: u64) -> bool {
    reserve(quotas, charges, now).map(Reservation::rollback).is_ok()
}

fn take(quotas: &dyn Quotas, charges: &[Charge], now: u64) {
    reserve(quotas, charges, now).unwrap().forwarded().commit();
}

fn refusal(quotas: &dyn Quotas, charges: &[Charge], now: u64) -> (usize, Option<u32>) {
    match reserve(quotas, charges, now) {
        Err(QuotaError::Exhausted { charge, retry_after }) => (charge, retry_after.map(NonZeroU32::get)),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn a_window_ends_on_the_millisecond_and_the_refusal_says_when(place: Place) {
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
        let quotas = place.quotas();
        let charges = [place.charge("c", "1", "1", window)];
        take(&*quotas, &charges, NEW_YEAR + taken);
        let name = format!("{window:?} taken at {taken}");
        assert_eq!(refusal(&*quotas, &charges, NEW_YEAR + refused), (0, Some(retry)), "{name}");
        assert!(!fits(&*quotas, &charges, NEW_YEAR + edge - 1), "{name}: too early");
        assert!(fits(&*quotas, &charges, NEW_YEAR + edge), "{name}: at the edge");
        assert!(fits(&*quotas, &charges, NEW_YEAR + refused + u64::from(retry) * SECOND), "{name}: on retry");
    }
}

fn a_large_cost_waits_until_enough_has_left_the_window(place: Place) {
    let quotas = place.quotas();
    for (at, cost) in [(0, "2"), (1_000, "3.5"), (2_000, "4.5")] {
        take(&*quotas, &[place.charge("c", cost, "10", sliding(10))], at);
    }
    for (cost, retry) in
        [("0.1", Some(7)), ("2", Some(7)), ("2.1", Some(8)), ("5.5", Some(8)), ("5.6", Some(9))]
    {
        let charges = [place.charge("c", cost, "10", sliding(10))];
        assert_eq!(refusal(&*quotas, &charges, 3_000), (0, retry), "{cost}");
    }
    assert_eq!(refusal(&*quotas, &[place.charge("c", "10.000000001", "10", sliding(10))], 3_000), (0, None));
    assert!(fits(&*quotas, &[place.charge("c", "0", "10", sliding(10))], 3_000), "nothing always fits");
}

fn decimal_costs_fill_a_limit_exactly(place: Place) {
    let quotas = place.quotas();
    let charges = [place.charge("c", "0.1", "1", Window::Fixed(Unit::Day))];
    let granted =
        (0..20).take_while(|_| reserve(&*quotas, &charges, 0).map(|r| r.forwarded().commit()).is_ok());
    assert_eq!(granted.count(), 10);
}

fn charges_of_a_call_are_taken_together_or_not_at_all(place: Place) {
    let quotas = place.quotas();
    let wide = place.charge("wide", "1", "2", sliding(60));
    let narrow = place.charge("narrow", "1", "1", sliding(60));
    take(&*quotas, std::slice::from_ref(&narrow), 0);
    for _ in 0..5 {
        assert_eq!(refusal(&*quotas, &[wide.clone(), narrow.clone()], 0), (1, Some(60)));
    }
    let twice = [wide.clone(), wide.clone()];
    take(&*quotas, &twice, 0);
    assert_eq!(refusal(&*quotas, &[wide], 0), (0, Some(60)));
}

fn charges_that_meet_in_one_counter_add_up(place: Place) {
    let quotas = place.quotas();
    let [two, three] = ["2", "3"].map(|cost| place.charge("c", cost, "4", sliding(60)));
    assert!(fits(&*quotas, std::slice::from_ref(&two), 0));
    assert!(fits(&*quotas, std::slice::from_ref(&three), 0));
    assert_eq!(refusal(&*quotas, &[two.clone(), three], 0), (1, None), "five never fits four");
    assert!(fits(&*quotas, &[two.clone(), two.clone()], 0));

    take(&*quotas, std::slice::from_ref(&two), 0);
    take(&*quotas, std::slice::from_ref(&two), 1_000);
    assert_eq!(refusal(&*quotas, &[two.clone(), two], 2_000), (0, Some(59)), "both have to leave the window");
}

fn the_charge_that_holds_back_longest_is_named(place: Place) {
    let quotas = place.quotas();
    let [short, long, same] =
        [("a", 10), ("b", 60), ("c", 60)].map(|(n, s)| place.charge(n, "1", "1", sliding(s)));
    let never = place.charge("d", "2", "1", sliding(1));
    take(&*quotas, &[short.clone(), long.clone(), same.clone()], 0);
    let all = [short, long, never, same];
    assert_eq!(refusal(&*quotas, &all[..1], 0), (0, Some(10)));
    assert_eq!(refusal(&*quotas, &all[..2], 0), (1, Some(60)));
    assert_eq!(refusal(&*quotas, &all, 0), (2, None));
    assert_eq!(
        refusal(&*quotas, &[all[0].clone(), all[3].clone(), all[1].clone()], 0),
        (1, Some(60)),
        "a tie"
    );
}

fn another(scope: &ScopeKey) -> ScopeKey {
    match scope {
        ScopeKey::Session(_) => ScopeKey::Session("t".into()),
        _ => ScopeKey::Principal("t".into()),
    }
}

fn other_kind(scope: &ScopeKey) -> ScopeKey {
    match scope {
        ScopeKey::Session(_) => ScopeKey::Principal("s".into()),
        _ => ScopeKey::Session("s".into()),
    }
}

fn a_counter_is_shared_only_with_equal_name_scope_limit_and_window(place: Place) {
    let quotas = place.quotas();
    let used = place.charge("c", "1", "1", sliding(60));
    take(&*quotas, std::slice::from_ref(&used), 0);
    let scoped = |scope| Charge { scope, ..used.clone() };
    for (name, other, shared) in [
        ("the same", used.clone(), true),
        ("another spelling of the limit", place.charge("c", "1", "1.00", sliding(60)), true),
        ("another rule", Charge { rule: Some("/r".into()), ..used.clone() }, true),
        ("another name", place.charge("d", "1", "1", sliding(60)), false),
        ("another limit", place.charge("c", "1", "2", sliding(60)), false),
        ("another length", place.charge("c", "1", "1", sliding(61)), false),
        ("a fixed window", place.charge("c", "1", "1", Window::Fixed(Unit::Minute)), false),
        ("another of that kind", scoped(another(&used.scope)), false),
        ("the other kind of that name", scoped(other_kind(&used.scope)), false),
        ("anonymous callers of a server of that name", scoped(ScopeKey::Anonymous("s".into())), false),
        ("a server of that name", scoped(ScopeKey::Server("s".into())), false),
        ("everyone", scoped(ScopeKey::Everyone), false),
    ] {
        assert_eq!(!fits(&*quotas, &[other], 0), shared, "{name}");
    }
}

fn quota_comes_back_unless_the_call_was_forwarded(place: Place) {
    type End = fn(Reservation);
    let cases: [(&str, End, bool); 6] = [
        ("dropped", |reservation| drop(reservation), true),
        ("rolled back", |reservation| reservation.rollback(), true),
        ("forwarded, fate unknown", |reservation| drop(reservation.forwarded()), false),
        ("committed", |reservation| reservation.forwarded().commit(), false),
        ("the server is unavailable", |reservation| reservation.forwarded().rollback(), true),
        ("the server answered with an error", |reservation| reservation.forwarded().failed(), true),
    ];
    for window in [sliding(60), Window::Fixed(Unit::Minute)] {
        for (name, end, comes_back) in cases {
            let quotas = place.quotas();
            let charges = [place.charge("c", "1", "1", window)];
            let reservation = reserve(&*quotas, &charges, 0).unwrap();
            assert!(!fits(&*quotas, &charges, 0), "{name}: taken while it is open");
            end(reservation);
            assert_eq!(fits(&*quotas, &charges, 0), comes_back, "{name}");
        }
    }
}

fn quota_of_a_window_that_is_over_is_not_given_back_to_the_next(place: Place) {
    for window in [sliding(60), Window::Fixed(Unit::Minute)] {
        let quotas = place.quotas();
        let charges = [place.charge("c", "1", "1", window)];
        let slow = reserve(&*quotas, &charges, 0).unwrap().forwarded();
        take(&*quotas, &charges, 60_000);
        slow.rollback();
        assert!(!fits(&*quotas, &charges, 60_000), "{window:?}");
    }
}

fn a_clock_that_steps_back_returns_nothing_early(place: Place) {
    for window in [sliding(60), Window::Fixed(Unit::Minute), Window::Fixed(Unit::Month)] {
        let quotas = place.quotas();
        let charges = [place.charge("c", "1", "1", window)];
        take(&*quotas, &charges, NEW_YEAR);
        for back in [1, 59_999, 60_000, 40 * DAY, NEW_YEAR] {
            let (index, retry) = refusal(&*quotas, &charges, NEW_YEAR - back);
            let until = NEW_YEAR - back + u64::from(retry.unwrap()) * SECOND;
            assert_eq!(index, 0);
            assert!(until >= NEW_YEAR + 60_000, "{window:?}: the advice counts from the caller's clock");
        }
        assert!(!fits(&*quotas, &charges, NEW_YEAR + 59_999), "{window:?}");
    }
}

fn a_call_that_comes_late_counts_from_the_latest_time_seen(place: Place) {
    let quotas = place.quotas();
    let charges = [place.charge("c", "1", "1", sliding(1))];
    assert!(fits(&*quotas, &charges, 5_000));
    take(&*quotas, &charges, 4_000);
    assert!(!fits(&*quotas, &charges, 5_999));
    assert!(fits(&*quotas, &charges, 6_000));
}

fn a_call_without_charges_always_fits(place: Place) {
    take(&*place.quotas(), &[], 0);
}

fn an_error_takes_what_counts_errors(place: Place) {
    for window in [sliding(60), Window::Fixed(Unit::Minute)] {
        let quotas = place.quotas();
        let counting =
            |name: &str, cost: &str| Charge { counts_errors: true, ..place.charge(name, cost, "10", window) };
        let sparing = |name: &str, cost: &str| place.charge(name, cost, "10", window);
        let call = [counting("a", "1"), sparing("b", "2"), counting("both", "3"), sparing("both", "4")];
        let reservation = reserve(&*quotas, &call, 0).unwrap().forwarded();
        for (name, rest) in [("a", "9"), ("b", "8"), ("both", "3")] {
            assert!(fits(&*quotas, &[sparing(name, rest)], 0), "{window:?} {name}, open");
            let more = format!("{rest}.000000001");
            assert!(!fits(&*quotas, &[sparing(name, &more)], 0), "{window:?} {name}, open");
        }
        reservation.failed();
        for (name, rest) in [("a", "9"), ("b", "10"), ("both", "7")] {
            assert!(fits(&*quotas, &[sparing(name, rest)], 0), "{window:?} {name}, failed");
            if rest != "10" {
                let more = format!("{rest}.000000001");
                assert!(!fits(&*quotas, &[sparing(name, &more)], 0), "{window:?} {name}, failed");
            }
        }
    }
}

#[test]
fn charges_of_sessions_and_of_all_are_taken_together() {
    for place in [Place::Memory, Place::Sqlite] {
        sessions_and_all(place);
    }
}

fn sessions_and_all(place: Place) {
    let quotas = place.quotas();
    let scoped = |name, scope, seconds| Charge { scope, ..place.charge(name, "1", "1", sliding(seconds)) };
    let session = |seconds| scoped("session", ScopeKey::Session("s".into()), seconds);
    let everyone = |seconds| scoped("everyone", ScopeKey::Everyone, seconds);

    // Refused by one side, the other keeps nothing.
    take(&*quotas, &[everyone(10)], 0);
    for _ in 0..3 {
        assert_eq!(refusal(&*quotas, &[session(20), everyone(10)], 0), (1, Some(10)));
    }
    take(&*quotas, &[session(20)], 0);
    for _ in 0..3 {
        assert_eq!(refusal(&*quotas, &[everyone(30), session(20)], 0), (1, Some(20)));
    }
    take(&*quotas, &[everyone(30)], 0);

    // Refused by both, the longer is named.
    assert_eq!(refusal(&*quotas, &[everyone(30), session(20)], 0), (0, Some(30)));
    assert_eq!(refusal(&*quotas, &[session(20), everyone(30)], 0), (1, Some(30)));
    assert_eq!(refusal(&*quotas, &[everyone(10), session(20)], 0), (1, Some(20)));

    // Settled together.
    type End = fn(Reservation);
    let ends: [(&str, End, bool, bool); 4] = [
        ("dropped", |reservation| drop(reservation), true, true),
        ("rolled back", |reservation| reservation.forwarded().rollback(), true, true),
        ("failed", |reservation| reservation.forwarded().failed(), true, false),
        ("committed", |reservation| reservation.forwarded().commit(), false, false),
    ];
    for (name, end, session_back, everyone_back) in ends {
        let quotas = place.quotas();
        let call = [session(60), Charge { counts_errors: true, ..everyone(60) }];
        end(reserve(&*quotas, &call, 0).unwrap());
        assert_eq!(fits(&*quotas, &call[..1], 0), session_back, "{name}");
        assert_eq!(fits(&*quotas, &call[1..], 0), everyone_back, "{name}");
    }
}

in_every_place! {
    a_window_ends_on_the_millisecond_and_the_refusal_says_when,
    a_large_cost_waits_until_enough_has_left_the_window,
    decimal_costs_fill_a_limit_exactly,
    charges_of_a_call_are_taken_together_or_not_at_all,
    charges_that_meet_in_one_counter_add_up,
    the_charge_that_holds_back_longest_is_named,
    a_counter_is_shared_only_with_equal_name_scope_limit_and_window,
    quota_comes_back_unless_the_call_was_forwarded,
    quota_of_a_window_that_is_over_is_not_given_back_to_the_next,
    a_clock_that_steps_back_returns_nothing_early,
    a_call_that_comes_late_counts_from_the_latest_time_seen,
    a_call_without_charges_always_fits,
    an_error_takes_what_counts_errors,
}
