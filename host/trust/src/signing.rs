//! Making keys, and signing with them.
//!
//! A secret key without a password is in a file that its owner alone can read; a password comes from the
//! caller, who has it from the environment, never from the command line.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::secret::{Secret, SecretError};
use crate::signature;

/// A key to sign with.
pub struct SigningKey(Secret);

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
    /// No key can be made.
    #[error("no key can be made: {0}")]
    Machine(String),
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
    pub fn generate(secret: &Path, public: &Path, password: Option<&str>) -> Result<String, SigningError> {
        for path in [secret, public] {
            if path.symlink_metadata().is_ok() {
                return Err(SigningError::Exists { path: path.to_owned() });
            }
        }
        let machine = |error: SecretError| SigningError::Machine(error.to_string());
        let key = Secret::generate().map_err(machine)?;
        let text = key.to_text(password).map_err(machine)?;
        write(secret, text.as_bytes(), 0o600)?;
        let text = format!("untrusted comment: minisign public key {}\n{}\n", key.id(), key.public());
        write(public, text.as_bytes(), 0o644)?;
        Ok(key.public())
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
        Secret::read(&text, password).map(Self).map_err(|error| match error {
            SecretError::Encrypted => {
                SigningError::NeedsPassword { path: path.to_owned(), variable: Self::PASSWORD }
            }
            error => SigningError::Unusable { path: path.to_owned(), problem: error.to_string() },
        })
    }

    /// The public key as text: `RWQ…`.
    pub fn public(&self) -> String {
        self.0.public()
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
        let signed = self.0.sign(&content, "signature from a bartizan secret key", &comment);
        let signature = signature::beside(path);
        replace(&signature, signed.as_bytes())?;
        Ok(signature)
    }
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
