//! Runs sandboxed WebAssembly actors: see `modules` for what is known of guest code before it runs.

pub mod modules;
