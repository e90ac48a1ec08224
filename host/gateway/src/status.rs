//! What is in force, and what went wrong with what was to come: for `/status` and `bartizan plugin list`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bartizan_audit::record::Timestamp;
use bartizan_runtime::{Component, Health, Statistics, WASMTIME_VERSION};
use parking_lot::Mutex;
use serde::Serialize;

use crate::clock;
use crate::generation::{self, CacheLocation, StartError};
use crate::loader::FolderPlugin;
use crate::reload::Reading;
use crate::server::Server;

/// Where a gateway says how it is. Clones share it; it says something once the gateway serves.
#[derive(Clone, Default)]
pub struct Status(Arc<Mutex<Board>>);

#[derive(Default)]
struct Board {
    generation: u64,
    loaded: Option<Timestamp>,
    /// The last attempt to load again, if it changed nothing.
    refused: Option<Refused>,
    needs_restart: Vec<&'static str>,
    plugins: BTreeMap<String, FolderPlugin>,
    servers: Option<Box<dyn Fn() -> Vec<Arc<Server>> + Send>>,
}

/// An attempt to load again that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// When it was made.
    pub time: Timestamp,
    /// Everything that is wrong.
    pub problems: Vec<String>,
}

/// What is new since the last time.
pub(crate) struct News {
    /// The number of the generation that is in force.
    pub(crate) generation: u64,
    /// Whether it is another one.
    pub(crate) is_news: bool,
    /// What is wrong with files that was not known before.
    pub(crate) problems: Vec<String>,
}

/// A gateway as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Bartizan's version.
    pub version: &'static str,
    /// The version of wasmtime.
    pub wasmtime: &'static str,
    /// How often something else was put in force, the start included.
    pub generation: u64,
    /// When that was the last time.
    pub loaded: Option<Timestamp>,
    /// Why the files as they are now are not in force, if they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Keys of the configuration that have changed and are taken at the next start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs_restart: Vec<&'static str>,
    /// The servers, by name.
    pub servers: Vec<ServerReport>,
    /// The plugins of the folder, by name.
    pub plugins: Vec<PluginReport>,
}

/// A server and what judges its calls.
#[derive(Clone, Debug, Serialize)]
pub struct ServerReport {
    /// Its name.
    pub name: Arc<str>,
    /// The digest of its policy. None if it has none: then everything is denied.
    pub policy_digest: Option<Arc<str>>,
    /// The plugins that judge, in order.
    pub steps: Vec<StepReport>,
}

/// A plugin where a policy has put it.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// What it is called in logs.
    pub label: Arc<str>,
    /// The plugin's own name.
    pub plugin: String,
    /// The plugin's version.
    pub version: String,
    /// SHA-256 of its file.
    pub digest: Arc<str>,
    /// `enforce` or `monitor`.
    pub mode: &'static str,
    /// `deny` or `allow`.
    pub on_error: &'static str,
    /// Whether each evaluation begins from the configured memory.
    pub pristine: bool,
    /// The size class whose limits it has.
    pub class: &'static str,
    /// Whether it is asked.
    pub health: HealthReport,
    /// What became of its evaluations.
    pub statistics: StatisticsReport,
}

/// What became of a plugin's evaluations since it was configured. Servers whose policies configure it alike
/// share it, and this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatisticsReport {
    /// Evaluations, failed ones included; not those that a quarantine spared.
    pub evaluations: u64,
    /// Evaluations that were spared, since the plugin had judged the same before.
    pub spared: u64,
    /// Failures by their code. `quarantined` counts the calls that came while the plugin was not asked.
    pub failures: BTreeMap<&'static str, u64>,
    /// How often a quarantine began or was prolonged.
    pub quarantines: u64,
    /// Microseconds that half of the evaluations did not exceed, to within a quarter. None if there were none.
    pub p50_us: Option<u64>,
    /// The same for 99 of 100.
    pub p99_us: Option<u64>,
}

