//! How people reach the gateway: the [desk](desk::Desk) where calls are approved, and the admin API
//! ([`api`]) for tools that do it over HTTP, or ask how the gateway is ([`client`]).
//!
//! Both work on the state directory, which the gateway's processes share: whoever may write there may
//! decide.
#![forbid(unsafe_code)]

pub mod api;
pub mod client;
pub mod desk;
pub mod token;
