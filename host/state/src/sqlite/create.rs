//! Making the directory and a new file in it.
//!
//! The file appears under its name only when it is complete, so a file that lacks something is damaged,
//! never half made, and cannot pass for a new one.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::error::{OpenError, StoreError};
use super::{FILE, migrations};

/// Makes what is not there. The path of the file.
pub(super) fn ensure(directory: &Path) -> Result<PathBuf, OpenError> {
    let failed = |path: &Path, source| OpenError::Directory { path: path.to_owned(), source };
    make_directory(directory).map_err(|source| failed(directory, source))?;
    let path = directory.join(FILE);
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    // In this order: a log without a file is then no log of a file that another process makes just now.
    let has_log = exists(Path::new(&log)).map_err(|source| failed(directory, source))?;
    match fs::metadata(&path) {
        // SQLite would take it for new.
        Ok(metadata) if metadata.len() == 0 || !metadata.is_file() => Err(OpenError::Foreign { path }),
        Ok(_) => Ok(path),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path, error)),
        // SQLite would read the old log into the new file.
        Err(_) if has_log => Err(OpenError::Missing { path }),
        Err(_) => make_file(directory, &path).map(|()| path),
    }
}

fn exists(path: &Path) -> io::Result<bool> {
    path.try_exists()
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(directory)
}

fn make_file(directory: &Path, path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Directory { path: path.to_owned(), source };
    let store = |error| OpenError::Store(StoreError::new(path, error));
    // Made with mode 0600; SQLite gives the files beside it the same.
    let file =
        tempfile::Builder::new().prefix(".state-").suffix(".new").tempfile_in(directory).map_err(failed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file.path(), flags).map_err(store)?;
    migrations::migrate(&connection, migrations::STEPS).map_err(store)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(store)?;
    if mode != "wal" {
        return Err(OpenError::NoLog { path: path.to_owned(), mode });
    }
    connection.close().map_err(|(_, error)| store(error))?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_names(directory).map_err(failed),
        // Another process was faster.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// Makes sure that a new name survives a power cut.
fn sync_names(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(directory)?.sync_all() } else { Ok(()) }
}
