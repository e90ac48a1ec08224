//! What a plugin can use beyond the message: `log`, `memory` and `http`, each behind asks ∩ grants.
//!
//! Each is a module of its own and comes into being in the same three steps:
//!
//! | step | when | what |
//! |---|---|---|
//! | link | once for each engine | its functions are in the linker of the contract's version, which turns its types into these |
//! | configure | once for each configured plugin | [`Granted::configure`]: what is imported must be asked for and granted |
//! | prepare | for each instance | [`Granted::prepare`]: the state behind the functions, empty for what is not granted |
//!
//! A component that imports an interface without its grant is never configured. That the functions look for
//! the grant as well is for the day on which that check is wrong.

pub mod http;
pub(crate) mod log;
pub(crate) mod memory;

use std::sync::Arc;

use crate::component::Capability;
use crate::configured::Settings;
use crate::error::ConfigureError;
use crate::limits::Limits;

/// The capabilities that are interfaces.
const INTERFACES: [Capability; 3] = [Capability::Log, Capability::Memory, Capability::Http];

/// What a configured plugin may use.
#[derive(Clone, Default)]
pub(crate) struct Granted {
    /// The plugin's name, for its lines.
    log: Option<Arc<str>>,
    memory: bool,
    http: Option<Arc<dyn http::Outgoing>>,
}

/// The state behind the functions, in one instance.
pub(crate) struct Interfaces {
    pub(crate) log: log::Lines,
    pub(crate) memory: memory::View,
    pub(crate) http: http::Requests,
}

impl Granted {
    /// Holds what a component imports to what it is granted. That it asks for all of it was checked before.
    pub(crate) fn configure(
        name: &str,
        imports: &[Capability],
        settings: &Settings,
    ) -> Result<Self, ConfigureError> {
        let granted = |capability| settings.grants.contains(&capability);
        let missing: Vec<&'static str> = INTERFACES
            .into_iter()
            .filter(|&interface| imports.contains(&interface) && !granted(interface))
            .map(Capability::as_str)
            .collect();
        if !missing.is_empty() {
            return Err(ConfigureError::NotGranted { missing });
        }
        let outgoing = || settings.http.clone().unwrap_or_else(|| Arc::new(http::Nowhere));
        Ok(Self {
            log: granted(Capability::Log).then(|| name.into()),
            memory: granted(Capability::Memory),
            http: granted(Capability::Http).then(outgoing),
        })
    }

    /// Whether there is nothing for it beyond the message.
    pub(crate) fn is_nothing(&self) -> bool {
        let Self { log, memory, http } = self;
        log.is_none() && !memory && http.is_none()
    }

    /// Whether it remembers anything.
    pub(crate) fn remembers(&self) -> bool {
        self.memory
    }

    /// Whether an evaluation may wait for somebody else.
    pub(crate) fn waits(&self) -> bool {
        self.http.is_some()
    }

    /// The state of a new instance.
    pub(crate) fn prepare(&self, limits: &Limits) -> Interfaces {
        Interfaces {
            log: log::Lines::new(self.log.clone(), limits),
            memory: memory::View::new(self.memory),
            http: http::Requests::new(self.http.clone()),
        }
    }
}

impl Interfaces {
    /// The state of an instance that is to describe itself: its lines are kept until it has a name.
    pub(crate) fn describing(limits: &Limits) -> Self {
        Self {
            log: log::Lines::unnamed(limits),
            memory: memory::View::new(false),
            http: http::Requests::new(None),
        }
    }
}

/// The plugin used an interface as it may not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Misuse {
    #[error("`{interface}` was used in {place}, where it is not available")]
    Misplaced { interface: &'static str, place: &'static str },
    #[error("`{0}` was used without its grant")]
    NotGranted(&'static str),
    #[error("`memory.set`: {0}")]
    Memory(String),
}