impl From<Statistics> for StatisticsReport {
    fn from(statistics: Statistics) -> Self {
        let quantile = |share| {
            let time = statistics.times.quantile(share)?;
            Some(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
        };
        Self {
            evaluations: statistics.evaluations,
            spared: statistics.spared,
            p50_us: quantile(0.5),
            p99_us: quantile(0.99),
            failures: statistics.failures.into_iter().collect(),
            quarantines: statistics.quarantines,
        }
    }
}

/// Whether a plugin is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum HealthReport {
    /// Its last evaluation succeeded, or there was none.
    Healthy,
    /// So many failed in a row; it is still asked.
    Failing {
        /// Failures in a row.
        failures: u32,
    },
    /// It is not asked for some time.
    Quarantined {
        /// Failures in a row.
        failures: u32,
        /// Seconds until it is tried again.
        remaining: u64,
    },
}

impl From<Health> for HealthReport {
    fn from(health: Health) -> Self {
        match health {
            Health::Healthy => Self::Healthy,
            Health::Failing { failures } => Self::Failing { failures },
            Health::Quarantined { failures, remaining } => {
                Self::Quarantined { failures, remaining: remaining.as_secs() }
            }
        }
    }
}

/// A plugin of the folder.
#[derive(Clone, Debug, Serialize)]
pub struct PluginReport {
    /// The file's name without its ending.
    pub name: String,
    /// How it stands with it.
    pub state: PluginState,
    /// What is wrong with the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force: Option<VersionReport>,
}

/// How it stands with a plugin of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// The file is in force.
    Live,
    /// The file cannot be used: what it was before is in force.
    Kept,
    /// The file cannot be used, and there was nothing before.
    Unusable,
}

impl PluginState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Kept => "kept",
            Self::Unusable => "unusable",
        }
    }
}

/// One version of a plugin.
#[derive(Clone, Debug, Serialize)]
pub struct VersionReport {
    /// The plugin's own name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it says of itself.
    pub summary: String,
    /// SHA-256 of its file.
    pub digest: Arc<str>,
    /// The size class that it is of by its size.
    pub class: &'static str,
    /// The hooks that it exports.
    pub hooks: Vec<&'static str>,
    /// The capabilities that it asks for.
    pub asks: Vec<&'static str>,
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Status").field("generation", &self.0.lock().generation).finish_non_exhaustive()
    }
}

impl Status {
    /// Takes note that the first generation is in force. `servers` says which servers there are.
    pub(crate) fn started(
        &self,
        plugins: BTreeMap<String, FolderPlugin>,
        servers: impl Fn() -> Vec<Arc<Server>> + Send + 'static,
    ) {
        let mut board = self.0.lock();
        board.generation = 1;
        board.loaded = Some(now());
        board.plugins = plugins;
        board.servers = Some(Box::new(servers));
    }

    /// Takes note that another generation is in force, or the same one as before.
    pub(crate) fn accepted(
        &self,
        plugins: &BTreeMap<String, FolderPlugin>,
        reading: &Reading,
        has_changed: bool,
    ) -> News {
        let mut board = self.0.lock();
        let problem = |plugins: &BTreeMap<String, FolderPlugin>, name: &str| {
            plugins.get(name).and_then(|plugin| plugin.problem.as_ref().map(ToString::to_string))
        };
        let problems = plugins
            .keys()
            .filter_map(|name| {
                problem(plugins, name).filter(|now| problem(&board.plugins, name).as_ref() != Some(now))
            })
            .collect();
        let digests = |plugins: &BTreeMap<String, FolderPlugin>| -> Vec<(String, Option<Arc<str>>)> {
            let digest =
                |plugin: &FolderPlugin| plugin.component.as_ref().map(|found| Arc::clone(found.digest()));
            plugins.iter().map(|(name, plugin)| (name.clone(), digest(plugin))).collect()
        };
        let is_news = has_changed
            || board.refused.is_some()
            || board.needs_restart != reading.needs_restart
            || digests(&board.plugins) != digests(plugins);
        if is_news {
            board.generation += 1;
            board.loaded = Some(now());
        }
        board.refused = None;
        board.needs_restart.clone_from(&reading.needs_restart);
        board.plugins.clone_from(plugins);
        News { generation: board.generation, is_news, problems }
    }

