//! Size classes: what a plugin of some size may use, decided from its bytes before any of its code runs.
//!
//! A rule in Rust or C needs a hundredth of what a Python runtime needs. Each class has limits of its own, and
//! an engine of its own with its own slots, so that large runtimes cannot take up the room of small rules.

use std::time::Duration;

use crate::census::Census;
use crate::limits::Limits;

/// How large a plugin is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SizeClass {
    /// Rules whose language needs no large runtime: Rust, C, Zig, QuickJS.
    #[default]
    Small,
    /// Those that bring one: Go, SpiderMonkey, Python.
    Large,
}

/// A component with more bytes than this is large. QuickJS is below (1.1 MB), Go above (4.4 MB).
const SMALL_BYTES: usize = 3 << 20;
/// A component with more core modules than this is large. QuickJS has 11, Python 38.
const SMALL_MODULES: usize = 24;
/// A component with more core instances than this is large. QuickJS has 50, Python 108.
const SMALL_INSTANCES: usize = 80;

impl SizeClass {
    /// Every class.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// The word for it in policies and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }

    pub(crate) fn of(census: &Census) -> Self {
        let small = census.bytes <= SMALL_BYTES
            && census.modules <= SMALL_MODULES
            && census.core_instances <= SMALL_INSTANCES;
        if small { Self::Small } else { Self::Large }
    }

    /// What a plugin of this class may use where the operator says nothing else.
    pub fn limits(self) -> Limits {
        match self {
            Self::Small => Limits {
                deadline: Duration::from_millis(100),
                load_deadline: Duration::from_secs(2),
                memory: 64 << 20,
                table_elements: 20_000,
                instances: 256,
                output: 2 << 20,
                component: 64 << 20,
                log_lines: 16,
            },
            Self::Large => Limits {
                deadline: Duration::from_millis(250),
                load_deadline: Duration::from_secs(20),
                memory: 256 << 20,
                table_elements: 200_000,
                instances: 1_000,
                output: 2 << 20,
                component: 64 << 20,
                log_lines: 16,
            },
        }
    }

    /// What goes for the engine of this class as a whole.
    pub(crate) const fn engine(self) -> EngineLimits {
        match self {
            Self::Small => EngineLimits {
                stack: 512 << 10,
                compile_time: Duration::from_secs(20),
                compile_memory: 2 << 30,
            },
            // Twice the stack: half of what a thread of the async runtime has.
            Self::Large => EngineLimits {
                stack: 1 << 20,
                compile_time: Duration::from_secs(60),
                compile_memory: 4 << 30,
            },
        }
    }
}

impl std::fmt::Display for SizeClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Limits that no single plugin can have otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineLimits {
    /// The deepest a guest's stack may grow, in bytes. Well below the 2 MiB of the threads that guests run on.
    pub(crate) stack: usize,
    /// How long compiling in a process of its own may take: processor time of each of its threads.
    pub(crate) compile_time: Duration,
    /// How much memory that process may have, in bytes.
    pub(crate) compile_memory: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtimes_of_languages_are_where_they_belong() {
        // Bytes as real toolchains leave them; modules and instances of QuickJS and Python are counted, those of
        // the others estimated.
        for (language, bytes, modules, core_instances, expected) in [
            ("Rust", 85_000, 3, 5, SizeClass::Small),
            ("C", 8_558, 3, 5, SizeClass::Small),
            ("QuickJS", 1_097_422, 11, 50, SizeClass::Small),
            ("Go", 4_433_008, 3, 5, SizeClass::Large),
            ("SpiderMonkey", 12_050_718, 3, 6, SizeClass::Large),
            ("Python", 18_486_936, 38, 108, SizeClass::Large),
        ] {
            let census = Census { bytes, modules, core_instances, ..Census::default() };
            assert_eq!(SizeClass::of(&census), expected, "{language}");
        }
    }

    #[test]
    fn a_large_plugin_may_use_no_less() {
        let (small, large) = (SizeClass::Small.limits(), SizeClass::Large.limits());
        assert!(large.memory > small.memory && large.deadline > small.deadline);
        for class in SizeClass::ALL {
            assert!(class.engine().stack <= 1 << 20, "threads have 2 MiB");
            assert_eq!(SizeClass::parse(class.as_str()), Some(class));
        }
    }
}
