//! The arenas where there are none: both constructors fail, so that the host
//! falls back to wasmtime's own allocators, and no arena value can exist.

use crate::{ArenaError, MemoryOptions, SpaceStats, StackOptions, Support};
use std::convert::Infallible;
use wasmtime::{LinearMemory, MemoryCreator, MemoryType, StackCreator, StackMemory};

/// Why, for errors.
const REASON: &str = "this system is not Linux on a 64-bit machine";

fn unsupported() -> ArenaError {
    ArenaError::Unsupported { feature: "Linux on a 64-bit machine", reason: REASON.to_owned() }
}

/// Fiber stacks for wasmtime; cannot be built on this system.
#[derive(Clone, Debug)]
pub struct StackArena(Infallible);

impl StackArena {
    /// Fails.
    ///
    /// # Errors
    ///
    /// Always [`ArenaError::Unsupported`].
    pub fn new(_options: &StackOptions) -> Result<Self, ArenaError> {
        Err(unsupported())
    }

    /// What is in use at this moment.
    pub fn stats(&self) -> SpaceStats {
        match self.0 {}
    }
}

// SAFETY: no value of this type exists.
unsafe impl StackCreator for StackArena {
    fn new_stack(&self, _: usize, _: bool) -> wasmtime::Result<Box<dyn StackMemory>> {
        match self.0 {}
    }
}

/// Linear memories for wasmtime; cannot be built on this system.
#[derive(Clone, Debug)]
pub struct MemoryArena(Infallible);

impl MemoryArena {
    /// Fails.
    ///
    /// # Errors
    ///
    /// Always [`ArenaError::Unsupported`].
    pub fn new(_options: &MemoryOptions) -> Result<Self, ArenaError> {
        Err(unsupported())
    }

    /// What is in use at this moment.
    pub fn stats(&self) -> Vec<SpaceStats> {
        match self.0 {}
    }
}

// SAFETY: no value of this type exists.
unsafe impl MemoryCreator for MemoryArena {
    fn new_memory(
        &self,
        _: MemoryType,
        _: usize,
        _: Option<usize>,
        _: Option<usize>,
        _: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        match self.0 {}
    }
}

/// What this system offers to the arenas: nothing.
pub fn support() -> Support {
    Support { guard_pages: Err(REASON.to_owned()), page_scan: Err(REASON.to_owned()) }
}
