//! The reason for the arenas: many slots, few mappings.

use super::setup::STACK_BYTES;
use odeon_arena::{MemoryArena, MemoryOptions, StackArena, StackOptions};
use wasmtime::{MemoryCreator, MemoryType, StackCreator};

/// Entries in the kernel's map table of this process.
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").expect("the map table").lines().count()
}

#[test]
fn ten_thousand_used_stacks_and_memories_add_no_mappings() {
    const ACTORS: usize = 10_000;
    let stacks = StackArena::new(&StackOptions::new(STACK_BYTES)).expect("stacks");
    let memories = MemoryArena::new(&MemoryOptions::new().within(1 << 40)).expect("memories");
    let before = mappings();
    let held: Vec<_> = (0..ACTORS)
        .map(|_| {
            let stack = stacks.new_stack(STACK_BYTES, true).expect("a stack");
            // SAFETY: the topmost byte of a stack that is ours.
            unsafe { stack.top().sub(1).write_volatile(1) };
            let ty = MemoryType::new(1, None);
            let memory = memories.new_memory(ty, 64 << 10, None, Some(0), 0).expect("a memory");
            // SAFETY: the first byte of a memory that is ours.
            unsafe { memory.as_ptr().write_volatile(1) };
            (stack, memory)
        })
        .collect();
    // Other tests run meanwhile and map a little, but nothing like an actor each.
    assert!(mappings() < before + ACTORS / 10, "{before} then {}", mappings());
    assert_eq!(stacks.stats().in_use, ACTORS as u64);
    drop(held);
    assert_eq!(stacks.stats().in_use, 0);
    assert_eq!(memories.stats()[0].in_use, 0);
}

#[test]
fn what_the_system_supports_is_what_can_be_built() {
    let support = odeon_arena::support();
    let stacks = StackArena::new(&StackOptions::new(STACK_BYTES));
    assert_eq!(support.guard_pages.is_ok(), stacks.is_ok(), "{support:?}");
}
