//! Digests as text.

use sha2::{Digest as _, Sha256};

/// SHA-256 of a text in lower-case hex.
pub(crate) fn of(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        // Writing to a `String` does not fail.
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}
