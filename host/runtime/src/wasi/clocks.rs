//! `wasi:clocks`: the time of the call, and time that passes by being looked at.

use wasmtime::Result;
use wasmtime::component::{ComponentType, Linker, Lower};

use super::{Context, Pollable, Wasi, current, own};
use crate::contract::HostState;

/// What passes each time that the monotonic clock is read, in nanoseconds.
const TICK: u64 = 1_000;
/// A millisecond, in nanoseconds: the resolution of the wall clock.
const MILLISECOND: u32 = 1_000_000;

/// `datetime`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

impl Wasi {
    /// The time of the call in milliseconds since the Unix epoch.
    fn time(&self) -> u64 {
        self.call.as_ref().map_or(0, |call| call.time)
    }

    fn monotonic(&self) -> u64 {
        self.time().saturating_mul(MILLISECOND.into()).saturating_add(self.passed)
    }

    fn pass(&mut self, nanoseconds: u64) {
        self.passed = self.passed.saturating_add(nanoseconds);
    }
}

pub(super) fn link(linker: &mut Linker<HostState>) -> Result<()> {
    let mut wall = linker.instance("wasi:clocks/wall-clock@0.2.0")?;
    wall.func_wrap("now", |mut context: Context<'_>, (): ()| {
        let time = current(&mut context).time();
        let nanoseconds = u32::try_from(time % 1000).unwrap_or(0) * MILLISECOND;
        Ok((Datetime { seconds: time / 1000, nanoseconds },))
    })?;
    wall.func_wrap("resolution", |_: Context<'_>, (): ()| {
        Ok((Datetime { seconds: 0, nanoseconds: MILLISECOND },))
    })?;

    let mut monotonic = linker.instance("wasi:clocks/monotonic-clock@0.2.0")?;
    monotonic.func_wrap("now", |mut context: Context<'_>, (): ()| {
        let wasi = current(&mut context);
        wasi.pass(TICK);
        Ok((wasi.monotonic(),))
    })?;
    monotonic.func_wrap("resolution", |_: Context<'_>, (): ()| Ok((TICK,)))?;
    monotonic.func_wrap("subscribe-duration", |mut context: Context<'_>, (time,): (u64,)| {
        current(&mut context).pass(time);
        Ok((own::<Pollable>(&mut context, 0),))
    })?;
    monotonic.func_wrap("subscribe-instant", |mut context: Context<'_>, (when,): (u64,)| {
        let wasi = current(&mut context);
        wasi.pass(when.saturating_sub(wasi.monotonic()));
        Ok((own::<Pollable>(&mut context, 0),))
    })
}
