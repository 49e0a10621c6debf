//! A space: slots of one size in one mapping, with their free list and the rule
//! that a free slot reads as zero.
//!
//! The space does not know what its slots are used for. A taken slot is owned
//! by its taker alone until it is given back.

use crate::clean;
use crate::error::ArenaError;
use crate::pagemap::Pagemap;
use crate::pool::{Pool, State, Taken};
use crate::stats::SpaceStats;
use crate::sys::{self, Mapping, page_size};
use std::ops::Range;
use std::thread;

/// The most slots of one space; keeps counters far from wrapping.
const SLOTS_MAX: u32 = 1 << 30;

/// How a space is laid out and how much it may keep resident.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// `fiber stack` or `linear memory`, for errors.
    pub(crate) what: &'static str,
    /// Inaccessible bytes at the start of each slot; whole pages, may be zero.
    pub(crate) guard_bytes: usize,
    /// Usable bytes of each slot; whole pages.
    pub(crate) usable_bytes: usize,
    /// How many slots.
    pub(crate) slots: u32,
    /// How many free slots may stay resident.
    pub(crate) warm_slots: usize,
    /// The most resident bytes of a warm slot.
    pub(crate) warm_bytes_per_slot: usize,
}

/// A taken slot. A token for its number: the taker must give it back once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

/// Slots of one size.
#[derive(Debug)]
pub(crate) struct Space {
    layout: Layout,
    mapping: Mapping,
    pool: Pool,
    pagemap: Option<&'static Pagemap>,
}

impl Space {
    /// Reserves the address space of a layout. Nothing becomes resident.
    pub(crate) fn new(layout: Layout) -> Result<Self, ArenaError> {
        let page = page_size();
        if layout.slots == 0 || layout.slots > SLOTS_MAX {
            return Err(ArenaError::Options(format!(
                "{} slots of a {}; allowed are 1 to {SLOTS_MAX}",
                layout.slots, layout.what
            )));
        }
        if layout.usable_bytes == 0
            || !layout.usable_bytes.is_multiple_of(page)
            || !layout.guard_bytes.is_multiple_of(page)
        {
            return Err(ArenaError::Options(format!(
                "{} slots of {} bytes; they must be whole pages of {page} bytes",
                layout.what, layout.usable_bytes
            )));
        }
        let bytes = layout
            .usable_bytes
            .checked_add(layout.guard_bytes)
            .and_then(|stride| stride.checked_mul(layout.slots as usize))
            .filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or_else(|| {
                ArenaError::Options(format!(
                    "{} slots of {} bytes do not fit an address space",
                    layout.slots, layout.usable_bytes
                ))
            })?;
        let pagemap = Pagemap::open().ok();
        // Without the scan nothing tells which pages to keep.
        let warm_slots = if pagemap.is_some() { layout.warm_slots } else { 0 };
        let shards = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            layout,
            mapping: Mapping::reserve(bytes)?,
            pool: Pool::new(layout.slots, warm_slots, shards),
            pagemap,
        })
    }

    /// Takes a slot whose usable bytes read as zero and whose guard faults.
    pub(crate) fn take(&self) -> Result<Slot, ArenaError> {
        let taken = self.pool.take().ok_or(ArenaError::Exhausted {
            what: self.layout.what,
            bytes: self.layout.usable_bytes,
            slots: u64::from(self.pool.slots()),
        })?;
        if taken.state == State::Fresh && self.layout.guard_bytes > 0 {
            let guard = self.mapping.at(self.offset(taken.slot));
            // SAFETY: the slot was just taken, so its pages are ours, and a
            // slot never used holds nothing.
            if let Err(error) = unsafe { sys::install_guard(guard, self.layout.guard_bytes) } {
                self.pool.put_back(taken, 0, false);
                return Err(ArenaError::Guard(error));
            }
        }
        Ok(Slot(taken.slot))
    }

    /// Gives a slot back, after making the first `used_bytes` of it zero again.
    ///
    /// # Safety
    ///
    /// The slot must come from [`Space::take`] of this space and not have been
    /// given back; nobody may access its bytes any more; and nothing but zero
    /// may have been written past `used_bytes` (rounded up to pages).
    pub(crate) unsafe fn give_back(&self, slot: Slot, used_bytes: usize) {
        let used = sys::round_up_to_pages(used_bytes)
            .expect("no more was used than the slot has")
            .min(self.layout.usable_bytes);
        let promised = self.pool.promise_warm();
        let keep_pages = if promised { self.layout.warm_bytes_per_slot / page_size() } else { 0 };
        // SAFETY: the caller gives up the slot, so its bytes are ours alone,
        // and the used part lies within it.
        let cleaned = unsafe { clean::make_zero(self.start(slot), used, keep_pages, self.pagemap) };
        let state = if cleaned.resident_pages > 0 { State::Warm } else { State::Cold };
        self.pool.put_back(Taken { slot: slot.0, state }, cleaned.resident_pages, promised);
    }

    /// The address of the slot's first usable byte.
    pub(crate) fn start(&self, slot: Slot) -> *mut u8 {
        self.mapping.at(self.offset(slot.0) + self.layout.guard_bytes)
    }

    /// The addresses of the slot's guard.
    pub(crate) fn guard(&self, slot: Slot) -> Range<*mut u8> {
        self.mapping.at(self.offset(slot.0))..self.start(slot)
    }

    /// Usable bytes of each slot.
    pub(crate) fn usable_bytes(&self) -> usize {
        self.layout.usable_bytes
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> u32 {
        self.pool.slots()
    }

    /// The page map used for cleaning, if the system has a usable one.
    pub(crate) fn pagemap(&self) -> Option<&'static Pagemap> {
        self.pagemap
    }

    /// What is in use at this moment.
    pub(crate) fn stats(&self) -> SpaceStats {
        let counts = self.pool.counts();
        SpaceStats {
            slot_bytes: self.layout.usable_bytes,
            slots: u64::from(self.pool.slots()),
            reserved_bytes: self.mapping.bytes() as u64,
            in_use: counts.in_use,
            warm: counts.warm,
            cold: counts.cold,
            ever_used: counts.ever_used,
            touched_pages_max: counts.touched_pages_max,
        }
    }

    fn offset(&self, slot: u32) -> usize {
        slot as usize * (self.layout.guard_bytes + self.layout.usable_bytes)
    }
}

#[cfg(test)]
#[path = "space_test.rs"]
mod tests;
