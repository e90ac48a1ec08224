//! What a process takes of the machine, as `/proc` has it.

use std::fs;

use bartizan_tests::gateway::Serving;

/// A megabyte.
pub(crate) const MIB: u64 = 1 << 20;

/// What a process takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    /// Memory that is really there, in bytes.
    pub(crate) memory: u64,
    /// The most of that until now.
    pub(crate) peak: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: usize,
}

impl Footprint {
    /// What a process takes now; `None` if it has ended.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(Self {
            memory: field("VmRSS:")? << 10,
            peak: field("VmHWM:")? << 10,
            threads: field("Threads:")?,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count(),
        })
    }

    /// What a gateway takes, which must be running.
    pub(crate) fn of_gateway(serving: &Serving) -> Self {
        Self::of(serving.pid()).unwrap_or_else(|| panic!("the gateway has ended:\n{}", serving.log()))
    }
}
