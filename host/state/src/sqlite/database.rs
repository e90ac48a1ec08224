//! The connection to the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::create;
use super::error::{OpenError, StoreError};
use super::migrations::{self, APPLICATION};

/// How long one waits for other processes, and for other threads.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many statements are kept prepared: more than there are.
const STATEMENTS: usize = 64;

/// What a commit must survive, beside the end of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Nothing more.
    Process,
    /// A power cut.
    PowerCut,
}

/// The file of one store.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    pub(super) link: Mutex<Link>,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) connection: Connection,
    durability: Durability,
}

impl Database {
    pub(super) fn open(directory: &Path) -> Result<Self, OpenError> {
        let path = create::ensure(directory)?;
        let connection = connect(&path).map_err(|error| unreadable(&path, error))?;
        let mut database =
            Self { path, link: Mutex::new(Link { connection, durability: Durability::PowerCut }) };
        database.check_origin()?;
        database.check_log()?;
        database.migrate()?;
        database.check_content()?;
        Ok(database)
    }

    /// Does `work` in one transaction that may write, and commits it if `work` succeeds.
    pub(super) fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Some(mut link) = self.link.try_lock_for(PATIENCE) else {
            return Err(StoreError::Busy { path: self.path.clone(), source: None });
        };
        link.write(durability, work).map_err(|error| self.error(error))
    }

    /// Does `work` on one state of the file.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Some(mut link) = self.link.try_lock_for(PATIENCE) else {
            return Err(StoreError::Busy { path: self.path.clone(), source: None });
        };
        let transaction = link.connection.transaction().map_err(|error| self.error(error))?;
        work(&transaction).map_err(|error| self.error(error))
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        StoreError::new(&self.path, error)
    }

    /// Checks that the file is ours and of no later layout, before anything in it is touched.
    fn check_origin(&mut self) -> Result<(), OpenError> {
        let connection = &self.link.get_mut().connection;
        let header = || -> rusqlite::Result<(i32, i64)> {
            let application = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            Ok((application, migrations::found(connection)?))
        };
        let path = self.path.clone();
        match header() {
            Ok((APPLICATION, found)) if found > migrations::latest() => {
                Err(OpenError::Newer { path, found, known: migrations::latest() })
            }
            Ok((APPLICATION, _)) => Ok(()),
            Ok(_) => Err(OpenError::Foreign { path }),
            Err(error) => Err(unreadable(&path, error)),
        }
    }

    fn check_log(&mut self) -> Result<(), OpenError> {
        let mode = self.link.get_mut().connection.pragma_query_value(None, "journal_mode", |row| row.get(0));
        match mode {
            Ok(mode) if mode == "wal" => Ok(()),
            Ok(mode) => Err(OpenError::NoLog { path: self.path.clone(), mode }),
            Err(error) => Err(self.error(error).into()),
        }
    }

    fn migrate(&mut self) -> Result<(), OpenError> {
        let link = self.link.get_mut();
        let up_to_date = migrations::found(&link.connection).map(|found| found == migrations::latest());
        let migrated = up_to_date.and_then(|up_to_date| {
            if up_to_date {
                return Ok(());
            }
            link.write(Durability::PowerCut, |transaction| {
                migrations::migrate(transaction, migrations::STEPS)
            })
        });
        migrated.map_err(|error| self.error(error).into())
    }

    /// Reads everything once: what is damaged is found at the start, not in the middle of a call.
    fn check_content(&mut self) -> Result<(), OpenError> {
        let connection = &self.link.get_mut().connection;
        let check = |pragma: &str| -> rusqlite::Result<Option<String>> {
            connection.prepare(&format!("PRAGMA {pragma}"))?.query([])?.next()?.map_or(Ok(None), |row| {
                let column = row.as_ref().column_name(0)?.to_owned();
                let value: String = row.get(0)?;
                Ok((value != "ok").then(|| format!("{column}: {value}")))
            })
        };
        let complaint = match check("integrity_check(1)") {
            Ok(None) => check("foreign_key_check"),
            found => found,
        };
        match complaint {
            Ok(None) => Ok(()),
            Ok(Some(complaint)) => {
                Err(StoreError::Damaged { path: self.path.clone(), source: complaint.into() }.into())
            }
            Err(error) => Err(self.error(error).into()),
        }
    }
}

impl Link {
    fn write<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if self.durability != durability {
            let level = match durability {
                Durability::Process => "NORMAL",
                Durability::PowerCut => "FULL",
            };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durability = durability;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}

fn unreadable(path: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path: path.to_owned() },
        _ => StoreError::new(path, error).into(),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // It is there: a file that vanished must not come back empty.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    for (name, value) in [
        ("foreign_keys", "ON"),
        ("trusted_schema", "OFF"),
        ("cell_size_check", "ON"),
        // Where `fsync` does not reach the disk (macOS).
        ("fullfsync", "ON"),
        ("synchronous", "FULL"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    Ok(connection)
}
