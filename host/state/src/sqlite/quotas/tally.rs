//! Counters as rows. The same arithmetic as in memory (`quota::memory::tally`), and the same bound on
//! what a sliding window tells apart.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use rust_decimal::Decimal;

use super::super::values::Sum;
use crate::quota::{Amount, Charge, Counter, MAX_ENTRIES, Millis, ScopeKey, Tallies, Window, millis};

/// Proof that a charge was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt {
    counter: i64,
    window: Window,
    at: Millis,
    cost: Amount,
    pub(super) counts_errors: bool,
}

/// The counters that a call asks for, as they stand at one instant.
pub(super) struct StoredTallies<'a> {
    connection: &'a Connection,
    now: Millis,
    tallies: HashMap<(ScopeKey, Counter), Tally>,
}

/// A row of `counters` at an instant. What no longer counts is left out of it, and still in the file.
#[derive(Clone, Copy, Debug)]
struct Tally {
    /// None if it is not in the file yet.
    id: Option<i64>,
    used: Decimal,
    since: u64,
    grid: u64,
    costs: usize,
}

impl<'a> StoredTallies<'a> {
    pub(super) fn new(connection: &'a Connection, now: Millis) -> Self {
        Self { connection, now, tallies: HashMap::new() }
    }

    pub(super) fn now(&self) -> Millis {
        self.now
    }

    /// Takes a charge that fits. None if it takes nothing.
    pub(super) fn take(&mut self, charge: &Charge) -> rusqlite::Result<Option<Receipt>> {
        let Charge { ref counter, ref scope, cost, counts_errors, .. } = *charge;
        if cost == Amount::ZERO {
            return Ok(None);
        }
        let mut tally = self.tally(scope, counter)?;
        let id = match tally.id {
            Some(id) => id,
            None => insert(self.connection, scope, counter)?,
        };
        tally.id = Some(id);
        tally.used += cost.decimal();
        let idle_from = match counter.window {
            Window::Fixed(unit) => unit.period(self.now).end,
            Window::Sliding { seconds } => {
                forget(self.connection, id, expired(self.now, millis(seconds)))?;
                let at = self.now.get().next_multiple_of(tally.grid);
                tally.costs += add(self.connection, id, at, cost.decimal())?;
                if tally.costs > MAX_ENTRIES {
                    coarsen(self.connection, id, &mut tally)?;
                }
                self.now.get().next_multiple_of(tally.grid) + millis(seconds)
            }
        };
        update(self.connection, id, &tally, Some(idle_from))?;
        self.tallies.insert((scope.clone(), counter.clone()), tally);
        Ok(Some(Receipt { counter: id, window: counter.window, at: self.now, cost, counts_errors }))
    }

    fn tally(&mut self, scope: &ScopeKey, counter: &Counter) -> rusqlite::Result<Tally> {
        let key = (scope.clone(), counter.clone());
        if let Some(tally) = self.tallies.get(&key) {
            return Ok(*tally);
        }
        let tally = self.load(scope, counter)?;
        self.tallies.insert(key, tally);
        Ok(tally)
    }

    fn load(&self, scope: &ScopeKey, counter: &Counter) -> rusqlite::Result<Tally> {
        let (kind, scope_name) = scope_columns(scope);
        let found = self
            .connection
            .prepare_cached(
                "SELECT id, used, since, grid, costs FROM counters
                 WHERE scope = ?1 AND scope_name = ?2 AND name = ?3 AND quota = ?4 AND window = ?5",
            )?
            .query_row(params![kind, scope_name, &*counter.name, limit(counter), window(counter)], |row| {
                let (id, Sum(used)) = (row.get(0)?, row.get(1)?);
                Ok((
                    id,
                    Tally { id: Some(id), used, since: row.get(2)?, grid: row.get(3)?, costs: row.get(4)? },
                ))
            })
            .optional()?;
        let (id, mut tally) = match found {
            Some((id, tally)) => (id, tally),
            None => (0, Tally { id: None, used: Decimal::ZERO, since: 0, grid: 1, costs: 0 }),
        };
        match counter.window {
            Window::Fixed(unit) => {
                let start = unit.period(self.now).start;
                if tally.since != start {
                    tally.since = start;
                    tally.used = Decimal::ZERO;
                }
            }
            Window::Sliding { seconds } if tally.id.is_some() => {
                self.each_cost(id, 0..=expired(self.now, millis(seconds)), |_, cost| {
                    tally.used -= cost;
                    tally.costs = tally.costs.saturating_sub(1);
                    true
                })?;
                if tally.costs == 0 {
                    tally.grid = 1;
                }
            }
            Window::Sliding { .. } => {}
        }
        Ok(tally)
    }

