//! A policy whose plugins are loaded: what calls are judged by.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_pattern::Pattern;
use bartizan_policy::Policy;
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::document::{PluginEntry, PolicyDocument};
use bartizan_policy::plan::{self, Grant, Mode, OnError, PluginName, Step};
use bartizan_policy::source::{Format, Source};
use bartizan_runtime::{Cache, Capability, Component, Engine, Isolation, Plugin, Sandbox, Settings};

use crate::pace::Pace;
use crate::recorder::Recorder;
use crate::sandbox;

/// A policy, ready to judge.
#[derive(Debug)]
pub struct ActivePlan {
    /// The policy document's digest.
    pub digest: Arc<str>,
    /// What judges, in order.
    pub steps: Vec<ActiveStep>,
    /// What the plan was made from.
    pub document: PolicyDocument,
}

/// One plugin in a plan, with where it applies and what its failure means.
#[derive(Clone, Debug)]
pub struct ActiveStep {
    /// The configured plugin.
    pub plugin: Arc<Plugin>,
    /// What it is called in logs: the plugin's name, or its place in the document.
    pub label: Arc<str>,
    /// The rule that names the plugin, for decisions that name none themselves.
    pub rule: Option<String>,
    /// Whether its decisions count.
    pub mode: Mode,
    /// What its failure means.
    pub on_error: OnError,
    pub(crate) pace: Arc<Pace>,
    methods: Option<Vec<Pattern>>,
    tools: Option<Vec<Pattern>>,
}

impl ActivePlan {
    /// The plan without what knows tools by their definitions: for names that are only words.
    pub(crate) fn by_name(&self) -> Self {
        Self {
            digest: Arc::clone(&self.digest),
            steps: self.steps.iter().filter(|step| &*step.label != "pin").cloned().collect(),
            document: self.document.clone(),
        }
    }
}

impl ActiveStep {
    /// Whether the policy lets this plugin judge such a message. `tools` by itself means tools; with
    /// `methods` it means the targets of those methods.
    pub fn covers(&self, method: &str, target: Option<&str>) -> bool {
        let matches = |patterns: &[Pattern], name: &str| patterns.iter().any(|pattern| pattern.matches(name));
        let method_fits = self.methods.as_deref().is_none_or(|methods| matches(methods, method));
        let target_fits = self.tools.as_deref().is_none_or(|tools| {
            (self.methods.is_some() || matches!(method, "tools/call" | "tools/list"))
                && target.is_some_and(|target| matches(tools, target))
        });
        method_fits && target_fits
    }
}

/// Loads plugins for policies: each file once, each configuration once.
pub struct Loader {
    engine: Engine,
    cache: Option<Cache>,
    isolation: Isolation,
    folder: Folder,
    components: HashMap<PathBuf, Arc<Component>>,
    builtins: HashMap<&'static str, Arc<Component>>,
    configured: HashMap<(String, String, BTreeSet<Capability>, Sandbox, Isolation), Arc<Plugin>>,
}

/// The plugins folder: `.wasm` files by name (the file's name without its ending).
#[derive(Debug, Default)]
struct Folder {
    directory: Option<PathBuf>,
    files: BTreeMap<String, PathBuf>,
}

impl Folder {
    fn read(directory: Option<&Path>) -> Result<Self, Diagnostics> {
        let Some(directory) = directory else { return Ok(Self::default()) };
        let failed = |error: std::io::Error| {
            let problem = format!("the plugins folder cannot be read: {error}");
            about_file(
                directory,
                Problem::error_in_file("plugins-folder", problem)
                    .help("make the folder, or name another one"),
            )
        };
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "wasm")
                && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
            {
                files.insert(name.to_owned(), path);
            }
        }
        Ok(Self { directory: Some(directory.to_owned()), files })
    }
}

impl Loader {
    /// Reads the plugins folder.
    ///
    /// # Errors
    ///
    /// When there is a folder and it cannot be read.
    pub fn new(
        engine: Engine,
        cache: Option<Cache>,
        plugins_dir: Option<&Path>,
    ) -> Result<Self, Diagnostics> {
        Ok(Self {
            engine,
            cache,
            isolation: Isolation::default(),
            folder: Folder::read(plugins_dir)?,
            components: HashMap::new(),
            builtins: HashMap::new(),
            configured: HashMap::new(),
        })
    }

