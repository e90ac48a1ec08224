//! Removing old files.
//!
//! A line in the log says which files go and where the log begins then. It is on the disk before the
//! first of them goes: files that are missing without such a line were taken away.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::time::SystemTime;

use crate::chain::{Digest, Link};
use crate::event::kind;
use crate::file::append::{Appender, body};
use crate::file::error::{FileError, doing};
use crate::file::head::Head;
use crate::file::name::FileName;
use crate::file::options::Rotation;
use crate::file::upkeep::{Retention, Upkeep};
use crate::record::Timestamp;

/// Removes the files that are over the limits. That one cannot be removed is logged, and tried again
/// with the next file.
pub(super) fn apply(log: &mut Appender, at: &mut Head, rotation: Rotation) -> Result<(), FileError> {
    if rotation.files.is_none() && rotation.age.is_none() {
        return Ok(());
    }
    let files = FileName::list(&log.directory).map_err(doing("list", &log.directory))?;
    let over = files.iter().filter(|file| **file < at.file).enumerate().take_while(|(index, file)| {
        rotation.files.is_some_and(|keep| files.len() - index > keep.get())
            || rotation.age.is_some_and(|age| is_older(&log.path(&file.to_string()), age))
    });
    let removed: Vec<_> = over.map(|(_, file)| *file).collect();
    let Some(first) = files.get(removed.len()).filter(|_| !removed.is_empty()) else { return Ok(()) };
    let path = log.path(&first.to_string());
    let Some(anchor) = anchor(&path).map_err(doing("read", &path))? else {
        tracing::warn!(file = %first, "old files of the audit log are kept: the next one has no beginning");
        return Ok(());
    };
    let line = Upkeep::Retention(Retention {
        time: Timestamp::now(),
        event: kind::Retention,
        removed: removed.clone(),
        first: first.first(),
        anchor,
    });
    let body = body(&line, &path)?;
    log.put(at, std::iter::once(body.as_slice()))?;
    log.sync_locked(at)?;
    for file in removed {
        if let Err(error) = fs::remove_file(log.path(&file.to_string())) {
            tracing::warn!(%file, %error, "an old file of the audit log could not be removed");
            break;
        }
    }
    log.sync_directory()
}

fn is_older(path: &Path, age: std::time::Duration) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|since| since > age))
}

/// What the first line of a file is bound to.
fn anchor(path: &Path) -> io::Result<Option<Digest>> {
    let mut line = Vec::new();
    BufReader::new(File::open(path)?).read_until(b'\n', &mut line)?;
    Ok(Link::parse(&line).map(|(link, _)| link.prev))
}
