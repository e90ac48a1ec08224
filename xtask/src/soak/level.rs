//! What the gateway's process takes: memory and file descriptors, as Linux tells it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// What a process takes at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Resident memory in bytes.
    pub(super) memory: u64,
    /// Open file descriptors.
    pub(super) descriptors: u64,
}

impl Reading {
    /// The greater of each.
    pub(super) fn most(&self, other: &Self) -> Self {
        Self { memory: self.memory.max(other.memory), descriptors: self.descriptors.max(other.descriptors) }
    }
}

/// A process that is looked at; every reading is kept in a file.
pub(super) struct Watch {
    process: PathBuf,
    began: Instant,
    kept: File,
}

impl Watch {
    pub(super) fn new(id: u32, keep: &Path) -> Result<Self> {
        let mut kept = File::create(keep).with_context(|| format!("cannot write {}", keep.display()))?;
        writeln!(kept, "seconds,phase,memory,descriptors")?;
        Ok(Self { process: Path::new("/proc").join(id.to_string()), began: Instant::now(), kept })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "what a process takes is measured over time, not waited for"
    )]
    pub(super) fn read_after(&mut self, time: Duration, phase: &str) -> Result<Reading> {
        std::thread::sleep(time);
        self.read(phase)
    }

    pub(super) fn read(&mut self, phase: &str) -> Result<Reading> {
        let gone = "the gateway has ended in the middle of it";
        let status = fs::read_to_string(self.process.join("status")).context(gone)?;
        let memory = resident(&status).context(gone)?;
        let descriptors = fs::read_dir(self.process.join("fd")).context(gone)?.count() as u64;
        let seconds = self.began.elapsed().as_secs_f64();
        writeln!(self.kept, "{seconds:.1},{phase},{memory},{descriptors}")?;
        Ok(Reading { memory, descriptors })
    }
}

/// Resident memory in a `/proc/<id>/status`, in bytes. A process that has ended has none.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_status() {
        assert_eq!(
            resident("VmHWM:\t    9000 kB\nVmRSS:\t    4096 kB\nRssAnon:\t 1 kB\n"),
            Some(4096 * 1024)
        );
        assert_eq!(resident("Name:\tbartizan\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn a_process_is_read_and_kept() {
        let keep = std::env::temp_dir().join(format!("bartizan-xtask-{}.csv", std::process::id()));
        let mut watch = Watch::new(std::process::id(), &keep).unwrap();
        let reading = watch.read("test").unwrap();
        assert!(reading.memory > 0 && reading.descriptors > 0, "{reading:?}");
        let kept = fs::read_to_string(&keep).unwrap();
        assert!(kept.ends_with(&format!(",test,{},{}\n", reading.memory, reading.descriptors)), "{kept}");
        fs::remove_file(&keep).unwrap();
    }
}
