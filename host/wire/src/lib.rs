//! Strict JSON-RPC and the MCP message model: no I/O, no async, no policy.
//!
//! The rule that shapes this crate: *decide on exactly what is forwarded*. Bytes from a peer become a
//! [`json::Document`] (one strict parse that refuses whatever two parsers could read differently, and
//! rewrites the text without inter-token whitespace); everything else is a view of that text or an edit
//! of it, so what was judged is what leaves. No typed model of payloads: unknown members, number
//! literals and string escapes pass through untouched.
//!
//! | module | subject |
//! |---|---|
//! | [`json`] | strict parsing, views and edits of JSON text |
//! | [`message`] | the JSON-RPC envelope, its ids, and batches |
//! | [`era`] | MCP revisions and what each allows |
//! | [`method`] | the table of MCP methods |
//! | [`listing`] | reading and filtering a list result |
//! | [`denial`] | the answers a gateway gives itself |
//! | [`sse`], [`stdio`] | framing, without I/O |
//! | [`headers`] | HTTP header values |
#![forbid(unsafe_code)]

pub mod denial;
pub mod era;
pub mod headers;
pub mod json;
pub mod listing;
pub mod message;
pub mod meta;
pub mod method;
pub mod sse;
pub mod stdio;
