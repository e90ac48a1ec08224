//! See `bartizan_oracle::sse`.
#![no_main]

use bartizan_oracle::sse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sse::check(input));
