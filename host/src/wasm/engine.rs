//! wasmtime's settings: two engines, one for many actors and one for fast ones.
//!
//! *Dense* keeps stacks and memories in slots of a few large mappings, so that a
//! million actors fit; guest code checks bounds explicitly. *Fast* uses wasmtime's
//! pooling allocator with guard pages and copy-on-write images, for code that
//! computes; its slots are few. Where the system lacks what the dense allocator
//! needs, both use wasmtime's stock allocators.

use std::sync::Arc;

use odeon_arena::{MemoryArena, MemoryClass, MemoryOptions, StackArena, StackOptions};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// Bytes of the stack that a guest's own frames may use.
pub(super) const GUEST_STACK_BYTES: usize = 128 << 10;
/// Bytes of the whole stack of a fiber: the guest's, and what host calls need on top.
const FIBER_STACK_BYTES: usize = 256 << 10;
/// Actors that the fast tier holds at one time. The pool protects every stack when
/// it is made, which each start of a node pays for: 8 us a stack.
pub(super) const FAST_ACTORS_MAX: u32 = 2_000;

/// Core instances that each of them may have, were all to have as many: a component that
/// is linked from shared libraries has one for each library, as Python's had 14 before
/// `odeon build` linked them into one. They are counted and cost nothing before they are there.
const FAST_INSTANCES_OF_ONE: u32 = 16;

/// The engines of a node.
pub(crate) struct Engines {
    pub(crate) dense: Engine,
    pub(crate) fast: Engine,
    /// Why the dense tier uses stock allocators, if it does.
    pub(crate) fallback: Option<String>,
}

impl Engines {
    /// Builds both engines, the dense one for at most `actors_max` actors.
    ///
    /// # Errors
    /// wasmtime's, when this system cannot run guests at all.
    pub(crate) fn new(actors_max: usize) -> wasmtime::Result<Self> {
        let (dense, fallback) = match dense(actors_max) {
            Ok(engine) => (engine, None),
            Err(reason) => (Engine::new(&common())?, Some(reason)),
        };
        let fast = fast().or_else(|error| {
            tracing::warn!("no pooling allocator on this system: {error:#}");
            Engine::new(&common())
        })?;
        Ok(Self { dense, fast, fallback })
    }

    /// Makes the guests that run now reach their next yield point.
    pub(crate) fn preempt(&self) -> impl Fn() + Send + Sync + 'static {
        let (dense, fast) = (self.dense.clone(), self.fast.clone());
        move || {
            dense.increment_epoch();
            fast.increment_epoch();
        }
    }
}

/// What holds in both tiers.
fn common() -> Config {
    let mut config = Config::new();
    config
        // Guests are pre-empted at loops and calls, when another actor waits.
        .epoch_interruption(true)
        // The component model's own concurrency costs a third of every call, and
        // the core interfaces are synchronous.
        .concurrency_support(false)
        .async_stack_size(FIBER_STACK_BYTES)
        .max_wasm_stack(GUEST_STACK_BYTES)
        // Backtraces would be taken at every end of a waiting actor.
        .wasm_backtrace_max_frames(None);
    config
}

fn dense(actors_max: usize) -> Result<Engine, String> {
    // An actor of several components may need more than one; what is not used costs nothing.
    let slots = u32::try_from(actors_max.saturating_mul(2)).unwrap_or(u32::MAX).max(1024);
    let mut stacks = StackOptions::new(FIBER_STACK_BYTES);
    stacks.slots = slots;
    let stacks = StackArena::new(&stacks).map_err(|error| error.to_string())?;
    let memories = MemoryArena::new(&memories(slots)).map_err(|error| error.to_string())?;
    let mut config = common();
    config
        .with_host_stack(Arc::new(stacks))
        .with_host_memory(Arc::new(memories))
        // No protection behind a memory: code checks bounds and reads the base anew
        // after growth. The arena refuses anything else.
        .memory_reservation(0)
        .memory_guard_size(0)
        .memory_may_move(true)
        .memory_init_cow(false);
    Engine::new(&config).map_err(|error| format!("{error:#}"))
}

/// Slots of each size, as many as are wanted of small ones and fewer of large ones: at most
/// 9 TiB of the 128 that a process has, and less for a node of few actors, so that tests can
/// have many nodes in one.
///
/// A memory that outgrows its slot is copied, which nothing interrupts. So there is no
/// size between 2 and 128 MiB: what is copied takes a millisecond, and a slot costs
/// page tables only for what is touched of it.
fn memories(slots_wanted: u32) -> MemoryOptions {
    let classes = [
        (64 << 10, 1 << 21),
        (256 << 10, 1 << 21),
        (2 << 20, 1 << 20),
        (128 << 20, 1 << 15),
        (1 << 30, 1 << 10),
        (4 << 30, 1 << 8),
    ];
    let class = |(slot_bytes, slots_max): (_, u32)| MemoryClass {
        slot_bytes,
        slots: slots_wanted.min(slots_max),
    };
    MemoryOptions { classes: classes.map(class).to_vec(), ..MemoryOptions::new() }
}

fn fast() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(FAST_ACTORS_MAX)
        .total_core_instances(FAST_ACTORS_MAX * FAST_INSTANCES_OF_ONE)
        .total_memories(FAST_ACTORS_MAX)
        .total_tables(FAST_ACTORS_MAX * 4)
        .total_stacks(FAST_ACTORS_MAX)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(16 << 10)
        .async_stack_keep_resident(16 << 10)
        // At once, else the memory of up to so many dead actors would stay.
        .decommit_batch_size(1)
        // As large as the default of `table-elements-max`, so that it is this limit
        // that a guest runs into, and not one without a name.
        .table_elements(100_000);
    let mut config = common();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}
