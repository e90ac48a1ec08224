//! Making keys, and signing with them.
//!
//! A secret key without a password is in a file that its owner alone can read; a password comes from the
//! caller, who has it from the environment, never from the command line.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use minisign::{KeyPair, PError, PublicKey, SecretKey, SecretKeyBox};

use crate::signature;

/// A key to sign with.
pub struct SigningKey {
    secret: SecretKey,
    public: PublicKey,
}

/// Why there is no key, or no signature.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key must not be written over another.
    #[error("{} is there already; a key that is lost cannot be had again, so move it away first", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others can read the secret key.
    #[error("others can read the secret key {}: make it yours alone with `chmod 600`", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The key is encrypted.
    #[error("the secret key {} has a password, and there is none in the environment variable {variable}", .path.display())]
    NeedsPassword {
        /// The file.
        path: PathBuf,
        /// Where the password is looked for.
        variable: &'static str,
    },
    /// The file is no secret key, or the password is not its.
    #[error("the secret key {} cannot be used: {problem}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// No key can be made, or none can sign.
    #[error("the key cannot be made or used: {0}")]
    Cryptography(String),
}

impl From<PError> for SigningError {
    fn from(error: PError) -> Self {
        Self::Cryptography(error.to_string())
    }
}

impl SigningKey {
    /// The environment variable with the password of a secret key.
    pub const PASSWORD: &'static str = "BARTIZAN_KEY_PASSWORD";

    /// Makes a key pair, and writes the secret key to `secret` and the public key to `public`. Neither file
    /// may be there. With a password the secret key is encrypted. The answer is the public key as text.
    ///
    /// # Errors
    ///
    /// When a file is there or cannot be written.
    pub fn generate(secret: &Path, public: &Path, password: Option<String>) -> Result<String, SigningError> {
        for path in [secret, public] {
            if path.symlink_metadata().is_ok() {
                return Err(SigningError::Exists { path: path.to_owned() });
            }
        }
        let is_encrypted = password.is_some();
        let KeyPair { pk, sk } = match password {
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password))?,
            None => KeyPair::generate_unencrypted_keypair()?,
        };
        let comment =
            if is_encrypted { "minisign encrypted secret key" } else { "minisign secret key, no password" };
        write(secret, sk.to_box(Some(comment))?.to_string().as_bytes(), 0o600)?;
        write(public, pk.to_box()?.to_string().as_bytes(), 0o644)?;
        Ok(pk.to_base64())
    }

    /// Reads a secret key. `password` is asked for only if the key has one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, others can read it, or the password is not its.
    pub fn read(path: &Path, password: impl FnOnce() -> Option<String>) -> Result<Self, SigningError> {
        let io = |source| SigningError::Io { path: path.to_owned(), source };
        if is_exposed(path).map_err(io)? {
            return Err(SigningError::Exposed { path: path.to_owned() });
        }
        let text = fs::read_to_string(path).map_err(io)?;
        let unusable = |problem: &dyn std::fmt::Display| SigningError::Unusable {
            path: path.to_owned(),
            problem: problem.to_string(),
        };
        let boxed = || SecretKeyBox::from_string(&text).map_err(|error| unusable(&error));
        let secret = match boxed()?.into_unencrypted_secret_key() {
            Ok(secret) => secret,
            // The library does not say why. What has the right length may be encrypted.
            Err(error) if !looks_like_a_key(&text) => return Err(unusable(&error)),
            Err(_) => {
                let password = password().ok_or_else(|| SigningError::NeedsPassword {
                    path: path.to_owned(),
                    variable: Self::PASSWORD,
                })?;
                boxed()?.into_secret_key(Some(password)).map_err(|error| unusable(&error))?
            }
        };
        let public = PublicKey::from_secret_key(&secret)?;
        Ok(Self { secret, public })
    }

    /// The public key as text: `RWQ…`.
    pub fn public(&self) -> String {
        self.public.to_base64()
    }

    /// Signs a file, under the name that it has, at this time (seconds since the Unix epoch), and writes the
    /// signature beside it.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written.
    pub fn sign(&self, path: &Path, seconds: u64) -> Result<PathBuf, SigningError> {
        let content = fs::read(path).map_err(|source| SigningError::Io { path: path.to_owned(), source })?;
        let comment = signature::comment(path, seconds);
        let signed = minisign::sign(
            Some(&self.public),
            &self.secret,
            Cursor::new(content),
            Some(&comment),
            Some("signature from a bartizan secret key"),
        )?;
        let signature = signature::beside(path);
        replace(&signature, signed.to_string().as_bytes())?;
        Ok(signature)
    }
}

/// The base64 text of a secret key begins with the letters of its algorithm, and has 212 characters.
fn looks_like_a_key(text: &str) -> bool {
    text.lines().nth(1).is_some_and(|line| line.starts_with("RW") && line.trim().len() == 212)
}

/// Writes a file that is not there yet.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), SigningError> {
    let io = |source| SigningError::Io { path: path.to_owned(), source };
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path).and_then(|mut file| file.write_all(content)).map_err(io)
}

/// Puts a whole file in the place of what was there.
fn replace(path: &Path, content: &[u8]) -> Result<(), SigningError> {
    let io = |source| SigningError::Io { path: path.to_owned(), source };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.permissions(fs::Permissions::from_mode(0o644));
    }
    let mut file = file.tempfile_in(directory).map_err(io)?;
    file.write_all(content).map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}

/// Whether anybody but the owner can read or write the file.
fn is_exposed(path: &Path) -> std::io::Result<bool> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Ok(metadata.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        Ok(false)
    }
}
