//! Loads the plugins of policies, at the start and again while they serve.
//!
//! Invariants: all that is loaded together has one version of each plugin. A file that cannot be used is no
//! reason to be without the plugin that it was: where there was a good version, that one goes on, and the
//! problem is told. What is configured already is not configured again, so that a plugin that did not change
//! keeps its health.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use bartizan_audit::event::Occasion;
use bartizan_policy::Policy;
use bartizan_policy::diagnostics::{Diagnostics, Problem, Report};
use bartizan_policy::document::PluginEntry;
use bartizan_policy::plan::{PluginName, Step};
use bartizan_policy::source::{Format, Source};
use bartizan_runtime::{
    Cache, Capability, Component, ConfigureError, Engine, Isolation, Plugin, Sandbox, Settings, SizeClass,
};

use crate::folder::{Folder, PluginFile, Stamp};
use crate::given::Given;
use crate::offline::Taking;
use crate::outgoing::Network;
use crate::plan::{ActivePlan, ActiveStep};
use crate::recorder::Recorder;
use crate::vetting::Vetting;

/// Loads plugins: each file once, each configuration once.
pub(crate) struct Loader {
    engine: Engine,
    cache: Option<Cache>,
    isolation: Isolation,
    network: Network,
    vetting: Vetting,
    builtins: HashMap<&'static str, Arc<Component>>,
    /// What the files were found to be.
    files: BTreeMap<String, Known>,
    /// The version of each plugin that was in force last.
    good: BTreeMap<String, Arc<Component>>,
    /// By the file's digest and what is given.
    configured: HashMap<(Arc<str>, Given), Arc<Plugin>>,
}

/// A file that was looked into.
struct Known {
    file: PluginFile,
    /// What its signature was, if it needs one.
    signature: Option<Stamp>,
    content: Result<Arc<Component>, Problem>,
}

/// What was loaded together.
pub(crate) struct Loaded {
    /// A plan for each policy, in their order.
    pub(crate) plans: Vec<ActivePlan>,
    /// The plugins of the folder by name, and those of it that are not used.
    pub(crate) plugins: BTreeMap<String, FolderPlugin>,
}

/// A plugin of the folder, after loading.
#[derive(Clone, Debug)]
pub(crate) struct FolderPlugin {
    /// What is in force. None if nothing is.
    pub(crate) component: Option<Arc<Component>>,
    /// Why that is not what the file is now.
    pub(crate) problem: Option<Diagnostics>,
}

/// How far loading has come.
struct Attempt<'a> {
    folder: &'a Folder,
    occasion: Occasion,
    /// The names that policies use: what has them does not run by itself.
    named: BTreeSet<&'a str>,
    /// Files that cannot be used, and why: their plugins stay as they were.
    kept: BTreeMap<String, Problem>,
    /// Files that cannot be used and never could.
    useless: BTreeMap<String, Problem>,
}

impl Attempt<'_> {
    fn problems(&self) -> usize {
        self.kept.len() + self.useless.len()
    }
}

impl Loader {
    /// Nothing is loaded yet.
    pub(crate) fn new(engine: Engine, cache: Option<Cache>) -> Self {
        Self {
            engine,
            cache,
            isolation: Isolation::default(),
            network: Network::here(),
            vetting: Vetting::default(),
            builtins: HashMap::new(),
            files: BTreeMap::new(),
            good: BTreeMap::new(),
            configured: HashMap::new(),
        }
    }

    /// The same with plugins that are configured anew for each evaluation: quick to load, slower to judge. They
    /// reach no network.
    #[must_use]
    pub(crate) fn fresh(self) -> Self {
        Self { isolation: Isolation::Fresh, network: Network::default(), ..self }
    }

    /// From now on only those plugins run that pass.
    pub(crate) fn vet(&mut self, vetting: Vetting) {
        if vetting != self.vetting {
            // What was read by other rules is read again.
            self.files.clear();
            self.vetting = vetting;
        }
    }

