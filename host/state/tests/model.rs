//! Random histories of calls, checked against a list of everything that was ever taken.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing"
)]

mod common;

use std::num::NonZeroU32;

use bartizan_state::quota::{
    Charge, Counter, Forwarded, Millis, QuotaError, Reservation, ScopeKey, Unit, Window,
};
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use common::Place;

/// A few seconds before a new year, so that histories cross days, months and years.
const START: u64 = 1_767_225_595_000;

/// The counters of the histories: window and limit, the limit in tenths.
fn counters() -> [(Window, u64); 7] {
    let sliding = |seconds| Window::Sliding { seconds: NonZeroU32::new(seconds).unwrap() };
    [
        (sliding(1), 25),
        (sliding(3), 40),
        (Window::Fixed(Unit::Second), 30),
        (Window::Fixed(Unit::Minute), 50),
        (Window::Fixed(Unit::Day), 80),
        (Window::Fixed(Unit::Week), 90),
        (Window::Fixed(Unit::Month), 100),
    ]
}

type Asked = (usize, u64, bool);

/// Whose the counters are.
#[derive(Clone, Copy, Debug)]
enum Scopes {
    Session,
    Shared,
    /// Sessions and others in turn.
    Mixed,
}

impl Scopes {
    fn of(self, counter: usize) -> ScopeKey {
        match (self, counter % 2) {
            (Self::Session, _) | (Self::Mixed, 0) => ScopeKey::Session("s".into()),
            (Self::Shared | Self::Mixed, _) => ScopeKey::Anonymous("s".into()),
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The clock moves by so many milliseconds.
    Clock(i64),
    /// A call with these charges: counter, cost in tenths, and whether it counts errors.
    Reserve(Vec<Asked>),
    Forward(prop::sample::Index),
    Commit(prop::sample::Index),
    RollBack(prop::sample::Index),
    Fail(prop::sample::Index),
    Drop(prop::sample::Index),
    EndSession,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (0_i64..1_500).prop_map(Step::Clock),
        1 => (-2_000_i64..0).prop_map(Step::Clock),
        1 => prop::sample::select(vec![1_000, 3_000, 59_999, 86_400_000, 7 * 86_400_000, 28 * 86_400_000])
            .prop_map(Step::Clock),
        8 => prop::collection::vec((0..counters().len(), 0_u64..20, any::<bool>()), 1..4).prop_map(Step::Reserve),
        1 => prop::collection::vec((0..counters().len(), 0_u64..120, any::<bool>()), 1..4).prop_map(Step::Reserve),
        2 => index().prop_map(Step::Forward),
        1 => index().prop_map(Step::Commit),
        2 => index().prop_map(Step::RollBack),
        2 => index().prop_map(Step::Fail),
        1 => index().prop_map(Step::Drop),
        1 => prop::bool::weighted(0.2).prop_map(|end| if end { Step::EndSession } else { Step::Clock(1) }),
    ]
}

/// A call in flight.
enum Open {
    Reserved(Reservation),
    Forwarded(Forwarded),
}

/// Something that was taken and not given back.
struct Taken {
    call: usize,
    counter: usize,
    at: u64,
    cost: u64,
    counts_errors: bool,
}

/// The naive quotas: everything ever taken, added up from scratch for every question.
#[derive(Default)]
struct Model {
    now: u64,
    calls: usize,
    taken: Vec<Taken>,
}

impl Model {
    fn used(&self, counter: usize, now: u64) -> u64 {
        let (window, _) = counters()[counter];
        let counts = |taken: &&Taken| taken.counter == counter && now < ends(window, taken.at);
        self.taken.iter().filter(counts).map(|taken| taken.cost).sum()
    }

    fn fits(&self, charges: &[Asked], now: u64) -> bool {
        charges.iter().all(|&(counter, ..)| {
            let cost: u64 = charges.iter().filter(|charge| charge.0 == counter).map(|charge| charge.1).sum();
            self.used(counter, now) + cost <= counters()[counter].1
        })
    }

    /// The first moment from now on at which the charges fit: something has to end for that.
    fn first_fit(&self, charges: &[Asked]) -> Option<u64> {
        let ends = self.taken.iter().map(|taken| ends(counters()[taken.counter].0, taken.at));
        ends.filter(|&end| end > self.now && self.fits(charges, end)).min()
    }
}

/// When a cost that was taken at `at` no longer counts; the calendar is asked, unlike in the crate.
fn ends(window: Window, at: u64) -> u64 {
    let unit = match window {
        Window::Sliding { seconds } => return at + u64::from(seconds.get()) * 1_000,
        Window::Fixed(unit) => unit,
    };
    let time = Timestamp::from_millisecond(at.try_into().unwrap()).unwrap().to_zoned(TimeZone::UTC);
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).unwrap();
    let end = match unit {
        Unit::Second => return (at / 1_000 + 1) * 1_000,
        Unit::Minute => return (at / 60_000 + 1) * 60_000,
        Unit::Hour => return (at / 3_600_000 + 1) * 3_600_000,
        Unit::Day => midnight(time.date().tomorrow().unwrap()),
        Unit::Week => midnight(time.date().nth_weekday(1, Weekday::Monday).unwrap()),
        Unit::Month => midnight(time.date().last_of_month().tomorrow().unwrap()),
    };
    end.timestamp().as_millisecond().try_into().unwrap()
}

