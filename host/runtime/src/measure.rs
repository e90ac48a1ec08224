//! What one evaluation takes, for benches: instructions and memory.
//!
//! Instructions are counted by wasmtime's fuel, in an engine of their own ([`EngineConfig::counts_fuel`]), since
//! counting slows code down. The numbers are the same on every machine.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::Instance;

use crate::call::{Call, Reply};
use crate::configured::Plugin;
use crate::contract::{Exports, HostState};
use crate::error::EvaluationError;

#[cfg(doc)]
use crate::engine::EngineConfig;

/// What one evaluation took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Units of fuel, about one for each WebAssembly instruction. None if the engine does not count.
    pub fuel: Option<u64>,
    /// Bytes of linear memory when it was done, which is the most that it had: memories do not shrink.
    pub memory: usize,
}

impl Plugin {
    /// Has every hook judge in one new instance: `listings` the entry of the call, if it has one, `calls` the
    /// call, and `replies` the reply, if there is one. What they say is of no account. Where the plugin is not
    /// pristine, what `configure` takes counts as well.
    ///
    /// # Errors
    ///
    /// When a hook fails.
    pub fn measure(&self, call: &Arc<Call>, reply: Option<&Arc<Reply>>) -> Result<Taken, EvaluationError> {
        let limits = &self.limits;
        let deadline = limits.load_deadline;
        let _slot = self.engine.slot(deadline).ok_or(EvaluationError::Busy { deadline })?;
        let _ticking = self.engine.ticking();
        let failed = |error: wasmtime::Error| limits.classify_load(&error);
        let mut store = self.store(deadline);
        let full = store.get_fuel().ok();
        let instance = self.pre.instantiate(&mut store).map_err(failed)?;
        if let Some(settings) = &self.configure {
            let configured = self.exports.configure(&mut store, &instance, settings).map_err(failed)?;
            configured.map_err(EvaluationError::Answer)?;
        }
        judge(&self.exports, &mut store, &instance, call, reply).map_err(failed)?;
        let left = store.get_fuel().ok();
        let fuel = full.zip(left).map(|(full, left)| full.saturating_sub(left));
        Ok(Taken { fuel, memory: store.data().limiter.memory() })
    }
}

/// Has every hook judge that there is something for.
pub(crate) fn judge(
    exports: &Exports,
    store: &mut Store<HostState>,
    instance: &Instance,
    call: &Arc<Call>,
    reply: Option<&Arc<Reply>>,
) -> wasmtime::Result<()> {
    store.data_mut().judge_call(call);
    if let Some(entry) = &call.entry {
        exports.visible(store, instance, std::slice::from_ref(&**entry))?;
    }
    exports.check_call(store, instance)?;
    if let Some(reply) = reply {
        store.data_mut().judge_reply(call, reply);
        exports.check_reply(store, instance)?;
    }
    Ok(())
}
