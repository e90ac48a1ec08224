//! Appending to the log, in turns with other processes.
//!
//! Every batch is written under an exclusive lock on the sidecar `head`: the end of the log is read
//! from it, the lines are linked to that end and appended, and the head is moved. What another process
//! has written in between is taken note of by the same reading.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::Digest as _;

use crate::chain::{Digest, Link};
use crate::event::kind;
use crate::file::HEAD;
use crate::file::batch::Batch;
use crate::file::error::{FileError, Tampering, doing};
use crate::file::head::Head;
use crate::file::name::FileName;
use crate::file::options::Rotation;
use crate::file::recover::{Recovered, recover};
use crate::file::retention;
use crate::file::upkeep::{FORMAT, FileBegins, Repair, Upkeep};
use crate::record::Timestamp;

/// The end of a log, to write to.
pub(crate) struct Appender {
    pub(super) directory: PathBuf,
    rotation: Rotation,
    /// The sidecar, which is what is locked.
    head: Option<File>,
    /// The file that was last written to.
    file: Option<(FileName, File)>,
    /// The end of the log when this process last saw it.
    known: Option<Head>,
}

impl Appender {
    /// Opens the log in a directory, which is made if there is none, and closes an end that was torn.
    pub(crate) fn open(directory: &Path, rotation: Rotation) -> Result<Self, FileError> {
        let directory = directory.to_owned();
        let mut log = Self { directory, rotation, head: None, file: None, known: None };
        log.locked(|log, at| retention::apply(log, at, rotation))?;
        Ok(log)
    }

    /// Appends a batch. What is written is taken off it, also if the rest fails.
    pub(crate) fn append(&mut self, batch: &mut Batch) -> Result<(), FileError> {
        self.locked(|log, at| {
            while !batch.is_empty() {
                if at.end >= log.rotation.size {
                    log.rotate(at)?;
                }
                log.put_some(at, batch)?;
            }
            Ok(())
        })
    }

    /// Brings to the disk what is written.
    pub(crate) fn sync(&mut self) -> Result<(), FileError> {
        self.locked(Self::sync_locked)
    }

