//! What one plugin may use, and the limiter that holds a store to it.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::class::SizeClass;
use crate::engine::Engine;
use crate::error::MemoryError;

/// What one plugin may use. Times are wall-clock; sizes are bytes, totals over all of a plugin's
/// memories and tables, for one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one evaluation may take, instantiation included. Where `configure` has to run in each
    /// instance ([`crate::Isolation::Fresh`]) it gets [`Limits::load_deadline`] on top.
    pub deadline: Duration,
    /// How long `describe` and `configure` may take, each.
    pub load_deadline: Duration,
    /// Linear memory, summed over all memories.
    pub memory: usize,
    /// Table elements, summed over all tables.
    pub table_elements: usize,
    /// Core instances, memories and tables in one component: nested components count.
    pub instances: usize,
    /// Data that a guest may hand to the host at once: in one answer, or as the parameters of one host
    /// function.
    pub output: usize,
    /// The largest `.wasm` file that is loaded.
    pub component: usize,
    /// Lines that one evaluation may write to the log.
    pub log_lines: u32,
}

impl Default for Limits {
    /// Those of small plugins, see [`SizeClass::limits`].
    fn default() -> Self {
        SizeClass::Small.limits()
    }
}

impl Limits {
    /// Whether the engine has so much to give.
    pub(crate) fn fit(&self, engine: &Engine) -> Result<(), MemoryError> {
        match engine.largest_memory() {
            Some(most) if self.memory > most => Err(MemoryError { asked: self.memory, most }),
            _ => Ok(()),
        }
    }
}

/// A store ran into [`Limits::memory`] or [`Limits::table_elements`]. Raised as a trap, so that it is
/// told apart from a guest that aborts by itself.
#[derive(Debug, thiserror::Error)]
#[error("{what} limit of {limit} reached")]
pub(crate) struct Exhausted {
    pub(crate) what: &'static str,
    pub(crate) limit: usize,
}

/// Holds a store to its totals. wasmtime's own limiter counts each memory for itself.
pub(crate) struct Limiter {
    memory_limit: usize,
    memory_used: usize,
    table_limit: usize,
    table_used: usize,
    /// What the last grant added, in case it comes to nothing.
    last_grant: Grant,
    instances: usize,
}

#[derive(Clone, Copy, Default)]
struct Grant {
    memory: usize,
    table: usize,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_limit: limits.memory,
            memory_used: 0,
            table_limit: limits.table_elements,
            table_used: 0,
            last_grant: Grant::default(),
            instances: limits.instances,
        }
    }

    /// Bytes of linear memory at present. Memories do not shrink.
    pub(crate) fn memory(&self) -> usize {
        self.memory_used
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = grow(&mut self.memory_used, self.memory_limit, current, desired, maximum, "memory")?;
        self.last_grant = Grant { memory: granted.unwrap_or(0), table: 0 };
        Ok(granted.is_some())
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_used = self.memory_used.saturating_sub(std::mem::take(&mut self.last_grant).memory);
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = grow(&mut self.table_used, self.table_limit, current, desired, maximum, "table")?;
        self.last_grant = Grant { memory: 0, table: granted.unwrap_or(0) };
        Ok(granted.is_some())
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_used = self.table_used.saturating_sub(std::mem::take(&mut self.last_grant).table);
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

/// Counts growth: by how much, or `None` if the guest's own maximum forbids it, which is its own affair.
fn grow(
    used: &mut usize,
    limit: usize,
    current: usize,
    desired: usize,
    maximum: Option<usize>,
    what: &'static str,
) -> wasmtime::Result<Option<usize>> {
    if maximum.is_some_and(|maximum| desired > maximum) {
        return Ok(None);
    }
    let added = desired.saturating_sub(current);
    let total = used.saturating_add(added);
    if total > limit {
        return Err(Exhausted { what, limit }.into());
    }
    *used = total;
    Ok(Some(added))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_count_together() {
        let mut limiter = Limiter::new(&Limits { memory: 100, ..Limits::default() });
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        let refused = limiter.memory_growing(0, 41, None).unwrap_err();
        assert!(refused.downcast_ref::<Exhausted>().is_some());
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert!(limiter.memory_growing(60, 61, None).is_err());
    }

    #[test]
    fn growth_that_comes_to_nothing_is_not_counted() {
        let mut limiter = Limiter::new(&Limits { memory: 100, ..Limits::default() });
        for _ in 0..10 {
            assert!(!limiter.memory_growing(0, 60, Some(50)).unwrap(), "beyond the guest's own maximum");
            assert!(limiter.memory_growing(0, 60, None).unwrap());
            limiter.memory_grow_failed(wasmtime::format_err!("no room")).unwrap();
        }
        assert!(limiter.memory_growing(0, 100, None).unwrap());
    }

    #[test]
    fn a_size_near_the_end_of_the_address_space_is_refused_not_wrapped() {
        let mut limiter = Limiter::new(&Limits::default());
        assert!(limiter.memory_growing(0, 10, None).unwrap());
        assert!(limiter.memory_growing(0, usize::MAX, None).is_err());
    }
}
