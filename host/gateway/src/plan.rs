//! A policy whose plugins are loaded: what calls are judged by.

use std::sync::Arc;

use bartizan_pattern::Pattern;
use bartizan_policy::document::PolicyDocument;
use bartizan_policy::plan::{Mode, OnError, Step};
use bartizan_runtime::{Judgements, Plugin};

use crate::pace::Pace;

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
    pub(crate) judgements: Arc<Judgements>,
    methods: Option<Vec<Pattern>>,
    tools: Option<Vec<Pattern>>,
}

impl ActivePlan {
    /// Whether any of its plugins may wait for others.
    pub(crate) fn waits(&self) -> bool {
        self.steps.iter().any(|step| step.plugin.waits())
    }

    /// Whether two plans judge alike: the same policy, by the same plugins.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.steps.len() == other.steps.len()
            && self.steps.iter().zip(&other.steps).all(|(one, other)| Arc::ptr_eq(&one.plugin, &other.plugin))
    }

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
    /// A plugin where its policy wants it.
    pub(crate) fn named(plugin: Arc<Plugin>, step: &Step) -> Self {
        Self {
            plugin,
            label: step.label.as_str().into(),
            rule: step.rule.clone(),
            mode: step.mode,
            on_error: step.on_error,
            pace: Arc::default(),
            judgements: Arc::default(),
            methods: step.methods.clone(),
            tools: step.tools.clone(),
        }
    }

    /// A plugin that no policy names: it judges whatever it is interested in.
    pub(crate) fn unnamed(plugin: Arc<Plugin>, name: &str) -> Self {
        Self {
            plugin,
            label: name.into(),
            rule: None,
            mode: Mode::Enforce,
            on_error: OnError::Deny,
            pace: Arc::default(),
            judgements: Arc::default(),
            methods: None,
            tools: None,
        }
    }

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
