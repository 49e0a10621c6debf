//! A small heap, for actors by the hundred thousand.
//!
//! The standard library's allocator for wasm is made for one large program: it
//! asks for a new page of memory at once and writes at both ends of it. This one
//! starts in what the first page has left behind the actor's data, so that an
//! actor that holds little touches little: a page of 4 KiB, not three.
//!
//! Memory is cut off the front of a region that grows with the linear memory.
//! What is freed goes to a list of its size class, four classes to a doubling,
//! and is used again for that class. Blocks are never joined: an actor needs at
//! most the sum of its peaks in each class. An actor for which that is wrong
//! turns the feature `small-heap` off and has std's allocator.
//!
//! This file must not know wasm but in its last part: the rules are tested on a
//! region of ordinary memory.

use std::ptr;

/// Blocks start at multiples of this, and no block is smaller.
const GRAIN: usize = 16;

/// Classes below this size are multiples of the grain; above, four to a doubling.
const FINE_MAX: usize = 128;

/// Classes of blocks: 8 fine ones, then four for each doubling up to 2^31.
const CLASSES: usize = 8 + 4 * 24;

/// Where the memory comes from.
pub(crate) trait Region {
    /// The first address, once and for all.
    fn start(&mut self) -> usize;
    /// The first address behind what is there now.
    fn end(&mut self) -> usize;
    /// Makes at least `more` bytes follow the end. False if there is no more.
    fn grow(&mut self, more: usize) -> bool;
}

/// The heap: what is free, and where fresh memory begins.
pub(crate) struct Heap<R> {
    region: R,
    /// The first address that was never handed out; 0 before the first use.
    fresh: usize,
    /// A free block of each class, which holds the address of the next; 0 ends.
    free: [usize; CLASSES],
}

/// A class, and the size of its blocks.
fn class_of(size: usize) -> Option<(usize, usize)> {
    if size <= FINE_MAX {
        let blocks = size.div_ceil(GRAIN).max(1);
        return Some((blocks - 1, blocks * GRAIN));
    }
    // Sizes in (2^n, 2^(n+1)] are cut into four steps of 2^(n-2).
    let doubling = (size - 1).ilog2() as usize;
    let step = 1_usize << (doubling - 2);
    let quarter = (size - 1 - (1 << doubling)) / step;
    let class = 8 + 4 * (doubling - 7) + quarter;
    (class < CLASSES).then(|| (class, (1 << doubling) + (quarter + 1) * step))
}

impl<R: Region> Heap<R> {
    pub(crate) const fn new(region: R) -> Self {
        Self { region, fresh: 0, free: [0; CLASSES] }
    }

