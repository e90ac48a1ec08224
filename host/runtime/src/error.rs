//! What can go wrong with a plugin, and whose fault it is.

use std::time::Duration;

use wasmtime::Trap;

use crate::class::SizeClass;
use crate::compiler::CompileError;
use crate::contract::{Raised, Unreadable};
use crate::engine::EngineError;
use crate::interfaces::Misuse;
use crate::limits::{Exhausted, Limits};
use crate::words::{harmless, quoted};

/// Whose fault an error is: who has to act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The plugin's author.
    Plugin,
    /// Whoever wrote the settings or the policy document.
    Settings,
    /// The machine or this program.
    Host,
    /// Whoever uses the plugin: the operator who put the file there or set its limits.
    Operator,
}

/// A file that is not a usable plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Larger than [`Limits::component`].
    #[error("the file is {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Bytes in the file.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Native code of a wasmtime: running it would run a stranger's machine code.
    #[error("the file is precompiled native code, which is never loaded; use the .wasm it was made from")]
    Precompiled,
    /// Neither a component nor a core module.
    #[error("the file is not WebAssembly")]
    NotWasm,
    /// A core module that says nothing of the contract.
    #[error(
        "the file is a WebAssembly module without a `component-type` section, so it is not a policy \
         plugin; build it with a Bartizan SDK"
    )]
    NotPolicy,
    /// The module could not be turned into a component.
    #[error("the module does not fit the interface it declares: {}", harmless(.0))]
    Encode(String),
    /// The component could not be compiled.
    #[error("the component does not compile: {}", harmless(.0))]
    Compile(String),
    /// It has more of something than is compiled.
    #[error(
        "the file has {count} {what}, more than the {limit} that are compiled; no real program has so many"
    )]
    Oversized {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// Compiling it takes too long.
    #[error("the component was not compiled in {} s of processor time, so it is given up", .time.as_secs())]
    CompileTimeout {
        /// The time that it may take.
        time: Duration,
    },
    /// Compiling it takes more memory or CPU time than there is for it, or crashed the compiler.
    #[error("the component cannot be compiled with the memory and CPU time that a compiler may have: {0}")]
    CompileResources(String),
    /// More memory than the plugin's class can have.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The engine for its size class does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Imports that the host does not have, or that were not granted.
    #[error("the plugin imports {}, which the host does not offer; policies get no access to files, \
             network, clock or environment; build it without, or with WASI stubbed", quoted(.imports))]
    Imports {
        /// Their names.
        imports: Vec<String>,
    },
    /// An export is missing or has another type.
    #[error("the plugin does not fit the contract bartizan:policy@0.1.0: {}", harmless(.0))]
    Contract(String),
    /// No `calls`, `listings` or `replies`.
    #[error("the plugin exports none of the hooks `calls`, `listings` and `replies`, so it judges nothing")]
    NoHooks,
    /// `describe` failed.
    #[error("the plugin could not describe itself: {0}")]
    Describe(#[source] EvaluationError),
    /// `describe` answered something unusable.
    #[error("the plugin describes itself wrongly: `{field}` {problem}")]
    Description {
        /// The field of `description`.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An interface is imported that the plugin does not ask for.
    #[error(
        "the plugin imports `{import}` without asking for it; its description has to name `{ask}` in `asks`"
    )]
    NotAsked {
        /// The import's name.
        import: String,
        /// The capability to ask for.
        ask: &'static str,
    },
    /// The plugin needs a capability that this host does not know.
    #[error("the plugin asks for `{}`, which this version does not know; it knows {known}", harmless(.ask))]
    UnknownAsk {
        /// The capability's name.
        ask: String,
        /// The known capabilities.
        known: String,
    },
}

impl LoadError {
    /// Who has to act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::TooLarge { .. } | Self::Precompiled | Self::NotWasm => Blame::Operator,
            Self::Memory(_) => Blame::Settings,
            Self::Engine(_) => Blame::Host,
            Self::Describe(error) => error.blame(),
            _ => Blame::Plugin,
        }
    }
}

impl From<CompileError> for LoadError {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Invalid(problem) => Self::Compile(problem),
            CompileError::Timeout { time } => Self::CompileTimeout { time },
            CompileError::Crashed(ending) => Self::CompileResources(ending),
        }
    }
}

/// More memory was set for a small plugin than its slot has.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{} MiB of memory are more than a plugin of the class `small` can have ({} MiB); give it less, \
     or the class `large`", .asked >> 20, .most >> 20
)]
pub struct MemoryError {
    /// What was asked for, in bytes.
    pub asked: usize,
    /// The most, in bytes.
    pub most: usize,
}

