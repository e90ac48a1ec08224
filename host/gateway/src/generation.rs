//! One generation: everything that a configuration loads, immutable once it is loaded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bartizan_audit::event::Occasion;
use bartizan_policy::Policy;
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::source::Source;
use bartizan_runtime::{Cache, Engine, EngineConfig, EngineError};

use crate::config::{CommandConfig, Config, Recording, ServerConfig, UpstreamConfig};
use crate::folder::Folder;
use crate::loader::{FolderPlugin, Loaded, Loader, about_file};
use crate::plan::ActivePlan;
use crate::recorder::Recorder;
use crate::vetting::{Locking, Vetting};

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration, a policy or a plugin is not usable.
    #[error("{0}")]
    Diagnostics(Diagnostics),
    /// The engine that runs plugins does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A server's command is not there.
    #[error("the command `{command}` of the server `{server}` {problem}; install it, or name its full path")]
    Command {
        /// The server.
        server: String,
        /// The program.
        command: String,
        /// What is wrong.
        problem: String,
    },
    /// Nobody said where the state directory is.
    #[error(
        "there is no place for the state directory, since neither XDG_STATE_HOME nor HOME is set; name one with --state-dir"
    )]
    NoStateDirectory,
    /// The state directory cannot be used.
    #[error("{0}; another one can be named with --state-dir or `state`")]
    State(#[from] bartizan_state::sqlite::OpenError),
    /// The audit log cannot be written.
    #[error(
        "{0}; without it nothing is decided: name another state directory with --state-dir, or turn it off with `audit`: {{\"record\": \"off\"}}"
    )]
    Audit(#[from] bartizan_audit::file::FileError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address with --listen or `listen`")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Something that the machine has to offer is missing.
    #[error("{what}: {source}")]
    Machine {
        /// What was wanted.
        what: &'static str,
        /// Why it is not to be had.
        source: std::io::Error,
    },
    /// `allowed_hosts` or `allowed_origins` has an entry that is none.
    #[error("{0}")]
    Allowed(String),
}

impl From<Diagnostics> for StartError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Diagnostics(diagnostics)
    }
}

/// Where compiled plugins are kept.
#[derive(Clone, Debug, Default)]
pub enum CacheLocation {
    /// `bartizan/compiled` in the user's cache folder (`$XDG_CACHE_HOME` or `~/.cache`).
    #[default]
    User,
    /// This folder.
    Directory(PathBuf),
    /// Nowhere: plugins are compiled at every start.
    Off,
}

impl CacheLocation {
    pub(crate) fn open(&self) -> Option<Cache> {
        let directory = match self {
            Self::Off => return None,
            Self::Directory(directory) => directory.clone(),
            Self::User => user_cache()?.join("bartizan").join("compiled"),
        };
        Cache::open(directory)
            .inspect_err(|error| tracing::warn!(%error, "plugins are compiled at every start"))
            .ok()
    }
}

fn user_cache() -> Option<PathBuf> {
    let absolute = |variable| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
}

/// What a configuration comes to: its servers, each with the plan that judges it.
pub(crate) struct Generation {
    /// The servers by name.
    pub(crate) servers: BTreeMap<String, (UpstreamConfig, Option<ActivePlan>)>,
    /// What became of the plugins folder.
    pub(crate) plugins: BTreeMap<String, FolderPlugin>,
}

impl Generation {
    /// Loads every plugin and makes every server's plan.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub(crate) fn load(
        loader: &mut Loader,
        servers: BTreeMap<String, ServerConfig>,
        source: &Source,
        folder: &Folder,
        occasion: Occasion,
    ) -> Result<Self, StartError> {
        let mut report = Report::new(source);
        for (name, server) in &servers {
            if let UpstreamConfig::Stdio(command) = &server.upstream
                && let Err(error) = check_command(name, command)
            {
                report.push(Problem::error("command", server.place, error.to_string()));
            }
        }
        if report.has_errors() {
            return Err(report.finish().into());
        }
        let policies: Vec<&Policy> = servers.values().filter_map(|server| server.policy.as_ref()).collect();
        let Loaded { plans, plugins } = loader.load(&policies, folder, occasion)?;
        let mut plans = plans.into_iter();
        let servers = servers
            .into_iter()
            .map(|(name, ServerConfig { upstream, policy, .. })| {
                let plan = policy.and_then(|_| plans.next());
                (name, (upstream, plan))
            })
            .collect();
        Ok(Self { servers, plugins })
    }
}

