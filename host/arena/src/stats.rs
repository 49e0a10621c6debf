//! What an arena reports about itself and about the system, for `odeon doctor`
//! and for metrics. Plain data.

/// The slots of one size at one moment. While threads take and return slots the
/// counts are approximate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceStats {
    /// Usable bytes of a slot.
    pub slot_bytes: usize,
    /// How many slots there are.
    pub slots: u64,
    /// Address space reserved for them, in bytes. Not memory.
    pub reserved_bytes: u64,
    /// Slots in use.
    pub in_use: u64,
    /// Free slots that stay resident for the next owner.
    pub warm: u64,
    /// Free slots that were used before and hold no memory.
    pub cold: u64,
    /// Slots that were used at least once: each costs page tables (8 bytes a
    /// page touched, at least 4 KiB for every 2 MiB of address space touched).
    pub ever_used: u64,
    /// The most pages touched by an owner whose slot stayed warm.
    pub touched_pages_max: u64,
}

/// What the system offers to the arenas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Support {
    /// Guard pages that do not split a mapping (Linux 6.13), or why not.
    /// Without them a [`crate::StackArena`] cannot be built.
    pub guard_pages: Result<(), String>,
    /// Finding touched pages (Linux 6.7), or why not. Without it the arenas
    /// work, but freed slots are never kept warm, so churn is slower.
    pub page_scan: Result<(), String>,
}
