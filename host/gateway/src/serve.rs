//! `bartizan serve`: every configured server at its own URL.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::event::{self, Event};
use bartizan_audit::record::Timestamp;
use bartizan_wire::headers::{AllowedHosts, AllowedOrigins};
use rustix::process::Signal;

use crate::clock;
use crate::config::{AuditConfig, Config, Limits, UpstreamConfig, WebhookConfig};
use crate::downstream::guard::Guard;
use crate::downstream::http::Front;
use crate::generation::{self, CacheLocation, Generation, StartError};
use crate::listener::{Connections, Listener};
use crate::loader::FolderPlugin;
use crate::pace;
use crate::plan::ActivePlan;
use crate::recorder::Recorder;
use crate::reload::{self, Beginning, ConfigurationFile, Fixed, Notice, Notices};
use crate::rounds::Rounds;
use crate::server::Server;
use crate::session::Shared;
use crate::state::StateLocation;
use crate::status::Status;
use crate::upstream::{HttpClient, Reaper, Upstream};
use crate::vetting::{Locking, Vetting};
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
    /// Where the gateway says how it is.
    pub status: Status,
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
/// A second signal ends everything at once. Files that change are loaded again, and so is everything at
/// SIGHUP.
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
    let fixed = Fixed::of(&config);
    let (limits, tls) = (config.limits.clone(), config.tls.take());
    let (audit, webhook) = (config.audit.clone(), config.webhook.take());
    let state = options.state_of(&config);
    let vetting = Vetting::of(&config, options.locking)?;
    let Config { servers, plugins_dir, source, files, path, .. } = config;
    let mut loader = generation::loader(&options.cache)?;
    loader.vet(vetting);
    let folder = generation::folder(plugins_dir.as_deref())?;
    let loaded = Generation::load(&mut loader, servers, &source, &folder, event::Occasion::Start)?;
    let recorder = generation::recorder(&mut loader, audit.record)?;
    loader.settle(&loaded.plugins);
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
    let front = Arc::new(Front::new(by_name(loaded.servers), guard, Arc::clone(&shared), client));
    record_start(&shared, &front.servers(), &loaded.plugins);
    let status = options.status.clone();
    status.started(loaded.plugins, {
        let front = Arc::clone(&front);
        move || front.servers()
    });
    let notices = Notices::new();
    reload_at_hangup(&notices)
        .map_err(|source| StartError::Machine { what: "signals cannot be listened to", source })?;
    let beginning = Beginning { loader, files, folder: plugins_dir };
    let subject = ConfigurationFile { path, front: Arc::clone(&front), fixed, locking: options.locking };
    reload::start(subject, beginning, Arc::clone(&shared), status, notices)
        .map_err(|source| StartError::Machine { what: "files cannot be watched", source })?;
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
pub(crate) fn record_start(
    shared: &Shared,
    servers: &[Arc<Server>],
    plugins: &BTreeMap<String, FolderPlugin>,
) {
    let start = event::Start {
        time: Timestamp::from_unix_millis(clock::now()),
        event: event::kind::Start,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    };
    let mut events = vec![Event::from(start)];
    events.extend(loads(event::Occasion::Start, servers, plugins, None));
    record(shared, &events);
}

/// Records that policies or plugins were loaded again for these servers; or why they were not.
pub(crate) fn record_reload(
    shared: &Shared,
    servers: &[Arc<Server>],
    plugins: &BTreeMap<String, FolderPlugin>,
    problem: Option<&str>,
) {
    record(shared, &loads(event::Occasion::Reload, servers, plugins, problem));
}

fn loads(
    occasion: event::Occasion,
    servers: &[Arc<Server>],
    plugins: &BTreeMap<String, FolderPlugin>,
    problem: Option<&str>,
) -> Vec<Event> {
    let time = Timestamp::from_unix_millis(clock::now());
    let plugins: Vec<event::LoadedPlugin> = plugins
        .iter()
        .filter_map(|(name, plugin)| {
            let component = plugin.component.as_ref()?;
            Some(event::LoadedPlugin {
                file: name.as_str().into(),
                version: component.description().version.as_str().into(),
                digest: Arc::clone(component.digest()),
            })
        })
        .collect();
    let load = |server: &Arc<Server>| event::Load {
        time,
        event: event::kind::Load,
        occasion,
        server: Arc::clone(&server.name),
        policy_digest: server.plan().map(|plan| Arc::clone(&plan.digest)),
        outcome: if problem.is_some() { event::Outcome::Refused } else { event::Outcome::Accepted },
        problem: problem.map(str::to_owned),
        plugins: plugins.clone(),
    };
    servers.iter().map(|server| Event::from(load(server))).collect()
}

fn record(shared: &Shared, events: &[Event]) {
    for event in events {
        if let Err(error) = pace::blocking(|| shared.log.record(event)) {
            tracing::error!(%error, "what was loaded could not be recorded");
        }
    }
}

/// Has everything loaded again at SIGHUP.
fn reload_at_hangup(notices: &Notices) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup())?;
    let sender = notices.sender();
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            if sender.send(Notice::Demanded).is_err() {
                return;
            }
        }
    });
    Ok(())
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
        room: Arc::default(),
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

fn by_name(servers: BTreeMap<String, (UpstreamConfig, Option<ActivePlan>)>) -> HashMap<String, Arc<Server>> {
    servers
        .into_iter()
        .map(|(name, (upstream, plan))| {
            let server = Arc::new(Server::new(&name, upstream, plan));
            (name, server)
        })
        .collect()
}

fn endpoints(front: &Front, listener: &Listener) -> Vec<Endpoint> {
    let (scheme, address) = (listener.scheme(), listener.address());
    front
        .servers()
        .into_iter()
        .map(|server| Endpoint {
            url: format!("{scheme}://{address}/mcp/{}", server.name),
            server: server.name.to_string(),
        })
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
