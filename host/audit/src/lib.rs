//! The decision log: one [`Record`](record::Record) for every decision, written to a
//! [`Sink`](log::Sink).
//!
//! A record says who called what, what was decided, by which rule of which version, and what became
//! of the call. The values of arguments are never part of it, only their names.

#![forbid(unsafe_code)]

pub mod log;
pub mod record;
pub mod testing;
