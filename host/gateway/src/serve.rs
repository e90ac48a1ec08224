//! `bartizan serve`: every configured server at its own URL.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::event::{self, Event};
use bartizan_audit::record::Timestamp;
use bartizan_wire::headers::{AllowedHosts, AllowedOrigins};
use rustix::process::Signal;

use crate::clock;
use crate::config::{AuditConfig, Config, Limits, WebhookConfig};
use crate::downstream::guard::Guard;
use crate::downstream::http::Front;
use crate::generation::{self, CacheLocation, StartError};
use crate::listener::{Connections, Listener};
use crate::pace;
use crate::recorder::Recorder;
use crate::rounds::Rounds;
use crate::server::Server;
use crate::session::Shared;
use crate::state::StateLocation;
use crate::upstream::{HttpClient, Reaper, Upstream};
use crate::vetting::Locking;
use crate::webhook::Webhook;

/// How often idle sessions are looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// How long clients may take to read what their cancelled requests are answered.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the servers' processes may take to end.
const CHILDREN_PATIENCE: Duration = Duration::from_secs(5);

/// How the gateway is served.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// Listen here instead of where the configuration says.
    pub listen: Option<SocketAddr>,
    /// Where compiled plugins are kept.
    pub cache: CacheLocation,
    /// Where the state directory is, if not where the configuration says.
    pub state: Option<StateLocation>,
    /// Whether plugins are held to the lock file.
    pub locking: Locking,
    /// The program that, given the word `reap`, calls [`reap`](crate::reap): it ends servers that a killed
    /// gateway leaves. Without one they are left.
    pub reaper: Option<PathBuf>,
}

impl ServeOptions {
    /// Where the state directory is: the option's place, else the configuration's, else the user's.
    pub fn state_of(&self, config: &Config) -> StateLocation {
        self.state
            .clone()
            .or_else(|| config.state_dir.clone().map(StateLocation::Directory))
            .unwrap_or_default()
    }
}

/// Where a server can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The server's name.
    pub server: String,
    /// Its URL.
    pub url: String,
}

/// How serving came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What was under way was answered or cancelled, and the servers' processes have ended.
    Orderly,
    /// A second signal did not want to wait for that.
    AtOnce {
        /// Its number.
        signal: u8,
    },
}

/// Serves until SIGINT or SIGTERM. `ready` is called once connections are accepted.
///
/// At the first signal the port is closed at once; requests under way have `limits.shutdown` to be answered.
/// A second signal ends everything at once.
///
/// # Errors
///
/// When something keeps the gateway from starting; once it serves, it goes on.
pub async fn serve(
    mut config: Config,
    options: &ServeOptions,
    ready: impl FnOnce(&[Endpoint]),
) -> Result<Ending, StartError> {
    let address = options.listen.unwrap_or(config.listen);
    let guard = guard(&config, address)?;
    let (limits, tls) = (config.limits.clone(), config.tls.take());
    let (audit, webhook) = (config.audit.clone(), config.webhook.take());
    let state = options.state_of(&config);
    let (servers, recorder) = generation::load(config, &options.cache, options.locking)?;
    let client = HttpClient::new()
        .map_err(|source| StartError::Machine { what: "the system's certificates", source })?;
    let mut stop = Stop::listen()
        .map_err(|source| StartError::Machine { what: "signals cannot be listened to", source })?;
    let listener = Listener::bind(address, tls).await?;
    let shared = Arc::new(shared(Parts {
        limits: &limits,
        reaper: options.reaper.as_deref(),
        state: &state,
        audit: &audit,
        recorder,
        webhook: webhook.map(|webhook| (webhook, client.clone())),
    })?);
    record_start(&shared, &servers);
    let front = Arc::new(Front::new(by_name(servers), guard, Arc::clone(&shared), client));
    let address = listener.address();
    if !address.ip().is_loopback() {
        tracing::warn!(
            %address,
            "everyone who can reach this address can use every server: there is no authentication yet"
        );
    }
    ready(&endpoints(&front, &listener));
    let connections = Connections::new(limits.clone());
    let service = {
        let front = Arc::clone(&front);
        move |request| Arc::clone(&front).answer(request)
    };
    tokio::select! {
        () = listener.accept(&connections, service) => {}
        () = sweep(&front, &limits) => {}
        signal = stop.wait() => tracing::info!(signal, "the gateway ends"),
    }
    drop(listener);
    tokio::select! {
        () = wind_down(&front, &connections, &limits) => {
            record_stop(&shared);
            Ok(Ending::Orderly)
        }
        signal = stop.wait() => {
            tracing::warn!(signal, "the gateway ends at once");
            kill_children(&front);
            record_stop(&shared);
            Ok(Ending::AtOnce { signal })
        }
    }
}

