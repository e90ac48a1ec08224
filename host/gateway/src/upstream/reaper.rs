//! Nothing is left behind: a small process that outlives the gateway by a moment.
//!
//! The gateway tells it which process groups it has started and which have ended. When the gateway is gone,
//! however it went (even by SIGKILL), the reaper's input ends, and it ends the groups that are left: servers
//! get a moment to see that their own input has ended, then SIGTERM, then SIGKILL.

use std::collections::HashSet;
use std::io::{BufRead, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long servers may take to end by themselves, and again after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the reaper looks whether they have.
const LOOK: Duration = Duration::from_millis(50);

/// The gateway's side of the reaper.
#[derive(Debug)]
pub(crate) struct Reaper(Mutex<ChildStdin>);

impl Reaper {
    /// Starts the reaper: the program is the gateway's own, which calls [`reap`] when it is given the word
    /// `reap`.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start(program: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .arg("reap")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Signals from a terminal are for the gateway.
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take().ok_or_else(|| std::io::Error::other("the reaper has no input"))?;
        // It ends after the gateway: nobody waits for it.
        drop(child);
        Ok(Self(Mutex::new(stdin)))
    }

    /// Takes note of a process group that was started.
    pub(crate) fn watch(&self, group: Pid) {
        self.tell('+', group);
    }

    /// Takes note of one that has ended.
    pub(crate) fn release(&self, group: Pid) {
        self.tell('-', group);
    }

    fn tell(&self, sign: char, group: Pid) {
        let line = format!("{sign}{}\n", group.as_raw_nonzero());
        if let Err(error) = self.0.lock().write_all(line.as_bytes()) {
            tracing::warn!(%error, "the reaper is gone: servers may outlive a gateway that is killed");
        }
    }
}

/// What the reaper does: follows the gateway's word until it ends, and then ends what is left.
pub fn reap(input: impl BufRead) {
    let mut groups = HashSet::new();
    for line in input.lines() {
        let Ok(line) = line else { break };
        let (sign, number) = line.split_at_checked(1).unwrap_or_default();
        let Some(group) = number.parse().ok().and_then(Pid::from_raw) else { continue };
        match sign {
            "+" => groups.insert(group),
            _ => groups.remove(&group),
        };
    }
    for signal in [Signal::TERM, Signal::KILL] {
        wait_for(&mut groups);
        for group in &groups {
            // It fails only if they have ended meanwhile.
            let _ended = kill_process_group(*group, signal);
        }
    }
}

/// Waits until the groups have ended, but not for long.
#[expect(clippy::disallowed_methods, reason = "they are not our children: there is nothing to wait on")]
fn wait_for(groups: &mut HashSet<Pid>) {
    let mut waited = Duration::ZERO;
    loop {
        groups.retain(|group| test_kill_process_group(*group).is_ok());
        if groups.is_empty() || waited >= PATIENCE {
            return;
        }
        std::thread::sleep(LOOK);
        waited += LOOK;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn group(script: &str) -> (std::process::Child, Pid) {
        let child = Command::new("sh").args(["-c", script]).process_group(0).spawn().unwrap();
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        (child, group)
    }

    #[test]
    fn ends_what_is_left_and_nothing_else() {
        let (mut left, left_group) = group("trap '' TERM; while :; do sleep 1; done");
        let (mut released, released_group) = group("exec sleep 60");
        let script = format!(
            "+{}\n+{}\nnonsense\n-{}\n",
            left_group.as_raw_nonzero(),
            released_group.as_raw_nonzero(),
            released_group.as_raw_nonzero()
        );
        reap(script.as_bytes());
        assert!(!left.wait().unwrap().success());
        assert_eq!(released.try_wait().unwrap(), None, "it was released");
        kill_process_group(released_group, Signal::KILL).unwrap();
        released.wait().unwrap();
    }
}
