//! Approvals: a person's yes to one call, asked for by a policy and used once.
//!
//! A call that a policy sends for approval is put to [`Approvals::demand`]. The first time that makes
//! a pending record with a [`Ticket`]; a person decides it out of band, and the same call, retried,
//! then uses it up:
//!
//! ```
//! use bartizan_state::approval::{Approvals, Binding, Decision, Demand, MemoryApprovals, Request};
//! use bartizan_state::quota::Millis;
//!
//! let approvals = MemoryApprovals::new();
//! let request = Request {
//!     binding: Binding::new([7; 32]), // of everything that makes two calls the same
//!     server: "mlflow".into(),
//!     method: "tools/call".into(),
//!     target: Some("delete_run".into()),
//!     principal: Some("ada".into()),
//!     session: "s-1".into(),
//!     arguments: r#"{"run_id":"1f"}"#.into(),
//!     rules: vec!["/tools/delete_run/action".into()],
//!     message: "Ask the model owner.".into(),
//!     expires_after: 1_800,
//! };
//! let now = Millis::new(1_767_225_600_000);
//! let Demand::Pending(asked) = approvals.demand(&request, now)? else { unreachable!() };
//! approvals.decide(&asked.ticket, Decision::Approve, "grace", None, now)?;
//! assert!(matches!(approvals.demand(&request, now)?, Demand::Granted(_)));
//! assert!(matches!(approvals.demand(&request, now)?, Demand::Pending(_)), "once");
//! # Ok::<(), bartizan_state::approval::ApprovalError>(())
//! ```

mod binding;
mod memory;
mod record;
mod ticket;

pub use binding::{Binding, BindingError};
pub use memory::MemoryApprovals;
pub use record::{Approval, Decision, Request, Status, StatusError};
pub use ticket::{Ticket, TicketError};

pub(crate) use record::{KEPT, standing};

use std::error::Error;

use thiserror::Error;

use crate::quota::Millis;

/// A place where approvals are kept.
///
/// Implementations keep these promises:
///
/// - **Every operation is one atomic step,** also among several processes that share the place.
/// - **Used once.** An approval lets one call through. One that is used, denied, withdrawn or expired
///   never lets another through; only [`Approvals::restore`] takes a use back.
/// - **Said is kept.** What an operation has returned survives the end of the process, as far as the
///   place survives it at all.
/// - **Time is the caller's.** A record is over when `now` reaches its `expires`. A pending or approved
///   one that is over reads as [`Status::Expired`].
///
/// Records are kept for 30 days after they are over.
pub trait Approvals: Send + Sync {
    /// Puts a call to the approvals of its binding, in one step. The first of these that applies:
    ///
    /// 1. one is approved: it is used up, and the call is [`Demand::Granted`];
    /// 2. one was denied and its time is not over: [`Demand::Refused`];
    /// 3. one is pending: [`Demand::Pending`], so that identical calls share a ticket;
    /// 4. otherwise a new one is made: [`Demand::Pending`].
    ///
    /// # Errors
    /// [`ApprovalError::Unavailable`]. Nothing is used up or made then, and the call must not go ahead.
    fn demand(&self, request: &Request, now: Millis) -> Result<Demand, ApprovalError>;

    /// Takes back the use of an approval by a call that certainly did not happen. Its time does not
    /// get longer by that.
    ///
    /// # Errors
    /// [`ApprovalError::NotUsed`] if the record is not used (any more), [`ApprovalError::Unknown`] and
    /// [`ApprovalError::Unavailable`]. The approval stays used then.
    fn restore(&self, grant: Grant) -> Result<(), ApprovalError>;

    /// Decides a pending approval, in the name of `by`. An approval is good for as long after the
    /// decision as the request had been for an answer. The record as it is then.
    ///
    /// # Errors
    /// [`ApprovalError::Unknown`], [`ApprovalError::Decided`], [`ApprovalError::Expired`] and
    /// [`ApprovalError::Unavailable`]. Nothing is changed then.
    fn decide(
        &self,
        ticket: &Ticket,
        decision: Decision,
        by: &str,
        reason: Option<&str>,
        now: Millis,
    ) -> Result<Approval, ApprovalError>;

    /// Ends a pending approval that nobody waits for any more. The record as it is then.
    ///
    /// # Errors
    /// As [`Approvals::decide`].
    fn withdraw(&self, ticket: &Ticket, now: Millis) -> Result<Approval, ApprovalError>;

    /// The record with this ticket, as it reads at `now`.
    ///
    /// # Errors
    /// [`ApprovalError::Unavailable`].
    fn find(&self, ticket: &Ticket, now: Millis) -> Result<Option<Approval>, ApprovalError>;

    /// Records as they read at `now`, in the order in which they were made.
    ///
    /// # Errors
    /// [`ApprovalError::Unavailable`].
    fn list(&self, filter: Filter, now: Millis) -> Result<Vec<Approval>, ApprovalError>;
}

/// How a call stands that needs an approval.
#[derive(Debug)]
#[must_use = "a grant that is dropped stays used"]
pub enum Demand {
    /// It may go ahead: an approval was used up for it.
    Granted(Grant),
    /// Nobody has decided yet.
    Pending(Approval),
    /// It was denied.
    Refused(Approval),
}

/// An approval that was used up for one call. It cannot be copied, so a use is taken back once at most.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    ticket: Ticket,
}

impl Grant {
    /// For implementations of [`Approvals`]: this approval was just used up.
    #[must_use]
    pub fn new(ticket: Ticket) -> Self {
        Self { ticket }
    }

    /// The ticket of the approval.
    #[must_use]
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}

/// Which records are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those that can be decided.
    Pending,
    /// All that are kept.
    All,
}

/// Why an approval did not change.
#[derive(Debug, Error)]
pub enum ApprovalError {
    /// There is no such record.
    #[error("no approval has the ticket {ticket}; list the approvals to see which there are")]
    Unknown {
        /// The ticket that was asked for.
        ticket: Ticket,
    },
    /// It is not pending, and so cannot be decided or withdrawn.
    #[error("approval {ticket} is {status} already; a decision cannot be changed")]
    Decided {
        /// Its ticket.
        ticket: Ticket,
        /// What it is.
        status: Status,
    },
    /// Its time ran out before anybody decided.
    #[error("approval {ticket} expired at {at}; the call has to be made again to ask anew")]
    Expired {
        /// Its ticket.
        ticket: Ticket,
        /// When that was.
        at: Millis,
    },
    /// There is no use of it to take back.
    #[error("approval {ticket} is {status}, not used, so there is nothing to give back")]
    NotUsed {
        /// Its ticket.
        ticket: Ticket,
        /// What it is.
        status: Status,
    },
    /// The place failed, so nothing is known. A call that needs an approval must not go ahead.
    #[error("the approvals are unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}
