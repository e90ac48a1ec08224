//! See `bartizan_oracle::headers`.
#![no_main]

use bartizan_oracle::headers;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| headers::check(input));
