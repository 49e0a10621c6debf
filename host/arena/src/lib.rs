//! Dense allocators for wasmtime: a million fiber stacks and linear memories in
//! a handful of mappings.
//!
//! Wasmtime's stock allocators make several mappings for each instance, and a
//! process may have 65,530 of them (`vm.max_map_count`): that limit ends at some
//! ten thousand actors, long before memory does. Here all stacks are slots of
//! one mapping, and all memories of one size are slots of another. Slots cost
//! nothing until first used, and what an actor leaves behind is zeroed before
//! the next one gets it.
//!
//! ```no_run
//! use odeon_arena::{MemoryArena, MemoryOptions, StackArena, StackOptions};
//! use std::sync::Arc;
//! use wasmtime::{Config, Engine};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let stacks = StackArena::new(&StackOptions::new(128 << 10))?;
//! let memories = MemoryArena::new(&MemoryOptions::new())?;
//! let mut config = Config::new();
//! config
//!     .async_stack_size(128 << 10)
//!     .with_host_stack(Arc::new(stacks.clone()))
//!     .with_host_memory(Arc::new(memories.clone()))
//!     // No protection behind a memory: code must check bounds and read the
//!     // base anew after growth. Anything else is refused at instantiation.
//!     .memory_reservation(0)
//!     .memory_guard_size(0)
//!     .memory_may_move(true)
//!     // Wasmtime panics when it has an image for a memory that is not its own.
//!     .memory_init_cow(false);
//! let engine = Engine::new(&config)?;
//! println!("{:?} {:?}", stacks.stats(), memories.stats());
//! # Ok(()) }
//! ```
//!
//! # Who needs what
//!
//! Linux on a 64-bit machine. Stacks need `MADV_GUARD_INSTALL` (Linux 6.13); on
//! older kernels [`StackArena::new`] fails with [`ArenaError::Unsupported`] and
//! the host uses wasmtime's own stacks. Keeping freed slots warm needs the
//! `PAGEMAP_SCAN` ioctl (Linux 6.7); without it pages go back to the system.
//! Elsewhere the crate compiles and both constructors fail. [`support`] tells.
//!
//! # Soundness, and how it is tested
//!
//! All `unsafe` code of the project that maps memory is in this crate, and each
//! block says why it is sound. Its own code without wasmtime builds as a package
//! of its own, whose tests run under the address sanitizer in seconds:
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test \
//!     --manifest-path host/arena/sanitize/Cargo.toml --target x86_64-unknown-linux-gnu
//! ```
//!
//! Miri reaches the free lists only (`cargo miri test pool` there): the rest is
//! `mmap`, `madvise` and `ioctl`. The tests in `tests/` switch stacks under
//! wasmtime and run without a sanitizer.
//!
//! A process that forks and goes on without `exec` must not touch the arenas in
//! the child: they are not inherited.

mod error;
mod options;
mod stats;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod clean;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod memory;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod pagemap;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod pool;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod space;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod stack;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod sys;
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod unsupported;

pub use error::ArenaError;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub use memory::MemoryArena;
pub use options::{MemoryClass, MemoryOptions, StackOptions};
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub use stack::StackArena;
pub use stats::{SpaceStats, Support};
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub use unsupported::{MemoryArena, StackArena, support};

/// What this system offers to the arenas. Cheap, and without lasting effect.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub fn support() -> Support {
    Support {
        guard_pages: stack::guard_pages_supported(),
        page_scan: pagemap::Pagemap::open().map(drop).map_err(str::to_owned),
    }
}
