//! What one plugin may use, and the limiter that holds a store to it.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What one plugin may use. Times are wall-clock; sizes are bytes, totals over all of a plugin's
/// memories and tables, for one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one evaluation may take, instantiation included.
    pub deadline: Duration,
    /// How long `describe` and `configure` may take, each.
    pub load_deadline: Duration,
    /// Linear memory, summed over all memories.
    pub memory: usize,
    /// Table elements, summed over all tables.
    pub table_elements: usize,
    /// Core instances, memories and tables in one component: nested components count.
    pub instances: usize,
    /// Data that a guest may hand to the host in one evaluation.
    pub output: usize,
    /// The largest `.wasm` file that is loaded.
    pub component: usize,
}

impl Default for Limits {
    /// Fits rules in Rust, C and Zig. Larger runtimes need their operator's word.
    fn default() -> Self {
        Self {
            deadline: Duration::from_millis(100),
            load_deadline: Duration::from_secs(2),
            memory: 64 << 20,
            table_elements: 20_000,
            instances: 32,
            output: 2 << 20,
            component: 64 << 20,
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
    instances: usize,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_limit: limits.memory,
            memory_used: 0,
            table_limit: limits.table_elements,
            table_used: 0,
            instances: limits.instances,
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        grow(&mut self.memory_used, self.memory_limit, current, desired, "memory")
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        grow(&mut self.table_used, self.table_limit, current, desired, "table")
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

fn grow(
    used: &mut usize,
    limit: usize,
    current: usize,
    desired: usize,
    what: &'static str,
) -> wasmtime::Result<bool> {
    let total = used.saturating_sub(current).saturating_add(desired);
    if total > limit {
        return Err(Exhausted { what, limit }.into());
    }
    *used = total;
    Ok(true)
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
    fn a_size_near_the_end_of_the_address_space_is_refused_not_wrapped() {
        let mut limiter = Limiter::new(&Limits::default());
        assert!(limiter.memory_growing(0, 10, None).unwrap());
        assert!(limiter.memory_growing(0, usize::MAX, None).is_err());
    }
}