    /// What the plugins that a policy names make of their settings: the first that does not take them.
    ///
    /// # Errors
    ///
    /// When a file is missing, or is no plugin.
    pub(crate) fn settings(&mut self, policy: &Policy, folder: &Folder) -> Result<Taking, Diagnostics> {
        self.look_into(folder);
        let mut entries = policy.document.plugins.iter();
        for step in &policy.plan.steps {
            let PluginName::Named(name) = &step.plugin else { continue };
            let entry = entries.next();
            let content = self.files.get(name).map(|known| known.content.clone());
            let component = content.unwrap_or_else(|| Err(missing(name, folder))).map_err(|problem| {
                let mut report = Report::new(policy.document.source());
                report.push(at_entry(entry, problem));
                report.finish()
            })?;
            match self.configure(&component, Given::by(step)) {
                Ok(_) => {}
                Err(ConfigureError::Refused(words)) => return Ok(Taking::Refused(words)),
                Err(error) => return Ok(Taking::Failed(error.to_string())),
            }
        }
        Ok(Taking::Taken)
    }

    /// Loads what each policy names, then the plugins of the folder that none of them names.
    ///
    /// At a reload, a file that cannot be used and that was good before goes on as it was; one that never was
    /// good is left out if no policy names it.
    ///
    /// # Errors
    ///
    /// Every plugin that is missing, is not one, or does not take its settings.
    pub(crate) fn load(
        &mut self,
        policies: &[&Policy],
        folder: &Folder,
        occasion: Occasion,
    ) -> Result<Loaded, Diagnostics> {
        if let Some(directory) = folder.directory() {
            let gone = self.vetting.gone(directory, |name| folder.find(name).is_some());
            if gone.has_errors() {
                return Err(gone);
            }
        }
        let names = policies
            .iter()
            .flat_map(|policy| policy.document.plugins.iter().map(|plugin| plugin.name.value.as_str()));
        let named: BTreeSet<&str> = names.collect();
        // What does not run is not looked into.
        let folder = match self.vetting.autoloads() {
            true => Cow::Borrowed(folder),
            false => Cow::Owned(folder.only(&named)),
        };
        self.look_into(&folder);
        let mut attempt =
            Attempt { folder: &folder, occasion, named, kept: BTreeMap::new(), useless: BTreeMap::new() };
        loop {
            let problems = attempt.problems();
            let mut plans = Vec::new();
            let mut diagnostics = Diagnostics::default();
            for policy in policies {
                match self.plan(policy, &mut attempt) {
                    Ok(plan) => plans.push(plan),
                    Err(problems) => diagnostics.extend(problems),
                }
            }
            // A plugin that one policy cannot use any more is kept in all of them.
            if attempt.problems() > problems {
                continue;
            }
            if diagnostics.has_errors() {
                return Err(diagnostics);
            }
            let plugins = self.summary(attempt);
            return Ok(Loaded { plans, plugins });
        }
    }

    /// Loads the plugins of a folder, without settings and for no policy.
    pub(crate) fn survey(&mut self, folder: &Folder) -> BTreeMap<String, FolderPlugin> {
        self.look_into(folder);
        self.summary(Attempt {
            folder,
            occasion: Occasion::Start,
            named: BTreeSet::new(),
            kept: BTreeMap::new(),
            useless: BTreeMap::new(),
        })
    }

    /// Takes note that what was loaded last is in force: it is what is kept from now on. What is in force no
    /// more is forgotten.
    pub(crate) fn settle(&mut self, plugins: &BTreeMap<String, FolderPlugin>) {
        self.good = plugins
            .iter()
            .filter_map(|(name, plugin)| Some((name.clone(), Arc::clone(plugin.component.as_ref()?))))
            .collect();
        self.configured.retain(|_, plugin| Arc::strong_count(plugin) > 1);
        // They are in the cache, and seldom needed once they are configured.
        self.builtins.clear();
    }

    /// What redacts the content of calls for the audit log.
    ///
    /// # Errors
    ///
    /// When the built-in plugin fails.
    pub(crate) fn recorder(&mut self) -> Result<Recorder, Diagnostics> {
        let grants = BTreeSet::from([Capability::RewriteArguments, Capability::RewriteResults]);
        self.builtin("redact", Given { grants, ..Given::settings(crate::recorder::SETTINGS) })
            .map(Recorder::new)
            .map_err(|problem| about_file(Path::new("redact"), problem))
    }

