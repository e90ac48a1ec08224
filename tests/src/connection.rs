//! One connection to the gateway: as bytes, or as HTTP/1.1 or HTTP/2, with TLS or without.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::http::{Answer, Headers, POST};
use crate::rpc;
use crate::waiting::{SOON, START, within};

/// A connection that sends and gets bytes.
#[derive(Debug)]
pub struct Raw(TcpStream);

impl Raw {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        Self(within(SOON, "a connection", TcpStream::connect(address)).await.expect("the port is open"))
    }

    /// Sends bytes. False if the other side has closed.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        within(SOON, "the bytes are sent", self.0.write_all(bytes.as_ref())).await.is_ok()
    }

    /// All that comes until the other side closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset is an end as well.
        let _reset = within(SOON, "the connection is closed", self.0.read_to_end(&mut bytes)).await;
        bytes
    }

    /// The first that comes; nothing if the other side closes.
    pub async fn answer(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        let read = within(SOON, "an answer", self.0.read(&mut bytes)).await.unwrap_or(0);
        bytes.truncate(read);
        bytes
    }

    /// What comes until this has come, which must be the end of it.
    pub async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        let read = async {
            while !bytes.ends_with(end.as_bytes()) {
                bytes.push(self.0.read_u8().await.expect("the connection goes on"));
            }
        };
        within(SOON, "an answer", read).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends a byte now and then until the other side closes, and gives what it said.
    pub async fn trickle(mut self, byte: u8) -> Vec<u8> {
        let (mut reading, mut writing) = self.0.split();
        let mut bytes = Vec::new();
        let trickle = async {
            let mut pace = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                pace.tick().await;
                if writing.write_all(&[byte]).await.is_err() {
                    // What was said before that is still to be read.
                    std::future::pending::<()>().await;
                }
            }
        };
        let closed = async {
            tokio::select! {
                _ = reading.read_to_end(&mut bytes) => {}
                () = trickle => {}
            }
        };
        within(SOON, "the connection is closed", closed).await;
        bytes
    }
}

/// Shakes hands. `Err` if the gateway does not.
pub async fn shake_hands(address: SocketAddr, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = within(SOON, "a connection", TcpStream::connect(address)).await?;
    let name = ServerName::from(address.ip());
    within(SOON, "a TLS handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

/// The protocol that was agreed on.
pub fn protocol(stream: &TlsStream<TcpStream>) -> Option<&[u8]> {
    stream.get_ref().1.alpn_protocol()
}

/// The gateway's certificate.
pub fn certificate(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let certificates = stream.get_ref().1.peer_certificates().expect("the gateway has shown one");
    certificates[0].clone().into_owned()
}

/// One connection that speaks HTTP.
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    url: String,
    /// Ends with the connection.
    closed: JoinHandle<hyper::Result<()>>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// HTTP/1.1 to a server's URL.
    pub async fn http1<S>(url: &str, stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1 begins");
        Self { sender: Sender::Http1(sender), url: url.to_owned(), closed: tokio::spawn(connection) }
    }

    /// HTTP/2 to a server's URL.
    pub async fn http2<S>(url: &str, stream: S) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = shaken.expect("HTTP/2 begins");
        Self { sender: Sender::Http2(sender), url: url.to_owned(), closed: tokio::spawn(connection) }
    }

    /// HTTP/1.1 without TLS.
    pub async fn plain(url: &str, address: SocketAddr) -> Self {
        Self::http1(url, TcpStream::connect(address).await.expect("the port is open")).await
    }

    /// HTTP/2 without TLS, by prior knowledge.
    pub async fn h2c(url: &str, address: SocketAddr) -> Self {
        Self::http2(url, TcpStream::connect(address).await.expect("the port is open")).await
    }

    /// Sends a request; the head of its answer.
    pub async fn open(
        &mut self,
        method: &str,
        headers: &Headers<'_>,
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let mut request = Request::builder().method(method);
        request = match self.sender {
            Sender::Http2(_) => request.uri(&self.url),
            Sender::Http1(_) => {
                let rest = self.url.split_once("://").expect("a URL").1;
                let (host, path) = rest.split_once('/').expect("a URL has a path");
                request.uri(format!("/{path}")).header("host", host)
            }
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request that can be sent");
        let sent = async {
            match &mut self.sender {
                Sender::Http1(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Sender::Http2(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
            }
        };
        match within(START, "an HTTP response", sent).await {
            Ok(response) => response,
            Err(error) => panic!("{} does not answer: {error:?}", self.url),
        }
    }

    /// Sends a request; its whole answer and the version it came in.
    pub async fn send(
        &mut self,
        method: &str,
        headers: &Headers<'_>,
        body: impl Into<Bytes>,
    ) -> (Version, Answer) {
        let (parts, body) = self.open(method, headers, body).await.into_parts();
        let body = within(SOON, "the end of an HTTP response", body.collect()).await;
        let body = body.expect("a response is whole").to_bytes();
        (parts.version, Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// Begins a session: its id.
    pub async fn begin(&mut self) -> String {
        let (_, answer) = self.send("POST", POST, rpc::initialize(0).to_string()).await;
        let id = answer.header("mcp-session-id").unwrap_or_else(|| panic!("no session: {answer:?}"));
        id.to_owned()
    }

    /// Posts a message of a session.
    pub async fn post(&mut self, session: &str, message: &serde_json::Value) -> (Version, Answer) {
        let headers = [POST, &[("mcp-session-id", session)]].concat();
        self.send("POST", &headers, message.to_string()).await
    }

    /// Another handle on the same connection, which must be HTTP/2.
    #[must_use]
    pub fn another(&self) -> Self {
        let Sender::Http2(sender) = &self.sender else { panic!("HTTP/1.1 has one request at a time") };
        let sender = Sender::Http2(sender.clone());
        Self { sender, url: self.url.clone(), closed: tokio::spawn(std::future::ready(Ok(()))) }
    }

    /// Waits until the gateway closes the connection. Whether it was closed as the protocol says.
    pub async fn closed(self) -> bool {
        let Self { sender, closed, .. } = self;
        let closed = within(SOON, "the connection is closed", closed).await;
        drop(sender);
        matches!(closed, Ok(Ok(())))
    }
}
