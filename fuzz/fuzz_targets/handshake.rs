//! Hands inputs to `handshake` of `host/core/src/peer/fuzz.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| odeon_core::peer::fuzz::handshake(input));
