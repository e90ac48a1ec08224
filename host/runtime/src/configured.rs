//! A plugin that took its settings and is ready to evaluate.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use bartizan_pattern::Pattern;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use wasmtime::component::InstancePre;

use crate::cache::Cache;
use crate::class::SizeClass;
use crate::compiler::CompileError;
use crate::component::{Capability, Component, Description, Hooks, hex};
use crate::contract::{Exports, HostState};
use crate::engine::Engine;
use crate::error::{ConfigureError, EvaluationError};
use crate::evaluate::{self, Warm};
use crate::interfaces::Granted;
use crate::interfaces::http::Outgoing;
use crate::limits::Limits;
use crate::quarantine::{Health, Quarantine};
use crate::sandbox::Sandbox;
use crate::snapshot::{self, Snapshot};
use crate::statistics::{Counters, Statistics};

/// What one instance serves for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Isolation {
    /// Every evaluation gets a new instance that starts from the configured memory: it can see nothing
    /// of any other call. Where a component cannot be snapshotted, as [`Isolation::Fresh`].
    #[default]
    Pristine,
    /// Every evaluation gets a new instance in which `configure` runs. As isolated as pristine, slower.
    Fresh,
    /// An instance serves up to so many evaluations, one at a time, and is dropped on any error. For
    /// large language runtimes; the plugin can carry data from call to call.
    Reuse {
        /// Evaluations until the instance is dropped.
        invocations: NonZeroU32,
    },
}

/// What a plugin is configured with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// JSON text.
    pub json: String,
    /// The capabilities that the operator grants.
    pub grants: BTreeSet<Capability>,
    /// What one instance serves for.
    pub isolation: Isolation,
    /// What sends the plugin's requests, if it is granted [`Capability::Http`]. Without one they all fail.
    pub http: Option<Arc<dyn Outgoing>>,
    /// Limits other than those that the plugin was loaded with.
    pub sandbox: Sandbox,
}

impl Settings {
    /// Settings with no grants and no other limits, pristine.
    pub fn new(json: impl Into<String>) -> Self {
        Self {
            json: json.into(),
            grants: BTreeSet::new(),
            isolation: Isolation::default(),
            http: None,
            sandbox: Sandbox::default(),
        }
    }
}

/// A configured plugin. Evaluation is in its methods `judge`, `visible` and `check_reply`; they are
/// synchronous, take microseconds for a well-behaved plugin and never longer than its deadline.
pub struct Plugin {
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<HostState>,
    pub(crate) exports: Arc<Exports>,
    pub(crate) limits: Limits,
    /// What each new instance is configured with; `None` when it starts configured.
    pub(crate) configure: Option<String>,
    pub(crate) grants: BTreeSet<Capability>,
    pub(crate) granted: Granted,
    pub(crate) isolation: Isolation,
    pub(crate) warm: Mutex<Vec<Warm>>,
    pub(crate) quarantine: Quarantine,
    pub(crate) counters: Counters,
    pub(crate) uses_wasi: bool,
    digest: Arc<str>,
    description: Arc<Description>,
    interests: Vec<(Vec<Pattern>, Vec<Pattern>)>,
}

impl Component {
    /// Configures the plugin. The settings are read once, here: what `configure` left in memory is
    /// what every evaluation starts from.
    ///
    /// # Errors
    ///
    /// When the plugin refuses the settings or fails on them, a grant is not asked for, or an interface that
    /// the plugin imports is not granted.
    pub fn configure(&self, settings: &Settings) -> Result<Plugin, ConfigureError> {
        if let Some(grant) = settings.grants.iter().find(|grant| !self.asks().contains(grant)) {
            return Err(ConfigureError::NotAsked { grant: grant.as_str() });
        }
        let granted = Granted::configure(&self.description().name, &self.imports, settings)?;
        let sandbox = settings.sandbox.or(&self.sandbox);
        let class = sandbox.class.unwrap_or(self.measured);
        if class != self.class() {
            let component = self
                .with_sandbox(&sandbox)
                .map_err(|error| ConfigureError::Class { class, error: Box::new(error) })?;
            return component.configure(settings);
        }
        let limits = sandbox.limits(self.measured);
        limits.fit(&self.engine)?;
        let plugin = |pre: InstancePre<HostState>, exports: Arc<Exports>, configure: Option<String>| Plugin {
            engine: self.engine.clone(),
            pre,
            exports,
            limits: limits.clone(),
            configure,
            grants: settings.grants.clone(),
            granted: granted.clone(),
            isolation: settings.isolation,
            warm: Mutex::new(Vec::new()),
            quarantine: Quarantine::default(),
            counters: Counters::default(),
            uses_wasi: self.uses_wasi,
            digest: Arc::clone(self.digest()),
            description: Arc::clone(self.description()),
            interests: self.description().interests(),
        };

        if settings.isolation != Isolation::Fresh {
            match self.pristine(&settings.json, &granted, &limits)? {
                Pristine::Ready(pre, exports) => return Ok(plugin(pre, Arc::new(exports), None)),
                Pristine::Unsupported(reason) => tracing::info!(
                    plugin = self.description().name,
                    reason,
                    "the plugin cannot be snapshotted: it is configured anew in each instance"
                ),
            }
        }
        let plugin = plugin(self.pre.clone(), Arc::clone(&self.exports), Some(settings.json.clone()));
        evaluate::try_settings(&plugin)?;
        Ok(plugin)
    }

