//! Keys that signatures are verified with: the public keys of minisign.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign_verify::PublicKey;

/// The characters of a public key.
const CHARACTERS: usize = 56;
/// Where the key's number stands in a key and in a signature, in bytes: after the algorithm.
const NUMBER: std::ops::Range<usize> = 2..10;

/// The public key of someone whose plugins may run.
#[derive(Clone)]
pub struct TrustedKey {
    key: PublicKey,
    text: String,
}

/// What is no public key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is none.
    #[error("this is no public key of minisign: one has {CHARACTERS} characters and begins with RW")]
    Malformed,
    /// The file cannot be read.
    #[error("the public key {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has no key.
    #[error(
        "{} has no public key of minisign: a comment, and a line of {CHARACTERS} characters that begins with RW",
        .path.display()
    )]
    NoKey {
        /// Which file.
        path: PathBuf,
    },
}

impl TrustedKey {
    /// Reads the text of a key: `RWQ…`.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        match PublicKey::from_base64(text) {
            Ok(key) if text.len() == CHARACTERS => Ok(Self { key, text: text.to_owned() }),
            _ => Err(KeyError::Malformed),
        }
    }

    /// Whether a text is meant to be a key and not a path.
    pub fn is_meant(text: &str) -> bool {
        text.len() == CHARACTERS && text.starts_with("RW") && STANDARD.decode(text).is_ok()
    }

    /// Reads the file of a key: `minisign.pub`.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or has no key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| KeyError::Unreadable { path: path.to_owned(), source })?;
        let key =
            text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("untrusted comment:"));
        key.and_then(|line| Self::parse(line).ok()).ok_or_else(|| KeyError::NoKey { path: path.to_owned() })
    }

    /// The key's number, as minisign shows it: 16 hex digits.
    pub fn id(&self) -> String {
        number(&self.text).unwrap_or_default()
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrustedKey").field(&self.text).finish()
    }
}

impl PartialEq for TrustedKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TrustedKey {}

/// The number of the key in the text of a key or of a signature.
pub(crate) fn number(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let number: [u8; 8] = bytes.get(NUMBER)?.try_into().ok()?;
    Some(format!("{:016X}", u64::from_le_bytes(number)))
}