/// What [`Shared`] is made of.
pub(crate) struct Parts<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) reaper: Option<&'a Path>,
    pub(crate) state: &'a StateLocation,
    pub(crate) audit: &'a AuditConfig,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) webhook: Option<(WebhookConfig, HttpClient)>,
}

/// Records that the gateway starts, and with which policies.
pub(crate) fn record_start<'s>(shared: &Shared, servers: impl IntoIterator<Item = &'s Server>) {
    let time = Timestamp::from_unix_millis(clock::now());
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut events =
        vec![Event::from(event::Start { time, event: event::kind::Start, version, pid: std::process::id() })];
    events.extend(servers.into_iter().map(|server| {
        Event::from(event::Load {
            time,
            event: event::kind::Load,
            occasion: event::Occasion::Start,
            server: Arc::clone(&server.name),
            policy_digest: server.plan().map(|plan| Arc::clone(&plan.digest)),
            outcome: event::Outcome::Accepted,
            problem: None,
        })
    }));
    for event in &events {
        if let Err(error) = pace::blocking(|| shared.log.record(event)) {
            tracing::error!(%error, "the start could not be recorded");
        }
    }
}

/// Records that the gateway ends in good order, and has everything written.
pub(crate) fn record_stop(shared: &Shared) {
    let stop = event::Stop {
        time: Timestamp::from_unix_millis(clock::now()),
        event: event::kind::Stop,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    };
    let written = pace::blocking(|| shared.log.record(&stop.into()).and_then(|()| shared.log.flush()));
    if let Err(error) = written {
        tracing::error!(%error, "the last events could not be recorded");
    }
}

/// What sessions share.
pub(crate) fn shared(parts: Parts<'_>) -> Result<Shared, StartError> {
    let Parts { limits, reaper, state, audit, recorder, webhook } = parts;
    let machine = |what| move |source| StartError::Machine { what, source };
    let (stores, log) = crate::state::open(state, audit)?;
    Ok(Shared {
        stores,
        log,
        recorder,
        webhook: webhook.map(|(config, client)| Webhook::start(config, client)),
        client_limits: limits.client(),
        server_limits: limits.server(),
        limits: limits.clone(),
        rounds: Rounds::new().map_err(machine("no key can be made"))?,
        reaper: reaper.map(Reaper::start).transpose().map_err(machine("the reaper cannot be started"))?,
    })
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
    Ok(Guard { headers: config.limits.headers, hosts, origins })
}

fn by_name(servers: Vec<Server>) -> HashMap<String, Arc<Server>> {
    servers.into_iter().map(|server| (server.name.to_string(), Arc::new(server))).collect()
}

fn endpoints(front: &Front, listener: &Listener) -> Vec<Endpoint> {
    let (scheme, address) = (listener.scheme(), listener.address());
    front
        .names()
        .into_iter()
        .map(|name| Endpoint { server: name.to_owned(), url: format!("{scheme}://{address}/mcp/{name}") })
        .collect()
}

/// Has the requests under way answered, ends all sessions, and waits for the servers' processes.
async fn wind_down(front: &Front, connections: &Connections, limits: &Limits) {
    connections.stop();
    front.end_subscriptions().await;
    if tokio::time::timeout(limits.shutdown, connections.closed()).await.is_err() {
        tracing::warn!("requests were still under way when the gateway ended: they are cancelled");
    }
    let sessions = front.sessions();
    for session in &sessions {
        session.end("the gateway is shutting down");
    }
    // Whose request was cancelled is told so.
    if tokio::time::timeout(FAREWELL, connections.closed()).await.is_err() {
        tracing::warn!("connections were still busy when the gateway ended");
    }
    // The children get their time to end by themselves, and remote servers hear that sessions are over.
    let servers = async {
        for session in &sessions {
            session.wait_for_upstream().await;
        }
    };
    if tokio::time::timeout(CHILDREN_PATIENCE, servers).await.is_err() {
        tracing::warn!("servers were still running when the gateway ended");
        kill_children(front);
    }
}

/// Ends the servers' processes without asking them.
fn kill_children(front: &Front) {
    for session in front.sessions() {
        if let Some(Upstream::Stdio(upstream)) = session.upstream() {
            upstream.signal(Signal::KILL);
        }
    }
}

/// Ends idle sessions. Does not end.
async fn sweep(front: &Front, limits: &Limits) {
    let mut look = tokio::time::interval(SWEEP.min(limits.session_idle));
    loop {
        look.tick().await;
        front.sweep();
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

    /// Waits for the next one: its number.
    async fn wait(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}
