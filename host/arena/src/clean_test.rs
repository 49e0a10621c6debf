//! Tests of zeroing and moving, on a mapping of their own.

use super::*;
use crate::pagemap::Pagemap;
use crate::sys::Mapping;

/// Pages of the test mappings.
const PAGES: usize = 300;

/// A mapping with test access to its bytes.
struct Bytes(Mapping);

impl Bytes {
    fn new() -> Self {
        Self(Mapping::reserve(PAGES * page_size()).expect("a small mapping"))
    }

    fn start(&self) -> *mut u8 {
        self.0.at(0)
    }

    fn length(&self) -> usize {
        self.0.bytes()
    }

    fn write(&self, offset: usize, value: u8) {
        assert!(offset < self.length());
        // SAFETY: within the mapping, which only this test uses.
        unsafe { self.start().add(offset).write_volatile(value) };
    }

    fn read(&self, offset: usize) -> u8 {
        assert!(offset < self.length());
        // SAFETY: within the mapping, which only this test uses.
        unsafe { self.start().add(offset).read_volatile() }
    }

    fn is_zero(&self) -> bool {
        (0..self.length()).all(|offset| self.read(offset) == 0)
    }

    fn clean(&self, keep_pages: usize, pagemap: Option<&Pagemap>) -> Cleaned {
        // SAFETY: the whole mapping, which only this test uses.
        unsafe { make_zero(self.start(), self.length(), keep_pages, pagemap) }
    }
}

fn pagemap() -> Option<&'static Pagemap> {
    Pagemap::open().ok()
}

#[test]
fn few_touched_pages_are_zeroed_and_stay() {
    let Some(pagemap) = pagemap() else { return };
    let bytes = Bytes::new();
    let page = page_size();
    for offset in [0, 17, 5 * page - 1, 5 * page, 200 * page + 7, PAGES * page - 1] {
        bytes.write(offset, 0xa5);
    }
    // Reading maps the shared zero page, which must not count as touched.
    assert_eq!(bytes.read(100 * page), 0);
    let cleaned = bytes.clean(5, Some(pagemap));
    assert_eq!(cleaned.resident_pages, 5);
    assert!(bytes.is_zero());
}

#[test]
fn one_page_more_than_may_stay_gives_everything_back() {
    let bytes = Bytes::new();
    for touched in 0..6 {
        bytes.write(touched * 3 * page_size(), 1);
    }
    assert_eq!(bytes.clean(5, pagemap()).resident_pages, 0);
    assert!(bytes.is_zero());
}

#[test]
fn more_pieces_than_one_scan_reports_are_zeroed_too() {
    let bytes = Bytes::new();
    for touched in 0..PAGES / 2 {
        bytes.write(touched * 2 * page_size() + 1, 1);
    }
    assert_eq!(bytes.clean(PAGES, pagemap()).resident_pages, 0);
    assert!(bytes.is_zero());
}

#[test]
fn nothing_touched_means_nothing_stays() {
    let bytes = Bytes::new();
    assert_eq!(bytes.clean(PAGES, pagemap()).resident_pages, 0);
    assert!(bytes.is_zero());
}

#[test]
fn without_a_page_map_everything_is_given_back_and_zero() {
    let bytes = Bytes::new();
    bytes.write(1, 1);
    assert_eq!(bytes.clean(PAGES, None).resident_pages, 0);
    assert!(bytes.is_zero());
}

#[test]
fn zeroing_by_reading_leaves_no_byte() {
    let bytes = Bytes::new();
    for touched in 0..PAGES {
        bytes.write(touched * page_size() + touched, 0xff);
    }
    // SAFETY: the whole mapping, which only this test uses.
    unsafe { sys::zero_by_reading(bytes.start(), bytes.length()) };
    assert!(bytes.is_zero());
}

/// Copies a pattern with holes and checks every byte of the target.
fn check_copy(pagemap: Option<&Pagemap>) {
    let (from, to) = (Bytes::new(), Bytes::new());
    // More pieces than one scan reports, so that the copy must resume.
    let touched: Vec<usize> =
        (0..PAGES).filter(|page| page % 3 == 0).map(|page| page * page_size() + page).collect();
    for (index, &offset) in touched.iter().enumerate() {
        from.write(offset, index as u8 | 1);
    }
    // SAFETY: both mappings are this test's, and distinct.
    unsafe { copy_touched(from.start(), to.start(), from.length(), pagemap) };
    assert!((0..from.length()).all(|offset| from.read(offset) == to.read(offset)));
    if let Some(map) = pagemap {
        let mut regions = vec![Region::default(); PAGES];
        let first = to.start().addr();
        let scan = map.scan(first..first + to.length(), 0, &mut regions).expect("a scan");
        let pages = regions[..scan.regions].iter().map(Region::bytes).sum::<usize>() / page_size();
        assert_eq!(pages, touched.len(), "untouched pages stay untouched");
    }
}

#[test]
fn a_copy_holds_every_byte_and_touches_no_other_page() {
    check_copy(pagemap());
}

#[test]
fn a_copy_without_a_page_map_holds_every_byte() {
    check_copy(None);
}
