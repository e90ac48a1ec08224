//! How a log is written.

use std::num::NonZeroUsize;
use std::time::Duration;

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What it means that an event was taken.
    pub durability: Durability,
    /// When files end, and how long they are kept.
    pub rotation: Rotation,
    /// How many bytes of events may wait to be written. More wait with their callers.
    pub queue: usize,
    /// How long a caller waits for room in the queue while the log cannot be written. After that the
    /// event is not taken.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Batched,
            rotation: Rotation::default(),
            queue: 8 * 1024 * 1024,
            patience: Duration::from_secs(5),
        }
    }
}

/// What it means that `record` returned `Ok`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The event is in the queue, and is written within milliseconds and on the disk within about a
    /// second. A killed process loses what is in the queue, a stopped machine the last second.
    #[default]
    Batched,
    /// The event is on the disk.
    Each,
}

/// When files end, and how long they are kept. By default they are kept forever. Files are removed when a
/// sink is opened and when a file begins.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// A file that has as many bytes is not written to any more.
    pub size: u64,
    /// How many files are kept, with the one that is written to.
    pub files: Option<NonZeroUsize>,
    /// How long a file is kept after it was last written to.
    pub age: Option<Duration>,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { size: 64 * 1024 * 1024, files: None, age: None }
    }
}
