//! Digests as text.

use sha2::{Digest as _, Sha256};

/// SHA-256 of a text in lower-case hex.
pub(crate) fn of(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)));
    text
}
