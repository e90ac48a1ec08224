//! Quotas: what calls cost, reserved before a call is forwarded and settled when its fate is known.
//!
//! A policy plugin answers with charges; the host resolves each to a [`Charge`], reserves all of them
//! in one step through [`Quotas`], and settles the [`Reservation`]:
//!
//! ```
//! use bartizan_state::quota::{Charge, Counter, MemoryQuotas, Millis, Quotas, ScopeKey, Unit, Window};
//!
//! let quotas = MemoryQuotas::new();
//! let charge = Charge {
//!     counter: Counter { name: "calls".into(), limit: "300".parse()?, window: Window::Fixed(Unit::Minute) },
//!     scope: ScopeKey::Session("s-1".into()),
//!     cost: "1".parse()?,
//!     message: None,
//!     rule: None,
//!     counts_errors: false,
//! };
//! let reservation = quotas.reserve(&[charge], Millis::new(1_767_225_600_000))?;
//! let forwarded = reservation.forwarded(); // from here on the server may have acted
//! forwarded.commit();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod amount;
mod charge;
mod hold;
mod memory;
mod reservation;
mod window;

pub use amount::{Amount, AmountError};
pub use charge::{Charge, Counter, ScopeKey};
pub use memory::MemoryQuotas;
pub use reservation::{Forwarded, Reservation, Settlement};
pub use window::{Millis, Unit, Window};

pub(crate) use hold::{Hold, Tallies, hold};
pub(crate) use memory::MAX_ENTRIES;
pub(crate) use window::millis;

use std::error::Error;
use std::num::NonZeroU32;

use thiserror::Error;

/// A place where quota is counted.
///
/// Implementations keep these promises:
///
/// - **All or nothing.** Either every charge of a call is reserved or none is, in one atomic step.
///   Charges of one call that meet in the same counter add up.
/// - **Reserved is taken.** What is reserved counts against the limit at once, so calls that run at
///   the same time cannot share the last unit.
/// - **A refusal burns nothing.**
/// - **An error takes what counts errors.** When the server answers with an error, charges with
///   `counts_errors` stay and the others of the call are given back, also where both meet in one counter.
/// - **Time never runs backwards.** A `now` that is earlier than one seen before is taken as that
///   later one. A clock that steps back so makes quota return later, never sooner. The price is that
///   a clock that was far ahead for one call freezes the windows until it gets there again.
pub trait Quotas: Send + Sync {
    /// Reserves every charge of one call, at the time of the call.
    ///
    /// # Errors
    /// [`QuotaError::Exhausted`] if a charge does not fit in what is left of its limit, and
    /// [`QuotaError::Unavailable`] if the store cannot tell. Nothing is reserved then.
    fn reserve(&self, charges: &[Charge], now: Millis) -> Result<Reservation, QuotaError>;

    /// Forgets the counters of a session that is over. Reservations that are still open may be
    /// settled as before; that has no effect on a later session of the same name.
    fn end_session(&self, session: &str);
}

/// Why nothing was reserved.
#[derive(Debug, Error)]
pub enum QuotaError {
    /// A limit is reached.
    #[error("charge {charge} of the call does not fit its limit; {}", advice(*.retry_after))]
    Exhausted {
        /// The charge that holds the call back, as an index into the charges of the call. Of several
        /// the one that does so longest, so that its message agrees with `retry_after`; of equals the
        /// first.
        charge: usize,
        /// Whole seconds, rounded up, after which the whole call fits if nothing else is charged
        /// meanwhile. None if it never will: the call costs more than the limit.
        retry_after: Option<NonZeroU32>,
    },
    /// The store failed, so what is left is not known. The call must not be forwarded.
    #[error("the quota store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

fn advice(retry_after: Option<NonZeroU32>) -> String {
    match retry_after {
        Some(seconds) => format!("retry after {seconds} s"),
        None => "it costs more than the limit".to_owned(),
    }
}
