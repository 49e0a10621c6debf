//! Fiber stacks in slots: wasmtime asks for a stack for each suspended call.
//!
//! A slot is a guard page and the stack above it. The guard is installed at the
//! slot's first use, by `MADV_GUARD_INSTALL`, and stays for ever: it survives
//! giving the stack's pages back to the system, and it does not split the
//! mapping, so a million stacks are one entry in the kernel's map table.

use crate::error::ArenaError;
use crate::options::StackOptions;
use crate::space::{Layout, Slot, Space};
use crate::stats::SpaceStats;
use crate::sys::{self, page_size};
use std::ops::Range;
use std::sync::Arc;
use wasmtime::{StackCreator, StackMemory};

/// For errors.
const WHAT: &str = "fiber stack";

/// Fiber stacks for wasmtime, by `Config::with_host_stack`.
///
/// Every stack is handed out zeroed, whether or not the engine asks for it
/// (`Config::async_stack_zeroing`): freed stacks are always made zero, so one
/// actor's data cannot reach another through a stack.
///
/// Clones share the same stacks. The address space is given back when the last
/// clone and the last stack are gone.
#[derive(Clone, Debug)]
pub struct StackArena {
    space: Arc<Space>,
}

impl StackArena {
    /// Reserves the address space of the stacks.
    ///
    /// # Errors
    ///
    /// [`ArenaError::Unsupported`] without `MADV_GUARD_INSTALL` (Linux 6.13):
    /// the caller should use wasmtime's own stacks. [`ArenaError::Reserve`] and
    /// [`ArenaError::Options`] for a size that cannot be had.
    pub fn new(options: &StackOptions) -> Result<Self, ArenaError> {
        guard_pages_supported().map_err(|reason| ArenaError::Unsupported {
            feature: "MADV_GUARD_INSTALL (Linux 6.13)",
            reason,
        })?;
        let usable_bytes = sys::round_up_to_pages(options.stack_bytes).ok_or_else(|| {
            ArenaError::Options(format!("stacks of {} bytes", options.stack_bytes))
        })?;
        let space = Space::new(Layout {
            what: WHAT,
            guard_bytes: page_size(),
            usable_bytes,
            slots: options.slots,
            warm_slots: options.warm_slots,
            warm_bytes_per_slot: options.warm_bytes_per_slot,
        })?;
        Ok(Self { space: Arc::new(space) })
    }

    /// What is in use at this moment.
    pub fn stats(&self) -> SpaceStats {
        self.space.stats()
    }
}

// SAFETY: every stack is a slot of its own (page aligned, whole pages, zero,
// exclusively its owner's until dropped) above a guard page that faults.
unsafe impl StackCreator for StackArena {
    fn new_stack(
        &self,
        size: usize,
        // Always zeroed, see the type's documentation.
        _zeroed: bool,
    ) -> wasmtime::Result<Box<dyn StackMemory>> {
        let largest = self.space.usable_bytes();
        if size > largest {
            let error = ArenaError::TooLarge { what: WHAT, bytes: size, largest };
            return Err(wasmtime::Error::new(error));
        }
        let slot = self.space.take().map_err(wasmtime::Error::new)?;
        Ok(Box::new(Stack { space: Arc::clone(&self.space), slot }))
    }
}

/// One stack; its slot returns to the arena on drop.
struct Stack {
    space: Arc<Space>,
    slot: Slot,
}

// SAFETY: the range is whole pages of the slot, which this value owns; the page
// below it is a guard.
unsafe impl StackMemory for Stack {
    fn top(&self) -> *mut u8 {
        self.space.start(self.slot).wrapping_add(self.space.usable_bytes())
    }

    fn range(&self) -> Range<usize> {
        self.space.start(self.slot).addr()..self.top().addr()
    }

    fn guard_range(&self) -> Range<*mut u8> {
        self.space.guard(self.slot)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the slot was taken from this space by `new_stack` and is
        // given back here only. Wasmtime drops a stack after its fiber ended.
        unsafe { self.space.give_back(self.slot, self.space.usable_bytes()) };
    }
}

/// Whether the kernel knows guard pages, by trying one.
pub(crate) fn guard_pages_supported() -> Result<(), String> {
    let page = sys::Mapping::reserve(page_size()).map_err(|error| error.to_string())?;
    // SAFETY: the page was mapped for this test and holds nothing.
    unsafe { sys::install_guard(page.at(0), page_size()) }.map_err(|error| error.to_string())
}
