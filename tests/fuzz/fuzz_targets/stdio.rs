//! See `bartizan_oracle::stdio`.
#![no_main]

use bartizan_oracle::stdio;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| stdio::check(input));