    /// Takes note that an attempt to load again changed nothing. False if just that was known already.
    pub(crate) fn refused(&self, problems: &[String]) -> bool {
        let mut board = self.0.lock();
        if board.refused.as_ref().is_some_and(|before| before.problems == problems) {
            return false;
        }
        board.refused = Some(Refused { time: now(), problems: problems.to_vec() });
        true
    }

    /// The gateway as it is now.
    pub fn report(&self) -> Report {
        let board = self.0.lock();
        let servers = board.servers.as_ref().map(|servers| servers()).unwrap_or_default();
        Report {
            version: env!("CARGO_PKG_VERSION"),
            wasmtime: WASMTIME_VERSION,
            generation: board.generation,
            loaded: board.loaded,
            refused: board.refused.clone(),
            needs_restart: board.needs_restart.clone(),
            servers: servers.iter().map(|server| server_report(server)).collect(),
            plugins: board.plugins.iter().map(|(name, plugin)| plugin_report(name, plugin)).collect(),
        }
    }
}

/// The plugins of a folder as they are, whether or not a gateway has loaded them.
///
/// # Errors
///
/// When the folder cannot be read, or the engine does not start.
pub fn survey(folder: &Path, cache: &CacheLocation) -> Result<Vec<PluginReport>, StartError> {
    let folder = generation::folder(Some(folder))?;
    let plugins = generation::loader(cache)?.survey(&folder);
    Ok(plugins.iter().map(|(name, plugin)| plugin_report(name, plugin)).collect())
}

fn now() -> Timestamp {
    Timestamp::from_unix_millis(clock::now())
}

fn server_report(server: &Server) -> ServerReport {
    let plan = server.plan();
    let steps = plan.iter().flat_map(|plan| &plan.steps).map(|step| {
        let description = step.plugin.description();
        StepReport {
            label: Arc::clone(&step.label),
            plugin: description.name.clone(),
            version: description.version.clone(),
            digest: Arc::clone(step.plugin.digest()),
            mode: step.mode.as_str(),
            on_error: step.on_error.as_str(),
            pristine: step.plugin.is_pristine(),
            class: step.plugin.class().as_str(),
            health: step.plugin.health().into(),
            statistics: step.plugin.statistics().into(),
        }
    });
    ServerReport {
        name: Arc::clone(&server.name),
        steps: steps.collect(),
        policy_digest: plan.as_ref().map(|plan| Arc::clone(&plan.digest)),
    }
}

fn plugin_report(name: &str, plugin: &FolderPlugin) -> PluginReport {
    let FolderPlugin { component, problem } = plugin;
    let state = match (component, problem) {
        (Some(_), None) => PluginState::Live,
        (Some(_), Some(_)) => PluginState::Kept,
        (None, _) => PluginState::Unusable,
    };
    PluginReport {
        name: name.to_owned(),
        state,
        problem: problem.as_ref().map(|problem| problem.to_string().trim_end().to_owned()),
        in_force: component.as_deref().map(version_report),
    }
}

fn version_report(component: &Component) -> VersionReport {
    let description = component.description();
    let hooks = component.hooks();
    let hooks = [("calls", hooks.calls), ("listings", hooks.listings), ("replies", hooks.replies)];
    VersionReport {
        name: description.name.clone(),
        version: description.version.clone(),
        summary: description.summary.clone(),
        digest: Arc::clone(component.digest()),
        class: component.class().as_str(),
        hooks: hooks.iter().filter(|(_, exported)| *exported).map(|(name, _)| *name).collect(),
        asks: component.asks().iter().map(|ask| ask.as_str()).collect(),
    }
}