    /// Looks into the files of the folder that are not those that were there before.
    fn look_into(&mut self, folder: &Folder) {
        let known = std::mem::take(&mut self.files);
        for (name, file) in folder.files() {
            let signature = self.vetting.signature(&file.path).and_then(|path| Stamp::of(&path));
            let content = match known.get(name) {
                Some(known)
                    if known.file == *file && known.signature == signature && file.stamp().is_some() =>
                {
                    known.content.clone()
                }
                _ => self.read(name, file),
            };
            self.files.insert(name.to_owned(), Known { file: file.clone(), signature, content });
        }
    }

    fn read(&self, name: &str, file: &PluginFile) -> Result<Arc<Component>, Problem> {
        let unusable = |problem: &dyn std::fmt::Display| {
            let shown = file.path.display();
            Problem::error_in_file("plugin-file", format!("{shown} is not a usable plugin: {problem}"))
                .help("take the file out of the plugins folder, or replace it")
        };
        // Which class it is of is known only when it is read.
        let most = SizeClass::Large.limits().component;
        let bytes = file.read(most).map_err(|error| unusable(&error))?;
        self.vetting.file(name, &file.path, &bytes)?;
        Component::load(&self.engine, &bytes, &Sandbox::default(), self.cache.as_ref())
            .map(Arc::new)
            .map_err(|error| unusable(&error))
    }

    fn plan(&mut self, policy: &Policy, attempt: &mut Attempt<'_>) -> Result<ActivePlan, Diagnostics> {
        let mut report = Report::new(policy.document.source());
        let mut elsewhere = Diagnostics::default();
        let mut steps = Vec::new();
        let mut entries = policy.document.plugins.iter();
        for step in &policy.plan.steps {
            let loaded = match &step.plugin {
                PluginName::Builtin(name) => self.builtin(name, Given::by(step)),
                PluginName::Named(name) => {
                    let entry = entries.next();
                    self.named(name, step, policy, attempt).map_err(|problem| at_entry(entry, problem))
                }
            };
            match loaded {
                Ok(plugin) => steps.push(ActiveStep::named(plugin, step)),
                Err(problem) => report.push(problem),
            }
        }
        for (name, file) in attempt.folder.files() {
            if attempt.named.contains(name) || attempt.useless.contains_key(name) {
                continue;
            }
            match self.unnamed(name, attempt) {
                Ok(plugin) => steps.push(ActiveStep::unnamed(plugin, name)),
                Err(problem) if attempt.occasion == Occasion::Reload => {
                    attempt.useless.insert(name.to_owned(), problem);
                }
                Err(problem) => elsewhere.extend(about_file(&file.path, problem)),
            }
        }
        let mut diagnostics = report.finish();
        diagnostics.extend(elsewhere);
        if diagnostics.has_errors() {
            return Err(diagnostics);
        }
        let digest = policy.plan.digest.as_str().into();
        Ok(ActivePlan { digest, steps, document: policy.document.clone() })
    }

    fn builtin(&mut self, name: &'static str, given: Given) -> Result<Arc<Plugin>, Problem> {
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
        self.configure(&component, given).map_err(|error| failed(error.to_string()))
    }

    fn named(
        &mut self,
        name: &str,
        step: &Step,
        policy: &Policy,
        attempt: &mut Attempt<'_>,
    ) -> Result<Arc<Plugin>, Problem> {
        let Some(file) = attempt.folder.find(name) else { return Err(missing(name, attempt.folder)) };
        self.best(name, attempt, |loader, component| {
            loader.vetting.plugin(name, &file.path, component, Some((policy, &step.grants)))?;
            loader.configure(component, Given::by(step)).map_err(|error| {
                let problem = format!("the plugin `{name}` cannot be used: {error}");
                Problem::error_in_file("plugin-settings", problem)
            })
        })
    }

    fn unnamed(&mut self, name: &str, attempt: &mut Attempt<'_>) -> Result<Arc<Plugin>, Problem> {
        let Some(file) = attempt.folder.find(name) else { return Err(missing(name, attempt.folder)) };
        self.best(name, attempt, |loader, component| {
            loader.vetting.plugin(name, &file.path, component, None)?;
            loader.configure(component, Given::settings("{}")).map_err(|error| {
                let problem = format!("the plugin cannot run unless a policy names it: {error}");
                Problem::error_in_file("plugin-settings", problem).help(format!(
                    "name it in a policy with its settings and grants, \"plugins\": [{{\"use\": \"{name}\", …}}], \
                     or take the file out of the folder"
                ))
            })
        })
    }

