//! Connections of clients: TCP, TLS, HTTP/1.1 and HTTP/2, under limits.
//!
//! Invariants: there are never more connections than `limits.connections`; every wait for a client has an
//! end, whatever it sends or does not send; once the gateway stops, no request is begun any more and every
//! connection closes as soon as its answers are out.

mod activity;
mod answer;
mod connection;
mod framing;
mod patience;
mod rarely;
mod tls;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

pub(crate) use self::framing::Ambiguous;
use self::rarely::Rarely;
use self::tls::Tls;
use crate::config::{Limits, TlsConfig};
use crate::generation::StartError;

/// How long to wait when no connection can be accepted, most likely for lack of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Why an answer's body ends early.
type BodyFault = Box<dyn std::error::Error + Send + Sync>;

/// Waits until the gateway stops.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    // A sender that is gone has stopped, too.
    let _stopped = stopping.wait_for(|stopping| *stopping).await;
}

/// Whose request it is: an extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// An open port.
pub(crate) struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
}

impl Listener {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, or the certificate cannot be used.
    pub(crate) async fn bind(address: SocketAddr, tls: Option<TlsConfig>) -> Result<Self, StartError> {
        let tls = match tls {
            Some(files) => Some(Arc::new(Tls::load(files)?)),
            None => None,
        };
        let failed = |source| StartError::Listen { address, source };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        Ok(Self { tcp, address, tls })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its URLs begin with.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Accepts connections and has the service answer their requests, until it is dropped.
    pub(crate) async fn accept<S, F, B>(&self, connections: &Connections, service: S)
    where
        S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
        B: Body<Data = Bytes, Error = BodyFault> + Unpin + Send + 'static,
    {
        let setting = Arc::new(connection::Setting::new(
            connections.limits.clone(),
            self.tls.clone(),
            connections.stopping.subscribe(),
        ));
        let renewing = async {
            match &self.tls {
                Some(tls) => tls.keep_current().await,
                None => std::future::pending().await,
            }
        };
        let accepting = async {
            let (mut refused, mut failed) = (Rarely::default(), Rarely::default());
            loop {
                let (stream, peer) = match self.tcp.accept().await {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        if let Some(times) = failed.happened() {
                            tracing::warn!(%error, times, "connections cannot be accepted");
                        }
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                };
                let Ok(permit) = Arc::clone(&connections.places).try_acquire_owned() else {
                    if let Some(times) = refused.happened() {
                        let limit = connections.limits.connections;
                        tracing::warn!(limit, times, "too many connections: new ones are closed");
                    }
                    continue;
                };
                let (setting, service) = (Arc::clone(&setting), service.clone());
                tokio::spawn(async move {
                    setting.serve(stream, peer, service).await;
                    drop(permit);
                });
            }
        };
        tokio::select! {
            () = accepting => {}
            () = renewing => {}
        }
    }
}

/// The connections that are open.
pub(crate) struct Connections {
    limits: Limits,
    /// One permit is a place for a connection.
    places: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

impl Connections {
    pub(crate) fn new(limits: Limits) -> Self {
        let places = Arc::new(Semaphore::new(limits.connections));
        Self { limits, places, stopping: watch::Sender::new(false) }
    }

    /// Has every connection close as soon as the answers under way are out. Streams that answer a `GET`
    /// end at once: they would not end by themselves.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until there are none.
    pub(crate) async fn closed(&self) {
        let all = u32::try_from(self.limits.connections).unwrap_or(u32::MAX);
        // It fails only when the semaphore is closed, which it never is.
        let _all_free = self.places.acquire_many(all).await;
    }
}
