//! The part of `odeon-arena` that does not know wasmtime: free lists, zeroing,
//! slots and system calls, with their tests. The sources are the crate's own.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![expect(dead_code, reason = "the users of this code need wasmtime")]

#[path = "../../src/clean.rs"]
mod clean;
#[path = "../../src/error.rs"]
mod error;
#[path = "../../src/pagemap.rs"]
mod pagemap;
#[path = "../../src/pool.rs"]
mod pool;
#[path = "../../src/space.rs"]
mod space;
#[path = "../../src/stats.rs"]
mod stats;
#[path = "../../src/sys.rs"]
mod sys;
