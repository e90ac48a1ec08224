//! What the plugins of a plan said, for the record.

use std::sync::Arc;

use bartizan_audit::record::{Mode as RecordedMode, Note, RuleRecord, RuleVerdict};
use bartizan_policy::plan::Mode;
use bartizan_runtime::{Decision, EvaluationError, Verdict};

use crate::plan::ActiveStep;

/// Puts down what a plugin said.
pub(crate) struct Spoken<'a> {
    step: &'a ActiveStep,
    rules: &'a mut Vec<RuleRecord>,
    notes: Vec<Note>,
}

impl<'a> Spoken<'a> {
    pub(crate) fn new(step: &'a ActiveStep, rules: &'a mut Vec<RuleRecord>) -> Self {
        Self { step, rules, notes: Vec::new() }
    }

    pub(crate) fn decision(&mut self, decision: &Decision) {
        self.notes.extend(decision.notes.iter().filter_map(|note| {
            Note::new(note.key.clone(), &note.value)
                .inspect_err(|error| {
                    tracing::warn!(plugin = %self.step.label, %error, "a note of the plugin is dropped");
                })
                .ok()
        }));
        match &decision.verdict {
            Verdict::Pass if decision.charges.is_empty() && self.notes.is_empty() => {}
            Verdict::Pass => {
                let rule = decision.charges.first().and_then(|charge| charge.rule.as_deref());
                self.record(RuleVerdict::Pass, rule, None);
            }
            Verdict::Deny(denial) => {
                self.record(RuleVerdict::Deny, denial.rule.as_deref(), Some(&denial.message));
            }
            Verdict::Ask(approval) => {
                self.record(RuleVerdict::Ask, approval.rule.as_deref(), Some(&approval.message));
            }
            Verdict::Rewrite(_) => self.record(RuleVerdict::Rewrite, None, None),
        }
    }

    pub(crate) fn fault(&mut self, error: &EvaluationError) {
        tracing::warn!(
            plugin = %self.step.label,
            digest = %self.step.plugin.digest(),
            blame = ?error.blame(),
            code = error.code(),
            %error,
            "a plugin could not decide"
        );
        self.record(RuleVerdict::Fault, None, Some(&error.to_string()));
    }

    pub(crate) fn record(&mut self, verdict: RuleVerdict, rule: Option<&str>, reason: Option<&str>) {
        let plugin = &self.step.plugin;
        self.rules.push(RuleRecord {
            plugin: Arc::clone(&self.step.label),
            version: plugin.description().version.as_str().into(),
            digest: Arc::clone(plugin.digest()),
            verdict,
            rule: rule.map(str::to_owned).or_else(|| self.step.rule.clone()),
            reason: reason.map(str::to_owned),
            mode: match self.step.mode {
                Mode::Enforce => RecordedMode::Enforce,
                Mode::Monitor => RecordedMode::Monitor,
            },
            notes: std::mem::take(&mut self.notes),
        });
    }
}
