//! The desk: what waits for a person, and the person's decision, each recorded.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bartizan_audit::event::{self, ApprovalStep};
use bartizan_audit::log::{Sink, SinkError};
use bartizan_audit::record::Timestamp;
use bartizan_state::approval::{Approval, ApprovalError, Approvals, Decision, Filter, Ticket};
use bartizan_state::quota::Millis;
use bartizan_state::sqlite::{OpenError, SqliteStore};

/// Where a person decides.
#[derive(Clone)]
pub struct Desk {
    approvals: Arc<dyn Approvals>,
    log: Arc<dyn Sink>,
}

/// Why a decision did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The approval cannot be decided.
    #[error(transparent)]
    Decide(#[from] ApprovalError),
    /// The audit log does not take it, so it was not made.
    #[error("nothing was decided: {0}")]
    Audit(#[from] SinkError),
}

impl Desk {
    /// A desk for these approvals, whose decisions go to this log.
    pub fn new(approvals: Arc<dyn Approvals>, log: Arc<dyn Sink>) -> Self {
        Self { approvals, log }
    }

    /// A desk on a state directory.
    ///
    /// # Errors
    ///
    /// When the directory cannot be used.
    pub fn open(directory: &Path, log: Arc<dyn Sink>) -> Result<Self, OpenError> {
        Ok(Self::new(Arc::new(SqliteStore::open(directory)?), log))
    }

    /// What was asked for, oldest first.
    ///
    /// # Errors
    ///
    /// When the state directory cannot be read.
    pub fn list(&self, filter: Filter) -> Result<Vec<Approval>, ApprovalError> {
        self.approvals.list(filter, now())
    }

    /// One approval.
    ///
    /// # Errors
    ///
    /// As for [`Desk::list`].
    pub fn find(&self, ticket: &Ticket) -> Result<Option<Approval>, ApprovalError> {
        self.approvals.find(ticket, now())
    }

    /// Decides, in the name of a person, with a reason for the agent.
    ///
    /// # Errors
    ///
    /// When there is no such ticket, somebody was faster, it has expired, or the decision cannot be kept.
    pub fn decide(
        &self,
        ticket: &Ticket,
        decision: Decision,
        by: &str,
        reason: Option<&str>,
    ) -> Result<Approval, DeskError> {
        // What could not be recorded must not be decided.
        self.log.ready()?;
        let approval = self.approvals.decide(ticket, decision, by, reason, now())?;
        let step = match decision {
            Decision::Approve => ApprovalStep::Approved,
            Decision::Deny => ApprovalStep::Denied,
        };
        let request = &approval.request;
        let line = event::Approval {
            time: Timestamp::from_unix_millis(now().get()),
            event: event::kind::Approval,
            step,
            ticket: approval.ticket.as_str().into(),
            server: request.server.as_str().into(),
            method: request.method.as_str().into(),
            target: request.target.as_deref().map(Into::into),
            principal: request.principal.as_deref().map(Into::into),
            by: Some(by.into()),
            reason: reason.map(str::to_owned),
            rules: request.rules.clone(),
        };
        self.log.record(&line.into())?;
        Ok(approval)
    }
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
