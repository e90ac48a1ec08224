//! What a store holds while a plugin runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::{Call, Reply};
use crate::interfaces::memory::Remembered;
use crate::interfaces::{Interfaces, Misuse};
use crate::limits::{Limiter, Limits};
use crate::wasi::Wasi;

/// A store's data: the message being judged, what the plugin may use beyond it, and the limiter.
pub(crate) struct HostState {
    place: Place,
    call: Option<Arc<Call>>,
    reply: Option<Arc<Reply>>,
    /// Whether the plugin read what differs from call to call.
    is_particular: bool,
    pub(crate) interfaces: Interfaces,
    pub(crate) limiter: Limiter,
    /// When the time began that the plugin has at present, and how much that is.
    begun: Instant,
    allowed: Duration,
    /// What the instance has of WASI: for components that import it, and only once they use it.
    pub(crate) wasi: Option<Box<Wasi>>,
}

/// What the plugin does at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Loading,
    Listings,
    Calls,
    Replies,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Loading => "`describe` or `configure`",
            Self::Listings => "`listings`",
            Self::Calls => "`calls`",
            Self::Replies => "`replies`",
        }
    }
}

impl HostState {
    /// State in which there is nothing to judge: for `describe` and `configure`.
    pub(crate) fn new(limits: &Limits, interfaces: Interfaces) -> Self {
        Self {
            place: Place::Loading,
            call: None,
            reply: None,
            is_particular: false,
            interfaces,
            limiter: Limiter::new(limits),
            begun: Instant::now(),
            allowed: Duration::ZERO,
            wasi: None,
        }
    }

    /// Begins the time that the plugin has.
    pub(crate) fn allow(&mut self, time: Duration) {
        self.begun = Instant::now();
        self.allowed = time;
        self.interfaces.http.begin();
    }

    /// What is left of the plugin's time, in which waiting for others does not count.
    pub(crate) fn time_left(&self) -> Duration {
        let spent = self.begun.elapsed().saturating_sub(self.interfaces.http.waited());
        self.allowed.saturating_sub(spent)
    }

    /// Begins an evaluation: what it may see of the session is this.
    pub(crate) fn begin(&mut self, remembered: &Remembered) {
        // What `configure` had to say was written when the plugin was loaded.
        self.interfaces.log.discard();
        self.is_particular = false;
        self.interfaces.memory.begin(remembered);
    }

    /// Ends an evaluation.
    pub(crate) fn end(&mut self) {
        self.interfaces.log.flush();
    }

    /// Makes this the current list request.
    pub(crate) fn judge_listing(&mut self, listing: &Arc<Call>) {
        self.judge(Place::Listings, listing, None);
    }

    /// Makes this the current call; there is no reply.
    pub(crate) fn judge_call(&mut self, call: &Arc<Call>) {
        self.judge(Place::Calls, call, None);
    }

    /// Makes this the current reply to the current call.
    pub(crate) fn judge_reply(&mut self, call: &Arc<Call>, reply: &Arc<Reply>) {
        self.judge(Place::Replies, call, Some(reply));
    }

    fn judge(&mut self, place: Place, call: &Arc<Call>, reply: Option<&Arc<Reply>>) {
        self.place = place;
        self.call = Some(Arc::clone(call));
        self.reply = reply.map(Arc::clone);
        // What `listings` changes is never kept.
        self.interfaces.memory.discard();
    }

    pub(crate) fn call(&self) -> Result<&Arc<Call>, Unreadable> {
        self.call.as_ref().ok_or(Unreadable { what: "call" })
    }

    /// The call, for what no two calls need have in common.
    pub(crate) fn particular_call(&mut self) -> Result<&Arc<Call>, Unreadable> {
        self.is_particular = true;
        self.call()
    }

    /// Whether the evaluation depends on more of the call than its method, direction, server, target, entry
    /// and principal.
    pub(crate) fn is_particular(&self) -> bool {
        self.is_particular
    }

    pub(crate) fn reply(&self) -> Result<&Arc<Reply>, Unreadable> {
        self.reply.as_ref().ok_or(Unreadable { what: "reply" })
    }

    /// The time at which the session's memory is read and changed.
    pub(crate) fn time_of_memory(&self) -> Result<u64, Misuse> {
        let misplaced = Misuse::Misplaced { interface: "memory", place: self.place.name() };
        self.call.as_ref().map(|call| call.time).ok_or(misplaced)
    }

    /// Whether a request may be sent here.
    pub(crate) fn may_send(&self) -> Result<(), Misuse> {
        match self.place {
            Place::Calls | Place::Replies => Ok(()),
            Place::Loading | Place::Listings => {
                Err(Misuse::Misplaced { interface: "http", place: self.place.name() })
            }
        }
    }
}

/// The plugin read the call or the reply when there was none.
#[derive(Debug, thiserror::Error)]
#[error("`{what}` was read outside of its hooks; `describe` and `configure` have no {what}")]
pub(crate) struct Unreadable {
    what: &'static str,
}

/// The plugin ended its evaluation itself, through `fault.fail`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Raised(pub(crate) String);
