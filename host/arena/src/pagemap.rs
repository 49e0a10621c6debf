//! Which pages of a range hold data: the `PAGEMAP_SCAN` ioctl (Linux 6.7).
//!
//! A page holds data when it is present and not the shared zero page, **or**
//! when its entry is a swap entry. The second half matters: a page that was
//! swapped out, or is being migrated at this very moment, is not "present", and
//! a scan for present pages only would leave one actor's data to the next.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::LazyLock;

/// The page is in memory.
const PAGE_IS_PRESENT: u64 = 1 << 3;
/// The page is in swap, in migration, or otherwise a non-present entry.
const PAGE_IS_SWAPPED: u64 = 1 << 4;
/// The entry maps the system's shared zero page: it was only read.
const PAGE_IS_PFNZERO: u64 = 1 << 5;

/// `struct pm_scan_arg` of `linux/fs.h`.
#[repr(C)]
#[derive(Debug, Default)]
struct ScanArgument {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    regions: u64,
    regions_length: u64,
    pages_max: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: libc::Ioctl = libc::_IOWR::<ScanArgument>(b'f' as u32, 16);

/// A run of pages that hold data: `struct page_region` of `linux/fs.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Region {
    start: u64,
    end: u64,
    categories: u64,
}

impl Region {
    /// The address of the first byte.
    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    /// The length in bytes, a whole number of pages.
    pub(crate) fn bytes(&self) -> usize {
        (self.end - self.start) as usize
    }
}

/// What one scan found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    /// How many of the caller's regions were filled, in order of address.
    pub(crate) regions: usize,
    /// Where the scan stopped: the end of the range, unless the regions or the
    /// page limit ran out first.
    pub(crate) walk_end: usize,
}

/// The process's page map, opened once.
#[derive(Debug)]
pub(crate) struct Pagemap(File);

impl Pagemap {
    /// The page map with a working scan, or why there is none.
    pub(crate) fn open() -> Result<&'static Self, &'static str> {
        static PAGEMAP: LazyLock<Result<Pagemap, String>> = LazyLock::new(|| {
            let file = File::open("/proc/self/pagemap")
                .map_err(|error| format!("cannot open /proc/self/pagemap: {error}"))?;
            let pagemap = Pagemap(file);
            pagemap
                .scan(0..0, 1, &mut [Region::default()])
                .map_err(|error| format!("the PAGEMAP_SCAN ioctl (Linux 6.7) fails: {error}"))?;
            Ok(pagemap)
        });
        PAGEMAP.as_ref().map_err(String::as_str)
    }

    /// Finds the pages of an address range (whole pages) that hold data.
    ///
    /// Stops early when `pages_max` pages were found or `regions` is full.
    pub(crate) fn scan(
        &self,
        range: std::ops::Range<usize>,
        pages_max: usize,
        regions: &mut [Region],
    ) -> io::Result<Scan> {
        let mut argument = ScanArgument {
            size: size_of::<ScanArgument>() as u64,
            start: range.start as u64,
            end: range.end as u64,
            regions: regions.as_mut_ptr() as u64,
            regions_length: regions.len() as u64,
            pages_max: pages_max as u64,
            // "Not the zero page, and one of present and swapped." No category
            // is asked back, so that neighbouring pages join into one region.
            category_inverted: PAGE_IS_PFNZERO,
            category_mask: PAGE_IS_PFNZERO,
            category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
            ..ScanArgument::default()
        };
        // SAFETY: the argument is laid out as the kernel declares it, and the
        // kernel writes at most `regions_length` regions into `regions`, which
        // is borrowed mutably for the call. The scanned range is only looked
        // up in the page tables, never read or written.
        let found = unsafe { libc::ioctl(self.0.as_raw_fd(), PAGEMAP_SCAN, &raw mut argument) };
        match usize::try_from(found) {
            Ok(regions) => Ok(Scan { regions, walk_end: argument.walk_end as usize }),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }
}
