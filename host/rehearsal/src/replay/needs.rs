//! What a policy looks at to judge a call: more than its name may not be on record.

use bartizan_audit::record::{Mode as Recorded, RuleVerdict};
use bartizan_gateway::offline::{Judge, Outcome};
use bartizan_policy::Policy;
use bartizan_policy::document::{Condition, Cost, Part, Root, Rules};
use bartizan_policy::plan::{Mode, PluginName};

use crate::call::Message;
use crate::explain::{entry, looked_up};

/// What a policy looks at beside the method, the target, the caller's name, the session and the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The arguments.
    pub(super) arguments: bool,
    /// The caller's claims, or the target's definition.
    pub(super) surroundings: bool,
    /// What is never recorded: what a plugin remembers of results, or what others answer it.
    pub(super) unrecorded: bool,
}

impl Needs {
    /// What the policy looks at to judge such a message.
    pub(super) fn of(policy: &Policy, judge: &Judge, message: &Message) -> Self {
        let mut needs = Self::default();
        let document = &policy.document;
        for (subject, name) in looked_up(message) {
            if let Some(entry) = entry(document, subject, name) {
                entry.conditions.iter().for_each(|condition| needs.condition(condition));
                needs.rules(&entry.rules);
            }
        }
        if &*message.method == "tools/call" {
            needs.rules(&document.all_tools);
            needs.surroundings |= document.pin.is_some();
        }
        // What other plugins look at is not known.
        let target = message.target.as_ref().map(|(_, name)| &**name);
        let others = judge.plan().steps.iter().enumerate().filter(|(index, step)| {
            let known = policy.plan.steps.get(*index).map(|step| &step.plugin);
            !matches!(known, Some(PluginName::Builtin(_)))
                && step.mode == Mode::Enforce
                && step.plugin.hooks().calls
                && step.covers(&message.method, target)
                && step.plugin.is_interested(&message.method, target)
        });
        for (_, step) in others {
            let plugin = &step.plugin;
            needs.arguments = true;
            needs.surroundings = true;
            needs.unrecorded |= plugin.waits() || (plugin.remembers() && plugin.hooks().replies);
        }
        needs
    }

    fn rules(&mut self, rules: &Rules) {
        rules.require.iter().for_each(|requirement| self.condition(&requirement.condition));
        rules
            .deny_if
            .iter()
            .flat_map(|deny| &deny.conditions)
            .for_each(|condition| self.condition(condition));
        for limit in &rules.limits {
            if let Cost::Path(path) = &limit.cost {
                self.root(path.root);
            }
        }
        self.arguments |= rules.redact.iter().any(|redaction| redaction.part != Part::Result);
        if rules.schema.is_some_and(|schema| schema.value) {
            self.arguments = true;
            self.surroundings = true;
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Test(test) => self.root(test.path.root),
            Condition::Any(conditions) | Condition::All(conditions) => {
                conditions.iter().for_each(|condition| self.condition(condition));
            }
            Condition::Not(condition) => self.condition(condition),
        }
    }

    fn root(&mut self, root: Root) {
        match root {
            Root::Args => self.arguments = true,
            Root::Claims | Root::Tool => self.surroundings = true,
            Root::Principal | Root::Server | Root::Session | Root::Method | Root::Target => {}
        }
    }
}

/// Whether a decision stands whatever was not recorded: what is hidden by name is hidden, and what is
/// refused by name is refused, unless something else may hide it.
pub(super) fn is_certain(outcome: &Outcome, needs: Needs) -> bool {
    outcome.rules.iter().filter(|rule| rule.mode == Recorded::Enforce && &*rule.plugin == "access").any(
        |rule| match rule.verdict {
            RuleVerdict::Hidden => true,
            RuleVerdict::Deny => !needs.surroundings,
            _ => false,
        },
    )
}
