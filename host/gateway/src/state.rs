//! What outlives the gateway: the state directory with counters, approvals and the audit log.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_audit::file::{FileSink, Options, Rotation};
use bartizan_audit::log::{Sink, Sinks, TracingSink};
use bartizan_state::sqlite::SqliteStore;

use crate::admission::Stores;
use crate::config::{AuditConfig, Recording};
use crate::generation::StartError;

/// Where the state directory is.
#[derive(Clone, Debug, Default)]
pub enum StateLocation {
    /// `bartizan` in the user's state folder (`$XDG_STATE_HOME` or `~/.local/state`).
    #[default]
    User,
    /// This folder.
    Directory(PathBuf),
}

impl StateLocation {
    /// The directory.
    ///
    /// # Errors
    ///
    /// When the user has no such folder.
    pub fn directory(&self) -> Result<PathBuf, StartError> {
        if let Self::Directory(directory) = self {
            return Ok(directory.clone());
        }
        let absolute =
            |variable| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        absolute("XDG_STATE_HOME")
            .or_else(|| Some(absolute("HOME")?.join(".local").join("state")))
            .map(|folder| folder.join("bartizan"))
            .ok_or(StartError::NoStateDirectory)
    }

    /// The audit log, for who writes to it next to the gateway.
    ///
    /// # Errors
    ///
    /// When it cannot be made or used.
    pub fn log(&self) -> Result<Arc<dyn Sink>, StartError> {
        Ok(Arc::new(FileSink::open(self.audit()?, Options::default())?))
    }

    /// Where the audit log is.
    ///
    /// # Errors
    ///
    /// As for [`StateLocation::directory`].
    pub fn audit(&self) -> Result<PathBuf, StartError> {
        Ok(audit_of(&self.directory()?))
    }
}

fn audit_of(directory: &Path) -> PathBuf {
    directory.join("audit")
}

/// Opens the state directory.
///
/// # Errors
///
/// When it cannot be made or used.
pub(crate) fn open(
    location: &StateLocation,
    audit: &AuditConfig,
) -> Result<(Stores, Arc<dyn Sink>), StartError> {
    let directory = location.directory()?;
    let store = Arc::new(SqliteStore::open(&directory)?);
    let mut sinks: Vec<Arc<dyn Sink>> = vec![Arc::new(TracingSink)];
    if audit.record != Recording::Off {
        let files = audit.keep.and_then(|keep| NonZeroUsize::new(keep as usize));
        let rotation = Rotation { size: audit.max_size, files, ..Rotation::default() };
        let options = Options { rotation, ..Options::default() };
        sinks.push(Arc::new(FileSink::open(audit_of(&directory), options)?));
    }
    Ok((Stores { quotas: Arc::clone(&store) as Arc<_>, approvals: store }, Arc::new(Sinks(sinks))))
}
