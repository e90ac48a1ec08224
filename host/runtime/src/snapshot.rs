//! The pristine snapshot: a component whose initial memory is the memory after `configure`.
//!
//! wasmtime-wizer instruments the component so that its state can be read, this module runs it up to
//! the point after `configure`, and wizer writes that state back as the initial one. Some components
//! cannot be snapshotted (nested components with modules, tables changed at run time); for those the
//! answer is [`Snapshot::Unsupported`] and `configure` runs in every instance.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use wasmtime::Store;
use wasmtime::component::{Instance, Lift, WasmList};
use wasmtime_wizer::{ComponentContext, ComponentInstanceState, Wizer};

use crate::component::Component;
use crate::contract::{Exports, HostState};
use crate::error::{ConfigureError, EvaluationError};
use crate::evaluate;
use crate::interfaces::Granted;
use crate::limits::Limits;

/// What came of an attempt.
pub(crate) enum Snapshot {
    /// A component that starts configured.
    Taken(Vec<u8>),
    /// This component cannot be snapshotted, for this reason. Its settings are not checked yet.
    Unsupported(String),
}

/// Configures the component with `settings` and takes its state.
pub(crate) fn take(
    component: &Component,
    settings: &str,
    granted: &Granted,
    limits: &Limits,
) -> Result<Snapshot, ConfigureError> {
    let mut wizer = Wizer::new();
    // The name of the function that is removed from the snapshot: none, `configure` stays.
    wizer.init_func("").keep_init_func(true);
    // wizer panics on some components that it does not know how to handle.
    catch_unwind(AssertUnwindSafe(|| attempt(&wizer, component, settings, granted, limits)))
        .unwrap_or_else(|_panic| Ok(Snapshot::Unsupported("the component is of an unknown shape".to_owned())))
}

fn attempt(
    wizer: &Wizer,
    component: &Component,
    settings: &str,
    granted: &Granted,
    limits: &Limits,
) -> Result<Snapshot, ConfigureError> {
    let unsupported = |error: wasmtime::Error| Ok(Snapshot::Unsupported(format!("{error:#}")));
    let (context, instrumented) = match wizer.instrument_component(&component.bytes) {
        Ok(instrumented) => instrumented,
        Err(error) => return unsupported(error),
    };
    let engine = &component.engine;
    let compiled = match engine.compile(&instrumented).map(|code| code.load(engine)) {
        Ok(Ok(compiled)) => compiled,
        Ok(Err(error)) => return unsupported(error),
        // The component itself compiled; what wizer made of it does not, which is no fault of the settings.
        Err(error) => return unsupported(error.into()),
    };
    let linked = engine.linker(component.uses_wasi).and_then(|linker| linker.instantiate_pre(&compiled));
    let pre = match linked {
        Ok(pre) => pre,
        Err(error) => return unsupported(error),
    };
    let exports = match Exports::resolve(&pre) {
        Ok(exports) => exports,
        Err(error) => return unsupported(error),
    };

    let _slot = engine
        .slot(limits.load_deadline)
        .ok_or(ConfigureError::Failed(EvaluationError::Busy { deadline: limits.load_deadline }))?;
    let _ticking = engine.ticking();
    let mut store = evaluate::store(engine, limits, limits.load_deadline, granted.prepare(limits));
    let failed = |error: wasmtime::Error| ConfigureError::Failed(limits.classify_load(&error));
    let instance = pre.instantiate(&mut store).map_err(failed)?;
    exports.configure(&mut store, &instance, settings).map_err(failed)?.map_err(ConfigureError::Refused)?;

    // Handles are in a table of the host, which is empty in a new instance.
    if let Some(handles) = store.data().wasi.as_ref().map(|wasi| wasi.handles()).filter(|count| *count > 0) {
        return Ok(Snapshot::Unsupported(format!(
            "it holds {handles} handles of WASI after `configure`, which are not part of its memory"
        )));
    }

    // Reading the state runs wizer's own accessors in the guest; it gets the time that loading gets,
    // and may hand over all of the memory.
    evaluate::allow(&mut store, limits.load_deadline);
    store.set_hostcall_fuel(limits.memory.saturating_mul(2));
    match read_state(wizer, &context, store, instance) {
        Ok(snapshot) => Ok(Snapshot::Taken(snapshot)),
        Err(error) => unsupported(error),
    }
}

fn read_state(
    wizer: &Wizer,
    context: &ComponentContext<'_>,
    store: Store<HostState>,
    instance: Instance,
) -> wasmtime::Result<Vec<u8>> {
    let mut state = State { store, instance, failure: None };
    let snapshot = run(wizer.snapshot_component(context, &mut state))?;
    match state.failure {
        None => snapshot,
        Some(error) => Err(error),
    }
}

/// Drives a future that never waits: wizer's interface is async for hosts whose calls are.
pub(crate) fn run<F: Future>(future: F) -> wasmtime::Result<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(wasmtime::format_err!("reading the state waited for something")),
    }
}

/// Reads an instrumented instance. Its trait has no place for errors, so the first one is kept.
pub(crate) struct State {
    pub(crate) store: Store<HostState>,
    pub(crate) instance: Instance,
    pub(crate) failure: Option<wasmtime::Error>,
}

impl State {
    fn call<R: Lift + 'static>(&mut self, interface: &str, function: &str) -> Option<R> {
        let answer = self.try_call(interface, function);
        answer.map_err(|error| self.failure.get_or_insert(error)).ok()
    }

    fn try_call<R: Lift + 'static>(&mut self, interface: &str, function: &str) -> wasmtime::Result<R> {
        let missing = || wasmtime::format_err!("the instrumented component lacks {interface}#{function}");
        let interface_index =
            self.instance.get_export_index(&mut self.store, None, interface).ok_or_else(missing)?;
        let function_index = self
            .instance
            .get_export_index(&mut self.store, Some(&interface_index), function)
            .ok_or_else(missing)?;
        let function = self.instance.get_typed_func::<(), (R,)>(&mut self.store, function_index)?;
        Ok(function.call(&mut self.store, ())?.0)
    }
}

impl ComponentInstanceState for State {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        match self.call::<WasmList<u8>>(instance, func) {
            Some(list) => contents(list.as_le_slice(&self.store)),
            None => contents(&[]),
        }
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.call(instance, func).unwrap_or_default()
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.call(instance, func).unwrap_or_default()
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.call::<f32>(instance, func).unwrap_or_default().to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.call::<f64>(instance, func).unwrap_or_default().to_bits()
    }
}
