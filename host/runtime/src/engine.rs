//! The one wasmtime engine of a process: its configuration, its slots and its clock.
//!
//! Invariants: every store made for this engine has an epoch deadline; the ticker advances while
//! anything evaluates; no more instances live than the pool has slots for.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use wasmtime::{InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::contract;
use crate::contract::Linkers;

/// The length of an epoch: the resolution of every deadline.
const TICK: Duration = Duration::from_millis(1);

/// How long the ticker goes on when nothing evaluates, so that a steady trickle of calls does not
/// pay for waking it.
const TICKER_LINGERS: Duration = Duration::from_millis(500);

/// The deepest a guest's stack may grow, in bytes.
const GUEST_STACK: usize = 512 << 10;

/// Bytes of each slot that are kept and cleared between instances instead of returned to the kernel.
/// At least what a call dirties: 256 KiB halves the cost of an instance against 128 KiB.
const KEEP_RESIDENT: usize = 256 << 10;

/// How the engine is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// How many plugin instances may live at once. Evaluations beyond that wait.
    pub slots: usize,
    /// The most linear memory that any plugin may be given, in bytes: the size of a slot.
    pub largest_memory: usize,
    /// Whether the instructions of guests are counted: for benches, since it slows them down.
    pub counts_fuel: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self { slots: 64, largest_memory: 256 << 20, counts_fuel: false }
    }
}

/// How instances get their memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// From slots reserved at start: instantiation costs microseconds.
    Pooling,
    /// Mapped for each instance, where the address space for slots is not to be had.
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
}

struct Shared {
    wasmtime: wasmtime::Engine,
    linkers: Linkers,
    allocation: Allocation,
    counts_fuel: bool,
    slots: Slots,
    /// For what may wait for others while it has an instance: at most a quarter of the instances do.
    waiting: Slots,
    ticker: Ticker,
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
        let pooling = wasmtime_config(config, Allocation::Pooling);
        let (wasmtime, allocation) = match wasmtime::Engine::new(&pooling) {
            Ok(engine) => (engine, Allocation::Pooling),
            Err(error) => {
                tracing::warn!(
                    slots = config.slots,
                    error = format!("{error:#}"),
                    "no address space for pooled plugin instances: allocating on demand, which is slower"
                );
                let on_demand = wasmtime_config(config, Allocation::OnDemand);
                let engine = wasmtime::Engine::new(&on_demand).map_err(EngineError::Engine)?;
                (engine, Allocation::OnDemand)
            }
        };
        let linkers = contract::linkers(&wasmtime).map_err(EngineError::Engine)?;
        let ticker = Ticker::start(&wasmtime).map_err(EngineError::Ticker)?;
        let slots = Slots::new(config.slots);
        let waiting = Slots::new((config.slots / 4).max(1));
        let counts_fuel = config.counts_fuel;
        let shared = Shared { wasmtime, linkers, allocation, counts_fuel, slots, waiting, ticker };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// How instances get their memory.
    pub fn allocation(&self) -> Allocation {
        self.shared.allocation
    }

    /// Whether the instructions of guests are counted.
    pub(crate) fn counts_fuel(&self) -> bool {
        self.shared.counts_fuel
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.shared.wasmtime
    }

    pub(crate) fn linkers(&self) -> &Linkers {
        &self.shared.linkers
    }

    /// Takes a slot for one instance, waiting for one until the deadline. `None` if none came free.
    pub(crate) fn slot(&self, patience: Duration) -> Option<Slot> {
        self.shared.slots.acquire(patience).then(|| Slot { engine: self.clone() })
    }

    /// Takes the right to wait for others during an evaluation, waiting for it until the deadline. `None` if
    /// none came free.
    pub(crate) fn waiting_slot(&self, patience: Duration) -> Option<WaitingSlot<'_>> {
        self.shared.waiting.acquire(patience).then(|| WaitingSlot { waiting: &self.shared.waiting })
    }

    /// Whether instances may be kept for later: at most half of the slots are for those.
    pub(crate) fn has_spare_slots(&self) -> bool {
        self.shared.slots.has_spare()
    }

    /// Keeps the clock going while a guest runs.
    pub(crate) fn ticking(&self) -> Ticking<'_> {
        self.shared.ticker.enter();
        Ticking { ticker: &self.shared.ticker }
    }

    /// The number of epochs after which `deadline` has certainly passed and no epoch too early.
    pub(crate) fn epochs(deadline: Duration) -> u64 {
        let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos());
        u64::try_from(ticks).unwrap_or(u64::MAX - 1).saturating_add(1)
    }
}

/// The right to have one instance; given back on drop. An instance is dropped before its slot.
pub(crate) struct Slot {
    engine: Engine,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.engine.shared.slots.release();
    }
}

/// The right to wait for others; given back on drop.
pub(crate) struct WaitingSlot<'a> {
    waiting: &'a Slots,
}

impl Drop for WaitingSlot<'_> {
    fn drop(&mut self) {
        self.waiting.release();
    }
}

/// While it lives, epochs pass.
pub(crate) struct Ticking<'a> {
    ticker: &'a Ticker,
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.ticker.leave();
    }
}

