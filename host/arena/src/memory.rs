//! Linear memories in slots of a few sizes, for wasmtime.
//!
//! A memory starts in the smallest slot that holds it, so that small actors lie
//! close together: the closer, the fewer page tables. One that grows past its
//! slot moves to a larger one, with only its touched pages copied.
//!
//! There are no guard pages: the engine must check every access explicitly, and
//! a memory is refused when the engine was configured to rely on anything else.

use crate::clean;
use crate::error::ArenaError;
use crate::options::MemoryOptions;
use crate::space::{Layout, Slot, Space};
use crate::stats::SpaceStats;
use crate::sys;
use std::sync::Arc;
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// For errors.
const WHAT: &str = "linear memory";

/// Linear memories for wasmtime, by `Config::with_host_memory`.
///
/// Memory that an actor sees for the first time, at the start or by growing,
/// reads as zero. Clones share the same slots; the address space is given back
/// when the last clone and the last memory are gone.
#[derive(Clone, Debug)]
pub struct MemoryArena {
    /// In ascending order of slot size.
    classes: Arc<[Space]>,
}

impl MemoryArena {
    /// Reserves the address space of all classes.
    ///
    /// # Errors
    ///
    /// [`ArenaError::Reserve`] when the system refuses (then fewer slots may
    /// do, see [`MemoryOptions::within`]), [`ArenaError::Options`] for classes
    /// that are not in ascending order of size, or not whole pages.
    pub fn new(options: &MemoryOptions) -> Result<Self, ArenaError> {
        let sizes = options.classes.iter().map(|class| class.slot_bytes);
        if options.classes.is_empty() || !sizes.is_sorted_by(|a, b| a < b) {
            return Err(ArenaError::Options(
                "memory classes must be given, in ascending order of slot size".to_owned(),
            ));
        }
        let classes = options
            .classes
            .iter()
            .map(|class| {
                Space::new(Layout {
                    what: WHAT,
                    guard_bytes: 0,
                    usable_bytes: class.slot_bytes,
                    slots: class.slots,
                    warm_slots: options.warm_slots,
                    warm_bytes_per_slot: options.warm_bytes_per_slot,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { classes })
    }

    /// What is in use at this moment, by class in ascending order of size.
    pub fn stats(&self) -> Vec<SpaceStats> {
        self.classes.iter().map(Space::stats).collect()
    }

    /// Creates a memory of `size` bytes in a slot of at least `capacity`.
    fn create(&self, size: usize, capacity: usize) -> Result<Memory, ArenaError> {
        let (class, slot) = take(&self.classes, capacity)?;
        Ok(Memory { classes: Arc::clone(&self.classes), class, slot, size })
    }
}

/// Takes the smallest free slot of at least `bytes`.
///
/// A full class spills into the next larger one: a slot too large costs only
/// page tables, a refused actor costs more.
fn take(classes: &[Space], bytes: usize) -> Result<(usize, Slot), ArenaError> {
    let largest = classes.last().map_or(0, Space::usable_bytes);
    if bytes > largest {
        return Err(ArenaError::TooLarge { what: WHAT, bytes, largest });
    }
    let mut slots = 0;
    for (class, space) in classes.iter().enumerate() {
        if space.usable_bytes() < bytes {
            continue;
        }
        match space.take() {
            Ok(slot) => return Ok((class, slot)),
            Err(ArenaError::Exhausted { .. }) => slots += u64::from(space.slots()),
            Err(other) => return Err(other),
        }
    }
    Err(ArenaError::Exhausted { what: WHAT, bytes, slots })
}

/// Refuses an engine whose code would rely on memory protection.
///
/// With a reservation or a guard, compiled code leaves out bounds checks and
/// counts on a fault instead; here the access would succeed, in the guest's
/// own slot or in a neighbour's.
fn check_engine(reserved_bytes: Option<usize>, guard_bytes: usize) -> Result<(), ArenaError> {
    if let Some(bytes @ 1..) = reserved_bytes {
        return Err(ArenaError::Engine {
            setting: "memory_reservation(0)",
            asked: format!("a reservation of {bytes} bytes"),
        });
    }
    if guard_bytes > 0 {
        return Err(ArenaError::Engine {
            setting: "memory_guard_size(0)",
            asked: format!("a guard of {guard_bytes} bytes"),
        });
    }
    Ok(())
}

// SAFETY: every memory is a slot of its own (page aligned, zero, exclusively
// its owner's until dropped), and an engine that expects guards is refused.
unsafe impl MemoryCreator for MemoryArena {
    fn new_memory(
        &self,
        ty: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved_size_in_bytes: Option<usize>,
        guard_size_in_bytes: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        check_engine(reserved_size_in_bytes, guard_size_in_bytes)
            .map_err(|error| error.to_string())?;
        // Threads may use a shared memory while it grows, so it must not move.
        let capacity = match maximum {
            Some(maximum) if ty.is_shared() => maximum.max(minimum),
            Some(_) | None => minimum,
        };
        match self.create(minimum, capacity) {
            Ok(memory) => Ok(Box::new(memory)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// One linear memory; its slot returns to the arena on drop.
struct Memory {
    classes: Arc<[Space]>,
    /// Index of the class that `slot` belongs to.
    class: usize,
    slot: Slot,
    /// Accessible bytes. Nothing was ever written past them.
    size: usize,
}

impl Memory {
    fn space(&self) -> &Space {
        &self.classes[self.class]
    }

    /// Moves to a slot of at least `capacity` bytes.
    fn relocate(&mut self, capacity: usize) -> Result<(), ArenaError> {
        let (class, slot) = take(&self.classes, capacity)?;
        let target = &self.classes[class];
        let used = sys::round_up_to_pages(self.size).expect("the size fits the old slot");
        let from = self.space().start(self.slot);
        // SAFETY: both slots are ours, distinct and at least `used` bytes long;
        // `&mut self` keeps everybody else away; a slot just taken is zero.
        unsafe { clean::copy_touched(from, target.start(slot), used, target.pagemap()) };
        // SAFETY: the old slot was taken from this space, and wasmtime reads
        // the new address after growing, before anything uses the memory.
        unsafe { self.space().give_back(self.slot, self.size) };
        (self.class, self.slot) = (class, slot);
        Ok(())
    }
}

// SAFETY: `[as_ptr, as_ptr + byte_capacity)` is the slot, readable, writable
// and owned by this value; the bytes past `byte_size` are zero; the address
// changes in `grow_to` only, and only past the capacity.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.space().usable_bytes()
    }

    fn grow_to(&mut self, new_size: usize) -> wasmtime::Result<()> {
        if new_size > self.byte_capacity() {
            self.relocate(new_size).map_err(wasmtime::Error::new)?;
        }
        self.size = new_size;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.space().start(self.slot)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the slot was taken from this space, and after the drop nobody
        // has the memory. Wasm and the host write below `size` only.
        unsafe { self.space().give_back(self.slot, self.size) };
    }
}
