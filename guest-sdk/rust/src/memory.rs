//! What a policy remembers of a session.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::Source;

/// What a policy remembers of the session, so that a rule can depend on what came before: [`Call::memory`].
///
/// For a policy that asks for [`Ask::Memory`] and is granted it; without the grant the plugin does not load.
/// Each policy has its own memory, in each session, and nothing of it outlives the session.
///
/// An evaluation reads what there was when it began, and its own changes. They are kept only once the message
/// goes on: what refused, failed or was refused by another policy changes nothing. In a [`ListingPolicy`]
/// changes are never kept. There may be 64 keys of at most 256 bytes, with values of at most 4 KiB of JSON; a
/// change that is over that ends the evaluation, which refuses the call.
///
/// ```
/// use std::time::Duration;
/// use bartizan_guest::prelude::*;
/// use bartizan_guest::testing::{TestCall, TestMemory};
///
/// /// Lets a tool be called once in an hour.
/// struct Once;
/// # impl Policy for Once {
/// #     type Settings = std::collections::BTreeMap<String, String>;
/// #     const NAME: &'static str = "once";
/// #     const SUMMARY: &'static str = "Lets a tool be called once in an hour.";
/// #     fn configure(_: Self::Settings) -> Result<Self, String> { Ok(Self) }
/// #     fn asks() -> Vec<Ask> { vec![Ask::Memory] }
/// # }
///
/// impl CallPolicy for Once {
///     fn check(&self, call: &Call) -> Decision {
///         let tool = call.target().unwrap_or_default();
///         if call.memory().contains(&tool) {
///             return Decision::deny(format!("{tool} was called already."));
///         }
///         call.memory().set(&tool, true, Duration::from_secs(3_600));
///         Decision::pass()
///     }
/// }
///
/// let memory = TestMemory::default();
/// let at = |time| TestCall::tool("restart").memory(&memory).time(time).check(&Once);
/// assert!(at(0).is_pass());
/// assert!(at(3_599_999).is_denied());
/// assert!(at(3_600_000).is_pass());
/// ```
///
/// [`Call::memory`]: crate::Call::memory
/// [`Ask::Memory`]: crate::Ask::Memory
/// [`ListingPolicy`]: crate::ListingPolicy
pub struct Memory<'c>(pub(crate) &'c Source);

impl Memory<'_> {
    /// The JSON text under a key. `None` if there is none, or its time is over.
    pub fn get(&self, key: &str) -> Option<String> {
        self.0.remembered(key)
    }

    /// Whether there is something under a key.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// As [`Memory::get`], deserialized.
    ///
    /// # Errors
    ///
    /// When there is something else than a `T`, which only the policy itself can have put there.
    pub fn get_as<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, serde_json::Error> {
        self.get(key).map(|text| serde_json::from_str(&text)).transpose()
    }

    /// Remembers a value: `true`, a number, a text, a list, or [`serde_json::Value`].
    ///
    /// `lifetime` counts in whole seconds, is rounded up, and is at most 30 days.
    pub fn set(&self, key: &str, value: impl Into<serde_json::Value>, lifetime: Duration) {
        self.set_text(key, &value.into().to_string(), lifetime);
    }

    /// As [`Memory::set`], of anything that can be serialized.
    ///
    /// # Errors
    ///
    /// When the value cannot be JSON, such as a map whose keys are no text.
    pub fn set_as<T: Serialize + ?Sized>(
        &self,
        key: &str,
        value: &T,
        lifetime: Duration,
    ) -> Result<(), serde_json::Error> {
        self.set_text(key, &serde_json::to_string(value)?, lifetime);
        Ok(())
    }

    /// As [`Memory::set`], of JSON text.
    pub fn set_text(&self, key: &str, json: &str, lifetime: Duration) {
        let seconds = lifetime.as_secs().saturating_add(u64::from(lifetime.subsec_nanos() > 0));
        self.0.remember(key, json, u32::try_from(seconds).unwrap_or(u32::MAX));
    }

    /// Forgets a key.
    pub fn remove(&self, key: &str) {
        self.0.forget(key);
    }
}