fn wasmtime_config(engine: &EngineConfig, allocation: Allocation) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .consume_fuel(engine.counts_fuel)
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        .wasm_backtrace_max_frames(NonZeroUsize::new(16))
        // What no guest language needs is not there to be attacked.
        .wasm_threads(false)
        .wasm_shared_everything_threads(false)
        .wasm_memory64(false)
        .wasm_gc(false)
        .wasm_relaxed_simd(false)
        .wasm_exceptions(false)
        .wasm_stack_switching(false)
        .wasm_wide_arithmetic(false)
        // Two runs on the same input agree bit for bit.
        .cranelift_nan_canonicalization(true);
    if allocation == Allocation::Pooling {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling_config(engine)));
    }
    config
}

fn pooling_config(config: &EngineConfig) -> PoolingAllocationConfig {
    let slots = u32::try_from(config.slots).unwrap_or(u32::MAX);
    let mut pooling = PoolingAllocationConfig::default();
    // A small component is five core instances (the module, its adapters), one memory and a few
    // tables; those of interpreters are a hundred and more, up to what `Limits::instances` lets through.
    // Core instances only count; memories and tables are address space.
    pooling
        .total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(128))
        .total_memories(slots.saturating_mul(2))
        .total_tables(slots.saturating_mul(16))
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .max_core_instances_per_component(256)
        .max_memories_per_component(8)
        .max_tables_per_component(32)
        .table_elements(100_000)
        .max_memory_size(config.largest_memory)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(32 << 10)
        .max_unused_warm_slots(slots);
    pooling
}

/// A counting semaphore for threads: evaluation is synchronous.
struct Slots {
    count: usize,
    free: Mutex<usize>,
    released: Condvar,
}

impl Slots {
    fn new(count: usize) -> Self {
        Self { count, free: Mutex::new(count), released: Condvar::new() }
    }

    fn has_spare(&self) -> bool {
        *self.free.lock() > self.count / 2
    }

    fn acquire(&self, patience: Duration) -> bool {
        let mut free = self.free.lock();
        if *free == 0 {
            let until = Instant::now() + patience;
            while *free == 0 {
                if self.released.wait_until(&mut free, until).timed_out() && *free == 0 {
                    return false;
                }
            }
        }
        *free -= 1;
        true
    }

    fn release(&self) {
        *self.free.lock() += 1;
        self.released.notify_one();
    }
}

/// Advances the epoch once a millisecond while anything evaluates, on its own OS thread so that a
/// busy async runtime cannot make deadlines late.
struct Ticker {
    state: Arc<TickerState>,
    thread: Option<JoinHandle<()>>,
    handle: Thread,
}

#[derive(Default)]
struct TickerState {
    evaluating: AtomicUsize,
    parked: AtomicBool,
    stopped: AtomicBool,
}

impl Ticker {
    fn start(engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let state = Arc::new(TickerState::default());
        let engine = engine.weak();
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new().name("bartizan-epoch".to_owned()).spawn(move || {
            let mut idle_since = Instant::now();
            while !shared.stopped.load(Ordering::SeqCst) {
                if shared.evaluating.load(Ordering::SeqCst) > 0 {
                    idle_since = Instant::now();
                } else if idle_since.elapsed() > TICKER_LINGERS {
                    // `enter` counts first and looks at `parked` second; here it is the other way
                    // round, so one of the two sees the other.
                    shared.parked.store(true, Ordering::SeqCst);
                    if shared.evaluating.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst)
                    {
                        thread::park();
                    }
                    shared.parked.store(false, Ordering::SeqCst);
                    idle_since = Instant::now();
                }
                thread::park_timeout(TICK);
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        })?;
        Ok(Self { state, handle: thread.thread().clone(), thread: Some(thread) })
    }

    fn enter(&self) {
        self.state.evaluating.fetch_add(1, Ordering::SeqCst);
        if self.state.parked.load(Ordering::SeqCst) {
            self.handle.unpark();
        }
    }

    fn leave(&self) {
        self.state.evaluating.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread holds no engine and ends within a tick; its result is `()`.
            let _ended = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_cut_short() {
        assert_eq!(Engine::epochs(Duration::from_millis(1)), 2);
        assert_eq!(Engine::epochs(Duration::from_micros(1)), 2);
        assert_eq!(Engine::epochs(Duration::from_millis(50)), 51);
        assert_eq!(Engine::epochs(Duration::MAX), u64::MAX);
    }

    #[test]
    fn waits_for_a_slot_no_longer_than_told() {
        let slots = Slots::new(1);
        assert!(slots.acquire(Duration::ZERO));
        assert!(!slots.acquire(Duration::from_millis(5)));
        slots.release();
        assert!(slots.acquire(Duration::ZERO));
    }

    #[test]
    fn the_clock_wakes_after_resting() {
        let engine = Engine::new(&EngineConfig { slots: 2, ..EngineConfig::default() }).unwrap();
        let state = &engine.shared.ticker.state;
        let started = Instant::now();
        while !state.parked.load(Ordering::SeqCst) {
            assert!(started.elapsed() < Duration::from_secs(10), "the ticker never rests");
            thread::yield_now();
        }
        let _ticking = engine.ticking();
        let started = Instant::now();
        while state.parked.load(Ordering::SeqCst) {
            assert!(started.elapsed() < Duration::from_secs(10), "the ticker does not wake");
            thread::yield_now();
        }
    }
}
