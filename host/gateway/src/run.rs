//! `bartizan run`: one server for one client, both on standard input and output. A drop-in for the
//! server's own command.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bartizan_policy::Policy;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{CommandConfig, UpstreamConfig};
use crate::downstream::stdio;
use crate::generation::{self, CacheLocation, StartError};
use crate::serve::shared;
use crate::server::Server;
use crate::session::{Session, Unrelated};
use crate::sessions;
use crate::upstream::{StandardError, Upstream, spawn};

/// How long a command may go on after its input has ended and its last answer was given.
const QUIET: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Debug)]
pub struct RunOptions {
    /// The server's name in policies and logs.
    pub name: String,
    /// The server's command.
    pub command: CommandConfig,
    /// What judges its calls.
    pub policy: Policy,
    /// The plugins folder.
    pub plugins_dir: Option<PathBuf>,
    /// Where compiled plugins are kept.
    pub cache: CacheLocation,
}

/// Runs the command behind the policy until it ends. Signals go to the command, and so does the end of the
/// client's input; a command that does not mind it is ended when it has answered all that it was asked.
///
/// The command's exit status as a shell would put it: its code, or 128 and the number of the signal that
/// ended it.
///
/// # Errors
///
/// When something keeps it from starting.
pub async fn run(options: RunOptions) -> Result<u8, StartError> {
    let RunOptions { name, command, policy, plugins_dir, cache } = options;
    generation::check_command(&name, &command)?;
    let plan = generation::plans([&policy].into_iter(), plugins_dir.as_deref(), &cache)?.pop();
    let machine = |what| move |source| StartError::Machine { what, source };
    let mut signals = Vec::new();
    for (kind, passed) in [
        (SignalKind::interrupt(), Signal::INT),
        (SignalKind::terminate(), Signal::TERM),
        (SignalKind::hangup(), Signal::HUP),
        (SignalKind::quit(), Signal::QUIT),
        (SignalKind::user_defined1(), Signal::USR1),
        (SignalKind::user_defined2(), Signal::USR2),
    ] {
        signals.push((signal(kind).map_err(machine("signals cannot be listened to"))?, passed));
    }
    let started = spawn(&name, &command, StandardError::Inherited)
        .map_err(machine("the server's command cannot be started"))?;
    let (upstream, attendance) = started.split();

    let server = Arc::new(Server::new(&name, UpstreamConfig::Stdio(command), plan));
    let token = sessions::new_token().map_err(|error| StartError::Machine {
        what: "no session id can be made",
        source: std::io::Error::other(error),
    })?;
    let output = stdio::open(tokio::io::stdout());
    let unrelated = Unrelated::Pipe(output.sender.clone());
    let session = Session::new(sessions::label(&token), server, Arc::new(shared()), unrelated);
    session.connect(Upstream::Stdio(upstream));
    for (mut signals, passed) in signals {
        let session = Arc::clone(&session);
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if let Some(Upstream::Stdio(upstream)) = session.upstream() {
                    upstream.signal(passed);
                }
            }
        });
    }
    let reading = {
        let (session, sender) = (Arc::clone(&session), output.sender.clone());
        tokio::spawn(async move {
            stdio::read(&session, tokio::io::stdin(), &sender).await;
            let Some(Upstream::Stdio(upstream)) = session.upstream() else { return };
            upstream.end_input();
            session.wait_for_quiet(QUIET).await;
            upstream.close();
        })
    };
    let status = attendance.attend(&session).await;
    reading.abort();
    output.finish().await;
    status.map(code).map_err(|source| StartError::Machine { what: "the server's process is lost", source })
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
