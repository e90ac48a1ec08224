//! `memory`: what a plugin remembers of a session.
//!
//! Pure data. An evaluation gets what there was when it began ([`Remembered`], cheap to clone and never
//! changed) and gives its changes back with its decision ([`Change`]); to keep them, or not, is for the
//! caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::Misuse;

/// How many keys a plugin may have in a session.
const KEYS: usize = 64;
/// The longest key, in bytes.
const KEY_BYTES: usize = 256;
/// The longest value, in bytes.
const VALUE_BYTES: usize = 4 * 1024;
/// The longest time that something is remembered, in seconds: 30 days.
const LONGEST: u32 = 30 * 24 * 60 * 60;

/// What an entry takes up besides its key and its value, in bytes, roughly.
const ENTRY_BYTES: usize = 128;

/// What one plugin remembers of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered(Option<Arc<BTreeMap<Arc<str>, Kept>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    /// JSON text.
    value: Arc<str>,
    /// Milliseconds since the Unix epoch: from then on it is forgotten.
    until: u64,
}

/// What an evaluation changes in what its plugin remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Remembers a value.
    Set {
        /// Under this key.
        key: Arc<str>,
        /// JSON text.
        value: Arc<str>,
        /// Milliseconds since the Unix epoch: from then on it is forgotten.
        until: u64,
    },
    /// Forgets a key.
    Remove {
        /// This one.
        key: Arc<str>,
    },
}

/// Evaluations that ran at the same time have remembered more keys together than there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is room for {KEYS} keys in a session")]
pub struct Crowded;

impl Remembered {
    /// Nothing.
    pub const NOTHING: Self = Self(None);

    /// The value under a key, at this time: milliseconds since the Unix epoch.
    pub fn get(&self, key: &str, now: u64) -> Option<&str> {
        let kept = self.0.as_ref()?.get(key)?;
        (kept.until > now).then_some(&*kept.value)
    }

    /// The same with these changes, made at this time, and without what is over.
    ///
    /// # Errors
    ///
    /// [`Crowded`].
    pub fn with(&self, changes: &[Change], now: u64) -> Result<Self, Crowded> {
        let mut entries = self.0.as_deref().cloned().unwrap_or_default();
        for change in changes {
            match change {
                Change::Set { key, value, until } => {
                    entries.insert(Arc::clone(key), Kept { value: Arc::clone(value), until: *until });
                }
                Change::Remove { key } => {
                    entries.remove(key);
                }
            }
        }
        entries.retain(|_, kept| kept.until > now);
        match entries.len() {
            0 => Ok(Self::NOTHING),
            1..=KEYS => Ok(Self(Some(Arc::new(entries)))),
            _ => Err(Crowded),
        }
    }

    /// What it takes up, in bytes.
    pub fn size(&self) -> usize {
        let entries = self.0.iter().flat_map(|entries| entries.iter());
        entries.map(|(key, kept)| ENTRY_BYTES + key.len() + kept.value.len()).sum()
    }
}

/// What one evaluation sees: what there was, and its own changes.
pub(crate) struct View {
    /// None without the grant.
    remembered: Option<Remembered>,
    /// None for what is removed.
    changes: BTreeMap<Arc<str>, Option<Kept>>,
}

impl View {
    pub(crate) fn new(is_granted: bool) -> Self {
        Self { remembered: is_granted.then_some(Remembered::NOTHING), changes: BTreeMap::new() }
    }

    /// Begins an evaluation with what there is now.
    pub(crate) fn begin(&mut self, remembered: &Remembered) {
        self.changes.clear();
        if let Some(seen) = &mut self.remembered {
            seen.clone_from(remembered);
        }
    }

    /// Forgets the evaluation's own changes.
    pub(crate) fn discard(&mut self) {
        self.changes.clear();
    }

