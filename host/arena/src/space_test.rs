//! Tests of slots: zero when taken, guarded, refused when all are taken.

use super::*;
use std::collections::HashSet;
use std::sync::Arc;

fn layout(slots: u32, warm_slots: usize) -> Layout {
    Layout {
        what: "test slot",
        guard_bytes: page_size(),
        usable_bytes: 16 * page_size(),
        slots,
        warm_slots,
        warm_bytes_per_slot: 8 * page_size(),
    }
}

fn fill(space: &Space, slot: Slot, bytes: usize, value: u8) {
    assert!(bytes <= space.usable_bytes());
    // SAFETY: the slot was taken by the caller, who owns its usable bytes.
    unsafe { space.start(slot).write_bytes(value, bytes) };
}

fn contents(space: &Space, slot: Slot) -> Vec<u8> {
    // SAFETY: the slot was taken by the caller, who owns its usable bytes.
    unsafe { std::slice::from_raw_parts(space.start(slot), space.usable_bytes()) }.to_vec()
}

fn give_back(space: &Space, slot: Slot, used_bytes: usize) {
    // SAFETY: each test gives each slot back once and wrote `used_bytes` of it.
    unsafe { space.give_back(slot, used_bytes) };
}

#[test]
fn a_reused_slot_is_zero_however_much_its_owner_wrote() {
    for warm_slots in [0, 64] {
        let space = Space::new(layout(1, warm_slots)).expect("a small space");
        for pages in [1, 7, 8, 9, 16] {
            let used = pages * page_size() - 5;
            let slot = space.take().expect("the only slot");
            fill(&space, slot, used, 0x5a);
            give_back(&space, slot, used);
            let slot = space.take().expect("the only slot, again");
            assert!(contents(&space, slot).iter().all(|&byte| byte == 0), "{pages} pages");
            give_back(&space, slot, 0);
        }
    }
}

#[test]
fn slots_do_not_overlap_and_are_exhausted_with_a_clear_error() {
    let space = Space::new(layout(4, 4)).expect("a small space");
    let slots: Vec<Slot> = (0..4).map(|_| space.take().expect("a free slot")).collect();
    for (index, &slot) in slots.iter().enumerate() {
        fill(&space, slot, space.usable_bytes(), index as u8 + 1);
    }
    for (index, &slot) in slots.iter().enumerate() {
        assert!(contents(&space, slot).iter().all(|&byte| byte == index as u8 + 1));
    }
    let error = space.take().expect_err("all four are taken");
    assert!(matches!(error, ArenaError::Exhausted { slots: 4, .. }), "{error}");
    give_back(&space, slots[2], space.usable_bytes());
    assert_eq!(space.take().expect("the one given back"), slots[2]);
}

#[test]
fn warm_slots_are_bounded_and_counted() {
    let shards = thread::available_parallelism().map_or(1, usize::from);
    let space = Space::new(layout(64, 2 * shards)).expect("a small space");
    let slots: Vec<Slot> = (0..16).map(|_| space.take().expect("a free slot")).collect();
    assert_eq!(space.stats().in_use, 16);
    for slot in slots {
        fill(&space, slot, 3 * page_size(), 1);
        give_back(&space, slot, 3 * page_size());
    }
    let stats = space.stats();
    assert_eq!((stats.in_use, stats.ever_used), (0, 16));
    if Pagemap::open().is_ok() {
        assert_eq!((stats.warm, stats.cold), (2, 14));
        assert_eq!(stats.touched_pages_max, 3);
    } else {
        assert_eq!((stats.warm, stats.cold), (0, 16));
    }
}

#[test]
fn impossible_layouts_are_refused_not_tried() {
    let cases = [
        Layout { slots: 0, ..layout(1, 0) },
        Layout { slots: u32::MAX, ..layout(1, 0) },
        Layout { usable_bytes: 100, ..layout(1, 0) },
        Layout { usable_bytes: 0, ..layout(1, 0) },
        Layout { usable_bytes: 1 << 45, ..layout(1 << 30, 0) },
    ];
    for case in cases {
        let error = Space::new(case).expect_err("an impossible layout");
        assert!(matches!(error, ArenaError::Options(_)), "{error}");
    }
}

#[test]
fn an_address_space_too_large_is_refused_with_its_size() {
    let huge = Layout { usable_bytes: 1 << 36, slots: 1 << 20, ..layout(1, 0) };
    let error = Space::new(huge).expect_err("2^56 bytes");
    assert!(matches!(error, ArenaError::Reserve { .. }), "{error}");
}

#[test]
fn dropping_a_space_unmaps_it() {
    let space = Space::new(layout(1 << 20, 0)).expect("a large space");
    let bytes = space.mapping.bytes();
    let mapped = || std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages = |statm: String| -> usize {
        statm.split(' ').next().expect("a field").parse().expect("a number")
    };
    let before = pages(mapped());
    drop(space);
    // Other tests run meanwhile, but they map little.
    assert!(before - pages(mapped()) > bytes / page_size() / 2);
}

#[test]
fn threads_never_see_each_others_bytes() {
    let space = Arc::new(Space::new(layout(12, 4)).expect("a small space"));
    let threads: Vec<_> = (1..=2_u8)
        .map(|mark| {
            let space = Arc::clone(&space);
            thread::spawn(move || {
                for round in 0..3_000_usize {
                    let slot = space.take().expect("twelve slots for two threads");
                    assert!(contents(&space, slot).iter().all(|&byte| byte == 0));
                    let used = (round % 16 + 1) * page_size();
                    fill(&space, slot, used, mark);
                    thread::yield_now();
                    assert!(contents(&space, slot)[..used].iter().all(|&byte| byte == mark));
                    give_back(&space, slot, used);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no foreign byte");
    }
    let addresses: HashSet<usize> =
        (0..12).map(|_| space.start(space.take().expect("all twelve are free")).addr()).collect();
    assert_eq!(addresses.len(), 12);
}
