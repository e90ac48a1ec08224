//! The client's side of a session.

pub(crate) mod body;
pub(crate) mod cors;
pub(crate) mod guard;
pub(crate) mod http;
pub(crate) mod stdio;
