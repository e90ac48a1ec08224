//! The chain: how one line of the log is bound to the line before.
//!
//! A line is the event's own JSON object with two members in front:
//!
//! ```json
//! {"seq":42,"prev":"<64 hex digits>","time":"2026-01-01T00:00:00.000Z","event":"decision",…}
//! ```
//!
//! `seq` counts the lines of the log from 1, over all its files. `prev` is the SHA-256, in lower-case
//! hex, of the bytes of the line with the number before, from its `{` to its `}`: the line break at
//! its end is not part of it. The first line of all has [`Digest::GENESIS`], 64 zeros.

pub(crate) mod walk;

use std::fmt;
use std::io::Write as _;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// SHA-256 of a line's bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// What stands for the line before the first.
    pub const GENESIS: Self = Self([0; 32]);

    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(crate) fn finish(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }

    /// Exactly 64 lower-case hex digits.
    fn parse(text: &[u8]) -> Option<Self> {
        let (pairs, []) = text.as_chunks::<2>() else { return None };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Some(Self(bytes))
    }

    fn hex(self) -> [u8; 64] {
        let mut text = [0; 64];
        for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        text
    }
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.hex()).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is not a digest.
#[derive(Debug, Error)]
#[error("a digest is 64 lower-case hex digits")]
pub struct NotDigest;

impl FromStr for Digest {
    type Err = NotDigest;

    fn from_str(text: &str) -> Result<Self, NotDigest> {
        Self::parse(text.as_bytes()).ok_or(NotDigest)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What binds one line to the line before, read from the line's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) seq: u64,
    pub(crate) prev: Digest,
}

const SEQ: &[u8] = br#"{"seq":"#;
const PREV: &[u8] = br#","prev":""#;

impl Link {
    /// The link of a line, given without its line break, and what is kept behind it. None if the line
    /// does not begin as the lines of a log do.
    pub(crate) fn parse(line: &[u8]) -> Option<(Self, &[u8])> {
        let rest = line.strip_prefix(SEQ)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = rest.split_at_checked(digits)?;
        let seq = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let (prev, rest) = rest.strip_prefix(PREV)?.split_at_checked(64)?;
        Some((Self { seq, prev: Digest::parse(prev)? }, rest.strip_prefix(b"\",")?))
    }

    /// Appends the line for an event's JSON object, with its line break. Returns the line's digest.
    pub(crate) fn write(self, out: &mut Vec<u8>, body: &[u8]) -> Digest {
        let start = out.len();
        out.extend_from_slice(SEQ);
        // Writing to a vector does not fail.
        let _ = write!(out, "{}", self.seq);
        out.extend_from_slice(PREV);
        out.extend_from_slice(&self.prev.hex());
        out.extend_from_slice(b"\",");
        out.extend_from_slice(body.strip_prefix(b"{").unwrap_or(body));
        let digest = Digest::of(out.get(start..).unwrap_or_default());
        out.push(b'\n');
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_link_in_front_and_reads_back() {
        let link = Link { seq: 7, prev: Digest::of(b"x") };
        let mut out = Vec::new();
        let digest = link.write(&mut out, br#"{"event":"start"}"#);
        let expected = concat!(
            r#"{"seq":7,"prev":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","#,
            r#""event":"start"}"#,
        );
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
        assert_eq!(digest, Digest::of(expected.as_bytes()));
        assert_eq!(Link::parse(expected.as_bytes()), Some((link, br#""event":"start"}"#.as_slice())));
    }

    #[test]
    fn other_lines_have_no_link() {
        let zeros = "0".repeat(64);
        for line in [
            String::new(),
            "{}".into(),
            format!(r#"{{"seq":,"prev":"{zeros}","a":1}}"#),
            format!(r#"{{"seq":-1,"prev":"{zeros}","a":1}}"#),
            format!(r#"{{"seq":99999999999999999999,"prev":"{zeros}","a":1}}"#),
            format!(r#"{{"seq":1,"prev":"{}","a":1}}"#, zeros.replace("00", "0A")),
            format!(r#"{{"seq":1,"prev":"{zeros}0","a":1}}"#),
            format!(r#"{{"seq": 1,"prev":"{zeros}","a":1}}"#),
        ] {
            assert_eq!(Link::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_digest_is_64_lower_case_digits() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        for text in ["", "00", &"A".repeat(64), &"g".repeat(64), &"0".repeat(65)] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
