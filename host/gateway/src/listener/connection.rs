//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::activity::{Activity, Watched};
use super::answer::Outgoing;
use super::patience::Patient;
use super::tls::Tls;
use super::{BodyFault, Peer, stopped};
use crate::config::Limits;

/// Requests of one HTTP/2 connection at once.
const STREAMS: u32 = 200;
/// Streams that a client may reset before they were looked at, and those that it may make us reset, until
/// its connection is closed: what resets cost us must not be free for it (CVE-2023-44487, CVE-2025-8671).
const PENDING_RESETS: usize = 20;
const OWN_RESETS: usize = 1_024;
/// How long a client may take to answer an HTTP/2 ping.
const PING_PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of one HTTP/2 answer that wait for the client to read them.
const SEND_BUFFER: usize = 64 << 10;
/// How long a connection may take to close once it was told to.
const FAREWELL: Duration = Duration::from_secs(1);

/// What all connections of a listener have in common.
pub(super) struct Setting {
    builder: auto::Builder<TokioExecutor>,
    limits: Limits,
    tls: Option<Arc<Tls>>,
    stopping: watch::Receiver<bool>,
}

impl Setting {
    pub(super) fn new(limits: Limits, tls: Option<Arc<Tls>>, stopping: watch::Receiver<bool>) -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            // `Activity` has the timeouts: this one would end idle connections as well.
            .header_read_timeout(None)
            .max_headers(limits.headers)
            .max_buf_size(limits.header_bytes);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .max_local_error_reset_streams(OWN_RESETS)
            .keep_alive_interval(limits.keep_alive)
            .keep_alive_timeout(PING_PATIENCE)
            .max_send_buf_size(SEND_BUFFER)
            .adaptive_window(false);
        Self { builder, limits, tls, stopping }
    }

    /// Serves one connection until it is closed.
    pub(super) async fn serve<S, F, B>(&self, stream: TcpStream, peer: SocketAddr, service: S)
    where
        S: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
        B: Body<Data = Bytes, Error = BodyFault> + Unpin + Send + 'static,
    {
        // Answers are small and wanted at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's algorithm");
        }
        let Some(tls) = &self.tls else {
            let stream = Patient::new(stream, self.limits.idle_connection);
            return self.serve_http(stream, peer, service).await;
        };
        let handshake = async {
            let stream = tls.expect(stream).await?;
            tls.shake_hands(Patient::new(stream, self.limits.idle_connection)).await
        };
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(self.limits.header_timeout, handshake) => shaken,
            () = stopped(self.stopping.clone()) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.serve_http(stream, peer, service).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_elapsed) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
    }

    async fn serve_http<T, S, F, B>(&self, stream: T, peer: SocketAddr, service: S)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
        B: Body<Data = Bytes, Error = BodyFault> + Unpin + Send + 'static,
    {
        let activity = Activity::new();
        let answering = {
            let (activity, stopping) = (Arc::clone(&activity), self.stopping.clone());
            service_fn(move |mut request: Request<Incoming>| {
                let in_flight = activity.begin(&mut request);
                request.extensions_mut().insert(Peer(peer));
                // What answers a GET is a stream that ends only with its session.
                let ends = (request.method() == Method::GET).then(|| stopping.clone());
                let answer = service(request);
                async move {
                    let answer = answer.await?;
                    Ok::<_, Infallible>(answer.map(|body| {
                        let body = Outgoing::new(body, in_flight);
                        match ends {
                            Some(stopping) => body.until(stopping),
                            None => body,
                        }
                    }))
                }
            })
        };
        let stream = TokioIo::new(Watched::new(stream, Arc::clone(&activity)));
        let mut connection = pin!(self.builder.serve_connection(stream, answering));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = activity.overdue(&self.limits) => None,
            () = stopped(self.stopping.clone()) => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => Some(ended),
                    () = activity.overdue(&self.limits) => None,
                }
            }
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                tracing::debug!(%peer, "a connection was idle, or too slow, for too long");
                connection.as_mut().graceful_shutdown();
                match tokio::time::timeout(FAREWELL, connection).await {
                    Ok(ended) => ended,
                    Err(_elapsed) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, error, "a connection ended badly");
        }
    }
}
