//! What a component is made of, for people who look at plugins before they use them.

use wasmparser::{Parser, Payload};

use crate::component::Component;
use crate::configured::Settings;
use crate::error::{ConfigureError, EvaluationError};
use crate::evaluate;
use crate::interfaces::Granted;
use crate::snapshot::{self, Snapshot};

/// The version of the contract that components of this host's adapter are built against.
pub const CONTRACT: &str = "0.1";

/// What a component is made of. Sizes are bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// The component, as it is compiled: a core module has become one.
    pub component: usize,
    /// The native code with all that belongs to it, as it is kept in the cache.
    pub compiled: usize,
    /// The interfaces that it imports, by name.
    pub imports: Vec<String>,
    /// Core modules, in nested components as well.
    pub modules: usize,
    /// Core instances that are made of them, adapters included.
    pub instances: usize,
    /// The memories that its modules define.
    pub memories: Vec<Memory>,
}

/// A linear memory as it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What it begins with.
    pub initial: u64,
    /// How far it may grow, if it says so.
    pub maximum: Option<u64>,
}

/// Whether evaluations can start from the configured memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Snapshotting {
    /// They can.
    Possible {
        /// Bytes of the component with the configured memory in it.
        component: usize,
    },
    /// They cannot, for this reason: `configure` runs in each instance.
    Impossible(String),
}

impl Component {
    /// What the component is made of.
    ///
    /// # Errors
    ///
    /// None for a component that was compiled; what wasmtime says if it can not be written down.
    pub fn anatomy(&self) -> Result<Anatomy, String> {
        let compiled = self.pre.component();
        let imports = compiled.component_type();
        let mut anatomy = Anatomy {
            component: self.bytes.len(),
            compiled: compiled.serialize().map_err(|error| format!("{error:#}"))?.len(),
            imports: imports.imports(self.engine.wasmtime()).map(|(name, _)| name.to_owned()).collect(),
            ..Anatomy::default()
        };
        for payload in Parser::new(0).parse_all(&self.bytes) {
            match payload.map_err(|error| error.to_string())? {
                Payload::ModuleSection { .. } => anatomy.modules += 1,
                Payload::InstanceSection(section) => {
                    anatomy.instances += usize::try_from(section.count()).unwrap_or(usize::MAX);
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        let memory = memory.map_err(|error| error.to_string())?;
                        let page = 1_u64 << memory.page_size_log2.unwrap_or(16);
                        anatomy.memories.push(Memory {
                            initial: memory.initial.saturating_mul(page),
                            maximum: memory.maximum.map(|maximum| maximum.saturating_mul(page)),
                        });
                    }
                }
                _ => {}
            }
        }
        Ok(anatomy)
    }

    /// Bytes of linear memory after `configure` with these settings (JSON text).
    ///
    /// # Errors
    ///
    /// When the plugin refuses the settings or fails on them.
    pub fn memory_when_configured(&self, settings: &str) -> Result<usize, ConfigureError> {
        let limits = &self.limits;
        let deadline = limits.load_deadline;
        let _slot =
            self.engine.slot(deadline).ok_or(ConfigureError::Failed(EvaluationError::Busy { deadline }))?;
        let _ticking = self.engine.ticking();
        let interfaces = self.granted(settings)?.prepare(limits);
        let mut store = evaluate::store(&self.engine, limits, deadline, interfaces);
        let failed = |error: wasmtime::Error| ConfigureError::Failed(limits.classify_load(&error));
        let instance = self.pre.instantiate(&mut store).map_err(failed)?;
        self.exports
            .configure(&mut store, &instance, settings)
            .map_err(failed)?
            .map_err(ConfigureError::Refused)?;
        Ok(store.data().limiter.memory())
    }

    /// Everything that it asks for.
    pub(crate) fn granted(&self, settings: &str) -> Result<Granted, ConfigureError> {
        let grants = self.asks().iter().copied().collect();
        let settings = Settings { grants, ..Settings::new(settings) };
        Granted::configure(&self.description().name, &self.imports, &settings)
    }

    /// Whether evaluations can start from the memory that `configure` leaves with these settings.
    ///
    /// # Errors
    ///
    /// When the plugin refuses the settings or fails on them.
    pub fn snapshotting(&self, settings: &str) -> Result<Snapshotting, ConfigureError> {
        Ok(match snapshot::take(self, settings, &self.granted(settings)?, &self.limits)? {
            Snapshot::Taken(component) => Snapshotting::Possible { component: component.len() },
            Snapshot::Unsupported(reason) => Snapshotting::Impossible(reason),
        })
    }
}
