//! What an operator lets one plugin use, where its size class gives too much or too little.

use std::ops::RangeInclusive;

/// The limits of a plugin; each that is absent follows from the plugin's size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// The size class whose limits it has, whatever its size.
    pub class: Option<Class>,
    /// Milliseconds for one evaluation.
    pub deadline_ms: Option<u32>,
    /// Milliseconds for `describe` and `configure`, each.
    pub load_deadline_ms: Option<u32>,
    /// MiB of memory.
    pub memory_mib: Option<u32>,
    /// KiB that it may hand to the host at once.
    pub output_kib: Option<u32>,
    /// Lines of one evaluation that are kept in the log.
    pub log_lines: Option<u32>,
    /// What one instance serves for.
    pub isolation: Option<Isolation>,
    /// Evaluations of one instance; only with [`Isolation::Reuse`].
    pub invocations: Option<u32>,
}

impl Sandbox {
    /// The numbers that it has, under their keys.
    pub(crate) fn numbers(&self) -> [Option<u32>; NUMBERS.len()] {
        [
            self.deadline_ms,
            self.load_deadline_ms,
            self.memory_mib,
            self.output_kib,
            self.log_lines,
            self.invocations,
        ]
    }
}

/// The keys with numbers, and what these may be: what no operator can go beyond.
pub(crate) const NUMBERS: [(&str, RangeInclusive<u32>); 6] = [
    ("deadline_ms", 1..=10_000),
    ("load_deadline_ms", 1..=120_000),
    ("memory_mib", 1..=1_024),
    ("output_kib", 1..=16_384),
    ("log_lines", 0..=1_000),
    ("invocations", 1..=1_000_000),
];

/// How large a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A rule without a large runtime.
    Small,
    /// A rule that brings one, such as Python's.
    Large,
}

impl Class {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }
}

/// What one instance of a plugin serves for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// One evaluation, from the configured memory.
    Pristine,
    /// One evaluation, in which it is configured first.
    Fresh,
    /// Several evaluations, which can see what earlier ones left.
    Reuse,
}

impl Isolation {
    /// The word for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pristine => "pristine",
            Self::Fresh => "fresh",
            Self::Reuse => "reuse",
        }
    }
}
