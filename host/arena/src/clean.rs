//! Making used memory read as zero again, at the least cost; and moving what is
//! used of it.
//!
//! Giving pages back to the system costs microseconds twice: the call now and
//! the page faults of the next owner. A slot with few touched pages is cheaper
//! to find (one ioctl), to overwrite with zeros and to keep resident.

use crate::pagemap::{Pagemap, Region};
use crate::sys::{self, page_size};
use std::ptr;

/// Runs of touched pages that one scan can report. A slot in more pieces than
/// this is given back to the system instead of kept.
const REGIONS_MAX: usize = 64;

/// What became of a range that was made zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cleaned {
    /// Pages that were overwritten and stay resident. Zero when there was
    /// nothing to keep or when the range was given back to the system.
    pub(crate) resident_pages: usize,
}

/// Makes `[start, start + bytes)` read as zero, keeping its pages resident when
/// at most `keep_pages` of them hold data.
///
/// # Safety
///
/// The range must be whole pages of a live anonymous mapping, owned by the
/// caller, whose contents nobody needs any more.
pub(crate) unsafe fn make_zero(
    start: *mut u8,
    bytes: usize,
    keep_pages: usize,
    pagemap: Option<&Pagemap>,
) -> Cleaned {
    if let Some(pagemap) = pagemap.filter(|_| keep_pages > 0 && bytes > 0) {
        let mut regions = [Region::default(); REGIONS_MAX];
        let first = start.addr();
        // One page more than may stay tells "exactly as many" from "more".
        let scan = pagemap.scan(first..first + bytes, keep_pages + 1, &mut regions);
        if let Ok(scan) = scan
            && scan.walk_end == first + bytes
        {
            let found = &regions[..scan.regions];
            let pages = found.iter().map(Region::bytes).sum::<usize>() / page_size();
            if pages <= keep_pages {
                for region in found {
                    let target = start.wrapping_add(region.start() - first);
                    // SAFETY: the kernel reports regions within the scanned
                    // range, which the caller owns.
                    unsafe { ptr::write_bytes(target, 0, region.bytes()) };
                }
                return Cleaned { resident_pages: pages };
            }
        }
    }
    // SAFETY: the caller owns the range and gives up its contents.
    unsafe { sys::discard(start, bytes) };
    Cleaned { resident_pages: 0 }
}

/// Copies the pages of `[from, from + bytes)` that hold data to `to`, so that
/// untouched pages stay untouched on both sides.
///
/// # Safety
///
/// Both ranges must be whole pages owned by the caller and must not overlap;
/// nobody writes to the source meanwhile, and the target must read as zero.
pub(crate) unsafe fn copy_touched(
    from: *const u8,
    to: *mut u8,
    bytes: usize,
    pagemap: Option<&Pagemap>,
) {
    let mut regions = [Region::default(); REGIONS_MAX];
    let first = from.addr();
    let mut done = 0;
    while done < bytes {
        let scan = pagemap.map(|map| map.scan(first + done..first + bytes, 0, &mut regions));
        let Some(Ok(scan)) = scan else { break };
        for region in &regions[..scan.regions] {
            let offset = region.start() - first;
            // SAFETY: the kernel reports regions within the scanned range, and
            // the ranges do not overlap.
            unsafe {
                ptr::copy_nonoverlapping(
                    from.wrapping_add(offset),
                    to.wrapping_add(offset),
                    region.bytes(),
                );
            }
        }
        let reached = scan.walk_end - first;
        // A scan without progress would loop for ever: read the rest instead.
        if reached <= done {
            break;
        }
        done = reached;
    }
    if done < bytes {
        // SAFETY: the rest of the same ranges.
        unsafe {
            sys::copy_by_reading(from.wrapping_add(done), to.wrapping_add(done), bytes - done)
        };
    }
}

#[cfg(test)]
#[path = "clean_test.rs"]
mod tests;
