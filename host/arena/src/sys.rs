//! The system calls under the arenas: one big private mapping, and what can be
//! done to a part of it.
//!
//! Nothing here knows slots, stacks or memories. Every function that touches
//! bytes is `unsafe` and states who must own them.

use crate::error::ArenaError;
use std::io;
use std::ptr;
use std::sync::LazyLock;

/// `MADV_GUARD_INSTALL` (Linux 6.13): marks pages so that any access faults,
/// without splitting the mapping. The libc crate does not name it yet.
const MADV_GUARD_INSTALL: libc::c_int = 102;

/// The size of a page of this system, in bytes.
pub(crate) fn page_size() -> usize {
    static PAGE_SIZE: LazyLock<usize> = LazyLock::new(|| {
        // SAFETY: sysconf reads a constant of the system and touches no memory
        // of ours.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).expect("every Linux reports its page size")
    });
    *PAGE_SIZE
}

/// `bytes` rounded up to whole pages, or `None` on overflow.
pub(crate) fn round_up_to_pages(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(page_size())
}

/// A private, anonymous, readable and writable mapping that reads as zero and
/// costs nothing until it is touched. Unmapped on drop.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: *mut u8,
    bytes: usize,
}

// SAFETY: a mapping is only an address and a length. It belongs to the process,
// not to a thread; who may touch which bytes is decided by the owner of the
// mapping, which hands out disjoint slots.
unsafe impl Send for Mapping {}
// SAFETY: as for `Send`; no method with `&self` reads or writes mapped bytes.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves `bytes` of address space (whole pages).
    ///
    /// Huge pages are off, because a slot is much smaller than one, and a
    /// forked child does not inherit the mapping: it could only be misled by
    /// it, since the page map file describes the parent.
    pub(crate) fn reserve(bytes: usize) -> Result<Self, ArenaError> {
        let refused = |source| ArenaError::Reserve { bytes, source };
        // SAFETY: a fresh anonymous mapping at an address of the kernel's
        // choice cannot overlap anything that exists.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(refused(io::Error::last_os_error()));
        }
        let mapping = Self { base: base.cast(), bytes };
        for advice in [libc::MADV_NOHUGEPAGE, libc::MADV_DONTFORK] {
            // SAFETY: the range is exactly the mapping made above, which nobody
            // else knows yet; neither advice changes its contents.
            let result = unsafe { libc::madvise(base, bytes, advice) };
            // A kernel built without huge pages answers EINVAL to the first
            // advice; then there is nothing to turn off.
            if result != 0 && advice != libc::MADV_NOHUGEPAGE {
                return Err(refused(io::Error::last_os_error()));
            }
        }
        Ok(mapping)
    }

    /// The address of the byte at `offset`.
    pub(crate) fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset <= self.bytes, "offset within the mapping");
        // SAFETY: the offset is within the mapping or one past its end.
        unsafe { self.base.add(offset) }
    }

    /// The length of the mapping in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and slots keep their arena alive, so no
        // pointer into it is in use any more.
        let result = unsafe { libc::munmap(self.base.cast(), self.bytes) };
        debug_assert_eq!(result, 0, "unmapping a whole mapping cannot fail");
    }
}

/// Makes any access to `[start, start + bytes)` fault, without splitting the
/// mapping. Doing it twice is harmless.
///
/// # Safety
///
/// The range must be whole pages of a live [`Mapping`], owned by the caller,
/// whose contents nobody needs any more.
pub(crate) unsafe fn install_guard(start: *mut u8, bytes: usize) -> io::Result<()> {
    // SAFETY: the caller owns the range and gives up its contents.
    match unsafe { libc::madvise(start.cast(), bytes, MADV_GUARD_INSTALL) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Gives the pages of `[start, start + bytes)` back to the system; they read as
/// zero afterwards. Guard pages in the range stay.
///
/// # Safety
///
/// The range must be whole pages of a live anonymous [`Mapping`], owned by the
/// caller, whose contents nobody needs any more.
pub(crate) unsafe fn discard(start: *mut u8, bytes: usize) {
    if bytes == 0 {
        return;
    }
    // SAFETY: the caller owns the range and gives up its contents.
    if unsafe { libc::madvise(start.cast(), bytes, libc::MADV_DONTNEED) } != 0 {
        // A process that locked its memory is refused. Slow, but the promise
        // that freed slots read as zero does not depend on the system.
        // SAFETY: as above.
        unsafe { zero_by_reading(start, bytes) };
    }
}

/// Writes zero to those pages of the range that hold anything else, and leaves
/// the others untouched.
///
/// # Safety
///
/// The range must be whole readable and writable pages owned by the caller.
pub(crate) unsafe fn zero_by_reading(start: *mut u8, bytes: usize) {
    for offset in (0..bytes).step_by(page_size()) {
        // SAFETY: the page lies within the caller's range, nobody else accesses
        // it, and any byte pattern is a valid `u8`.
        let page = unsafe { std::slice::from_raw_parts_mut(start.add(offset), page_size()) };
        if page.iter().any(|&byte| byte != 0) {
            page.fill(0);
        }
    }
}

/// Copies those pages of `[from, from + bytes)` that are not all zero.
///
/// # Safety
///
/// Both ranges must be whole pages owned by the caller and must not overlap;
/// the target must read as zero.
pub(crate) unsafe fn copy_by_reading(from: *const u8, to: *mut u8, bytes: usize) {
    for offset in (0..bytes).step_by(page_size()) {
        // SAFETY: the page lies within the caller's source range, and nobody
        // writes to it meanwhile.
        let page = unsafe { std::slice::from_raw_parts(from.add(offset), page_size()) };
        if page.iter().any(|&byte| byte != 0) {
            // SAFETY: the same page of the target range, which does not
            // overlap the source.
            unsafe { ptr::copy_nonoverlapping(page.as_ptr(), to.add(offset), page.len()) };
        }
    }
}
