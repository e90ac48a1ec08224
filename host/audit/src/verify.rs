//! Proving that a log is as it was written.
//!
//! The chain is recomputed over all files, as described in [`file`](crate::file), and compared with
//! the head. A log that is being written to can be verified: what is added meanwhile is left out.

mod finding;
mod snapshot;

pub use finding::{Anchor, Note, Place, Problem, Verified, VerifyError};

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use crate::chain::walk::{Step, Walk, kind_of};
use crate::chain::{Digest, Link};
use crate::event::kind;
use crate::file::upkeep::Retention;
use crate::file::{FileName, Head};
use crate::verify::snapshot::Snapshot;

/// Verifies the log in a directory.
///
/// # Errors
/// [`VerifyError::Broken`] with the first place that is not as it was written; others if there is no log, or if
/// it cannot be read.
pub fn verify(directory: impl AsRef<Path>) -> Result<Verified, VerifyError> {
    verify_with(directory, &[])
}

/// Verifies the log in a directory, and that it has lines that are known from elsewhere. This finds
/// also a log that was written anew as a whole.
///
/// # Errors
/// As [`verify`].
pub fn verify_with(directory: impl AsRef<Path>, anchors: &[Anchor]) -> Result<Verified, VerifyError> {
    let directory = directory.as_ref();
    // Retention may remove files that are about to be read: then the log begins elsewhere now.
    for _ in 0..3 {
        match Snapshot::take(directory).and_then(|snapshot| Verification::run(snapshot, anchors)) {
            Err(VerifyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
    }
    Snapshot::take(directory).and_then(|snapshot| Verification::run(snapshot, anchors))
}

/// A verification on its way.
struct Verification<'a> {
    snapshot: Snapshot,
    anchors: &'a [Anchor],
    walk: Walk,
    /// The line that was read last.
    place: Place,
    /// The last line that belongs to the chain.
    last: Place,
    lines: u64,
    retentions: Vec<Retention>,
    notes: Vec<Note>,
    /// The first line of the damage that no repair line has closed yet.
    damage: Option<Damage>,
}

#[derive(Clone, Copy)]
struct Damage {
    place: Place,
    /// What the line says of itself, if it is one.
    link: Option<Link>,
}

impl<'a> Verification<'a> {
    fn run(snapshot: Snapshot, anchors: &'a [Anchor]) -> Result<Verified, VerifyError> {
        let head = snapshot.head;
        let Some(&(first, _)) = snapshot.files.first() else {
            let place = Place { file: head.file, line: 0 };
            return match head.seq {
                0 => Ok(Verified::empty(snapshot.directory)),
                expected => Err(broken(place, Problem::Cut { found: 0, expected })),
            };
        };
        let start = if first.first() <= 1 { Digest::GENESIS } else { snapshot.anchor(first)? };
        let before = first.first().saturating_sub(1);
        let place = Place { file: first, line: 0 };
        let mut this = Self {
            anchors,
            walk: Walk::new(before, start, (head.seq, head.hash)),
            place,
            last: place,
            lines: 0,
            retentions: Vec::new(),
            notes: Vec::new(),
            damage: None,
            snapshot,
        };
        for (index, (file, length)) in this.snapshot.files.clone().into_iter().enumerate() {
            this.begin(file)?;
            this.read(file, length)?;
            if let Some(damage) = this.damage.take() {
                let is_last = index + 1 == this.snapshot.files.len();
                this.end_damaged(damage, is_last)?;
            }
        }
        this.end(first, before, start)
    }

    /// Whether a file follows on the one before.
    fn begin(&mut self, file: FileName) -> Result<(), VerifyError> {
        let place = Place { file, line: 1 };
        let expected = self.walk.seq.saturating_add(1);
        match file.first() {
            first if first > expected => {
                Err(broken(place, Problem::Removed { from: expected, to: first - 1 }))
            }
            first if first < expected => Err(broken(place, Problem::Inserted)),
            _ => {
                self.place = Place { file, line: 0 };
                Ok(())
            }
        }
    }

    fn read(&mut self, file: FileName, length: u64) -> Result<(), VerifyError> {
        let path = self.snapshot.directory.join(file.to_string());
        let io = |source| VerifyError::Io { path: path.clone(), source };
        let mut bytes = BufReader::with_capacity(256 * 1024, File::open(&path).map_err(io)?.take(length));
        let (mut line, mut end) = (Vec::new(), 0);
        loop {
            line.clear();
            let read = bytes.read_until(b'\n', &mut line).map_err(io)?;
            if read == 0 {
                return Ok(());
            }
            end += read as u64;
            self.place.line += 1;
            self.line(&line, end)?;
        }
    }

    fn line(&mut self, line: &[u8], end: u64) -> Result<(), VerifyError> {
        let place = self.place;
        let step = self.walk.step(line);
        if let Step::Damage = step {
            let link = Link::parse(line).map(|(link, _)| link);
            self.damage.get_or_insert(Damage { place, link });
            return Ok(());
        }
        (self.lines, self.last) = (self.lines + 1, place);
        if let Step::Repair(repair) = step {
            let damaged = self.damage.take().map_or(place, |damage| damage.place);
            self.notes.push(Note::Repaired { place: damaged, bytes: repair.bytes, lost: repair.lost });
        } else if is_retention(line)
            && let Ok(retention) = serde_json::from_slice(line)
        {
            self.retentions.push(retention);
        }
        let Head { seq, file, end: head_end, .. } = self.snapshot.head;
        if seq == self.walk.seq && (file, head_end) != (place.file, end) {
            return Err(broken(place, Problem::HeadDisagrees));
        }
        if let Some(anchor) = self.anchors.iter().find(|anchor| anchor.seq == self.walk.seq)
            && anchor.hash != self.walk.hash
        {
            return Err(broken(place, Problem::NotTheAnchor { seq: anchor.seq }));
        }
        Ok(())
    }

    /// At the end of a file with damage that no repair line closes.
    fn end_damaged(&mut self, damage: Damage, is_last: bool) -> Result<(), VerifyError> {
        let head = self.snapshot.head;
        let rest = self.walk.damage();
        let is_piece = is_last && rest.open && damage.place.line == self.place.line;
        if is_piece && self.walk.seq >= head.seq {
            self.notes.push(Note::Torn { place: damage.place, bytes: rest.bytes });
            return Ok(());
        }
        if is_piece && damage.link.is_none_or(|link| link.seq == self.walk.seq + 1) {
            let problem = Problem::Cut { found: self.walk.seq, expected: head.seq };
            return Err(broken(damage.place, problem));
        }
        let expected = self.walk.seq.saturating_add(1);
        Err(match damage.link {
            None => broken(damage.place, Problem::Changed),
            // The line says which one it follows on: it is that one which is another now, or this one.
            Some(link) if link.seq == expected => {
                let is_this = link.prev == self.walk.hash || self.last.line == 0;
                broken(if is_this { damage.place } else { self.last }, Problem::Changed)
            }
            Some(link) if link.seq < expected => broken(damage.place, Problem::Inserted),
            Some(link) => {
                let problem = if self.snapshot.has_line(expected, damage.place)? {
                    Problem::Reordered
                } else {
                    Problem::Removed { from: expected, to: link.seq - 1 }
                };
                broken(damage.place, problem)
            }
        })
    }

    fn end(mut self, first: FileName, before: u64, start: Digest) -> Result<Verified, VerifyError> {
        let Head { seq: expected, .. } = self.snapshot.head;
        let found = self.walk.seq;
        if found < expected {
            return Err(broken(self.last, Problem::Cut { found, expected }));
        }
        let place = Place { file: first, line: 1 };
        if before > 0 {
            let allowed = self.retentions.iter().any(|line| line.first >= first.first());
            if !allowed || expected <= before {
                return Err(broken(place, Problem::Removed { from: 1, to: before }));
            }
            if self.retentions.iter().any(|line| line.first == first.first() && line.anchor != start) {
                return Err(broken(place, Problem::Changed));
            }
            self.notes.insert(0, Note::Retention { first: first.first() });
        }
        for anchor in self.anchors {
            if anchor.seq > found {
                return Err(broken(self.last, Problem::Cut { found, expected: anchor.seq }));
            }
            if anchor.seq <= before {
                self.notes.push(Note::Unchecked { seq: anchor.seq });
            }
        }
        if found > expected {
            self.notes.push(Note::Ahead { lines: found - expected });
        }
        Ok(Verified {
            files: self.snapshot.files.len(),
            directory: self.snapshot.directory,
            lines: self.lines,
            first: first.first(),
            last: Anchor { seq: found, hash: self.walk.hash },
            notes: self.notes,
        })
    }
}

fn is_retention(line: &[u8]) -> bool {
    let rest = Link::parse(line).map(|(_, rest)| rest);
    rest.and_then(kind_of) == Some(kind::Retention::WORD.as_bytes())
}

fn broken(place: Place, problem: Problem) -> VerifyError {
    VerifyError::Broken { place, problem }
}