    /// A block of at least `size` bytes; null if there is no memory.
    ///
    /// Alignments above the grain are rare and take fresh memory with a gap
    /// before it; such a block is freed to its class like any other.
    pub(crate) fn allocate(&mut self, size: usize, align: usize) -> *mut u8 {
        let Some((class, size)) = class_of(size) else {
            return ptr::null_mut();
        };
        let block = self.free[class];
        if block != 0 && block % align == 0 {
            // SAFETY: a block on a free list was handed out and given back, so it
            // is ours, aligned to the grain, and its first word is what `free`
            // wrote there.
            self.free[class] = unsafe { ptr::with_exposed_provenance::<usize>(block).read() };
            return ptr::with_exposed_provenance_mut(block);
        }
        self.cut(size, align.max(GRAIN)).map_or(ptr::null_mut(), ptr::with_exposed_provenance_mut)
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// The block came from `allocate` or `resize` of this heap for this size, and
    /// nobody uses it any more.
    pub(crate) unsafe fn free(&mut self, block: *mut u8, size: usize) {
        let Some((class, _)) = class_of(size) else {
            return;
        };
        // SAFETY: the caller gives the block up; it is at least a grain long and
        // aligned to it, so a word fits at its start.
        unsafe { block.cast::<usize>().write(self.free[class]) };
        self.free[class] = block.expose_provenance();
    }

    /// Whether a block can hold another size where it is, as its class has room,
    /// or because it is the last one and fresh memory follows.
    pub(crate) fn resize_in_place(&mut self, block: usize, old: usize, new: usize) -> bool {
        let (Some((old_class, old)), Some((new_class, new))) = (class_of(old), class_of(new))
        else {
            return false;
        };
        if old_class == new_class {
            return true;
        }
        // A block that grows is lost to its class, so only where the larger class has
        // none to give: else whoever grows a vector again and again would take a fresh
        // one each time.
        if block + old != self.fresh || new < old || self.free[new_class] != 0 {
            return false;
        }
        self.cut(new - old, GRAIN).is_some()
    }

    /// Cuts fresh memory off the front of the region.
    fn cut(&mut self, size: usize, align: usize) -> Option<usize> {
        if self.fresh == 0 {
            self.fresh = self.region.start().next_multiple_of(GRAIN);
        }
        let block = self.fresh.checked_next_multiple_of(align)?;
        let end = block.checked_add(size)?;
        let there = self.region.end();
        if end > there && !self.region.grow(end - there) {
            return None;
        }
        self.fresh = end;
        Some(block)
    }
}

/// The heap of a wasm guest: behind the actor's data, to the end of its memory.
#[cfg(all(feature = "small-heap", target_family = "wasm"))]
mod wasm {
    use super::{Heap, Region};
    use std::alloc::{GlobalAlloc, Layout};
    use std::arch::wasm32::{memory_grow, memory_size};
    use std::cell::UnsafeCell;
    use std::ptr;

    const PAGE: usize = 64 * 1024;

    struct Memory;

    impl Region for Memory {
        fn start(&mut self) -> usize {
            unsafe extern "C" {
                // Its address is where the linker's data and stack end.
                static __heap_base: u8;
            }
            (&raw const __heap_base).expose_provenance()
        }

        fn end(&mut self) -> usize {
            // The last page of a full 4 GiB memory is left out, so that no
            // address wraps round.
            memory_size::<0>().min(usize::MAX / PAGE) * PAGE
        }

        fn grow(&mut self, more: usize) -> bool {
            memory_grow::<0>(more.div_ceil(PAGE)) != usize::MAX
        }
    }

    struct Global(UnsafeCell<Heap<Memory>>);

    // SAFETY: an actor has one thread; guests with shared memory do not exist
    // here, as the host refuses modules with the threads proposal.
    unsafe impl Sync for Global {}

    #[global_allocator]
    static GLOBAL: Global = Global(UnsafeCell::new(Heap::new(Memory)));

    impl Global {
        #[expect(clippy::mut_from_ref, reason = "one thread, and no call within another")]
        fn heap(&self) -> &mut Heap<Memory> {
            // SAFETY: there is one thread, and the heap calls nothing that
            // allocates, so no second reference is alive.
            unsafe { &mut *self.0.get() }
        }
    }

