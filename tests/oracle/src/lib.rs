//! What must hold of `bartizan-wire` for every input, checked against models that share no code with it.
//!
//! Each check takes bytes as they are and panics when something does not hold. The fuzz targets in
//! `tests/fuzz` call the checks with what libFuzzer finds, and the tests of this crate with the corpora
//! that earlier runs left in `tests/fuzz/corpus`, one folder for each check.
//!
//! | check | input | model |
//! |---|---|---|
//! | [`json`] | a document | [`tree`], read by `serde_json` |
//! | [`message`] | a message | the same |
//! | [`batch`] | a message, or an array of them | the same |
//! | [`listing`] | the answer to a listing method | the same |
//! | [`sse`] | an event stream | the algorithm of the WHATWG standard, on the whole stream |
//! | [`stdio`] | lines | splitting the whole input |
//! | [`headers`] | a header value; after a line feed, a second text | the grammars, spelled out |
//! | [`parameters`] | a tool's definition; after a line feed, arguments | what was made must be accepted, and no variant of it |
//! | [`forwarded`] | a document | `serde_json`, Python's `json`, JavaScript's `JSON.parse` |
#![forbid(unsafe_code)]
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a check that does not hold panics, which is what a fuzzer and a test look for"
)]

pub mod batch;
pub mod chunks;
pub mod forwarded;
pub mod headers;
pub mod json;
pub mod listing;
pub mod message;
pub mod parameters;
pub mod readers;
pub mod reading;
pub mod sse;
pub mod stdio;
pub mod tree;

/// A check, by the name of its fuzz target and of its corpus.
pub struct Check {
    /// The name.
    pub name: &'static str,
    /// Panics if something does not hold for this input.
    pub run: fn(&[u8]),
}

/// Every check.
pub const CHECKS: [Check; 9] = [
    Check { name: "batch", run: batch::check },
    Check { name: "forwarded", run: forwarded::check },
    Check { name: "headers", run: headers::check },
    Check { name: "json", run: json::check },
    Check { name: "listing", run: listing::check },
    Check { name: "message", run: message::check },
    Check { name: "parameters", run: parameters::check },
    Check { name: "sse", run: sse::check },
    Check { name: "stdio", run: stdio::check },
];
