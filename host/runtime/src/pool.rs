//! The engine of one size class: its configuration, its slots and what is linked.

use std::num::NonZeroUsize;

use wasmtime::{InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::class::SizeClass;
use crate::contract::{self, Linkers};
use crate::engine::{Allocation, EngineConfig, EngineError};
use crate::slots::Slots;

/// Bytes of each slot that are kept and cleared between instances instead of returned to the kernel.
/// At least what a call dirties: 256 KiB halves the cost of an instance against 128 KiB.
const KEEP_RESIDENT: usize = 256 << 10;

/// How many instances of large plugins may live at once.
const LARGE_SLOTS: usize = 8;

/// What all plugins of one size class share.
pub(crate) struct Pool {
    pub(crate) class: SizeClass,
    pub(crate) wasmtime: wasmtime::Engine,
    pub(crate) linkers: Linkers,
    pub(crate) allocation: Allocation,
    pub(crate) slots: Slots,
    /// For what may wait for others while it has an instance: at most a quarter of the instances do.
    pub(crate) waiting: Slots,
    /// The most linear memory that a plugin can have here; `None` if only its own limit says.
    pub(crate) largest_memory: Option<usize>,
}

impl Pool {
    /// Small plugins get instances from slots reserved at start; those of large ones are mapped one by one,
    /// which costs them little beside what they cost anyway, and reserves nothing while there are none.
    pub(crate) fn new(class: SizeClass, config: &EngineConfig) -> Result<Self, EngineError> {
        let (wasmtime, allocation) = match class {
            SizeClass::Small => pooling_engine(config)?,
            SizeClass::Large => (on_demand_engine(class, config)?, Allocation::OnDemand),
        };
        let linkers = contract::linkers(&wasmtime).map_err(EngineError::Engine)?;
        let (slots, largest_memory) = match class {
            SizeClass::Small => (config.slots, Some(config.largest_memory)),
            SizeClass::Large => (config.slots.min(LARGE_SLOTS), None),
        };
        let waiting = Slots::new((slots / 4).max(1));
        let slots = Slots::new(slots);
        Ok(Self { class, wasmtime, linkers, allocation, slots, waiting, largest_memory })
    }
}

fn pooling_engine(config: &EngineConfig) -> Result<(wasmtime::Engine, Allocation), EngineError> {
    let mut pooling = wasmtime_config(SizeClass::Small);
    pooling.consume_fuel(config.counts_fuel);
    pooling.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling_config(config)));
    match wasmtime::Engine::new(&pooling) {
        Ok(engine) => Ok((engine, Allocation::Pooling)),
        Err(error) => {
            tracing::warn!(
                slots = config.slots,
                error = format!("{error:#}"),
                "no address space for pooled plugin instances: allocating on demand, which is slower"
            );
            Ok((on_demand_engine(SizeClass::Small, config)?, Allocation::OnDemand))
        }
    }
}

fn on_demand_engine(class: SizeClass, config: &EngineConfig) -> Result<wasmtime::Engine, EngineError> {
    let mut on_demand = wasmtime_config(class);
    on_demand.consume_fuel(config.counts_fuel);
    wasmtime::Engine::new(&on_demand).map_err(EngineError::Engine)
}

/// What code is compiled for and how it runs: all but how instances get their memory, which code does not
/// depend on, and the counting of fuel, which is for benches.
pub(crate) fn wasmtime_config(class: SizeClass) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(class.engine().stack)
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