    // SAFETY: blocks are disjoint, aligned as asked, and stay until they are
    // freed: see the tests of `Heap`.
    unsafe impl GlobalAlloc for Global {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            self.heap().allocate(layout.size(), layout.align())
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: the caller's contract is that of `free`.
            unsafe { self.heap().free(block, layout.size()) }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            let heap = self.heap();
            if heap.resize_in_place(block.addr(), layout.size(), size) {
                return block;
            }
            let new = heap.allocate(size, layout.align());
            if !new.is_null() {
                // SAFETY: both blocks are live, disjoint, and at least as long
                // as the shorter of the sizes; the caller gives the old one up.
                unsafe {
                    ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                    heap.free(block, layout.size());
                }
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A region within a vector, which shows only a part of it at first.
    struct Vector {
        memory: Vec<u128>,
        shown: usize,
    }

    impl Vector {
        fn new(shown: usize, most: usize) -> Self {
            Self { memory: vec![0; most / 16], shown }
        }
    }

    impl Region for Vector {
        fn start(&mut self) -> usize {
            self.memory.as_mut_ptr().expose_provenance()
        }

        fn end(&mut self) -> usize {
            self.start() + self.shown
        }

        fn grow(&mut self, more: usize) -> bool {
            self.shown += more.next_multiple_of(4096);
            self.shown <= self.memory.len() * 16
        }
    }

    #[test]
    fn every_class_holds_its_sizes_and_wastes_a_quarter_at_most() {
        let mut last = 0;
        for size in 1..100_000 {
            let (class, block) = class_of(size).expect("small sizes have a class");
            assert!(block >= size && block % GRAIN == 0, "{size} in {block}");
            assert!(size <= FINE_MAX || block - size < size / 4 + 1, "{size} in {block}");
            assert!(class == last || class == last + 1, "{size}: class {class} after {last}");
            assert_eq!(class_of(block), Some((class, block)));
            last = class;
        }
        assert!(class_of(1 << 31).is_some());
        assert!(class_of((1 << 31) + 1).is_none());
    }

    #[test]
    fn blocks_do_not_overlap_whatever_is_allocated_and_freed() {
        let mut heap = Heap::new(Vector::new(1024, 1 << 22));
        let mut live = BTreeMap::<usize, usize>::new();
        let mut random = 12345_u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) as usize % below
        };
        for _ in 0..20_000 {
            if live.len() > 50 || (next(3) == 0 && !live.is_empty()) {
                let (&block, &size) = live.iter().nth(next(live.len())).expect("one lives");
                live.remove(&block);
                // SAFETY: allocated below with this size, and removed from `live`.
                unsafe { heap.free(ptr::with_exposed_provenance_mut(block), size) };
                continue;
            }
            let (size, align) = (1 + next(700), 1 << next(7));
            let block = heap.allocate(size, align);
            assert!(!block.is_null());
            let block = block.expose_provenance();
            assert_eq!(block % align, 0);
            if let Some((&before, &its)) = live.range(..=block).next_back() {
                assert!(before + its <= block, "{before}+{its} runs into {block}");
            }
            if let Some((&after, _)) = live.range(block..).next() {
                assert!(block + size <= after, "{block}+{size} runs into {after}");
            }
            live.insert(block, size);
        }
    }

    #[test]
    fn freed_blocks_are_used_again_and_the_last_block_grows_in_place() {
        let mut heap = Heap::new(Vector::new(1024, 1 << 16));
        let first = heap.allocate(100, 8);
        // SAFETY: allocated just above with this size.
        unsafe { heap.free(first, 100) };
        assert_eq!(heap.allocate(112, 8), first);
        let last = heap.allocate(200, 8);
        assert!(heap.resize_in_place(last.addr(), 200, 20_000));
        assert!(!heap.resize_in_place(first.addr(), 112, 200));
        let behind = heap.allocate(16, 8);
        assert!(behind.addr() >= last.addr() + 20_000);
    }

    #[test]
    fn a_vector_that_grows_again_and_again_takes_no_more_memory_than_the_first_times() {
        let mut heap = Heap::new(Vector::new(1024, 1 << 23));
        let mut grow = || {
            let (mut size, mut block) = (8, heap.allocate(8, 8));
            while size < 100_000 {
                let new = 2 * size;
                if !heap.resize_in_place(block.addr(), size, new) {
                    let larger = heap.allocate(new, 8);
                    assert!(!larger.is_null());
                    // SAFETY: allocated with this size, and given up.
                    unsafe { heap.free(block, size) };
                    block = larger;
                }
                size = new;
            }
            // SAFETY: as above.
            unsafe { heap.free(block, size) };
            heap.fresh
        };
        // Each of the first times leaves one class more with a block of its own.
        let first = (0..20).map(|_| grow()).max();
        let later = (0..20).map(|_| grow()).max();
        assert_eq!(later, first);
    }

    #[test]
    fn without_memory_there_is_null_and_the_heap_works_on() {
        let mut heap = Heap::new(Vector::new(1024, 8192));
        assert!(heap.allocate(100_000, 8).is_null());
        assert!(heap.allocate(usize::MAX, 8).is_null());
        let mut heap = Heap::new(Vector::new(1024, 8192));
        assert!(!heap.allocate(100, 8).is_null());
    }
}
