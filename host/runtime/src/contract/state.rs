//! What a store holds while a plugin runs.

use std::sync::Arc;

use crate::call::{Call, Reply};
use crate::limits::{Limiter, Limits};
use crate::wasi::Wasi;

/// A store's data: the message being judged and the limiter.
pub(crate) struct HostState {
    call: Option<Arc<Call>>,
    reply: Option<Arc<Reply>>,
    pub(crate) limiter: Limiter,
    /// What the instance has of WASI: for components that import it, and only once they use it.
    pub(crate) wasi: Option<Box<Wasi>>,
}

impl HostState {
    /// State in which there is nothing to judge: for `describe` and `configure`.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { call: None, reply: None, limiter: Limiter::new(limits), wasi: None }
    }

    /// Makes this the current call; there is no reply.
    pub(crate) fn judge_call(&mut self, call: &Arc<Call>) {
        self.call = Some(Arc::clone(call));
        self.reply = None;
    }

    /// Makes this the current reply to the current call.
    pub(crate) fn judge_reply(&mut self, call: &Arc<Call>, reply: &Arc<Reply>) {
        self.call = Some(Arc::clone(call));
        self.reply = Some(Arc::clone(reply));
    }

    pub(crate) fn call(&self) -> Result<&Arc<Call>, Unreadable> {
        self.call.as_ref().ok_or(Unreadable { what: "call" })
    }

    pub(crate) fn reply(&self) -> Result<&Arc<Reply>, Unreadable> {
        self.reply.as_ref().ok_or(Unreadable { what: "reply" })
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