/// What loads plugins: one for each process.
///
/// # Errors
///
/// When the engine does not start.
pub(crate) fn loader(cache: &CacheLocation) -> Result<Loader, StartError> {
    Ok(Loader::new(Engine::new(&EngineConfig::default())?, cache.open()))
}

/// What redacts calls for the log, if their content is recorded.
pub(crate) fn recorder(loader: &mut Loader, recording: Recording) -> Result<Option<Recorder>, StartError> {
    match recording {
        Recording::Full => Ok(Some(loader.recorder()?)),
        Recording::Off | Recording::Keys => Ok(None),
    }
}

/// Loads the plugins of these policies: a plan for each, in their order.
///
/// # Errors
///
/// Everything that is wrong with any of them, at once.
pub fn plans(
    policies: &[&Policy],
    plugins_dir: Option<&Path>,
    vetting: Vetting,
    cache: &CacheLocation,
) -> Result<Vec<ActivePlan>, StartError> {
    let folder = folder(plugins_dir)?;
    let mut loader = loader(cache)?;
    loader.vet(vetting);
    Ok(loader.load(policies, &folder, Occasion::Start)?.plans)
}

/// The plugins folder as it is now.
///
/// # Errors
///
/// When there is one and it cannot be read.
pub(crate) fn folder(directory: Option<&Path>) -> Result<Folder, Diagnostics> {
    Folder::read(directory).map_err(|error| {
        let problem = Problem::error_in_file("plugins-folder", error.to_string());
        about_file(directory.unwrap_or(Path::new("")), problem.help("make the folder, or name another one"))
    })
}

/// Loads all that a configuration names, to see whether it can be served.
///
/// # Errors
///
/// What would keep the gateway from starting.
pub fn check(config: Config, cache: &CacheLocation, locking: Locking) -> Result<(), StartError> {
    crate::serve::guard(&config, config.listen)?;
    let vetting = Vetting::of(&config, locking)?;
    let Config { servers, plugins_dir, source, audit, .. } = config;
    let folder = folder(plugins_dir.as_deref())?;
    let mut loader = loader(cache)?;
    loader.vet(vetting);
    Generation::load(&mut loader, servers, &source, &folder, Occasion::Start)?;
    recorder(&mut loader, audit.record).map(drop)
}

/// Looks whether a command is there before anybody needs it.
pub(crate) fn check_command(server: &str, config: &CommandConfig) -> Result<(), StartError> {
    let command = Path::new(&config.command);
    let found = if command.components().count() > 1 {
        let place = match &config.cwd {
            Some(directory) => directory.join(command),
            None => command.to_owned(),
        };
        program(&place)
    } else {
        let environment: BTreeMap<&str, &str> =
            config.env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let path =
            environment.get("PATH").map(Into::into).or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        std::env::split_paths(&path)
            .map(|directory| program(&directory.join(command)))
            .min_by_key(|found| match found {
                Program::Found => 0,
                Program::NotExecutable => 1,
                Program::Missing => 2,
            })
            .unwrap_or(Program::Missing)
    };
    let problem = match found {
        Program::Found => return Ok(()),
        Program::NotExecutable => "is not executable",
        Program::Missing => "is not there",
    };
    Err(StartError::Command {
        server: server.to_owned(),
        command: config.command.clone(),
        problem: problem.to_owned(),
    })
}

enum Program {
    Found,
    NotExecutable,
    Missing,
}

fn program(path: &Path) -> Program {
    use std::os::unix::fs::PermissionsExt as _;
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => Program::Missing,
        Ok(metadata) if metadata.permissions().mode() & 0o111 == 0 => Program::NotExecutable,
        Ok(_) => Program::Found,
        Err(_) => Program::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_not_there_is_named() {
        for (command, expected) in [
            ("sh", None),
            ("/bin/sh", None),
            ("bartizan-no-such-command", Some("is not there")),
            ("/no/such/command", Some("is not there")),
            ("/etc/passwd", Some("is not executable")),
            ("/etc", Some("is not there")),
        ] {
            let config = CommandConfig { command: command.to_owned(), ..CommandConfig::default() };
            let problem = check_command("s", &config).err().map(|error| error.to_string());
            match expected {
                None => assert_eq!(problem, None),
                Some(expected) => {
                    let problem = problem.unwrap();
                    assert!(problem.contains(command) && problem.contains(expected), "{problem}");
                }
            }
        }
    }
}