    /// Visits costs in the order of their instants, while `visit` wants more.
    fn each_cost(
        &self,
        counter: i64,
        instants: std::ops::RangeInclusive<i64>,
        mut visit: impl FnMut(u64, Decimal) -> bool,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "SELECT at, cost FROM costs WHERE counter = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at",
        )?;
        let mut rows = statement.query(params![counter, instants.start(), instants.end()])?;
        while let Some(row) = rows.next()? {
            let Sum(cost) = row.get(1)?;
            if !visit(row.get(0)?, cost) {
                break;
            }
        }
        Ok(())
    }
}

impl Tallies for StoredTallies<'_> {
    type Error = rusqlite::Error;

    fn used(&mut self, scope: &ScopeKey, counter: &Counter) -> rusqlite::Result<Decimal> {
        Ok(self.tally(scope, counter)?.used)
    }

    fn falls_to(&mut self, scope: &ScopeKey, counter: &Counter, most: Decimal) -> rusqlite::Result<u64> {
        let tally = self.tally(scope, counter)?;
        let mut edge = self.now.get();
        if tally.used <= most {
            return Ok(edge);
        }
        match counter.window {
            Window::Fixed(unit) => Ok(unit.period(self.now).end),
            Window::Sliding { seconds } => {
                let Some(id) = tally.id else { return Ok(edge) };
                let mut used = tally.used;
                self.each_cost(id, expired(self.now, millis(seconds)) + 1..=i64::MAX, |at, cost| {
                    used -= cost;
                    edge = at + millis(seconds);
                    used > most
                })?;
                Ok(edge)
            }
        }
    }
}

/// Takes a cost back, unless it no longer counts.
pub(super) fn give_back(connection: &Connection, receipt: &Receipt) -> rusqlite::Result<()> {
    let id = receipt.counter;
    let found = connection
        .prepare_cached("SELECT used, since, grid, costs FROM counters WHERE id = ?1")?
        .query_row([id], |row| {
            let Sum(used) = row.get(0)?;
            Ok(Tally { id: Some(id), used, since: row.get(1)?, grid: row.get(2)?, costs: row.get(3)? })
        })
        .optional()?;
    let Some(mut tally) = found else { return Ok(()) };
    let cost = receipt.cost.decimal();
    match receipt.window {
        Window::Fixed(unit) => {
            if unit.period(receipt.at).start != tally.since {
                return Ok(());
            }
        }
        Window::Sliding { .. } => {
            let at = receipt.at.get().next_multiple_of(tally.grid);
            let Some(rest) = cost_at(connection, id, at)?.map(|there| there - cost) else { return Ok(()) };
            if rest.is_zero() {
                forget_one(connection, id, at)?;
                tally.costs = tally.costs.saturating_sub(1);
            } else {
                put(connection, id, at, rest)?;
            }
        }
    }
    tally.used -= cost;
    update(connection, id, &tally, None)
}

/// The last instant that no longer counts at `now`; -1 if there is none.
fn expired(now: Millis, window: u64) -> i64 {
    now.get().checked_sub(window).and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)
}

