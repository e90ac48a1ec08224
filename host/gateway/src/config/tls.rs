//! The gateway's certificate: the object `tls` of the configuration, and the files it names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_policy::decode::{self, Object};
use bartizan_policy::diagnostics::{Problem, Report};
use bartizan_policy::source::{Member, Span};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

/// The largest file that is read as a certificate or a key, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// Where the gateway's certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The certificate and those of its issuers, in PEM, the gateway's own first.
    pub certificate: PathBuf,
    /// Its private key, in PEM: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file.
    #[error("the certificate \"{}\" {problem}", file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// The key's file.
    #[error("the key \"{}\" {problem}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// The two do not belong together.
    #[error("the key \"{}\" does not fit the certificate", key.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
    },
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is not what it should be.
    #[error("is too large to be one")]
    TooLarge,
    /// It has no such block.
    #[error("has no PEM block of that kind")]
    NotPem,
    /// It is encrypted.
    #[error("is encrypted, and nobody is there to enter its passphrase")]
    Encrypted,
    /// What the block holds is of no use.
    #[error("cannot be used: {0}")]
    Unusable(Error),
}

impl TlsConfig {
    pub(super) fn read(member: &Member, base: &Path, report: &mut Report) -> Option<Self> {
        let mut object = Object::read(&member.node, member.key_span, "`tls`", report)?;
        let mut file = |key, name, example, report: &mut Report| {
            let member = object.require(key, example, report)?;
            let file = decode::string(&member.node, name, report)?;
            Some((base.join(file), member.node.span))
        };
        let certificate = file("certificate", "`tls.certificate`", "\"fullchain.pem\"", report);
        let key = file("key", "`tls.key`", "\"key.pem\"", report);
        object.finish(&[], report);
        let ((certificate, certificate_place), (key, key_place)) = (certificate?, key?);
        let config = Self { certificate, key };
        if let Err(error) = config.load() {
            report.push(error.problem(certificate_place, key_place));
        }
        if everybody_may_read(&config.key) {
            let message = "every user of this machine can read the private key";
            report.push(
                Problem::warning("tls-key-readable", key_place, message)
                    .help("take the right away, for example with `chmod 600`"),
            );
        }
        Some(config)
    }

    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When one cannot be read or used, or when the two do not belong together.
    pub fn load(&self) -> Result<Arc<CertifiedKey>, TlsError> {
        let certificate = |problem| TlsError::Certificate { file: self.certificate.clone(), problem };
        let key = |problem| TlsError::Key { file: self.key.clone(), problem };
        let chain = read_chain(&self.certificate).map_err(certificate);
        let private = read_key(&self.key).map_err(key)?;
        let provider = rustls::crypto::ring::default_provider();
        let signing = provider
            .key_provider
            .load_private_key(private)
            .map_err(|error| key(FileProblem::Unusable(error)))?;
        let certified = CertifiedKey::new(chain?, signing);
        match certified.keys_match() {
            // Not every kind of key can tell; the handshake does then.
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Arc::new(certified)),
            Err(Error::InconsistentKeys(_)) => Err(TlsError::Mismatch { key: self.key.clone() }),
            Err(error) => Err(certificate(FileProblem::Unusable(error))),
        }
    }
}

impl TlsError {
    fn problem(&self, certificate: Span, key: Span) -> Problem {
        let (code, place, help) = match self {
            Self::Certificate { problem, .. } => ("tls-certificate", certificate, problem.help("CERTIFICATE")),
            Self::Key { problem, .. } => ("tls-key", key, problem.help("PRIVATE KEY")),
            Self::Mismatch { .. } => (
                "tls-key",
                key,
                "name the key that the certificate was made for; the gateway's own certificate comes first in its file".to_owned(),
            ),
        };
        Problem::error(code, place, self.to_string()).help(help)
    }
}

impl FileProblem {
    fn help(&self, block: &str) -> String {
        match self {
            Self::Unreadable(_) => "the path is relative to the folder of this file".to_owned(),
            Self::Encrypted => {
                "store it without a passphrase, readable by the gateway's user only".to_owned()
            }
            Self::TooLarge | Self::NotPem | Self::Unusable(_) => {
                format!("it must be a PEM file with a block \"-----BEGIN {block}-----\"")
            }
        }
    }
}

fn read_file(file: &Path) -> Result<Vec<u8>, FileProblem> {
    let length = file.metadata().map_err(FileProblem::Unreadable)?.len();
    if length > LARGEST_FILE {
        return Err(FileProblem::TooLarge);
    }
    std::fs::read(file).map_err(FileProblem::Unreadable)
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, FileProblem> {
    let text = read_file(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    chain.ok().filter(|chain| !chain.is_empty()).ok_or(FileProblem::NotPem)
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, FileProblem> {
    const ENCRYPTED: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];
    let text = read_file(file)?;
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    if ENCRYPTED.into_iter().any(has) {
        return Err(FileProblem::Encrypted);
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|_no_key| FileProblem::NotPem)
}

fn everybody_may_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests;
