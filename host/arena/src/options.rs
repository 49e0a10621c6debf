//! The sizes and numbers of slots, and how many stay warm. Plain data, the same
//! on every system.

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

/// How a [`crate::StackArena`] is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackOptions {
    /// Bytes of each stack, the guard page not counted; rounded up to pages.
    /// Must be at least the engine's `async_stack_size`.
    pub stack_bytes: usize,
    /// How many stacks: the most suspended calls at once.
    pub slots: u32,
    /// How many free stacks stay resident, about. Their pages are not shared
    /// between actors: they are zeroed when freed.
    pub warm_slots: usize,
    /// The most resident bytes of a free stack; one that touched more is given
    /// back to the system whole. Bounds warm memory to this times `warm_slots`.
    pub warm_bytes_per_slot: usize,
}

impl StackOptions {
    /// Two million stacks of `stack_bytes`, 512 of them warm with 32 KiB each.
    pub fn new(stack_bytes: usize) -> Self {
        Self { stack_bytes, slots: 1 << 21, warm_slots: 512, warm_bytes_per_slot: 32 << 10 }
    }
}

/// Slots of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryClass {
    /// Bytes of each slot: whole pages.
    pub slot_bytes: usize,
    /// How many slots.
    pub slots: u32,
}

/// How a [`crate::MemoryArena`] is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// The classes, in ascending order of slot size. The largest slot is the
    /// largest memory that an actor can have.
    pub classes: Vec<MemoryClass>,
    /// How many free slots of each class stay resident, about. Their pages are
    /// not shared between actors: they are zeroed when freed.
    pub warm_slots: usize,
    /// The most resident bytes of a free slot; one that touched more is given
    /// back to the system whole. Bounds warm memory to this, times
    /// `warm_slots`, times the number of classes in use.
    pub warm_bytes_per_slot: usize,
}

impl MemoryOptions {
    /// From two million memories of 64 KiB to two thousand of 4 GiB: 37 TiB of
    /// the 128 TiB that a process has. Of each class 512 slots are kept warm
    /// with up to 64 KiB each.
    pub fn new() -> Self {
        let class = |slot_bytes, slots| MemoryClass { slot_bytes, slots };
        Self {
            classes: vec![
                class(64 * KIB, 1 << 21),
                class(256 * KIB, 1 << 21),
                class(2 * MIB, 1 << 21),
                class(16 * MIB, 1 << 19),
                class(128 * MIB, 1 << 16),
                class(GIB, 1 << 13),
                class(4 * GIB, 1 << 11),
            ],
            warm_slots: 512,
            warm_bytes_per_slot: 64 * KIB,
        }
    }

    /// The same, with the numbers of slots halved until the reservation fits
    /// `bytes`: for systems with less address space.
    ///
    /// At least one slot of each class remains, so a very small limit may be
    /// exceeded; the reservation is then refused with its size.
    #[must_use]
    pub fn within(mut self, bytes: u64) -> Self {
        while self.reserved_bytes() > bytes && self.classes.iter().any(|class| class.slots > 1) {
            for class in &mut self.classes {
                class.slots = (class.slots / 2).max(1);
            }
        }
        self
    }

    /// The address space that an arena of these options reserves, in bytes.
    pub fn reserved_bytes(&self) -> u64 {
        self.classes.iter().fold(0_u64, |sum, class| {
            sum.saturating_add((class.slot_bytes as u64).saturating_mul(u64::from(class.slots)))
        })
    }
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self::new()
    }
}
