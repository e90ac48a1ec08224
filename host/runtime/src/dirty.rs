//! How much of its memory one evaluation changes: what a fresh instance has to copy.
//!
//! Memories of a component cannot be read from outside. wizer's instrumentation, which snapshots need as well,
//! lets them be read before and after.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wasmtime_wizer::{ComponentContext, ComponentInstanceState, Wizer};

use crate::call::{Call, Reply};
use crate::component::Component;
use crate::contract::Exports;
use crate::evaluate;
use crate::measure;
use crate::snapshot::{State, run};

/// The unit in which memory is copied on write, in bytes.
const PAGE: usize = 4096;

impl Component {
    /// Bytes of linear memory, in whole pages of 4 KiB, that one evaluation changes after `configure` with these
    /// settings (JSON text). None if the component cannot be looked into.
    pub fn dirtied(&self, settings: &str, call: &Arc<Call>, reply: Option<&Arc<Reply>>) -> Option<usize> {
        let mut wizer = Wizer::new();
        wizer.init_func("").keep_init_func(true);
        // wizer panics on some components that it does not know how to handle.
        catch_unwind(AssertUnwindSafe(|| self.compare(&wizer, settings, call, reply)))
            .unwrap_or(None)
            .map(|pages| pages * PAGE)
    }

    fn compare(
        &self,
        wizer: &Wizer,
        settings: &str,
        call: &Arc<Call>,
        reply: Option<&Arc<Reply>>,
    ) -> Option<usize> {
        let (context, instrumented) = wizer.instrument_component(&self.bytes).ok()?;
        let compiled = wasmtime::component::Component::new(self.engine.wasmtime(), instrumented).ok()?;
        let pre = self.engine.linkers().v0_1.instantiate_pre(&compiled).ok()?;
        let exports = Exports::resolve(&pre).ok()?;
        let limits = &self.limits;
        let _slot = self.engine.slot(limits.load_deadline)?;
        let _ticking = self.engine.ticking();
        let interfaces = self.granted(settings).ok()?.prepare(limits);
        let mut store = evaluate::store(&self.engine, limits, limits.load_deadline, interfaces);
        let instance = pre.instantiate(&mut store).ok()?;
        exports.configure(&mut store, &instance, settings).ok()?.ok()?;
        let mut state = State { store, instance, failure: None };
        let before = self.read(wizer, &context, &mut state)?;
        evaluate::allow(&mut state.store, limits.load_deadline);
        measure::judge(&exports, &mut state.store, &instance, call, reply).ok()?;
        let after = self.read(wizer, &context, &mut state)?;
        Some(before.iter().zip(&after).map(|(before, after)| changed(before, after)).sum())
    }

    /// The content of each memory.
    fn read(&self, wizer: &Wizer, context: &ComponentContext<'_>, state: &mut State) -> Option<Vec<Vec<u8>>> {
        evaluate::allow(&mut state.store, self.limits.load_deadline);
        state.store.set_hostcall_fuel(self.limits.memory.saturating_mul(2));
        let mut reader = Reader { state, memories: Vec::new() };
        run(wizer.snapshot_component(context, &mut reader)).ok()?.ok()?;
        let Reader { state, memories } = reader;
        state.failure.is_none().then_some(memories)
    }
}

/// The pages that differ; those that are new count if there is anything in them.
fn changed(before: &[u8], after: &[u8]) -> usize {
    let pages = after.chunks(PAGE).enumerate();
    let differs = |(index, page): &(usize, &[u8])| {
        let start = index * PAGE;
        match before.get(start..start + page.len()) {
            Some(old) => old != *page,
            None => page.iter().any(|byte| *byte != 0),
        }
    };
    pages.filter(differs).count()
}

/// Reads an instance, and keeps its memories.
struct Reader<'s> {
    state: &'s mut State,
    memories: Vec<Vec<u8>>,
}

impl ComponentInstanceState for Reader<'_> {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        let memories = &mut self.memories;
        let keep = |bytes: &[u8]| {
            memories.push(bytes.to_vec());
            contents(bytes);
        };
        self.state.call_func_ret_list_u8(instance, func, keep).await;
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.state.call_func_ret_s32(instance, func).await
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.state.call_func_ret_s64(instance, func).await
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.state.call_func_ret_f32(instance, func).await
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.state.call_func_ret_f64(instance, func).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_differ_are_counted() {
        let page = |byte: u8| vec![byte; PAGE];
        let of = |pages: &[u8]| pages.iter().flat_map(|byte| page(*byte)).collect::<Vec<u8>>();
        for (before, after, expected) in [
            (of(&[1, 2]), of(&[1, 2]), 0),
            (of(&[1, 2]), of(&[1, 3]), 1),
            (of(&[1]), of(&[2, 3]), 2),
            (of(&[1]), of(&[1, 0]), 0),
            (Vec::new(), of(&[0, 1]), 1),
        ] {
            assert_eq!(changed(&before, &after), expected);
        }
    }
}
