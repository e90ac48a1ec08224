//! The limits that a policy sets for a plugin, in the words of the runtime.

use std::num::NonZeroU32;
use std::time::Duration;

use bartizan_policy::plan;
use bartizan_runtime::{Isolation, Sandbox, SizeClass};

/// Evaluations of one instance where the policy does not say.
const INVOCATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);

/// What the plugin may use.
pub(crate) fn limits(sandbox: &plan::Sandbox) -> Sandbox {
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
pub(crate) fn isolation(sandbox: &plan::Sandbox) -> Option<Isolation> {
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