    /// Does something at the end of the log while no other process can.
    fn locked(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Head) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let head = self.lock()?;
        let result = self.settle(head).and_then(|mut at| {
            let result = work(self, &mut at);
            // Whole lines that were written are part of the log, whatever failed then.
            self.known = Some(at);
            result
        });
        if let Some(head) = &self.head {
            head.unlock().map_err(doing("unlock", &self.path(HEAD)))?;
        }
        result
    }

    /// Locks the sidecar that is in the directory now, and reads it.
    fn lock(&mut self) -> Result<Head, FileError> {
        let path = self.path(HEAD);
        loop {
            let file = match self.head.take() {
                Some(file) => file,
                None => self.open_head(&path)?,
            };
            lock(&file).map_err(doing("lock", &path))?;
            // It may have been replaced while this process waited or slept.
            if !is_at(&file, &path).map_err(doing("find", &path))? {
                self.file = None;
                continue;
            }
            let head = self.read_head(&file, &path)?;
            self.head = Some(file);
            return Ok(head);
        }
    }

    fn open_head(&self, path: &Path) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        // A log that this process has written to is not begun anew: it is there, or something is wrong.
        if self.known.is_none() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.directory);
            made.map_err(doing("make", &self.directory))?;
            options.create(true);
        }
        options.open(path).map_err(doing("open", path))
    }

    fn read_head(&self, mut file: &File, path: &Path) -> Result<Head, FileError> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).map_err(doing("read", path))?;
        file.take(Head::SIZE as u64 + 1).read_to_end(&mut bytes).map_err(doing("read", path))?;
        let unreadable = || FileError::Head { path: path.to_owned() };
        if !bytes.is_empty() || self.known.is_some() {
            return Head::decode(&bytes).ok_or_else(unreadable);
        }
        if !FileName::list(&self.directory).map_err(doing("list", &self.directory))?.is_empty() {
            return Err(unreadable());
        }
        file.write_all_at(&Head::EMPTY.encode(), 0).map_err(doing("write", path))?;
        file.sync_all().map_err(doing("write", path))?;
        self.sync_directory()?;
        Ok(Head::EMPTY)
    }

    /// The end of the log. Behind the head's there may be what a killed writer left.
    fn settle(&mut self, head: Head) -> Result<Head, FileError> {
        if let Some(known) = self.known
            && self.is_untouched(&head)?
        {
            self.compare(&head, &known)?;
            self.open_file(&head)?;
            return Ok(head);
        }
        let recovered = recover(&self.directory, head)?;
        let mut at = recovered.at;
        if let Some(known) = self.known {
            self.compare(&at, &known)?;
        }
        if recovered.damage.bytes > 0 || recovered.lost > 0 {
            self.repair(&mut at, recovered)?;
        } else if at != head {
            self.put_head(&at)?;
        }
        Ok(at)
    }

    /// Whether the log ends where the head says: in its file, and without a next file.
    fn is_untouched(&self, head: &Head) -> Result<bool, FileError> {
        let next = FileName { first: head.seq + 1 };
        Ok(self.length(head.file)? == Some(head.end) && (next == head.file || self.length(next)?.is_none()))
    }

    fn length(&self, file: FileName) -> Result<Option<u64>, FileError> {
        let path = self.path(&file.to_string());
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(doing("find", &path)(error)),
        }
    }

    fn compare(&self, at: &Head, known: &Head) -> Result<(), FileError> {
        if at.seq > known.seq || (at.seq == known.seq && at.hash == known.hash) {
            return Ok(());
        }
        let what = Tampering::RolledBack { found: at.seq, expected: known.seq };
        Err(FileError::Tampered { directory: self.directory.clone(), what })
    }

    /// The file to append to.
    fn open_file(&mut self, at: &Head) -> Result<&File, FileError> {
        let path = self.path(&at.file.to_string());
        let open = match self.file.take() {
            Some((name, file)) if name == at.file && is_at(&file, &path).unwrap_or(false) => file,
            _ => {
                let mut options = OpenOptions::new();
                options.append(true).mode(0o600).create(at.end == 0);
                options.open(&path).map_err(doing("open", &path))?
            }
        };
        Ok(&self.file.insert((at.file, open)).1)
    }

    /// Closes a torn end.
    fn repair(&mut self, at: &mut Head, recovered: Recovered) -> Result<(), FileError> {
        let Recovered { mut damage, lost, .. } = recovered;
        let path = self.path(&at.file.to_string());
        if damage.open {
            let mut file = self.open_file(at)?;
            file.write_all(TORN).map_err(doing("write", &path))?;
            damage.hasher.update(TORN);
            damage.bytes += TORN.len() as u64;
        }
        let bytes = damage.bytes;
        let sha256 = Digest::finish(damage.hasher);
        let line =
            Upkeep::Repair(Repair { time: Timestamp::now(), event: kind::Repair, bytes, sha256, lost });
        let body = body(&line, &path)?;
        // The line stands behind the damage.
        at.end += bytes;
        self.put(at, std::iter::once(body.as_slice()))?;
        tracing::warn!(
            bytes,
            lost,
            line = at.seq,
            "the audit log did not end with a whole line and was repaired"
        );
        self.sync_locked(at)
    }

    /// Begins the next file.
    fn rotate(&mut self, at: &mut Head) -> Result<(), FileError> {
        self.sync_locked(at)?;
        *at = Head { file: FileName { first: at.seq + 1 }, end: 0, ..*at };
        self.open_file(at)?;
        self.sync_directory()?;
        self.begin_file(at)?;
        retention::apply(self, at, self.rotation)
    }

    /// The first line of a file. It is brought to the disk at once, so that what is lost when the
    /// machine stops never reaches back into the file before.
    fn begin_file(&mut self, at: &mut Head) -> Result<(), FileError> {
        let path = self.path(&at.file.to_string());
        let line = Upkeep::File(FileBegins { time: Timestamp::now(), event: kind::File, format: FORMAT });
        let body = body(&line, &path)?;
        self.put(at, std::iter::once(body.as_slice()))?;
        self.sync_locked(at)
    }

    /// Appends as many of a batch as the file takes.
    fn put_some(&mut self, at: &mut Head, batch: &mut Batch) -> Result<(), FileError> {
        if at.end == 0 {
            self.begin_file(at)?;
        }
        // A file has at least one line of a batch, however small it is to be.
        let (size, before) = (self.rotation.size, at.seq);
        let mut room = size.saturating_sub(at.end).max(1);
        let fitting = batch.bodies().take_while(|body| {
            let fits = room > 0;
            room = room.saturating_sub(body.len() as u64 + LINK);
            fits
        });
        let result = self.put(at, fitting);
        batch.take_off(usize::try_from(at.seq - before).unwrap_or(usize::MAX));
        result
    }

    /// Appends lines and moves the head. `at` moves over the whole lines that were written, also if
    /// the rest fails.
    pub(super) fn put<'b>(
        &mut self,
        at: &mut Head,
        bodies: impl Iterator<Item = &'b [u8]>,
    ) -> Result<(), FileError> {
        let path = self.path(&at.file.to_string());
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        let mut next = *at;
        for body in bodies {
            let hash = Link { seq: next.seq + 1, prev: next.hash }.write(&mut bytes, body);
            next = Head { seq: next.seq + 1, hash, end: at.end + bytes.len() as u64, ..next };
            ends.push(next);
        }
        let start = at.end;
        let file = self.open_file(at)?;
        let (written, result) = write(file, &bytes);
        let whole = ends.iter().rfind(|end| end.end - start <= written);
        if let Some(whole) = whole {
            *at = *whole;
        }
        if result.is_err() && start + written > at.end {
            // What is left of a line goes away; if that fails too, a repair line will close it.
            let _ = file.set_len(at.end);
        }
        result.map_err(doing("write", &path))?;
        self.put_head(at)
    }

    pub(super) fn put_head(&self, at: &Head) -> Result<(), FileError> {
        let Some(head) = &self.head else { return Ok(()) };
        head.write_all_at(&at.encode(), 0).map_err(doing("write", &self.path(HEAD)))
    }

    /// Brings the log to the disk, and then its head, which says so.
    pub(super) fn sync_locked(&mut self, at: &mut Head) -> Result<(), FileError> {
        if at.synced == at.seq {
            return Ok(());
        }
        let path = self.path(&at.file.to_string());
        self.open_file(at)?.sync_data().map_err(doing("sync", &path))?;
        let synced = Head { synced: at.seq, ..*at };
        self.put_head(&synced)?;
        let path = self.path(HEAD);
        self.head.as_ref().map_or(Ok(()), File::sync_data).map_err(doing("sync", &path))?;
        *at = synced;
        Ok(())
    }

    pub(super) fn sync_directory(&self) -> Result<(), FileError> {
        let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
        synced.map_err(doing("sync", &self.directory))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// What closes a torn line. No line of the chain ends so: not even a whole one that only lacked its
/// line break is taken for one.
const TORN: &[u8] = b"~\n";

/// About what the link adds to a line.
const LINK: u64 = 96;

/// The JSON object of a line about the log itself.
pub(super) fn body(line: &impl Serialize, path: &Path) -> Result<Vec<u8>, FileError> {
    serde_json::to_vec(line).map_err(|error| doing("write", path)(error.into()))
}

fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Whether an open file is the one at a path.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((open.dev(), open.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes all of `bytes`, and says how many were written.
fn write(mut file: &File, bytes: &[u8]) -> (u64, io::Result<()>) {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return (written as u64, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written as u64, Err(error)),
        }
    }
    (written as u64, Ok(()))
}
