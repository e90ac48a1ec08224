//! Where the log ends, after a writer that may have been killed.
//!
//! A batch is written to the log first and to the head then. So a log may be ahead of its head, by
//! whole lines and by a piece of one. It may be behind only if the machine stopped before what the
//! system had taken reached the disk, and no further than the head's `synced`: what is missing before
//! that was taken away.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use crate::chain::walk::{Damage, Step, Walk};
use crate::chain::{Digest, Link};
use crate::file::error::{FileError, Tampering, doing};
use crate::file::head::Head;
use crate::file::name::FileName;

/// The end of the log, and what stands behind it that is no part of it.
pub(crate) struct Recovered {
    pub(crate) at: Head,
    /// What is left of lines that were not written as a whole.
    pub(crate) damage: Damage,
    /// How many lines the head knows more than the log has.
    pub(crate) lost: u64,
}

/// Finds the end of the log from what its head says.
pub(crate) fn recover(directory: &Path, head: Head) -> Result<Recovered, FileError> {
    let tampered = |what| FileError::Tampered { directory: directory.to_owned(), what };
    let files = FileName::list(directory).map_err(doing("list", directory))?;
    let path = directory.join(head.file.to_string());
    let mut at = head;
    if head.end > 0 && !ends_with(&path, &head).map_err(doing("read", &path))? {
        at = beginning(&path, &head).map_err(doing("read", &path))?;
    }
    let mut damage = adopt(&path, &mut at, &head).map_err(doing("read", &path))?;
    if at.seq < head.synced {
        return Err(tampered(Tampering::Cut { found: at.seq, expected: head.seq }));
    }
    for &file in files.iter().filter(|file| **file > head.file) {
        if file.first() != at.seq + 1 || damage.bytes > 0 {
            return Err(tampered(Tampering::Stray { file, last: at.seq }));
        }
        at = Head { file, end: 0, ..at };
        let path = directory.join(file.to_string());
        damage = adopt(&path, &mut at, &head).map_err(doing("read", &path))?;
    }
    Ok(Recovered { at, damage, lost: head.seq.saturating_sub(at.seq) })
}

/// Whether the head's line ends where the head says.
fn ends_with(path: &Path, head: &Head) -> io::Result<bool> {
    const PIECE: u64 = 64 * 1024;
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    if file.metadata()?.len() < head.end {
        return Ok(false);
    }
    let mut line = Vec::new();
    let mut start = head.end;
    while start > 0 {
        let piece = PIECE.min(start);
        start -= piece;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&mut file).take(piece).read_to_end(&mut bytes)?;
        bytes.append(&mut line);
        line = bytes;
        let Some(body) = line.strip_suffix(b"\n") else { return Ok(false) };
        if let Some(previous) = body.iter().rposition(|byte| *byte == b'\n') {
            return Ok(line
                .get(previous + 1..line.len() - 1)
                .is_some_and(|line| Digest::of(line) == head.hash));
        }
    }
    Ok(line.strip_suffix(b"\n").is_some_and(|line| Digest::of(line) == head.hash))
}

/// The beginning of the head's file, with the link of its first line taken as it is.
fn beginning(path: &Path, head: &Head) -> io::Result<Head> {
    let mut line = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        file => drop(BufReader::new(file?).read_until(b'\n', &mut line)?),
    }
    let hash = Link::parse(&line).map_or(Digest::GENESIS, |(link, _)| link.prev);
    Ok(Head { seq: head.file.first.saturating_sub(1), hash, end: 0, ..*head })
}

/// Moves on over the lines of the chain behind a place. Returns what stands behind them in that file.
fn adopt(path: &Path, at: &mut Head, head: &Head) -> io::Result<Damage> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && at.end == 0 => return Ok(Damage::default()),
        file => file?,
    };
    file.seek(SeekFrom::Start(at.end))?;
    let mut file = BufReader::new(file);
    let mut walk = Walk::new(at.seq, at.hash, (head.seq, head.hash));
    let (mut line, mut end) = (Vec::new(), at.end);
    loop {
        line.clear();
        let length = file.read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(walk.damage().clone());
        }
        end += length as u64;
        if !matches!(walk.step(&line), Step::Damage) {
            *at = Head { seq: walk.seq, hash: walk.hash, end, ..*at };
        }
    }
}
