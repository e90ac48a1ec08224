//! TLS: the certificate, renewed while connections go on, and handshakes.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{TlsConfig, TlsError};
use crate::generation::StartError;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What a TLS connection begins with: the type of a record that shakes hands (RFC 8446 §5.1).
const HANDSHAKE: u8 = 0x16;
/// What somebody is told who speaks HTTP to a TLS port.
const WRONG_PROTOCOL: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 49\r\nconnection: close\r\n\r\nThis port speaks TLS: the URL begins with https.\n";
/// How many bytes and how much time such a client has to finish its request.
const REST_BYTES: u64 = 64 << 10;
const REST_PATIENCE: Duration = Duration::from_secs(1);

/// A certificate in use.
pub(super) struct Tls {
    files: TlsConfig,
    current: ArcSwap<ServerConfig>,
    /// The state of the files that `current` is from.
    loaded: [Stamp; 2],
}

impl Tls {
    /// Loads the certificate.
    pub(super) fn load(files: TlsConfig) -> Result<Self, StartError> {
        // Before the files are read: a change meanwhile is then seen as one.
        let loaded = stamps(&files);
        let current = server_config(&files)
            .map_err(|source| StartError::Machine { what: "TLS cannot be served", source })?;
        Ok(Self { files, current: ArcSwap::from(current), loaded })
    }

    /// Shakes hands.
    pub(super) async fn shake_hands<S>(&self, stream: S) -> std::io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(self.current.load_full()).accept(stream).await
    }

    /// Waits for the first byte. Somebody who speaks something else than TLS is turned away.
    pub(super) async fn expect(&self, mut stream: TcpStream) -> std::io::Result<TcpStream> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(std::io::Error::other("the client has closed the connection"));
        }
        let [first] = first;
        if first == HANDSHAKE {
            return Ok(stream);
        }
        if first.is_ascii_uppercase() {
            stream.write_all(WRONG_PROTOCOL.as_bytes()).await?;
            stream.shutdown().await?;
            // A connection that is closed with something unread is reset, and takes the answer with it.
            let mut sink = tokio::io::sink();
            let rest = async { tokio::io::copy(&mut (&mut stream).take(REST_BYTES), &mut sink).await };
            let _at_best = tokio::time::timeout(REST_PATIENCE, rest).await;
        }
        Err(std::io::Error::other("the client does not speak TLS"))
    }

    /// Reads the files again whenever they have changed. Does not end.
    ///
    /// They are two, and seldom replaced in one step: a change is taken when it has held for one look.
    pub(super) async fn keep_current(&self) {
        let (mut settled, mut before) = (self.loaded, self.loaded);
        loop {
            tokio::time::sleep(LOOK).await;
            let files = self.files.clone();
            let looked = tokio::task::spawn_blocking(move || {
                let now = stamps(&files);
                let is_new = now == before && now != settled;
                (now, is_new.then(|| server_config(&files)))
            });
            // It fails only when the runtime ends.
            let Ok((now, renewed)) = looked.await else { return };
            before = now;
            match renewed {
                None => continue,
                Some(Ok(config)) => {
                    self.current.store(config);
                    tracing::info!(certificate = %self.files.certificate.display(), "the certificate was read again");
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "the new certificate cannot be used: the old one stays");
                }
            }
            settled = now;
        }
    }
}

fn server_config(files: &TlsConfig) -> std::io::Result<Arc<ServerConfig>> {
    let certified = files.load().map_err(|error: TlsError| std::io::Error::other(error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What changes when a file does, also when it is replaced through a symbolic link. None if it is not there.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

fn stamps(files: &TlsConfig) -> [Stamp; 2] {
    let stamp = |file: &Path| {
        let of =
            |found: Metadata| (found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec());
        file.metadata().ok().map(of)
    };
    [stamp(&files.certificate), stamp(&files.key)]
}

#[cfg(test)]
mod tests {
    use super::WRONG_PROTOCOL;

    #[test]
    fn the_length_is_right() {
        let (head, body) = WRONG_PROTOCOL.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