fn scope_columns(scope: &ScopeKey) -> (&'static str, &str) {
    match scope {
        ScopeKey::Principal(name) => ("principal", name),
        ScopeKey::Anonymous(server) => ("anonymous", server),
        ScopeKey::Server(name) => ("server", name),
        ScopeKey::Everyone => ("everyone", ""),
        // Kept in memory. The schema refuses it.
        ScopeKey::Session(id) => ("session", id),
    }
}

fn limit(counter: &Counter) -> Sum {
    Sum(counter.limit.decimal())
}

fn window(counter: &Counter) -> String {
    match counter.window {
        Window::Fixed(unit) => format!("fixed:{unit}"),
        Window::Sliding { seconds } => format!("sliding:{seconds}"),
    }
}

/// A new row with nothing in it.
fn insert(connection: &Connection, scope: &ScopeKey, counter: &Counter) -> rusqlite::Result<i64> {
    let (kind, scope_name) = scope_columns(scope);
    connection
        .prepare_cached(
            "INSERT INTO counters (scope, scope_name, name, quota, window, used, since, grid, costs, idle_from)
             VALUES (?1, ?2, ?3, ?4, ?5, '0', 0, 1, 0, 0)",
        )?
        .insert(params![kind, scope_name, &*counter.name, limit(counter), window(counter)])
}

fn update(connection: &Connection, id: i64, tally: &Tally, idle_from: Option<u64>) -> rusqlite::Result<()> {
    let Tally { used, since, grid, costs, .. } = *tally;
    connection
        .prepare_cached(
            "UPDATE counters SET used = ?2, since = ?3, grid = ?4, costs = ?5, idle_from = coalesce(?6, idle_from)
             WHERE id = ?1",
        )?
        .execute(params![id, Sum(used), since, grid, costs, idle_from])
        .map(drop)
}

fn cost_at(connection: &Connection, id: i64, at: u64) -> rusqlite::Result<Option<Decimal>> {
    connection
        .prepare_cached("SELECT cost FROM costs WHERE counter = ?1 AND at = ?2")?
        .query_row(params![id, at], |row| row.get(0).map(|Sum(cost)| cost))
        .optional()
}

fn put(connection: &Connection, id: i64, at: u64, cost: Decimal) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO costs (counter, at, cost) VALUES (?1, ?2, ?3)")?
        .execute(params![id, at, Sum(cost)])
        .map(drop)
}

/// Adds a cost at an instant. How many rows there are more.
fn add(connection: &Connection, id: i64, at: u64, cost: Decimal) -> rusqlite::Result<usize> {
    let there = cost_at(connection, id, at)?;
    put(connection, id, at, there.unwrap_or_default() + cost)?;
    Ok(usize::from(there.is_none()))
}

fn forget(connection: &Connection, id: i64, up_to: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM costs WHERE counter = ?1 AND at <= ?2")?
        .execute(params![id, up_to])
        .map(drop)
}

fn forget_one(connection: &Connection, id: i64, at: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM costs WHERE counter = ?1 AND at = ?2")?
        .execute(params![id, at])
        .map(drop)
}

/// Doubles the grid until half of the room is free, so that this is rare.
fn coarsen(connection: &Connection, id: i64, tally: &mut Tally) -> rusqlite::Result<()> {
    let costs = connection
        .prepare_cached("SELECT at, cost FROM costs WHERE counter = ?1 ORDER BY at")?
        .query_map([id], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, Sum>(1)?.0)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut merged: Vec<(u64, Decimal)> = costs;
    while merged.len() > MAX_ENTRIES / 2 {
        tally.grid *= 2;
        let finer = std::mem::take(&mut merged);
        for (at, cost) in finer {
            let at = at.next_multiple_of(tally.grid);
            match merged.last_mut() {
                Some((last, sum)) if *last == at => *sum += cost,
                _ => merged.push((at, cost)),
            }
        }
    }
    forget(connection, id, i64::MAX)?;
    tally.costs = merged.len();
    merged.into_iter().try_for_each(|(at, cost)| put(connection, id, at, cost))
}
