//! `bartizan run`: one server for one client on standard input and output. A drop-in for the server's own
//! command, and a way to a remote server for clients that only know commands.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bartizan_audit::event::Occasion;
use bartizan_policy::Policy;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{self, AuditConfig, CommandConfig, Limits, UpstreamConfig, WebhookConfig};
use crate::downstream::stdio::{self, Output};
use crate::generation::{self, CacheLocation, StartError};
use crate::loader::Loaded;
use crate::reload::{self, Beginning, Notices, PolicyFile};
use crate::serve::{Parts, record_start, record_stop, shared};
use crate::server::Server;
use crate::session::{Session, Unrelated};
use crate::sessions;
use crate::state::StateLocation;
use crate::status::Status;
use crate::upstream::{HttpClient, StandardError, Upstream, spawn};
use crate::vetting::Vetting;

/// How long a command may go on after its input has ended and its last answer was given.
const QUIET: Duration = Duration::from_secs(5);
/// How long a remote server is listened to after its last answer.
const REMOTE_QUIET: Duration = Duration::from_millis(200);
/// Why the session of a remote server ends when nothing is wrong.
const ENDED: &str = "the client has ended it";

/// What to run.
#[derive(Debug)]
pub struct RunOptions {
    /// The server's name in policies and logs.
    pub name: String,
    /// How the server is reached.
    pub upstream: UpstreamConfig,
    /// What judges its calls.
    pub policy: Policy,
    /// The file that it was read from, and is read from again when it changes.
    pub policy_file: PathBuf,
    /// The plugins folder.
    pub plugins_dir: Option<PathBuf>,
    /// Whether files of it run that no policy names, and what they have to meet.
    pub vetting: Vetting,
    /// Where compiled plugins are kept.
    pub cache: CacheLocation,
    /// Where the state directory is.
    pub state: StateLocation,
    /// What is recorded.
    pub audit: AuditConfig,
    /// Where requests for approval are announced.
    pub webhook: Option<WebhookConfig>,
    /// As in [`ServeOptions::reaper`](crate::ServeOptions::reaper).
    pub reaper: Option<PathBuf>,
}

/// Runs a server behind the policy: a command until it ends, or a remote server until the client's input
/// ends.
///
/// Signals go to the command, and so does the end of the client's input; a command that does not mind it is
/// ended when it has answered all that it was asked. The result is its exit status as a shell would put it:
/// its code, or 128 and the number of the signal that ended it. Of a remote server it is 0, or 1 if the
/// session could not go on.
///
/// # Errors
///
/// When something keeps it from starting.
pub async fn run(options: RunOptions) -> Result<u8, StartError> {
    let RunOptions { name, upstream, policy, policy_file, plugins_dir, vetting, cache, state, .. } = options;
    let RunOptions { audit, webhook, reaper, .. } = options;
    if let UpstreamConfig::Stdio(command) = &upstream {
        generation::check_command(&name, command)?;
    }
    let mut loader = generation::loader(&cache)?;
    loader.vet(vetting.clone());
    let folder = generation::folder(plugins_dir.as_deref())?;
    let Loaded { mut plans, plugins } = loader.load(&[&policy], &folder, Occasion::Start)?;
    let recorder = generation::recorder(&mut loader, audit.record)?;
    loader.settle(&plugins);
    let plan = plans.pop();
    let signals = listen().map_err(machine("signals cannot be listened to"))?;
    let server = Arc::new(Server::new(&name, upstream, plan));
    let token = sessions::new_token().map_err(|error| StartError::Machine {
        what: "no session id can be made",
        source: std::io::Error::other(error),
    })?;
    let webhook = match webhook {
        Some(webhook) => Some((webhook, HttpClient::new().map_err(machine("the system's certificates"))?)),
        None => None,
    };
    let shared = Arc::new(shared(Parts {
        limits: &Limits::default(),
        reaper: reaper.as_deref(),
        state: &state,
        audit: &audit,
        recorder,
        webhook,
    })?);
    record_start(&shared, &[Arc::clone(&server)], &plugins);
    let output = stdio::open(tokio::io::stdout());
    let unrelated = Unrelated::Pipe(output.sender.clone());
    let session = Session::new(sessions::label(&token), Arc::clone(&server), Arc::clone(&shared), unrelated);
    let status = Status::default();
    status.started(plugins, move || vec![Arc::clone(&server)]);
    let beginning =
        Beginning { loader, files: config::policy_files(&policy).collect(), folder: plugins_dir.clone() };
    let subject =
        PolicyFile { path: policy_file, folder: plugins_dir, vetting, session: Arc::clone(&session) };
    reload::start(subject, beginning, Arc::clone(&shared), status, Notices::new())
        .map_err(machine("files cannot be watched"))?;
    let code = match &session.server.upstream {
        UpstreamConfig::Stdio(command) => run_command(&session, command, &output, signals).await?,
        UpstreamConfig::Http { .. } => run_remote(&session, &output, signals).await?,
    };
    output.finish().await;
    record_stop(&shared);
    Ok(code)
}

