//! Going along the chain, line by line, over what repair lines close.
//!
//! A line belongs to the chain if its `seq` is the next, its `prev` is the digest of the last, and it ends with
//! a `}` and a line break. What does not is damage, until a `repair` line comes that belongs to the chain and names the digest and
//! length of exactly the damage since the last line.

use sha2::{Digest as _, Sha256};

use super::{Digest, Link};
use crate::event::kind;
use crate::file::upkeep::Repair;

/// A place in the chain.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    /// The number of the last line.
    pub(crate) seq: u64,
    /// The digest of the last line.
    pub(crate) hash: Digest,
    /// A line that is known from elsewhere: its number and digest.
    pinned: (u64, Digest),
    damage: Damage,
}

/// Bytes since the last line that are no part of the chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Damage {
    pub(crate) hasher: Sha256,
    pub(crate) bytes: u64,
    /// Whether the last of them is missing a line break.
    pub(crate) open: bool,
}

/// What a line is.
#[derive(Debug)]
pub(crate) enum Step {
    /// A line of the chain.
    Whole,
    /// A line of the chain that closes damage, or says that lines were lost.
    Repair(Repair),
    /// No line of the chain.
    Damage,
}

impl Walk {
    /// A walk from behind the line with this number and digest.
    pub(crate) fn new(seq: u64, hash: Digest, pinned: (u64, Digest)) -> Self {
        Self { seq, hash, pinned, damage: Damage::default() }
    }

    /// Goes over one line, given with its line break if it has one.
    pub(crate) fn step(&mut self, line: &[u8]) -> Step {
        let step = line.strip_suffix(b"\n").and_then(|body| self.whole(body));
        match step {
            Some(_) => self.damage = Damage::default(),
            None => {
                self.damage.hasher.update(line);
                self.damage.bytes += line.len() as u64;
                self.damage.open = !line.ends_with(b"\n");
            }
        }
        step.unwrap_or(Step::Damage)
    }

    /// What stands behind the last line of the chain.
    pub(crate) const fn damage(&self) -> &Damage {
        &self.damage
    }

    fn whole(&mut self, line: &[u8]) -> Option<Step> {
        let (link, rest) = Link::parse(line)?;
        if link.seq != self.seq.checked_add(1)? || link.prev != self.hash || !line.ends_with(b"}") {
            return None;
        }
        let hash = Digest::of(line);
        if self.pinned.0 == link.seq && self.pinned.1 != hash {
            return None;
        }
        let step = if kind_of(rest) == Some(kind::Repair::WORD.as_bytes()) {
            let repair: Repair = serde_json::from_slice(line).ok()?;
            let found = Digest::finish(self.damage.hasher.clone());
            if (repair.bytes, repair.sha256) != (self.damage.bytes, found) {
                return None;
            }
            Step::Repair(repair)
        } else if self.damage.bytes > 0 {
            return None;
        } else {
            Step::Whole
        };
        (self.seq, self.hash) = (link.seq, hash);
        Some(step)
    }
}

/// The kind of a line, from what stands behind its link.
pub(crate) fn kind_of(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(br#""time":""#)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let rest = rest.get(end..)?.strip_prefix(br#"","event":""#)?;
    rest.get(..rest.iter().position(|byte| *byte == b'"')?)
}
