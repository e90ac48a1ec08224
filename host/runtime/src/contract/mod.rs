//! The contract, one adapter for each released version of the WIT package.
//!
//! An adapter knows the generated bindings of its version and turns them into the host's own types
//! ([`crate::Call`], [`crate::Decision`], …); nothing outside this module sees generated types. Every
//! adapter stays for as long as there are components built against it.

mod state;
mod v0_1;

pub(crate) use state::{HostState, Raised, Unreadable};
pub(crate) use v0_1::Exports;

use wasmtime::component::Linker;

use crate::component::Capability;

/// What components may import, for each version of the contract.
pub(crate) struct Linkers {
    /// `bartizan:policy@0.1.x`
    pub(crate) v0_1: Linker<HostState>,
}

/// Builds the linkers: once for each engine, never for a call.
pub(crate) fn linkers(engine: &wasmtime::Engine) -> wasmtime::Result<Linkers> {
    Ok(Linkers { v0_1: v0_1::linker(engine)? })
}

/// An interface that the host has.
pub(crate) struct Provided {
    /// What a component must ask for to import it.
    pub(crate) needs: Option<Capability>,
}

/// The host's interface of this name, if it has one: what a component may import.
pub(crate) fn provides(import: &str) -> Option<Provided> {
    v0_1::provides(import)
}