    /// The same with plugins that are configured anew for each evaluation: quick to load, slower to judge.
    #[must_use]
    pub fn fresh(self) -> Self {
        Self { isolation: Isolation::Fresh, ..self }
    }

    /// Loads what a policy names, then the plugins of the folder that none of `named` names.
    ///
    /// # Errors
    ///
    /// Every plugin that is missing, is not one, or does not take its settings.
    pub fn plan(&mut self, policy: &Policy, named: &BTreeSet<String>) -> Result<ActivePlan, Diagnostics> {
        let mut report = Report::new(policy.document.source());
        let mut elsewhere = Diagnostics::default();
        let mut steps = Vec::new();
        let mut entries = policy.document.plugins.iter();
        for step in &policy.plan.steps {
            let loaded = match &step.plugin {
                PluginName::Builtin(name) => self.builtin(name, &step.settings, &step.grants),
                PluginName::Named(name) => {
                    let entry = entries.next();
                    self.named(name, step).map_err(|problem| at_entry(entry, problem))
                }
            };
            match loaded {
                Ok(plugin) => steps.push(ActiveStep {
                    plugin,
                    label: step.label.as_str().into(),
                    rule: step.rule.clone(),
                    mode: step.mode,
                    on_error: step.on_error,
                    pace: Arc::default(),
                    methods: step.methods.clone(),
                    tools: step.tools.clone(),
                }),
                Err(problem) => report.push(problem),
            }
        }
        let unnamed: Vec<(String, PathBuf)> = self
            .folder
            .files
            .iter()
            .filter(|(name, _)| !named.contains(*name))
            .map(|(name, path)| (name.clone(), path.clone()))
            .collect();
        for (name, path) in unnamed {
            match self.unnamed(&name, &path) {
                Ok(step) => steps.push(step),
                Err(problem) => elsewhere.extend(about_file(&path, problem)),
            }
        }
        let mut diagnostics = report.finish();
        diagnostics.extend(elsewhere);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        Ok(ActivePlan {
            digest: policy.plan.digest.as_str().into(),
            steps,
            document: policy.document.clone(),
        })
    }

    /// What redacts the content of calls for the audit log.
    ///
    /// # Errors
    ///
    /// When the built-in plugin fails.
    pub(crate) fn recorder(&mut self) -> Result<Recorder, Diagnostics> {
        let grants = BTreeSet::from([Grant::RewriteArguments, Grant::RewriteResults]);
        self.builtin("redact", crate::recorder::SETTINGS, &grants)
            .map(Recorder::new)
            .map_err(|problem| about_file(Path::new("redact"), problem))
    }

    fn builtin(
        &mut self,
        name: &'static str,
        settings: &str,
        grants: &BTreeSet<Grant>,
    ) -> Result<Arc<Plugin>, Problem> {
        let failed = |error: String| {
            Problem::error_in_file("builtin", format!("the built-in plugin `{name}` failed: {error}"))
        };
        let component = match self.builtins.get(name) {
            Some(component) => Arc::clone(component),
            None => {
                let builtin = bartizan_builtins::find(name)
                    .ok_or_else(|| failed("this build does not have it".to_owned()))?;
                let component =
                    Component::load(&self.engine, builtin.wasm, &Sandbox::default(), self.cache.as_ref())
                        .map_err(|error| failed(error.to_string()))?;
                let component = Arc::new(component);
                self.builtins.insert(name, Arc::clone(&component));
                component
            }
        };
        self.configure(&component, settings.to_owned(), grants, &plan::Sandbox::default())
            .map_err(|error| failed(error.to_string()))
    }

    fn named(&mut self, name: &str, step: &Step) -> Result<Arc<Plugin>, Problem> {
        let Some(path) = self.folder.files.get(name).cloned() else {
            return Err(self.missing(name));
        };
        let component = self.component(&path)?;
        self.configure(&component, step.settings.clone(), &step.grants, &step.sandbox).map_err(|error| {
            Problem::error_in_file("plugin-settings", format!("the plugin `{name}` cannot be used: {error}"))
        })
    }

