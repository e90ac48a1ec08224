//! The lines that the log has about itself.

use serde::{Deserialize, Serialize};

use crate::chain::Digest;
use crate::event::kind;
use crate::file::name::FileName;
use crate::record::Timestamp;

/// The version of the format of the log.
pub const FORMAT: u32 = 1;

/// A line about the log itself.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Upkeep {
    /// A file begins.
    File(FileBegins),
    /// A torn end was closed.
    Repair(Repair),
    /// Old files were removed.
    Retention(Retention),
}

/// A file of the log begins. It carries the chain on from the file before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FileBegins {
    /// When it happened.
    pub time: Timestamp,
    /// What kind of line this is.
    pub event: kind::File,
    /// The version of the format: [`FORMAT`].
    pub format: u32,
}

/// A process found that the log did not end with a whole line, since a writer was killed or the
/// machine stopped. The chain goes on from the last whole line; what stands between was never part of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Repair {
    /// When it was found.
    pub time: Timestamp,
    /// What kind of line this is.
    pub event: kind::Repair,
    /// How many bytes stand between the last whole line and this one.
    pub bytes: u64,
    /// The SHA-256 of those bytes.
    pub sha256: Digest,
    /// How many whole lines more there had been by the head: those that the system had taken and not
    /// yet brought to the disk, at most those of the last second before the machine stopped.
    pub lost: u64,
}

/// Old files were removed, by the operator's limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Retention {
    /// When it happened.
    pub time: Timestamp,
    /// What kind of line this is.
    pub event: kind::Retention,
    /// The files that were removed, oldest first.
    pub removed: Vec<FileName>,
    /// The number of the first line that is kept.
    pub first: u64,
    /// The digest of the line before it: the `prev` of the first line that is kept.
    pub anchor: Digest,
}

impl Upkeep {
    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => kind::File::WORD,
            Self::Repair(_) => kind::Repair::WORD,
            Self::Retention(_) => kind::Retention::WORD,
        }
    }

    /// When it happened.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        match self {
            Self::File(FileBegins { time, .. })
            | Self::Repair(Repair { time, .. })
            | Self::Retention(Retention { time, .. }) => *time,
        }
    }
}
