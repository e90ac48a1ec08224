//! What the operator says about one plugin's limits; what is not said follows from its size class.

use std::time::Duration;

use crate::class::SizeClass;
use crate::limits::Limits;

/// Limits that an operator sets for one plugin. Each that is absent is what the plugin's class has
/// ([`SizeClass::limits`]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sandbox {
    /// The class to treat it as, whatever its size.
    pub class: Option<SizeClass>,
    /// See [`Limits::deadline`].
    pub deadline: Option<Duration>,
    /// See [`Limits::load_deadline`].
    pub load_deadline: Option<Duration>,
    /// See [`Limits::memory`].
    pub memory: Option<usize>,
    /// See [`Limits::output`].
    pub output: Option<usize>,
    /// See [`Limits::component`].
    pub component: Option<usize>,
    /// See [`Limits::log_lines`].
    pub log_lines: Option<u32>,
}

impl Sandbox {
    /// What this says, and what `other` says where this says nothing.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            class: self.class.or(other.class),
            deadline: self.deadline.or(other.deadline),
            load_deadline: self.load_deadline.or(other.load_deadline),
            memory: self.memory.or(other.memory),
            output: self.output.or(other.output),
            component: self.component.or(other.component),
            log_lines: self.log_lines.or(other.log_lines),
        }
    }

    /// The limits of a plugin that is of this class by its size.
    pub fn limits(&self, measured: SizeClass) -> Limits {
        let class = self.class.unwrap_or(measured).limits();
        Limits {
            deadline: self.deadline.unwrap_or(class.deadline),
            load_deadline: self.load_deadline.unwrap_or(class.load_deadline),
            memory: self.memory.unwrap_or(class.memory),
            output: self.output.unwrap_or(class.output),
            component: self.component.unwrap_or(class.component),
            log_lines: self.log_lines.unwrap_or(class.log_lines),
            ..class
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_goes_before_the_class() {
        let second = Duration::from_secs(1);
        let sandbox = Sandbox { deadline: Some(second), ..Sandbox::default() };
        for class in SizeClass::ALL {
            assert_eq!(sandbox.limits(class), Limits { deadline: second, ..class.limits() });
            let large = Sandbox { class: Some(SizeClass::Large), ..sandbox.clone() };
            assert_eq!(large.limits(class), Limits { deadline: second, ..SizeClass::Large.limits() });
        }
    }

    #[test]
    fn the_nearer_word_counts() {
        let near = Sandbox { memory: Some(1), ..Sandbox::default() };
        let far = Sandbox { memory: Some(2), log_lines: Some(3), ..Sandbox::default() };
        assert_eq!(near.or(&far), Sandbox { memory: Some(1), log_lines: Some(3), ..Sandbox::default() });
    }
}
