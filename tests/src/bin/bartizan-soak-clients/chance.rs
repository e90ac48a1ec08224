//! What a client does next: by chance, and the same in every run.

use std::time::Duration;

/// A sequence of numbers (xorshift64*).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u32) -> Self {
        Self((u64::from(seed) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound.max(1)
    }

    /// How long a client waits between two calls: a second, more or less.
    pub(crate) fn pause(&mut self) -> Duration {
        Duration::from_millis(500 + self.below(1_000))
    }

    /// How many calls a session makes: half of them go on to the end.
    pub(crate) fn calls(&mut self) -> u64 {
        if self.below(2) == 0 { u64::MAX } else { 3 + self.below(20) }
    }
}
