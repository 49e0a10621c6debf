//! Placeholder.
mod wasm { pub mod bindings; }