    /// The evaluation's changes, in the order of their keys.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        let changes = std::mem::take(&mut self.changes);
        let change = |(key, kept)| match kept {
            Some(Kept { value, until }) => Change::Set { key, value, until },
            None => Change::Remove { key },
        };
        changes.into_iter().map(change).collect()
    }

    pub(crate) fn get(&self, key: &str, now: u64) -> Result<Option<String>, Misuse> {
        let remembered = self.remembered.as_ref().ok_or(Misuse::NotGranted("memory"))?;
        let found = match self.changes.get(key) {
            Some(changed) => changed.as_ref().filter(|kept| kept.until > now).map(|kept| &*kept.value),
            None => remembered.get(key, now),
        };
        Ok(found.map(str::to_owned))
    }

    pub(crate) fn set(&mut self, key: &str, value: &str, seconds: u32, now: u64) -> Result<(), Misuse> {
        let remembered = self.remembered.as_ref().ok_or(Misuse::NotGranted("memory"))?;
        let problem = if key.len() > KEY_BYTES {
            format!("a key has at most {KEY_BYTES} bytes, not {}", key.len())
        } else if value.len() > VALUE_BYTES {
            format!("a value has at most {VALUE_BYTES} bytes, not {}", value.len())
        } else if seconds > LONGEST {
            format!("{seconds} s is longer than 30 days")
        } else if let Err(error) = serde_json::from_str::<IgnoredAny>(value) {
            format!("the value is not JSON: {error}")
        } else if self.changes.len() >= KEYS * 2 && !self.changes.contains_key(key) {
            "it has changed too many keys in one evaluation".to_owned()
        } else if self.is_full(remembered, key, now) {
            format!("a plugin may have {KEYS} keys in a session")
        } else {
            let until = now.saturating_add(u64::from(seconds) * 1_000);
            self.changes.insert(key.into(), Some(Kept { value: value.into(), until }));
            return Ok(());
        };
        Err(Misuse::Memory(problem))
    }

    pub(crate) fn remove(&mut self, key: &str) -> Result<(), Misuse> {
        let remembered = self.remembered.as_ref().ok_or(Misuse::NotGranted("memory"))?;
        let is_there = remembered.0.as_ref().is_some_and(|entries| entries.contains_key(key));
        if is_there {
            self.changes.insert(key.into(), None);
        } else {
            self.changes.remove(key);
        }
        Ok(())
    }

    /// Whether there is no room for this key beside those that there are.
    fn is_full(&self, remembered: &Remembered, key: &str, now: u64) -> bool {
        let others = remembered.0.iter().flat_map(|entries| entries.iter());
        let unchanged = others.filter(|(other, kept)| kept.until > now && !self.changes.contains_key(*other));
        let set = self.changes.iter().filter_map(|(other, kept)| kept.as_ref().map(|_| other));
        unchanged.map(|(other, _)| other).chain(set).filter(|other| &***other != key).count() >= KEYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(remembered: &Remembered) -> View {
        let mut view = View::new(true);
        view.begin(remembered);
        view
    }

    #[test]
    fn an_evaluation_sees_what_there_was_and_its_own_changes() {
        let mut first = view(&Remembered::NOTHING);
        first.set("a", "1", 10, 0).unwrap();
        first.set("b", "2", 10, 0).unwrap();
        assert_eq!(first.get("a", 0).unwrap().as_deref(), Some("1"));
        let there = Remembered::NOTHING.with(&first.take_changes(), 0).unwrap();

        let mut second = view(&there);
        second.remove("a").unwrap();
        second.set("b", r#"{"n":3}"#, 10, 0).unwrap();
        second.set("c", "4", 10, 0).unwrap();
        second.remove("c").unwrap();
        for (key, expected) in [("a", None), ("b", Some(r#"{"n":3}"#)), ("c", None)] {
            assert_eq!(second.get(key, 0).unwrap().as_deref(), expected, "{key}");
        }
        assert_eq!(there.get("a", 0), Some("1"), "nothing is kept before the decision stands");
        let after = there.with(&second.take_changes(), 0).unwrap();
        assert_eq!((after.get("a", 0), after.get("b", 0)), (None, Some(r#"{"n":3}"#)));
        assert_eq!(after.size(), ENTRY_BYTES + 1 + 7);
    }

    #[test]
    fn what_is_remembered_ends() {
        let mut seen = view(&Remembered::NOTHING);
        seen.set("short", "1", 1, 500).unwrap();
        seen.set("long", "2", 2, 500).unwrap();
        let there = Remembered::NOTHING.with(&seen.take_changes(), 500).unwrap();
        for (time, expected) in
            [(1_499, [Some("1"), Some("2")]), (1_500, [None, Some("2")]), (2_500, [None, None])]
        {
            assert_eq!([there.get("short", time), there.get("long", time)], expected, "{time}");
        }
        assert_eq!(there.with(&[], 2_500).unwrap(), Remembered::NOTHING, "it takes up no room then");
    }

    #[test]
    fn a_change_beyond_a_bound_is_none() {
        let mut seen = view(&Remembered::NOTHING);
        let long = "k".repeat(KEY_BYTES + 1);
        let value = format!("\"{}\"", "v".repeat(VALUE_BYTES - 1));
        for (name, key, value, seconds) in [
            ("a long key", long.as_str(), "1", 1),
            ("a long value", "k", value.as_str(), 1),
            ("a long time", "k", "1", LONGEST + 1),
            ("no JSON", "k", "{", 1),
            ("two values", "k", "1 2", 1),
        ] {
            let refused = seen.set(key, value, seconds, 0);
            assert!(matches!(refused, Err(Misuse::Memory(_))), "{name}");
        }
        let (key, value) = (&long[1..], &format!("\"{}\"", "v".repeat(VALUE_BYTES - 2)));
        seen.set(key, value, LONGEST, 0).unwrap();
        assert_eq!(seen.get(key, 0).unwrap().as_ref(), Some(value));
    }

    #[test]
    fn there_is_room_for_so_many_keys() {
        let mut seen = view(&Remembered::NOTHING);
        for number in 0..KEYS {
            seen.set(&number.to_string(), "1", 1, 0).unwrap();
        }
        assert!(seen.set("more", "1", 1, 0).is_err());
        seen.set("0", "2", 1, 0).unwrap();
        let full = Remembered::NOTHING.with(&seen.take_changes(), 0).unwrap();

        let mut later = view(&full);
        assert!(later.set("more", "1", 1, 999).is_err());
        later.set("more", "1", 1, 1_000).unwrap();
        later.discard();
        later.remove("5").unwrap();
        later.set("more", "1", 1, 999).unwrap();
        let changes = later.take_changes();
        assert!(full.with(&changes, 999).is_ok());
        // Another evaluation at the same time has taken the room.
        let other = Change::Set { key: "other".into(), value: "1".into(), until: 2_000 };
        let other = full.with(&[Change::Remove { key: "5".into() }, other], 999).unwrap();
        assert_eq!(other.with(&changes, 999), Err(Crowded));
    }

    #[test]
    fn nothing_works_without_the_grant() {
        let mut none = View::new(false);
        none.begin(&Remembered::NOTHING);
        assert!(matches!(none.get("a", 0), Err(Misuse::NotGranted("memory"))));
        assert!(none.set("a", "1", 1, 0).is_err());
        assert!(none.remove("a").is_err());
    }
}
