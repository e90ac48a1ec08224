//! Which plugins may run: those that a lock file has accepted, and those that someone has signed.
//!
//! - [`Lock`] is the lock file: what each plugin was when it was accepted.
//! - [`TrustedKey`] verifies signatures in the format of minisign, and [`SigningKey`] makes them.
//! - [`Trust`] holds plugins to both: the file right after it was read, and what the plugin asks for and is
//!   granted after it was described.
//!
//! This crate knows nothing of WebAssembly and nothing of policies: it compares names, bytes and words.
#![forbid(unsafe_code)]

mod key;
mod lock;
mod refusal;
mod secret;
mod signature;
mod signing;
mod trust;

pub use key::{KeyError, TrustedKey};
pub use lock::{Lock, LockError, LockedPlugin};
pub use refusal::Refusal;
pub use signature::{ENDING, SignatureProblem, Signed, beside};
pub use signing::{SigningError, SigningKey};
pub use trust::{Described, Requirements, Trust, policy_name};

use sha2::{Digest as _, Sha256};

/// SHA-256 in lower-case hex: how files are named in lock files.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a `String` does not fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
