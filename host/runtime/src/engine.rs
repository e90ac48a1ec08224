//! The engine of a process: one clock, and for each size class a wasmtime engine with its slots.
//!
//! Invariants: every store made for this engine has an epoch deadline; the ticker advances while
//! anything evaluates; no more instances live than there are slots for. The engine for large plugins is made
//! when the first one is loaded.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::component::Linker;

use crate::class::SizeClass;
use crate::compiler::{CompileError, Compiler};
use crate::contract::{HostState, Linkers};
use crate::native::NativeCode;
use crate::pool::Pool;
use crate::ticker::{TICK, Ticker, Ticking};
use crate::wasi;

/// See [`EngineConfig::compile_with`].
static COMPILER: OnceLock<PathBuf> = OnceLock::new();

/// How the engine is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// How many instances of small plugins may live at once. Evaluations beyond that wait.
    pub slots: usize,
    /// The most linear memory that a small plugin may be given, in bytes: the size of a slot.
    pub largest_memory: usize,
    /// The program that compiles plugins in a process of its own: it calls [`compile_plugin`] when its first
    /// argument is `compile-plugin`. `None`: they are compiled in this process, without limits.
    ///
    /// [`compile_plugin`]: crate::compile_plugin
    pub compiler: Option<PathBuf>,
    /// Whether the instructions of guests are counted: for benches, since it slows them down. Then plugins are
    /// compiled in this process.
    pub counts_fuel: bool,
}

impl EngineConfig {
    /// Makes `program` the [compiler](Self::compiler) of every configuration that this process makes by
    /// default from now on. For a program that can be its own compiler; the first word counts.
    pub fn compile_with(program: PathBuf) {
        COMPILER.get_or_init(|| program);
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { slots: 64, largest_memory: 256 << 20, compiler: COMPILER.get().cloned(), counts_fuel: false }
    }
}

/// How instances get their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// From slots reserved at start: instantiation costs microseconds.
    Pooling,
    /// Mapped for each instance: for large plugins, and where the address space for slots is not to be had.
    OnDemand,
}

/// The engine could not be set up: the host's fault.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime does not support this machine.
    #[error("the WebAssembly engine could not start: {0:#}")]
    Engine(wasmtime::Error),
    /// The thread that keeps the deadlines could not be started.
    #[error("the thread that ends plugins at their deadline could not start: {0}")]
    Ticker(#[source] std::io::Error),
}

/// The engine that compiles and runs plugins. Cheap to clone; one for each process.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    /// That of the class for which this handle is.
    pool: Arc<Pool>,
}

struct Shared {
    config: EngineConfig,
    ticker: Ticker,
    compiler: Compiler,
    small: Arc<Pool>,
    /// `None` until there is a large plugin.
    large: Mutex<Option<Arc<Pool>>>,
}

impl Engine {
    /// Sets up the engine and its ticker thread.
    ///
    /// Where the address space for the slots cannot be reserved (`ulimit -v`, small address spaces)
    /// the engine allocates on demand and says so in the log.
    ///
    /// # Errors
    ///
    /// When wasmtime does not support this machine, or no thread can be started.
    pub fn new(config: &EngineConfig) -> Result<Self, EngineError> {
        let small = Arc::new(Pool::new(SizeClass::Small, config)?);
        let ticker = Ticker::start().map_err(EngineError::Ticker)?;
        ticker.tick(&small.wasmtime);
        // A child does not make code that counts.
        let compiler = if config.counts_fuel { None } else { config.compiler.clone() };
        let shared = Shared {
            config: config.clone(),
            ticker,
            compiler: Compiler::new(compiler),
            small: Arc::clone(&small),
            large: Mutex::new(None),
        };
        Ok(Self { shared: Arc::new(shared), pool: small })
    }

    /// How instances get their memory.
    pub fn allocation(&self) -> Allocation {
        self.pool.allocation
    }

    /// The engine for plugins of this class.
    pub(crate) fn of_class(&self, class: SizeClass) -> Result<Self, EngineError> {
        let pool = match class {
            SizeClass::Small => Arc::clone(&self.shared.small),
            SizeClass::Large => {
                let mut large = self.shared.large.lock();
                match &*large {
                    Some(pool) => Arc::clone(pool),
                    None => {
                        let pool = Arc::new(Pool::new(class, &self.shared.config)?);
                        self.shared.ticker.tick(&pool.wasmtime);
                        Arc::clone(large.insert(pool))
                    }
                }
            }
        };
        Ok(Self { shared: Arc::clone(&self.shared), pool })
    }

