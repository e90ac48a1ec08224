//! Signatures of plugin files, in the format of minisign: `change-freeze.wasm.minisig` beside
//! `change-freeze.wasm`.
//!
//! The comment that the signature covers says for which file it is (`file:change-freeze.wasm`, as minisign
//! writes by itself), and that must be the file's name: otherwise whoever may rename files could put one
//! signed plugin in the place of another.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use minisign_verify::{Error, Signature};

use crate::key::{TrustedKey, number};

/// How the names of signature files end.
pub const ENDING: &str = "minisig";

/// The field of the trusted comment that names the file.
const FILE: &str = "file:";

/// The longest signature file, in bytes.
const LONGEST: u64 = 16 << 10;

/// A file whose signature is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The key that signed it.
    pub key: TrustedKey,
    /// The comment that the signature covers.
    pub comment: String,
}

/// Why a file does not count as signed.
#[derive(Debug, thiserror::Error)]
pub enum SignatureProblem {
    /// There is no signature.
    #[error("it is not signed: there is no {}", .signature.display())]
    Missing {
        /// Where it should be.
        signature: PathBuf,
    },
    /// The signature cannot be read.
    #[error("its signature {} cannot be read: {source}", .signature.display())]
    Unreadable {
        /// Which file.
        signature: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file beside it is no signature.
    #[error("{} is no signature of minisign", .signature.display())]
    Malformed {
        /// Which file.
        signature: PathBuf,
    },
    /// The file is not what was signed, or the comment is not.
    #[error("it is not what was signed: the signature {} of the key {key} does not fit", .signature.display())]
    Tampered {
        /// The signature.
        signature: PathBuf,
        /// The number of the key.
        key: String,
    },
    /// Someone else has signed it.
    #[error("it is signed with the key {found}, which is not trusted; trusted are {}", .trusted.join(", "))]
    OtherKey {
        /// The number of the key.
        found: String,
        /// The numbers of those that are trusted.
        trusted: Vec<String>,
    },
    /// The signature is for another file.
    #[error("its signature is for a file of the name {expected}, and it is {found}")]
    OtherName {
        /// The name that was signed.
        expected: String,
        /// The name that it has.
        found: String,
    },
    /// The signature does not say for which file it is.
    #[error("its signature does not say for which file it is: its trusted comment has no `file:`")]
    NoName,
}

/// Where the signature of a file is: beside it.
pub fn beside(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".");
    name.push(ENDING);
    name.into()
}

/// Verifies a file's content with the signature beside it.
pub(crate) fn verify(path: &Path, content: &[u8], keys: &[TrustedKey]) -> Result<Signed, SignatureProblem> {
    let signature = beside(path);
    let text = read(&signature).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => SignatureProblem::Missing { signature: signature.clone() },
        _ => SignatureProblem::Unreadable { signature: signature.clone(), source },
    })?;
    let malformed = || SignatureProblem::Malformed { signature: signature.clone() };
    let decoded = Signature::decode(&text).map_err(|_| malformed())?;
    let signer = text.lines().nth(1).and_then(number).ok_or_else(malformed)?;
    for key in keys.iter().filter(|key| key.id() == signer) {
        match key.key().verify(content, &decoded, false) {
            Ok(()) => {
                check_name(path, decoded.trusted_comment())?;
                return Ok(Signed { key: key.clone(), comment: decoded.trusted_comment().to_owned() });
            }
            // Another key of the same number may fit.
            Err(Error::InvalidSignature | Error::UnexpectedKeyId) => {}
            Err(_) => return Err(malformed()),
        }
    }
    if keys.iter().any(|key| key.id() == signer) {
        return Err(SignatureProblem::Tampered { signature, key: signer });
    }
    Err(SignatureProblem::OtherKey { found: signer, trusted: keys.iter().map(TrustedKey::id).collect() })
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

fn check_name(path: &Path, comment: &str) -> Result<(), SignatureProblem> {
    let found = path.file_name().unwrap_or_default().to_string_lossy();
    let expected =
        comment.split('\t').find_map(|field| field.strip_prefix(FILE)).ok_or(SignatureProblem::NoName)?;
    if expected == found {
        return Ok(());
    }
    Err(SignatureProblem::OtherName { expected: expected.to_owned(), found: found.into_owned() })
}

/// The comment that a signature of this file covers.
pub(crate) fn comment(path: &Path, seconds: u64) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("timestamp:{seconds}\t{FILE}{name}\thashed")
}
