//! Small guests for the tests of this part, and engines to compile them for.

use std::sync::Arc;

use wasmtime::{Config, Engine};

use super::compile::{Compiler, Engines};

/// Adds two numbers.
pub(super) const ADD: &str = r#"
    (component
      (core module $m
        (func (export "add") (param i32 i32) (result i32)
          local.get 0 local.get 1 i32.add))
      (core instance $i (instantiate $m))
      (func (export "add") (param "a" u32) (param "b" u32) (result u32)
        (canon lift (core func $i "add"))))"#;

/// Another module than `ADD`, with the same function.
pub(super) const SUBTRACT: &str = r#"
    (component
      (core module $m
        (func (export "add") (param i32 i32) (result i32)
          local.get 0 local.get 1 i32.sub))
      (core instance $i (instantiate $m))
      (func (export "add") (param "a" u32) (param "b" u32) (result u32)
        (canon lift (core func $i "add"))))"#;

/// Functions within interfaces, with one name twice.
pub(super) const INTERFACES: &str = r#"
    (component
      (core module $m (func (export "f") (param i32) (result i32) local.get 0))
      (core instance $i (instantiate $m))
      (func $f (param "x" u32) (result u32) (canon lift (core func $i "f")))
      (instance $one (export "double" (func $f)) (export "only" (func $f)))
      (instance $two (export "double" (func $f)))
      (export "my:calc/ops@1.0.0" (instance $one))
      (export "my:calc/other@1.0.0" (instance $two)))"#;

/// A WASI preview 1 program that ends with exit code 3.
pub(super) const PREVIEW1: &str = r#"
    (module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start") i32.const 3 call $exit))"#;

/// An engine that accepts what `load` accepts.
pub(super) fn engine() -> Engine {
    let mut config = Config::new();
    config.epoch_interruption(true);
    Engine::new(&config).expect("the settings fit each other")
}

/// A compiler without a cache.
pub(super) fn compiler() -> Arc<Compiler> {
    Arc::new(Compiler::new(Engines::single(engine())))
}

/// Text to binary.
pub(super) fn binary(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's text is right")
}

/// Random numbers from a seed (splitmix64): a failing test prints the seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    /// The next number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % limit as u64).expect("below a usize")
    }
}
