//! What plugins remember of sessions (`memory` of the contract).
//!
//! Each session has its own, in it each plugin of the plan by its label; it is gone with the session. A plugin
//! judges with what there was when it began to; what it changes is kept once the message goes on, and all of
//! a message's changes are kept or none.
//!
//! All sessions together have room for [`ROOM`] bytes. What cannot be kept must not be forgotten silently, since
//! a rule depends on it: the message does not go on then.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bartizan_runtime::{Change, Remembered};
use bartizan_wire::denial::Denial;
use parking_lot::Mutex;

use crate::plan::ActiveStep;

/// What all sessions together may remember, in bytes.
const ROOM: usize = 64 << 20;

/// The room that all sessions have.
#[derive(Debug)]
pub(crate) struct Room {
    used: AtomicUsize,
    size: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { used: AtomicUsize::new(0), size: ROOM }
    }
}

impl Room {
    /// Takes room in place of other room, if there is any. Less is always to be had.
    fn exchange(&self, old: usize, new: usize) -> bool {
        let exchanged = |used: usize| {
            let after = used.saturating_sub(old).saturating_add(new);
            (new <= old || after <= self.size).then_some(after)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, exchanged).is_ok()
    }
}

/// What the plugins of one session remember.
#[derive(Debug)]
pub(crate) struct SessionMemory {
    room: Arc<Room>,
    kept: Mutex<HashMap<Arc<str>, Remembered>>,
}

/// What plugins change while a message is judged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes(Vec<(Arc<str>, Vec<Change>)>);

impl Changes {
    /// Adds what a plugin changes.
    pub(crate) fn add(&mut self, step: &ActiveStep, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.0.push((Arc::clone(&step.label), changes));
        }
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }
}

/// There is no room for what plugins want to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no room for what a plugin wants to remember")]
pub(crate) struct NoRoom;

impl From<NoRoom> for Denial {
    fn from(problem: NoRoom) -> Self {
        tracing::error!(%problem, "a message does not go on");
        Self {
            reason: "The gateway cannot remember what a policy has to know of this, so it is refused."
                .to_owned(),
            ..Self::default()
        }
    }
}

impl SessionMemory {
    pub(crate) fn new(room: Arc<Room>) -> Self {
        Self { room, kept: Mutex::default() }
    }

    /// What a plugin remembers at present. Costs nothing for one that has no memory.
    pub(crate) fn of(&self, step: &ActiveStep) -> Remembered {
        if step.plugin.remembers() {
            self.kept.lock().get(&step.label).cloned().unwrap_or_default()
        } else {
            Remembered::NOTHING
        }
    }

    /// Keeps all changes, or none. `now` is in milliseconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// [`NoRoom`].
    pub(crate) fn keep(&self, changes: &Changes, now: u64) -> Result<(), NoRoom> {
        if changes.0.is_empty() {
            return Ok(());
        }
        let mut kept = self.kept.lock();
        let mut after: HashMap<Arc<str>, Remembered> = HashMap::new();
        for (label, changes) in &changes.0 {
            let before = after.get(label).or_else(|| kept.get(label)).cloned().unwrap_or_default();
            after.insert(Arc::clone(label), before.with(changes, now).map_err(|_crowded| NoRoom)?);
        }
        let size = |of: &HashMap<Arc<str>, Remembered>| -> usize {
            after.keys().filter_map(|label| of.get(label)).map(Remembered::size).sum()
        };
        if !self.room.exchange(size(&kept), size(&after)) {
            return Err(NoRoom);
        }
        kept.extend(after);
        Ok(())
    }
}

impl Drop for SessionMemory {
    fn drop(&mut self) {
        self.room.exchange(self.kept.get_mut().values().map(Remembered::size).sum(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(key: &str, value: &str) -> Change {
        Change::Set { key: key.into(), value: value.into(), until: 10 }
    }

    fn changes(label: &str, changes: Vec<Change>) -> Changes {
        Changes(vec![(label.into(), changes)])
    }

    #[test]
    fn all_changes_of_a_message_are_kept_or_none() {
        let memory = SessionMemory::new(Arc::default());
        let mut both = changes("a", vec![set("k", "1")]);
        both.extend(changes("b", (0..65).map(|number| set(&number.to_string(), "1")).collect()));
        assert_eq!(memory.keep(&both, 0), Err(NoRoom));
        assert!(memory.kept.lock().is_empty());

        let mut both = changes("a", vec![set("k", "1"), set("l", "2")]);
        both.extend(changes("a", vec![Change::Remove { key: "k".into() }]));
        memory.keep(&both, 0).unwrap();
        let kept = memory.kept.lock().get("a").cloned().unwrap();
        assert_eq!((kept.get("k", 0), kept.get("l", 0)), (None, Some("2")));
    }

    #[test]
    fn sessions_share_room_and_give_it_back() {
        let room = Arc::new(Room { used: AtomicUsize::new(0), size: 1_000 });
        let (one, other) = (SessionMemory::new(Arc::clone(&room)), SessionMemory::new(Arc::clone(&room)));
        let large = format!("\"{}\"", "v".repeat(600));
        one.keep(&changes("p", vec![set("k", &large)]), 0).unwrap();
        assert_eq!(other.keep(&changes("p", vec![set("k", &large)]), 0), Err(NoRoom));
        one.keep(&changes("p", vec![set("k", "1")]), 0).unwrap();
        other.keep(&changes("p", vec![set("k", &large)]), 0).unwrap();
        drop(other);
        one.keep(&changes("p", vec![Change::Remove { key: "k".into() }]), 0).unwrap();
        assert_eq!(room.used.load(Ordering::Relaxed), 0);
    }
}
