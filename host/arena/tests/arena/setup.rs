//! An engine on arenas, configured as the crate documentation says.

use odeon_arena::{MemoryArena, MemoryClass, MemoryOptions, SpaceStats, StackArena, StackOptions};
use std::sync::Arc;
use wasmtime::{Config, Engine, Module};

/// Bytes of each fiber stack.
pub(crate) const STACK_BYTES: usize = 128 << 10;

/// An engine and the arenas under it.
pub(crate) struct Dense {
    pub(crate) engine: Engine,
    pub(crate) stacks: StackArena,
    pub(crate) memories: MemoryArena,
}

/// The engine settings that the arenas require.
pub(crate) fn config(stacks: &StackArena, memories: &MemoryArena) -> Config {
    let mut config = Config::new();
    config
        .async_stack_size(STACK_BYTES)
        .max_wasm_stack(64 << 10)
        .with_host_stack(Arc::new(stacks.clone()))
        .with_host_memory(Arc::new(memories.clone()))
        .memory_reservation(0)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .guard_before_linear_memory(false)
        .memory_may_move(true)
        .memory_init_cow(false);
    config
}

/// Small classes, so that exhaustion and relocation are near.
pub(crate) fn small_classes() -> MemoryOptions {
    let mut options = MemoryOptions::new();
    options.classes = vec![
        MemoryClass { slot_bytes: 64 << 10, slots: 8 },
        MemoryClass { slot_bytes: 256 << 10, slots: 4 },
        MemoryClass { slot_bytes: 2 << 20, slots: 2 },
    ];
    options
}

/// An engine on arenas of these options.
pub(crate) fn dense(stacks: &StackOptions, memories: &MemoryOptions) -> Dense {
    let stacks = StackArena::new(stacks).expect("a kernel with MADV_GUARD_INSTALL");
    let memories = MemoryArena::new(memories).expect("address space for the memories");
    let engine = Engine::new(&config(&stacks, &memories)).expect("a valid configuration");
    Dense { engine, stacks, memories }
}

/// An engine on a few small slots.
pub(crate) fn small() -> Dense {
    let mut stacks = StackOptions::new(STACK_BYTES);
    stacks.slots = 16;
    dense(&stacks, &small_classes())
}

impl Dense {
    /// Compiles a text module for this engine.
    pub(crate) fn module(&self, text: &str) -> Module {
        Module::new(&self.engine, text).expect("a valid module")
    }

    /// Asserts that every stack and memory came back.
    pub(crate) fn assert_nothing_in_use(&self) {
        assert_eq!(self.stacks.stats().in_use, 0);
        let in_use = |stats: &SpaceStats| stats.in_use;
        assert_eq!(self.memories.stats().iter().map(in_use).sum::<u64>(), 0);
    }
}
