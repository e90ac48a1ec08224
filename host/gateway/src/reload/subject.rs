//! What is loaded again: the configuration of `serve`, or the policy of `run`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use bartizan_policy::source::{Source, Span};

use crate::config::{self, Config, ServerConfig, UpstreamConfig};
use crate::downstream::http::Front;
use crate::generation::StartError;
use crate::plan::ActivePlan;
use crate::server::Server;
use crate::session::Session;
use crate::vetting::{Locking, Vetting};

/// What was read, and is not loaded yet.
pub(crate) struct Reading {
    /// The files that it was read from.
    pub(crate) files: BTreeSet<PathBuf>,
    /// The plugins folder that it names.
    pub(crate) folder: Option<PathBuf>,
    /// Which of its plugins may run.
    pub(crate) vetting: Vetting,
    /// Where the servers stand.
    pub(crate) source: Source,
    /// The servers by name.
    pub(crate) servers: BTreeMap<String, ServerConfig>,
    /// What is probably not meant.
    pub(crate) warnings: Vec<String>,
    /// The keys that have changed and take effect only at a start.
    pub(crate) needs_restart: Vec<&'static str>,
}

/// Something that is read from files and serves.
pub(crate) trait Subject: Send {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    fn read(&self) -> Result<Reading, StartError>;

    /// Puts these plans in force. The answer is the servers that are judged otherwise from now on.
    fn install(&self, servers: BTreeMap<String, (UpstreamConfig, Option<ActivePlan>)>) -> Vec<Arc<Server>>;

    /// The servers that are served.
    fn servers(&self) -> Vec<Arc<Server>>;

    /// The sessions that are open.
    fn sessions(&self) -> Vec<Arc<Session>>;
}

/// The configuration of `serve`.
pub(crate) struct ConfigurationFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// Who serves it.
    pub(crate) front: Arc<Front>,
    /// What was read from it at the start and cannot change.
    pub(crate) fixed: Fixed,
    /// Whether plugins are held to the lock file.
    pub(crate) locking: Locking,
}

/// The parts of a configuration that are read at the start only.
pub(crate) struct Fixed([(&'static str, String); 9]);

impl Fixed {
    /// Those of a configuration: keys and what stands there.
    pub(crate) fn of(config: &Config) -> Self {
        Self([
            ("listen", config.listen.to_string()),
            ("tls", format!("{:?}", config.tls)),
            ("limits", format!("{:?}", config.limits)),
            ("allowed_hosts", format!("{:?}", config.allowed_hosts)),
            ("allowed_origins", format!("{:?}", config.allowed_origins)),
            ("state", format!("{:?}", config.state_dir)),
            ("audit", format!("{:?}", config.audit)),
            ("approvals", format!("{:?}", config.webhook)),
            ("admin", format!("{:?}", config.admin)),
        ])
    }

    /// The keys at which something else stands now.
    fn changed(&self, now: &Self) -> Vec<&'static str> {
        let pairs = self.0.iter().zip(&now.0);
        pairs.filter(|(before, now)| before.1 != now.1).map(|(before, _)| before.0).collect()
    }
}

impl Subject for ConfigurationFile {
    fn read(&self) -> Result<Reading, StartError> {
        let config = Config::load(&self.path)?;
        let needs_restart = self.fixed.changed(&Fixed::of(&config));
        let vetting = Vetting::of(&config, self.locking)?;
        let mut files = config.files;
        files.extend(vetting.lock_file().map(std::path::Path::to_owned));
        Ok(Reading {
            files,
            vetting,
            folder: config.plugins_dir,
            source: config.source,
            servers: config.servers,
            warnings: config.warnings.iter().map(ToString::to_string).collect(),
            needs_restart,
        })
    }

    fn install(&self, servers: BTreeMap<String, (UpstreamConfig, Option<ActivePlan>)>) -> Vec<Arc<Server>> {
        self.front.install(servers)
    }

    fn servers(&self) -> Vec<Arc<Server>> {
        self.front.servers()
    }

    fn sessions(&self) -> Vec<Arc<Session>> {
        self.front.sessions()
    }
}

/// The policy of `run`, for its one client.
pub(crate) struct PolicyFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// The plugins folder.
    pub(crate) folder: Option<PathBuf>,
    /// Which of its plugins may run.
    pub(crate) vetting: Vetting,
    /// The client's session.
    pub(crate) session: Arc<Session>,
}

impl Subject for PolicyFile {
    fn read(&self) -> Result<Reading, StartError> {
        let policy = bartizan_policy::load(&self.path)?;
        let server = &self.session.server;
        Ok(Reading {
            files: config::policy_files(&policy)
                .chain(self.vetting.lock_file().map(std::path::Path::to_owned))
                .collect(),
            folder: self.folder.clone(),
            vetting: self.vetting.again()?,
            source: policy.document.source().clone(),
            warnings: policy.warnings.iter().map(ToString::to_string).collect(),
            servers: BTreeMap::from([(
                server.name.to_string(),
                ServerConfig {
                    upstream: server.upstream.clone(),
                    place: Span::new(0, 0),
                    policy: Some(policy),
                },
            )]),
            needs_restart: Vec::new(),
        })
    }

    fn install(&self, servers: BTreeMap<String, (UpstreamConfig, Option<ActivePlan>)>) -> Vec<Arc<Server>> {
        let server = &self.session.server;
        let plan = servers.into_values().next().and_then(|(_, plan)| plan);
        if server.set_plan(plan) { vec![Arc::clone(server)] } else { Vec::new() }
    }

    fn servers(&self) -> Vec<Arc<Server>> {
        vec![Arc::clone(&self.session.server)]
    }

    fn sessions(&self) -> Vec<Arc<Session>> {
        vec![Arc::clone(&self.session)]
    }
}
