//! `Mcp-Method`, `Mcp-Name` and `Mcp-Param-…`: headers that repeat a part of the body (2026-07-28, SEP-2243).
//!
//! Who reads the body must refuse a header that says something else. Values that are no plain visible
//! ASCII travel as `=?base64?…?=` (standard alphabet, padded) and are decoded before comparing.

use std::borrow::Cow;

const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Why a mirroring header is refused; MCP error -32020 (HeaderMismatch) with status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// The header is required and absent.
    #[error("{header} header is missing")]
    Missing {
        /// The header's name.
        header: String,
    },
    /// The header occurs more than once: readers differ in which one they take.
    #[error("{header} header occurs more than once")]
    Repeated {
        /// The header's name.
        header: String,
    },
    /// The header has characters that must be encoded, or is no base64 of UTF-8 although it is marked so.
    #[error("{header} header is neither visible ASCII nor valid base64 of UTF-8")]
    Encoding {
        /// The header's name.
        header: String,
    },
    /// The header differs from the body.
    #[error("{header} header does not match the body")]
    Mismatch {
        /// The header's name.
        header: String,
    },
}

/// Checks that `value`, as received in `header`, repeats `body` exactly.
///
/// # Errors
/// [`MirrorError`].
pub fn check_mirror(header: &str, value: Option<&str>, body: &str) -> Result<(), MirrorError> {
    let name = || header.to_owned();
    let value = value.ok_or_else(|| MirrorError::Missing { header: name() })?;
    let decoded = decode_mirror(value).ok_or_else(|| MirrorError::Encoding { header: name() })?;
    if decoded == body { Ok(()) } else { Err(MirrorError::Mismatch { header: name() }) }
}

/// What a header value stands for; `None` if it has other characters than visible ASCII, space and tab (RFC
/// 9110 §5.5), or if it is marked as base64 and is none, or not of UTF-8.
pub fn decode_mirror(value: &str) -> Option<Cow<'_, str>> {
    if !value.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~')) {
        return None;
    }
    match value.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)) {
        None => Some(Cow::Borrowed(value)),
        Some(encoded) => String::from_utf8(decode(encoded.as_bytes())?).ok().map(Cow::Owned),
    }
}

/// A value for the header: as it is where that is possible, else in base64. That is needed for
/// characters other than visible ASCII and space, for a space at an edge, and for what looks encoded.
pub fn encode_mirror(body: &str) -> Cow<'_, str> {
    let plain = body.bytes().all(|b| matches!(b, b' '..=b'~')) && body.trim() == body;
    if plain && !body.starts_with(PREFIX) {
        return Cow::Borrowed(body);
    }
    Cow::Owned(format!("{PREFIX}{}{SUFFIX}", encode(body.as_bytes())))
}

fn encode(bytes: &[u8]) -> String {
    let digit = |bits: u32| ALPHABET.get((bits & 63) as usize).map_or('=', |&b| char::from(b));
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| chunk.get(at).map_or(0, |&b| u32::from(b));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.extend([digit(bits >> 18), digit(bits >> 12)]);
        out.push(if chunk.len() > 1 { digit(bits >> 6) } else { '=' });
        out.push(if chunk.len() > 2 { digit(bits) } else { '=' });
    }
    out
}

/// RFC 4648 §4, padded. Unused bits must be zero, so that each value has one encoding.
fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    if !encoded.len().is_multiple_of(4) {
        return None;
    }
    let padding = encoded.iter().rev().take(2).take_while(|&&b| b == b'=').count();
    let digits = encoded.get(..encoded.len() - padding)?;
    let mut out = Vec::with_capacity(digits.len());
    let (mut bits, mut held) = (0_u32, 0);
    for digit in digits {
        let value = ALPHABET.iter().position(|b| b == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (bits == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip() {
        let cases = [
            ("tools/call", "tools/call"),
            ("a b", "a b"),
            ("", ""),
            (" a", "=?base64?IGE=?="),
            ("é", "=?base64?w6k=?="),
            ("日本", "=?base64?5pel5pys?="),
            ("a\nbc", "=?base64?YQpiYw==?="),
            ("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
        ];
        for (body, value) in cases {
            assert_eq!(encode_mirror(body), value, "{body:?}");
            assert_eq!(decode_mirror(value).as_deref(), Some(body), "{body:?}");
        }
    }

    #[test]
    fn what_differs_is_refused() {
        let header = || "Mcp-Name".to_owned();
        let cases = [
            (Some("delete_run"), Ok(())),
            (Some("=?base64?ZGVsZXRlX3J1bg==?="), Ok(())),
            (None, Err(MirrorError::Missing { header: header() })),
            (Some("Delete_run"), Err(MirrorError::Mismatch { header: header() })),
            (Some("delete_run, delete_run"), Err(MirrorError::Mismatch { header: header() })),
            (Some("=?BASE64?ZGVsZXRlX3J1bg==?="), Err(MirrorError::Mismatch { header: header() })),
            (Some("=?base64?ZGVsZXRlX3J1bg?="), Err(MirrorError::Encoding { header: header() })),
            (Some("=?base64?ZGVsZXRlX3J1bh==?="), Err(MirrorError::Encoding { header: header() })),
            (Some("=?base64?ZGVs=XRl?="), Err(MirrorError::Encoding { header: header() })),
            (Some("=?base64?/w==?="), Err(MirrorError::Encoding { header: header() })),
            (Some("delete_r\u{fa}n"), Err(MirrorError::Encoding { header: header() })),
            (Some("delete\nrun"), Err(MirrorError::Encoding { header: header() })),
            (Some("delete\trun"), Err(MirrorError::Mismatch { header: header() })),
        ];
        for (value, outcome) in cases {
            assert_eq!(check_mirror(&header(), value, "delete_run"), outcome, "{value:?}");
        }
    }
}