/// Signals, and what they are to a command.
type Signals = Vec<(tokio::signal::unix::Signal, Signal)>;

fn listen() -> std::io::Result<Signals> {
    [
        (SignalKind::interrupt(), Signal::INT),
        (SignalKind::terminate(), Signal::TERM),
        (SignalKind::hangup(), Signal::HUP),
        (SignalKind::quit(), Signal::QUIT),
        (SignalKind::user_defined1(), Signal::USR1),
        (SignalKind::user_defined2(), Signal::USR2),
    ]
    .into_iter()
    .map(|(kind, passed)| Ok((signal(kind)?, passed)))
    .collect()
}

async fn run_command(
    session: &Arc<Session>,
    command: &CommandConfig,
    output: &Output,
    signals: Signals,
) -> Result<u8, StartError> {
    let started = spawn(&session.server.name, command, StandardError::Inherited)
        .map_err(machine("the server's command cannot be started"))?;
    let (upstream, attendance) = started.split();
    session.connect(Upstream::Stdio(upstream));
    for (mut signals, passed) in signals {
        let session = Arc::clone(session);
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if let Some(Upstream::Stdio(upstream)) = session.upstream() {
                    upstream.signal(passed);
                }
            }
        });
    }
    let reading = {
        let (session, sender) = (Arc::clone(session), output.sender.clone());
        tokio::spawn(async move {
            stdio::read(&session, tokio::io::stdin(), &sender).await;
            let Some(Upstream::Stdio(upstream)) = session.upstream() else { return };
            upstream.end_input();
            session.wait_for_quiet(QUIET).await;
            upstream.close();
        })
    };
    let status = attendance.attend(session).await;
    reading.abort();
    status.map(code).map_err(machine("the server's process is lost"))
}

async fn run_remote(session: &Arc<Session>, output: &Output, signals: Signals) -> Result<u8, StartError> {
    let client = HttpClient::new().map_err(machine("the system's certificates"))?;
    sessions::connect(session, &client).map_err(|problem| StartError::Machine {
        what: "the server cannot be connected to",
        source: std::io::Error::other(problem),
    })?;
    for (mut signals, _) in signals {
        let session = Arc::clone(session);
        tokio::spawn(async move {
            if signals.recv().await.is_some() {
                session.end(ENDED);
            }
        });
    }
    let reading = {
        let (session, sender) = (Arc::clone(session), output.sender.clone());
        tokio::spawn(async move {
            stdio::read(&session, tokio::io::stdin(), &sender).await;
            session.wait_for_quiet(REMOTE_QUIET).await;
            session.end(ENDED);
        })
    };
    session.wait_for_upstream().await;
    reading.abort();
    let reason = session.end_reason();
    if reason == ENDED {
        return Ok(0);
    }
    tracing::error!(server = %session.server.name, reason, "the session cannot go on");
    Ok(1)
}

fn machine(what: &'static str) -> impl Fn(std::io::Error) -> StartError {
    move |source| StartError::Machine { what, source }
}

fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let number = status.code().or_else(|| status.signal().map(|signal| signal.saturating_add(128)));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::code;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    #[test]
    fn tells_how_the_command_ended() {
        for (raw, expected) in [(0, 0), (3 << 8, 3), (255 << 8, 255), (15, 143), (9, 137)] {
            assert_eq!(code(ExitStatus::from_raw(raw)), expected, "{raw}");
        }
    }
}
