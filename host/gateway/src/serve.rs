//! `bartizan serve`: every configured server at its own URL.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::log::TracingSink;
use bartizan_state::quota::MemoryQuotas;
use bartizan_wire::headers::{AllowedHosts, AllowedOrigins};
use bartizan_wire::json::Limits;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::downstream::guard::Guard;
use crate::downstream::http::Front;
use crate::generation::{self, CacheLocation, StartError};
use crate::server::Server;
use crate::session::{Session, Shared};
use crate::upstream::HttpClient;

/// How long a client may take to send a request's headers.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
/// The most connections at once.
const CONNECTIONS: usize = 4_096;
/// The most sessions at once.
const SESSIONS: usize = 4_096;
/// A session without a sign of its client for so long ends.
const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
/// How often idle sessions are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// How long running exchanges may take when the gateway is told to end.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// What a server may send: results may be large.
pub(crate) const SERVER_LIMITS: Limits = Limits { bytes: 64 << 20, depth: 128, entries: 1_000_000 };

/// How the gateway is served.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Listen here instead of where the configuration says.
    pub listen: Option<SocketAddr>,
    /// Where compiled plugins are kept.
    pub cache: CacheLocation,
}

/// Where a server can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The server's name.
    pub server: String,
    /// Its URL.
    pub url: String,
}

/// Serves until SIGINT or SIGTERM. `ready` is called once connections are accepted.
///
/// # Errors
///
/// When something keeps the gateway from starting; once it serves, it goes on.
pub async fn serve(
    config: Config,
    options: &ServeOptions,
    ready: impl FnOnce(&[Endpoint]),
) -> Result<(), StartError> {
    let address = options.listen.unwrap_or(config.listen);
    let guard = guard(&config, address)?;
    let servers = generation::load(config, &options.cache)?;
    let client = HttpClient::new()
        .map_err(|source| StartError::Machine { what: "the system's certificates", source })?;
    let mut stop = Stop::listen()
        .map_err(|source| StartError::Machine { what: "signals cannot be listened to", source })?;
    let listener =
        TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
    let front = Arc::new(Front {
        servers: by_name(servers),
        guard,
        shared: Arc::new(shared()),
        client,
        sessions: RwLock::default(),
        most_sessions: SESSIONS,
    });
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "everyone who can reach this address can use every server: there is no authentication yet"
        );
    }
    ready(&endpoints(&front, address));
    accept(&listener, &front, &mut stop).await;
    drop(listener);
    Ok(())
}

pub(crate) fn shared() -> Shared {
    Shared {
        quotas: Box::new(MemoryQuotas::new()),
        log: Box::new(TracingSink),
        client_limits: Limits::default(),
        server_limits: SERVER_LIMITS,
    }
}

pub(crate) fn guard(config: &Config, address: SocketAddr) -> Result<Guard, StartError> {
    let invalid = |key: &str, error: &dyn std::fmt::Display| StartError::Allowed(format!("`{key}`: {error}"));
    // The address that is listened on is a name of the gateway, unless it stands for all addresses.
    let own = (!address.ip().is_unspecified()).then(|| match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    });
    let loopback = ["localhost", "127.0.0.1", "[::1]"];
    let hosts = AllowedHosts::new(
        loopback.into_iter().chain(own.as_deref()).chain(config.allowed_hosts.iter().map(String::as_str)),
    )
    .map_err(|error| invalid("allowed_hosts", &error))?;
    let origins = AllowedOrigins::new(config.allowed_origins.iter().map(String::as_str))
        .map_err(|error| invalid("allowed_origins", &error))?
        .and_loopback();
    Ok(Guard { hosts, origins })
}

fn by_name(servers: Vec<Server>) -> HashMap<String, Arc<Server>> {
    servers.into_iter().map(|server| (server.name.to_string(), Arc::new(server))).collect()
}

fn endpoints(front: &Front, address: SocketAddr) -> Vec<Endpoint> {
    let mut names: Vec<&String> = front.servers.keys().collect();
    names.sort();
    names
        .into_iter()
        .map(|name| Endpoint { server: name.clone(), url: format!("http://{address}/mcp/{name}") })
        .collect()
}

async fn accept(listener: &TcpListener, front: &Arc<Front>, stop: &mut Stop) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        let stream = tokio::select! {
            () = stop.wait() => break,
            _ = sweep.tick() => {
                end_idle(front);
                continue;
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to come free.
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Ok(permit) = Arc::clone(&connections).try_acquire_owned() else {
            tracing::warn!(limit = CONNECTIONS, "too many connections: one is refused");
            continue;
        };
        // Answers are small and wanted at once.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps Nagle's algorithm");
        }
        let front = Arc::clone(front);
        let service = service_fn(move |request| Arc::clone(&front).answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended badly");
            }
            drop(permit);
        });
    }
    let sessions: Vec<Arc<Session>> = front.sessions.write().drain().map(|(_, session)| session).collect();
    for session in &sessions {
        session.end("the gateway is shutting down");
    }
    if tokio::time::timeout(SHUTDOWN_PATIENCE, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still busy when the gateway ended");
    }
    // The children get their time to end by themselves.
    let children = async {
        for session in sessions {
            session.wait_for_upstream().await;
        }
    };
    if tokio::time::timeout(SHUTDOWN_PATIENCE, children).await.is_err() {
        tracing::warn!("servers were still running when the gateway ended");
    }
}

fn end_idle(front: &Front) {
    let mut idle = Vec::new();
    front.sessions.write().retain(|_, session| {
        let stays = !session.has_ended() && !session.is_idle(SESSION_IDLE);
        if !stays {
            idle.push(Arc::clone(session));
        }
        stays
    });
    for session in idle {
        session.end("the session was idle for too long");
    }
}

/// SIGINT and SIGTERM.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