/// A plugin that does not take its settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// `configure` answered with an error.
    #[error("the plugin refuses its settings: {}", harmless(.0))]
    Refused(String),
    /// `configure` failed.
    #[error("the plugin failed while reading its settings: {0}")]
    Failed(#[source] EvaluationError),
    /// A capability was granted that the plugin does not ask for.
    #[error("`{grant}` is granted, but the plugin does not ask for it")]
    NotAsked {
        /// The capability's name.
        grant: &'static str,
    },
    /// Interfaces are imported that are not granted.
    #[error(
        "the plugin uses {}, which it is not granted; where a policy names the plugin, add {}",
        listed(.missing), remedy(.missing)
    )]
    NotGranted {
        /// The names of the capabilities.
        missing: Vec<&'static str>,
    },
    /// The configured component could not be compiled.
    #[error("the configured plugin does not compile: {0}")]
    Compile(CompileError),
    /// More memory than the plugin's class can have.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// It does not load in the size class that the operator chose.
    #[error("the plugin does not load in the class `{class}`: {error}")]
    Class {
        /// The class.
        class: SizeClass,
        /// Why.
        #[source]
        error: Box<LoadError>,
    },
}

impl ConfigureError {
    /// Who has to act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Refused(_) | Self::NotAsked { .. } | Self::NotGranted { .. } | Self::Memory(_) => {
                Blame::Settings
            }
            Self::Failed(error) => error.blame(),
            Self::Class { error, .. } => error.blame(),
            Self::Compile(_) => Blame::Host,
        }
    }
}

/// An evaluation that gave no decision.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EvaluationError {
    /// Not done by the deadline.
    #[error("it was not done within {} ms", .deadline.as_millis())]
    Timeout {
        /// The deadline.
        deadline: Duration,
    },
    /// More memory or table space than it may have.
    #[error("it ran into its {0}")]
    Memory(String),
    /// Deeper recursion than the stack allows.
    #[error("it exhausted its stack")]
    Stack,
    /// The guest trapped: a panic, an abort, an invalid access.
    #[error("it trapped: {}", harmless(.0))]
    Trap(String),
    /// The guest gave up by itself and said why.
    #[error("it gave up: {}", harmless(.0))]
    Failed(String),
    /// The guest used the contract wrongly.
    #[error("it broke the contract: {0}")]
    Contract(String),
    /// The guest's answer is too large or not well-formed.
    #[error("its answer is unusable: {}", harmless(.0))]
    Answer(String),
    /// Failed so often that it is not asked for a while.
    #[error("it is quarantined for {} s more after {failures} failures in a row", .remaining.as_secs().max(1))]
    Quarantined {
        /// Failures in a row.
        failures: u32,
        /// Until it is tried again.
        remaining: Duration,
    },
    /// No slot came free in time.
    #[error("the host had no room to run it within {} ms", .deadline.as_millis())]
    Busy {
        /// How long it waited.
        deadline: Duration,
    },
    /// The host itself failed.
    #[error("the host failed to run it: {0}")]
    Host(String),
}

impl EvaluationError {
    /// Who has to act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Busy { .. } | Self::Host(_) => Blame::Host,
            _ => Blame::Plugin,
        }
    }

    /// Every [code](Self::code).
    pub const CODES: [&str; 10] =
        ["timeout", "memory", "stack", "trap", "failed", "contract", "answer", "quarantined", "busy", "host"];

    /// A short, stable name for logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "timeout",
            Self::Memory(_) => "memory",
            Self::Stack => "stack",
            Self::Trap(_) => "trap",
            Self::Failed(_) => "failed",
            Self::Contract(_) => "contract",
            Self::Answer(_) => "answer",
            Self::Quarantined { .. } => "quarantined",
            Self::Busy { .. } => "busy",
            Self::Host(_) => "host",
        }
    }

    /// Reads wasmtime's error by its types.
    pub(crate) fn classify(error: &wasmtime::Error, deadline: Duration) -> Self {
        if let Some(exhausted) = error.downcast_ref::<Exhausted>() {
            return Self::Memory(exhausted.to_string());
        }
        if let Some(raised) = error.downcast_ref::<Raised>() {
            return Self::Failed(raised.to_string());
        }
        if let Some(unreadable) = error.downcast_ref::<Unreadable>() {
            return Self::Contract(unreadable.to_string());
        }
        if let Some(misuse) = error.downcast_ref::<Misuse>() {
            return Self::Contract(misuse.to_string());
        }
        if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
            return Self::Busy { deadline };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::Timeout { deadline },
            Some(Trap::StackOverflow) => Self::Stack,
            Some(trap) => Self::Trap(trap.to_string()),
            None => Self::Answer(error.root_cause().to_string()),
        }
    }
}

impl Limits {
    pub(crate) fn classify(&self, error: &wasmtime::Error) -> EvaluationError {
        EvaluationError::classify(error, self.deadline)
    }

    pub(crate) fn classify_load(&self, error: &wasmtime::Error) -> EvaluationError {
        EvaluationError::classify(error, self.load_deadline)
    }
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// What to write where a policy names a plugin, so that it is granted these.
fn remedy(missing: &[&str]) -> String {
    let grants: Vec<String> = missing.iter().map(|name| format!("\"{name}\"")).collect();
    let origins = if missing.contains(&"http") { ", \"http\": {\"origins\": [\"https://…\"]}" } else { "" };
    format!("\"grants\": [{}]{origins}", grants.join(", "))
}
