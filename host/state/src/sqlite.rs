//! State in a file of SQLite: it outlives the process, and several processes share it.
//!
//! The file is `state.sqlite` in a directory of its own, with a write-ahead log beside it. Every
//! operation is one transaction that takes the lock for writing first (`BEGIN IMMEDIATE`), so processes
//! come one after the other and nobody decides on what another has changed since.
//!
//! What survives: everything that was returned survives the end of the process, `kill -9` included. A
//! power cut can take back the last quota that was charged (`synchronous = NORMAL`), but no approval
//! (`synchronous = FULL`). A file that is damaged, full, locked for too long or read-only is an error,
//! never an empty answer.

mod approvals;
mod create;
mod database;
mod error;
mod migrations;
mod quotas;
mod values;

pub use error::{OpenError, StoreError};

use std::path::Path;
use std::sync::Arc;

use self::database::Database;
use self::quotas::Pace;
use crate::quota::MemoryQuotas;

/// The name of the file in its directory.
const FILE: &str = "state.sqlite";

/// Quotas and approvals in a file. Clones share the connection.
///
/// Counters of sessions are kept in memory, since no session outlives its process.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    database: Arc<Database>,
    sessions: MemoryQuotas,
    pace: Arc<Pace>,
}

impl SqliteStore {
    /// Opens the state in a directory, which is made with mode 0700 if there is none, the file with mode
    /// 0600. An older file is brought up to date. The whole file is read once and checked.
    ///
    /// # Errors
    /// See [`OpenError`]. Nothing that was there is changed then.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let database = Arc::new(Database::open(directory)?);
        Ok(Self { database, sessions: MemoryQuotas::new(), pace: Arc::default() })
    }
}

#[cfg(test)]
mod tests;
