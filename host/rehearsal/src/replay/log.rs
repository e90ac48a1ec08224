//! What happened, in order of time.

use std::path::Path;

use bartizan_audit::event::{Approval, Event, kind};
use bartizan_audit::read::{Entry, Lines, ReadError};
use bartizan_audit::record::Record;

/// What matters for a replay.
pub(super) enum Happening {
    /// A message was judged.
    Decision(Box<Record>),
    /// Something became of an approval.
    Approval(Box<Approval>),
}

/// Reads the log in a file or a directory: what happened, and how many decisions cannot be read.
pub(super) fn read(path: &Path, server: Option<&str>) -> Result<(Vec<Happening>, usize), ReadError> {
    let lines = if path.is_dir() { Lines::open(path)? } else { Lines::of_file(path)? };
    let wanted = |name: &str| server.is_none_or(|server| server == name);
    let (mut happenings, mut unreadable) = (Vec::new(), 0);
    for line in lines {
        match line?.entry {
            Entry::Event(Event::Decision(record)) if wanted(&record.server) => {
                happenings.push((record.time, Happening::Decision(record)));
            }
            Entry::Event(Event::Approval(approval)) if wanted(&approval.server) => {
                happenings.push((approval.time, Happening::Approval(approval)));
            }
            Entry::Other(other) if other.event == kind::Decision::WORD => unreadable += 1,
            _ => {}
        }
    }
    // A line is written when its call ends; the time is that of its beginning.
    happenings.sort_by_key(|(time, _)| *time);
    Ok((happenings.into_iter().map(|(_, happening)| happening).collect(), unreadable))
}
