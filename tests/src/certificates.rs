//! A certificate authority that only a test trusts, and certificates of its making.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Authority")
    }
}

/// A certificate for loopback, and its key.
#[derive(Debug)]
pub struct Certificate {
    /// The certificate.
    pub der: CertificateDer<'static>,
    certificate: String,
    key: KeyPair,
}

/// Where a certificate is.
#[derive(Debug)]
pub struct Files {
    directory: tempfile::TempDir,
}

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::new([]).expect("no names are right names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be made");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate can be made"))
    }
}

impl Authority {
    /// Makes a certificate for `localhost` and `127.0.0.1`.
    pub fn certify(&self) -> Certificate {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("these are right names");
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate can be made");
        Certificate { der: certificate.der().clone(), certificate: certificate.pem(), key }
    }

    /// Its own certificate, as a file in this folder.
    pub fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join("authority.pem");
        std::fs::write(&path, self.0.pem()).expect("a temporary file can be written");
        path
    }

    /// A client that trusts it, and offers these protocols.
    pub fn client(&self, protocols: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("it is a certificate");
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }
}

impl Certificate {
    /// A server that has it, and takes these protocols.
    pub fn server(&self, protocols: &[&str]) -> ServerConfig {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("it is a key");
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], key)
            .expect("they belong together");
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }
}

impl Files {
    /// Writes a certificate and its key into a folder of their own.
    pub fn new(certificate: &Certificate) -> Self {
        let files = Self { directory: tempfile::tempdir().expect("a temporary directory can be made") };
        files.replace(certificate);
        files
    }

    /// Writes another one over it.
    pub fn replace(&self, certificate: &Certificate) {
        self.replace_key(&certificate.key.serialize_pem());
        std::fs::write(self.certificate(), &certificate.certificate)
            .expect("a temporary file can be written");
    }

    /// Writes something over the key.
    pub fn replace_key(&self, text: &str) {
        std::fs::write(self.key(), text).expect("a temporary file can be written");
    }

    /// The certificate's file.
    pub fn certificate(&self) -> PathBuf {
        self.directory.path().join("certificate.pem")
    }

    /// The key's file.
    pub fn key(&self) -> PathBuf {
        self.directory.path().join("key.pem")
    }

    /// `tls` of a configuration.
    pub fn configuration(&self) -> serde_json::Value {
        serde_json::json!({"certificate": self.certificate(), "key": self.key()})
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
