//! What the host remembers between calls.
//!
//! [`quota`] counts what calls cost against limits that policies set. The crate reads no clock and
//! does no input or output of its own: the caller says what time it is.

#![forbid(unsafe_code)]

pub mod quota;
