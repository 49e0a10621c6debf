//! Hands inputs to `lz4` of `host/core/src/peer/fuzz.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| odeon_core::peer::fuzz::lz4(input));