fn charge(scopes: Scopes, &(counter, cost, counts_errors): &Asked) -> Charge {
    let (window, limit) = counters()[counter];
    let tenths = |amount: u64| format!("{}.{}", amount / 10, amount % 10).parse().unwrap();
    Charge {
        counter: Counter { name: "c".into(), limit: tenths(limit), window },
        scope: scopes.of(counter),
        cost: tenths(cost),
        message: None,
        rule: None,
        counts_errors,
    }
}

fn run(place: Place, scopes: Scopes, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let quotas = place.quotas();
    let mut model = Model::default();
    let mut open: Vec<(usize, Open)> = Vec::new();
    let mut clock = START;

    for step in steps {
        match step {
            Step::Clock(by) => clock = clock.saturating_add_signed(by),
            Step::EndSession => {
                quotas.end_session("s");
                model.taken.retain(|taken| !matches!(scopes.of(taken.counter), ScopeKey::Session(_)));
            }
            Step::Reserve(charges) => {
                model.now = model.now.max(clock);
                let request: Vec<Charge> = charges.iter().map(|asked| charge(scopes, asked)).collect();
                match quotas.reserve(&request, Millis::new(clock)) {
                    Ok(reservation) => {
                        prop_assert!(model.fits(&charges, model.now), "granted too much: {charges:?}");
                        model.calls += 1;
                        let (call, at) = (model.calls, model.now);
                        model.taken.extend(charges.iter().map(|&(counter, cost, counts_errors)| Taken {
                            call,
                            counter,
                            at,
                            cost,
                            counts_errors,
                        }));
                        open.push((call, Open::Reserved(reservation)));
                    }
                    Err(QuotaError::Exhausted { charge, retry_after }) => {
                        prop_assert!(!model.fits(&charges, model.now), "refused what fits: {charges:?}");
                        let wait = model.first_fit(&charges).map(|edge| (edge - clock).div_ceil(1_000));
                        prop_assert_eq!(retry_after.map(|seconds| u64::from(seconds.get())), wait);
                        let counter = charges[charge].0;
                        let of_counter: Vec<_> = charges.iter().copied().filter(|c| c.0 == counter).collect();
                        prop_assert!(!model.fits(&of_counter, model.now), "blames a charge that fits");
                    }
                    Err(error @ QuotaError::Unavailable(_)) => {
                        return Err(TestCaseError::fail(error.to_string()));
                    }
                }
            }
            Step::Forward(index) if !open.is_empty() => {
                let (call, state) = open.swap_remove(index.index(open.len()));
                let state = match state {
                    Open::Reserved(reservation) => Open::Forwarded(reservation.forwarded()),
                    forwarded @ Open::Forwarded(_) => forwarded,
                };
                open.push((call, state));
            }
            Step::Commit(index) if !open.is_empty() => match open.swap_remove(index.index(open.len())).1 {
                Open::Reserved(reservation) => reservation.forwarded().commit(),
                Open::Forwarded(forwarded) => forwarded.commit(),
            },
            Step::RollBack(index) if !open.is_empty() => {
                let (call, state) = open.swap_remove(index.index(open.len()));
                match state {
                    Open::Reserved(reservation) => reservation.rollback(),
                    Open::Forwarded(forwarded) => forwarded.rollback(),
                }
                model.taken.retain(|taken| taken.call != call);
            }
            Step::Fail(index) if !open.is_empty() => {
                let (call, state) = open.swap_remove(index.index(open.len()));
                match state {
                    Open::Reserved(reservation) => reservation.forwarded().failed(),
                    Open::Forwarded(forwarded) => forwarded.failed(),
                }
                model.taken.retain(|taken| taken.call != call || taken.counts_errors);
            }
            Step::Drop(index) if !open.is_empty() => {
                let (call, state) = open.swap_remove(index.index(open.len()));
                if let Open::Reserved(_) = state {
                    model.taken.retain(|taken| taken.call != call);
                }
            }
            Step::Forward(_) | Step::Commit(_) | Step::RollBack(_) | Step::Fail(_) | Step::Drop(_) => {}
        }
        for (counter, (_, limit)) in counters().into_iter().enumerate() {
            prop_assert!(model.used(counter, model.now) <= limit, "a limit is exceeded");
        }
    }
    Ok(())
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..120)
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn quotas_in_memory_agree_with_a_list_of_everything_taken(steps in steps()) {
        run(Place::Memory, Scopes::Session, steps)?;
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn quotas_in_a_file_agree_with_a_list_of_everything_taken(steps in steps()) {
        run(Place::Sqlite, Scopes::Shared, steps)?;
    }

    #[test]
    fn quotas_in_memory_and_in_a_file_agree_as_one(steps in steps()) {
        run(Place::Sqlite, Scopes::Mixed, steps)?;
    }
}
