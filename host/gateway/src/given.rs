//! What an operator gives a plugin: the words of a policy's step as those of the runtime.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use bartizan_policy::plan::{self, Grant, HttpAccess, Step};
use bartizan_runtime::{Capability, Isolation, Sandbox, SizeClass};

/// Evaluations of one instance where the policy does not say.
const INVOCATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);

/// What an operator gives a plugin. The same file with the same is the same configured plugin.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Given {
    /// JSON text.
    pub(crate) settings: String,
    pub(crate) grants: BTreeSet<Capability>,
    pub(crate) http: Option<HttpAccess>,
    pub(crate) limits: Sandbox,
    /// None: as the loader does it.
    pub(crate) isolation: Option<Isolation>,
}

impl Given {
    /// Settings, and no more.
    pub(crate) fn settings(settings: &str) -> Self {
        Self {
            settings: settings.to_owned(),
            grants: BTreeSet::new(),
            http: None,
            limits: Sandbox::default(),
            isolation: None,
        }
    }

    /// What a policy says.
    pub(crate) fn by(step: &Step) -> Self {
        Self {
            settings: step.settings.clone(),
            grants: step.grants.iter().copied().map(capability).collect(),
            http: step.http.clone(),
            limits: limits(&step.sandbox),
            isolation: isolation(&step.sandbox),
        }
    }
}

fn capability(grant: Grant) -> Capability {
    match grant {
        Grant::RewriteArguments => Capability::RewriteArguments,
        Grant::RewriteResults => Capability::RewriteResults,
        Grant::Log => Capability::Log,
        Grant::Memory => Capability::Memory,
        Grant::Http => Capability::Http,
    }
}

/// What the plugin may use.
fn limits(sandbox: &plan::Sandbox) -> Sandbox {
    let time = |milliseconds: u32| Duration::from_millis(milliseconds.into());
    let size = |number: u32, unit: usize| usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(unit);
    Sandbox {
        class: sandbox.class.map(|class| match class {
            plan::Class::Small => SizeClass::Small,
            plan::Class::Large => SizeClass::Large,
        }),
        deadline: sandbox.deadline_ms.map(time),
        load_deadline: sandbox.load_deadline_ms.map(time),
        memory: sandbox.memory_mib.map(|number| size(number, 1 << 20)),
        output: sandbox.output_kib.map(|number| size(number, 1 << 10)),
        component: None,
        log_lines: sandbox.log_lines,
    }
}

/// What one instance serves for, if the policy says.
fn isolation(sandbox: &plan::Sandbox) -> Option<Isolation> {
    Some(match sandbox.isolation? {
        plan::Isolation::Pristine => Isolation::Pristine,
        plan::Isolation::Fresh => Isolation::Fresh,
        plan::Isolation::Reuse => Isolation::Reuse {
            invocations: sandbox.invocations.and_then(NonZeroU32::new).unwrap_or(INVOCATIONS),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_the_keys() {
        let said = plan::Sandbox {
            class: Some(plan::Class::Large),
            deadline_ms: Some(500),
            memory_mib: Some(2),
            output_kib: Some(3),
            isolation: Some(plan::Isolation::Reuse),
            ..plan::Sandbox::default()
        };
        let limits = limits(&said);
        assert_eq!(limits.class, Some(SizeClass::Large));
        assert_eq!(limits.deadline, Some(Duration::from_millis(500)));
        assert_eq!((limits.memory, limits.output), (Some(2 << 20), Some(3 << 10)));
        assert_eq!(limits.load_deadline, None);
        assert_eq!(isolation(&said), Some(Isolation::Reuse { invocations: NonZeroU32::new(1000).unwrap() }));
        assert_eq!(isolation(&plan::Sandbox::default()), None);
    }
}
