//! The sidecar `head`: where the log ends.
//!
//! It is one JSON object, padded with spaces to [`Head::SIZE`] bytes with a line break at the end, and
//! overwritten in place: its size never changes, so that writing it needs no space on the disk and is
//! one write into one sector. `sum` is the SHA-256 of the text before `,"sum"`.

use serde::{Deserialize, Serialize};

use crate::chain::Digest;
use crate::file::name::FileName;

/// The end of the log: its last line, and where that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The number of the last line; 0 if there is none.
    pub(crate) seq: u64,
    /// The digest of the last line.
    pub(crate) hash: Digest,
    /// The file of the last line.
    pub(crate) file: FileName,
    /// The length of that file up to and with the last line's break.
    pub(crate) end: u64,
    /// The number of the last line that is known to be on the disk, not only with the system.
    pub(crate) synced: u64,
}

impl Head {
    /// The length of the sidecar.
    pub(crate) const SIZE: usize = 512;

    /// The end of a log without lines.
    pub(crate) const EMPTY: Self =
        Self { seq: 0, hash: Digest::GENESIS, file: FileName::FIRST, end: 0, synced: 0 };

    /// The sidecar's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { seq, hash, file, end, synced } = self;
        let mut text =
            format!(r#"{{"seq":{seq},"hash":"{hash}","file":"{file}","end":{end},"synced":{synced}"#);
        let sum = Digest::of(text.as_bytes());
        text.push_str(&format!(r#","sum":"{sum}"}}"#));
        let mut bytes = text.into_bytes();
        bytes.resize(Self::SIZE - 1, b' ');
        bytes.push(b'\n');
        bytes
    }

    /// The end of the log by the sidecar's bytes. None if they are not as they were written.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let head: Self = serde_json::from_slice(bytes).ok()?;
        (head.encode() == bytes).then_some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest() -> Head {
        let file = FileName { first: u64::MAX };
        Head { seq: u64::MAX, hash: Digest::of(b"x"), file, end: u64::MAX, synced: u64::MAX }
    }

    #[test]
    fn every_head_has_the_same_size_and_reads_back() {
        for head in [Head::EMPTY, longest()] {
            let bytes = head.encode();
            assert_eq!(bytes.len(), Head::SIZE);
            assert_eq!(Head::decode(&bytes), Some(head));
        }
    }

    #[test]
    fn no_changed_byte_goes_unseen() {
        let bytes = longest().encode();
        for position in 0..bytes.len() {
            for change in [1, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[position] ^= change;
                assert_eq!(Head::decode(&changed), None, "byte {position}");
            }
            assert_eq!(Head::decode(&bytes[..position]), None, "cut at {position}");
        }
    }
}