    /// Configures the plugin as its file is now, or as it was when it was good last.
    fn best(
        &mut self,
        name: &str,
        attempt: &mut Attempt<'_>,
        configure: impl Fn(&mut Self, &Arc<Component>) -> Result<Arc<Plugin>, Problem>,
    ) -> Result<Arc<Plugin>, Problem> {
        let good = self.good.get(name).cloned();
        if !attempt.kept.contains_key(name) {
            let current = self.files.get(name).map(|known| known.content.clone());
            let current = match current {
                Some(content) => content.and_then(|component| configure(self, &component)),
                None => Err(missing(name, attempt.folder)),
            };
            match current {
                Ok(plugin) => return Ok(plugin),
                Err(problem) if good.is_none() => return Err(problem),
                Err(problem) => {
                    attempt.kept.insert(name.to_owned(), problem);
                }
            }
        }
        match good {
            Some(component) => configure(self, &component),
            None => Err(missing(name, attempt.folder)),
        }
    }

    fn configure(&mut self, component: &Arc<Component>, given: Given) -> Result<Arc<Plugin>, ConfigureError> {
        let configuration = (Arc::clone(component.digest()), given);
        if let Some(plugin) = self.configured.get(&configuration) {
            return Ok(Arc::clone(plugin));
        }
        let Given { settings, grants, http, limits, isolation } = configuration.1.clone();
        let http = http.and_then(|access| self.network.client(&component.description().name, &access));
        let isolation = isolation.unwrap_or(self.isolation);
        let settings = Settings { json: settings, grants, isolation, http, sandbox: limits };
        let plugin = Arc::new(component.configure(&settings)?);
        self.configured.insert(configuration, Arc::clone(&plugin));
        Ok(plugin)
    }

    /// What became of each file.
    fn summary(&self, attempt: Attempt<'_>) -> BTreeMap<String, FolderPlugin> {
        let Attempt { folder, mut kept, mut useless, .. } = attempt;
        let plugin = |(name, file): (&str, &PluginFile)| {
            let known = self.files.get(name).map(|known| known.content.clone());
            let plugin = match (kept.remove(name), useless.remove(name), known) {
                (Some(problem), ..) => FolderPlugin {
                    component: self.good.get(name).cloned(),
                    problem: Some(about_file(&file.path, problem)),
                },
                (None, Some(problem), _) | (None, None, Some(Err(problem))) => {
                    FolderPlugin { component: None, problem: Some(about_file(&file.path, problem)) }
                }
                (None, None, Some(Ok(component))) => {
                    FolderPlugin { component: Some(component), problem: None }
                }
                (None, None, None) => FolderPlugin { component: None, problem: None },
            };
            (name.to_owned(), plugin)
        };
        folder.files().map(plugin).collect()
    }
}

fn missing(name: &str, folder: &Folder) -> Problem {
    let Some(directory) = folder.directory() else {
        let problem = format!("the plugin `{name}` is not there: no plugins folder is configured");
        return Problem::error_in_file("missing-plugin", problem).help(
            "name the folder: --plugins-dir DIR, or \"plugins\": {\"dir\": \"…\"} in the configuration",
        );
    };
    let help = match bartizan_policy::decode::closest(name, folder.files().map(|(name, _)| name)) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("put {name}.wasm there"),
    };
    let problem = format!("there is no plugin {name}.wasm in {}", directory.display());
    Problem::error_in_file("missing-plugin", problem).help(help)
}

/// Points a problem at the entry of `plugins` that caused it.
fn at_entry(entry: Option<&PluginEntry>, problem: Problem) -> Problem {
    match entry {
        Some(entry) => problem.at(entry.name.span),
        None => problem,
    }
}

/// A problem with a file that is no document.
pub(crate) fn about_file(path: &Path, problem: Problem) -> Diagnostics {
    let source = Source::new(path.display().to_string(), "", Format::Json);
    let mut report = Report::new(&source);
    report.push(problem);
    report.finish()
}