    fn unnamed(&mut self, name: &str, path: &Path) -> Result<ActiveStep, Problem> {
        let component = self.component(path)?;
        let plugin = self.configure(&component, "{}".to_owned(), &BTreeSet::new(), &plan::Sandbox::default()).map_err(|error| {
            Problem::error_in_file("plugin-settings", format!("the plugin cannot run without settings: {error}"))
                .help(format!(
                    "name it in a policy with its settings, \"plugins\": [{{\"use\": \"{name}\", \"settings\": {{…}}}}], \
                     or take the file out of the folder"
                ))
        })?;
        Ok(ActiveStep {
            plugin,
            label: name.into(),
            rule: None,
            mode: Mode::Enforce,
            on_error: OnError::Deny,
            pace: Arc::default(),
            methods: None,
            tools: None,
        })
    }

    fn component(&mut self, path: &Path) -> Result<Arc<Component>, Problem> {
        if let Some(component) = self.components.get(path) {
            return Ok(Arc::clone(component));
        }
        let shown = path.display();
        let wasm = std::fs::read(path).map_err(|error| {
            Problem::error_in_file("plugin-file", format!("the plugin {shown} cannot be read: {error}"))
        })?;
        let component =
            Component::load(&self.engine, &wasm, &Sandbox::default(), self.cache.as_ref()).map_err(|error| {
                Problem::error_in_file("plugin-file", format!("{shown} is not a usable plugin: {error}"))
                    .help("take the file out of the plugins folder, or replace it")
            })?;
        let component = Arc::new(component);
        self.components.insert(path.to_owned(), Arc::clone(&component));
        Ok(component)
    }

    fn configure(
        &mut self,
        component: &Arc<Component>,
        json: String,
        grants: &BTreeSet<Grant>,
        sandbox: &plan::Sandbox,
    ) -> Result<Arc<Plugin>, bartizan_runtime::ConfigureError> {
        let grants: BTreeSet<Capability> = grants.iter().copied().map(capability).collect();
        let (limits, isolation) = (sandbox::limits(sandbox), sandbox::isolation(sandbox));
        let isolation = isolation.unwrap_or(self.isolation);
        let key = (component.digest().to_string(), json, grants, limits, isolation);
        if let Some(plugin) = self.configured.get(&key) {
            return Ok(Arc::clone(plugin));
        }
        let mut settings = Settings::new(key.1.clone());
        settings.grants.clone_from(&key.2);
        settings.sandbox.clone_from(&key.3);
        settings.isolation = isolation;
        let plugin = Arc::new(component.configure(&settings)?);
        self.configured.insert(key, Arc::clone(&plugin));
        Ok(plugin)
    }

    fn missing(&self, name: &str) -> Problem {
        match &self.folder.directory {
            None => Problem::error_in_file(
                "missing-plugin",
                format!("the plugin `{name}` is not there: no plugins folder is configured"),
            )
            .help(
                "name the folder: --plugins-dir DIR, or \"plugins\": {\"dir\": \"…\"} in the configuration",
            ),
            Some(directory) => {
                let known: Vec<&str> = self.folder.files.keys().map(String::as_str).collect();
                let help = match bartizan_policy::decode::closest(name, known.iter().copied()) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => format!("put {name}.wasm there"),
                };
                Problem::error_in_file(
                    "missing-plugin",
                    format!("there is no plugin {name}.wasm in {}", directory.display()),
                )
                .help(help)
            }
        }
    }
}

fn capability(grant: Grant) -> Capability {
    match grant {
        Grant::RewriteArguments => Capability::RewriteArguments,
        Grant::RewriteResults => Capability::RewriteResults,
    }
}

/// Points a problem at the entry of `plugins` that caused it.
fn at_entry(entry: Option<&PluginEntry>, problem: Problem) -> Problem {
    match entry {
        Some(entry) => problem.at(entry.name.span),
        None => problem,
    }
}

/// A problem with a file that is no document.
fn about_file(path: &Path, problem: Problem) -> Diagnostics {
    let source = Source::new(path.display().to_string(), "", Format::Json);
    let mut report = Report::new(&source);
    report.push(problem);
    report.finish()
}
