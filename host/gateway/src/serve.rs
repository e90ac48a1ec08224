//! `bartizan serve`: every configured server at its own URL.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::log::TracingSink;
use bartizan_state::quota::MemoryQuotas;
use bartizan_wire::headers::{AllowedHosts, AllowedOrigins};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::config::{Config, Limits};
use crate::downstream::guard::Guard;
use crate::downstream::http::Front;
use crate::generation::{self, CacheLocation, StartError};
use crate::server::Server;
use crate::session::{Session, Shared};
use crate::upstream::HttpClient;

/// How often idle sessions are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// How long the servers' processes may take to end.
const CHILDREN_PATIENCE: Duration = Duration::from_secs(5);

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
    let limits = config.limits.clone();
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
        shared: Arc::new(shared_under(&limits)),
        client,
        sessions: RwLock::default(),
        most_sessions: limits.sessions,
    });
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "everyone who can reach this address can use every server: there is no authentication yet"
        );
    }
    ready(&endpoints(&front, address));
    accept(&listener, &front, &limits, &mut stop).await;
    drop(listener);
    Ok(())
}

/// What sessions share, under the limits of a gateway that nobody has configured.
pub(crate) fn shared() -> Shared {
    shared_under(&Limits::default())
}

fn shared_under(limits: &Limits) -> Shared {
    Shared {
        quotas: Box::new(MemoryQuotas::new()),
        log: Box::new(TracingSink),
        client_limits: limits.client(),
        server_limits: limits.server(),
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

async fn accept(listener: &TcpListener, front: &Arc<Front>, limits: &Limits, stop: &mut Stop) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        let stream = tokio::select! {
            () = stop.wait() => break,
            _ = sweep.tick() => {
                end_idle(front, limits);
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
            tracing::warn!(limit = limits.connections, "too many connections: one is refused");
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
            .header_read_timeout(limits.header_timeout)
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
    if tokio::time::timeout(limits.shutdown, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still busy when the gateway ended");
    }
    // The children get their time to end by themselves.
    let children = async {
        for session in sessions {
            session.wait_for_upstream().await;
        }
    };
    if tokio::time::timeout(CHILDREN_PATIENCE, children).await.is_err() {
        tracing::warn!("servers were still running when the gateway ended");
    }
}

fn end_idle(front: &Front, limits: &Limits) {
    let mut idle = Vec::new();
    front.sessions.write().retain(|_, session| {
        let stays = !session.has_ended() && !session.is_idle(limits.session_idle);
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
