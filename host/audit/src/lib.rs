//! The decision log: one [`Record`](record::Record) for every decision, and one line for each other
//! [`Event`](event::Event) that explains decisions, written to a [`Sink`](log::Sink).
//!
//! A record says who called what, what was decided, by which rule of which version, and what became
//! of the call. The values of arguments are part of it only where the operator asks for full records.
//!
//! The log on disk is written by [`file`](mod@file), read by [`read`] and proven by [`verify`](mod@verify).

#![forbid(unsafe_code)]

pub mod chain;
pub mod event;
pub mod file;
pub mod log;
pub mod read;
pub mod record;
pub mod testing;
pub mod verify;
