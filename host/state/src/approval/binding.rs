//! What an approval is bound to: a digest of everything that makes two calls the same.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// A digest of everything that an approval is bound to, 32 bytes. Written as 64 lower-case hexadecimal
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Binding([u8; 32]);

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a binding: it is written as 64 lower-case hexadecimal digits")]
pub struct BindingError;

impl Binding {
    /// The binding with this digest.
    #[must_use]
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({self})")
    }
}

impl FromStr for Binding {
    type Err = BindingError;

    fn from_str(text: &str) -> Result<Self, BindingError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(BindingError),
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(BindingError) };
        let digest = pairs
            .iter()
            .map(|&[high, low]| Ok(digit(high)? << 4 | digit(low)?))
            .collect::<Result<Vec<_>, _>>()?;
        digest.try_into().map(Self).map_err(|_| BindingError)
    }
}

impl Serialize for Binding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_hexadecimal_and_read_back() {
        let binding = Binding::new(std::array::from_fn(|index| index as u8 * 8));
        let text = "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8";
        assert_eq!(binding.to_string(), text);
        assert_eq!(text.parse(), Ok(binding));
        assert_eq!(serde_json::to_string(&binding).unwrap(), format!("\"{text}\""));
    }

    #[test]
    fn nothing_else_is_read() {
        let zeros = "0".repeat(64);
        for (name, text) in [
            ("empty", String::new()),
            ("too short", zeros[..62].to_owned()),
            ("odd", zeros[..63].to_owned()),
            ("too long", format!("{zeros}00")),
            ("upper case", zeros.replacen('0', "A", 1)),
            ("no digit", zeros.replacen('0', "g", 1)),
            ("a sign", zeros.replacen('0', "+", 1)),
            ("another script", zeros.replacen("00", "é", 1)),
        ] {
            assert_eq!(text.parse::<Binding>(), Err(BindingError), "{name}");
        }
    }
}