    /// The class for which this handle is.
    pub(crate) fn class(&self) -> SizeClass {
        self.pool.class
    }

    /// The most linear memory that a plugin can have here, in bytes.
    pub(crate) fn largest_memory(&self) -> Option<usize> {
        self.pool.largest_memory
    }

    /// Whether the instructions of guests are counted.
    pub(crate) fn counts_fuel(&self) -> bool {
        self.shared.config.counts_fuel
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.pool.wasmtime
    }

    pub(crate) fn linkers(&self) -> &Linkers {
        &self.pool.linkers
    }

    /// What a component is linked with.
    pub(crate) fn linker(&self, with_wasi: bool) -> wasmtime::Result<Cow<'_, Linker<HostState>>> {
        let linker = &self.linkers().v0_1;
        if with_wasi { wasi::extend(linker).map(Cow::Owned) } else { Ok(Cow::Borrowed(linker)) }
    }

    /// Compiles a component: the one door to Cranelift.
    pub(crate) fn compile(&self, component: &[u8]) -> Result<NativeCode, CompileError> {
        self.shared.compiler.compile(self, component)
    }

    /// Takes a slot for one instance, waiting for one until the deadline. `None` if none came free.
    pub(crate) fn slot(&self, patience: Duration) -> Option<Slot> {
        self.pool.slots.acquire(patience).then(|| Slot { pool: Arc::clone(&self.pool) })
    }

    /// Takes the right to wait for others during an evaluation, waiting for it until the deadline. `None` if
    /// none came free.
    pub(crate) fn waiting_slot(&self, patience: Duration) -> Option<WaitingSlot<'_>> {
        self.pool.waiting.acquire(patience).then(|| WaitingSlot { pool: &self.pool })
    }

    /// Whether instances may be kept for later: at most half of the slots are for those.
    pub(crate) fn has_spare_slots(&self) -> bool {
        self.pool.slots.has_spare()
    }

    /// Keeps the clock going while a guest runs.
    pub(crate) fn ticking(&self) -> Ticking<'_> {
        self.shared.ticker.ticking()
    }

    /// The number of epochs after which `deadline` has certainly passed and no epoch too early.
    pub(crate) fn epochs(deadline: Duration) -> u64 {
        let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos());
        u64::try_from(ticks).unwrap_or(u64::MAX - 1).saturating_add(1)
    }
}

/// The right to have one instance; given back on drop. An instance is dropped before its slot.
pub(crate) struct Slot {
    pool: Arc<Pool>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.slots.release();
    }
}

/// The right to wait for others; given back on drop.
pub(crate) struct WaitingSlot<'a> {
    pool: &'a Pool,
}

impl Drop for WaitingSlot<'_> {
    fn drop(&mut self) {
        self.pool.waiting.release();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;

    fn engine() -> Engine {
        Engine::new(&EngineConfig { slots: 2, ..EngineConfig::default() }).unwrap()
    }

    #[test]
    fn a_deadline_is_never_cut_short() {
        assert_eq!(Engine::epochs(Duration::from_millis(1)), 2);
        assert_eq!(Engine::epochs(Duration::from_micros(1)), 2);
        assert_eq!(Engine::epochs(Duration::from_millis(50)), 51);
        assert_eq!(Engine::epochs(Duration::MAX), u64::MAX);
    }

    #[test]
    fn large_plugins_take_no_slots_of_small_ones() {
        let small = engine();
        let large = small.of_class(SizeClass::Large).unwrap();
        let again = large.of_class(SizeClass::Large).unwrap();
        assert!(Arc::ptr_eq(&large.pool, &again.pool), "one for all of them");
        let taken: Vec<Slot> = std::iter::from_fn(|| again.slot(Duration::ZERO)).collect();
        assert_eq!(taken.len(), 2);
        assert!(large.slot(Duration::ZERO).is_none());
        assert!(small.slot(Duration::ZERO).is_some());
    }

    #[test]
    fn the_clock_wakes_after_resting() {
        let engine = engine();
        let ticker = &engine.shared.ticker;
        let wait = |rests: bool, problem: &str| {
            let started = Instant::now();
            while ticker.rests() != rests {
                assert!(started.elapsed() < Duration::from_secs(10), "{problem}");
                thread::yield_now();
            }
        };
        wait(true, "the ticker never rests");
        let _ticking = engine.ticking();
        wait(false, "the ticker does not wake");
    }
}