    fn pristine(
        &self,
        settings: &str,
        granted: &Granted,
        limits: &Limits,
    ) -> Result<Pristine, ConfigureError> {
        let identity = {
            let mut hash = Sha256::new();
            hash.update(b"pristine ");
            hash.update(self.digest().as_bytes());
            hash.update(settings.as_bytes());
            hex(&hash.finalize())
        };
        let compiled =
            Cache::compile(self.cache.as_ref(), &self.engine, &identity, || {
                match snapshot::take(self, settings, granted, limits).map_err(Failure::Configure)? {
                    Snapshot::Taken(bytes) => Ok(bytes),
                    Snapshot::Unsupported(reason) => Err(Failure::Unsupported(reason)),
                }
            });
        let compiled = match compiled {
            Ok(compiled) => compiled,
            Err(Failure::Configure(error)) => return Err(error),
            Err(Failure::Unsupported(reason)) => return Ok(Pristine::Unsupported(reason)),
            Err(Failure::Compile(error)) => return Err(ConfigureError::Compile(error)),
        };
        let unfit =
            |error: wasmtime::Error| ConfigureError::Compile(CompileError::Invalid(format!("{error:#}")));
        let linker = self.engine.linker(self.uses_wasi).map_err(unfit)?;
        let pre = linker.instantiate_pre(&compiled).map_err(unfit)?;
        let exports = Exports::resolve(&pre).map_err(unfit)?;
        Ok(Pristine::Ready(pre, exports))
    }
}

enum Pristine {
    Ready(InstancePre<HostState>, Exports),
    Unsupported(String),
}

enum Failure {
    Configure(ConfigureError),
    Unsupported(String),
    Compile(CompileError),
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        Self::Compile(error)
    }
}

impl Plugin {
    /// What the plugin says of itself.
    pub fn description(&self) -> &Arc<Description> {
        &self.description
    }

    /// SHA-256 of the plugin's file, lower-case hex.
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    /// Which hooks it exports.
    pub fn hooks(&self) -> Hooks {
        self.exports.hooks()
    }

    /// Whether instances start from the configured memory.
    pub fn is_pristine(&self) -> bool {
        self.configure.is_none()
    }

    /// Whether it wants to judge messages of this method and target, by its own description.
    pub fn is_interested(&self, method: &str, target: Option<&str>) -> bool {
        let wants = |patterns: &[Pattern], name: Option<&str>| {
            patterns.is_empty()
                || name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches(name)))
        };
        self.interests.is_empty()
            || self
                .interests
                .iter()
                .any(|(methods, targets)| wants(methods, Some(method)) && wants(targets, target))
    }

    /// Whether it remembers anything of sessions: only then there is a point in telling it what it did.
    pub fn remembers(&self) -> bool {
        self.granted.remembers()
    }

    /// Whether an evaluation may wait for an answer over the network, which takes as long as it takes: not for
    /// threads that others need.
    pub fn waits(&self) -> bool {
        self.granted.waits()
    }

    /// Whether it is asked at all at present.
    pub fn health(&self) -> Health {
        self.quarantine.health()
    }

    /// What became of its evaluations so far.
    pub fn statistics(&self) -> Statistics {
        self.counters.read(self.quarantine.begun())
    }

    /// The size class that its limits come from.
    pub fn class(&self) -> SizeClass {
        self.engine.class()
    }

    /// What it may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Makes an instance and drops it: the floor of every evaluation, for benches.
    ///
    /// # Errors
    ///
    /// As for an evaluation.
    pub fn instantiate(&self) -> Result<(), EvaluationError> {
        evaluate::instantiate_only(self)
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("description", &self.description)
            .field("digest", &self.digest)
            .field("isolation", &self.isolation)
            .finish_non_exhaustive()
    }
}
