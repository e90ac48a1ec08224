//! The layout of the file, step by step. A step that was released is never changed: what is to be
//! different is a new step.

use rusqlite::Connection;

/// `BTZN`: marks the file as ours, also for the tool `file`.
pub(super) const APPLICATION: i32 = 0x4254_5A4E;

/// Step `n` brings the layout from number `n` to `n + 1`.
pub(super) const STEPS: &[&str] = &[include_str!("migrations/1.sql")];

/// The number of the layout that this version writes.
pub(super) fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The number of the layout that the file has.
pub(super) fn found(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Takes the steps that are missing. To be called within a transaction.
pub(super) fn migrate(connection: &Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let found = found(connection)?;
    for (step, number) in steps.iter().zip(1_i64..).filter(|(_, number)| *number > found) {
        connection.execute_batch(step)?;
        connection.pragma_update(None, "user_version", number)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)
}
