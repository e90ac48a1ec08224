//! Approvals in memory: one process, nothing kept over a restart.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{
    Approval, ApprovalError, Approvals, Decision, Demand, Filter, Grant, KEPT, Request, Status, Ticket,
    standing,
};
use crate::quota::Millis;

/// Approvals in memory. Clones share them. Every operation looks at all records, of which there are few:
/// they are made for people to read.
#[derive(Clone, Debug, Default)]
pub struct MemoryApprovals {
    /// In the order in which they were made.
    records: Arc<Mutex<Vec<Approval>>>,
}

impl MemoryApprovals {
    /// There are none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Approvals for MemoryApprovals {
    fn demand(&self, request: &Request, now: Millis) -> Result<Demand, ApprovalError> {
        let mut records = self.records.lock();
        let of_binding = records.iter_mut().filter(|approval| approval.request.binding == request.binding);
        match standing(of_binding, now) {
            Some(approval) => Ok(match approval.status {
                Status::Approved => {
                    approval.use_up(now);
                    Demand::Granted(Grant::new(approval.ticket.clone()))
                }
                Status::Denied => Demand::Refused(approval.clone()),
                _ => Demand::Pending(approval.clone()),
            }),
            None => {
                let ticket = Ticket::random().map_err(|error| ApprovalError::Unavailable(error.into()))?;
                let approval = Approval::pending(ticket, request.clone(), now);
                records.retain(|approval| approval.expires.get() + KEPT > now.get());
                records.push(approval.clone());
                Ok(Demand::Pending(approval))
            }
        }
    }

    fn restore(&self, grant: Grant) -> Result<(), ApprovalError> {
        of(&mut self.records.lock(), grant.ticket())?.restore()
    }

    fn decide(
        &self,
        ticket: &Ticket,
        decision: Decision,
        by: &str,
        reason: Option<&str>,
        now: Millis,
    ) -> Result<Approval, ApprovalError> {
        let mut records = self.records.lock();
        let approval = of(&mut records, ticket)?;
        approval.decide(decision, by, reason, now)?;
        Ok(approval.clone())
    }

    fn withdraw(&self, ticket: &Ticket, now: Millis) -> Result<Approval, ApprovalError> {
        let mut records = self.records.lock();
        let approval = of(&mut records, ticket)?;
        approval.withdraw(now)?;
        Ok(approval.clone())
    }

    fn find(&self, ticket: &Ticket, now: Millis) -> Result<Option<Approval>, ApprovalError> {
        Ok(of(&mut self.records.lock(), ticket).ok().map(|approval| approval.clone().read_at(now)))
    }

    fn list(&self, filter: Filter, now: Millis) -> Result<Vec<Approval>, ApprovalError> {
        let records = self.records.lock();
        let wanted = |approval: &&Approval| match filter {
            Filter::Pending => approval.status_at(now) == Status::Pending,
            Filter::All => true,
        };
        Ok(records.iter().filter(wanted).map(|approval| approval.clone().read_at(now)).collect())
    }
}

fn of<'a>(records: &'a mut [Approval], ticket: &Ticket) -> Result<&'a mut Approval, ApprovalError> {
    let mut records = records.iter_mut();
    records
        .find(|approval| approval.ticket == *ticket)
        .ok_or_else(|| ApprovalError::Unknown { ticket: ticket.clone() })
}
