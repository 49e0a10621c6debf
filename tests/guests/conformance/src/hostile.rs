//! What a guest can do to itself and to its host without a host's function.

use odeon_test_protocol::{Operation, Trap, Value};
use std::alloc::{Layout, alloc};
use std::hint::black_box;

/// A page of linear memory.
const PAGE: usize = 64 * 1024;

/// Does one of the hostile operations.
pub(crate) fn perform(operation: Operation) -> Value {
    match operation {
        Operation::Panic(text) => panic!("{text}"),
        Operation::Trap(trap) => fall(trap),
        Operation::Spin => spin(),
        Operation::Work(steps) => {
            black_box((0..steps).fold(0_u64, |sum, step| black_box(sum ^ step)));
            Value::Done
        }
        Operation::Recurse => Value::Number(Some(recurse(0))),
        Operation::Grow(bytes) => Value::Bool(usize::try_from(bytes).is_ok_and(grow)),
        Operation::GrowUntilRefused => {
            let pages = (0_u64..).take_while(|_| grow(PAGE)).count();
            Value::Number(Some((pages * PAGE) as u64))
        }
        other => panic!("no way to do {other:?}"),
    }
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// Uses up the stack: each call's frame depends on the next one's.
#[expect(unconditional_recursion, reason = "that is what it is for")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 32]);
    black_box(recurse(depth + 1)) + frame[31]
}

/// Takes memory, for ever, and writes to each small page of it.
fn grow(bytes: usize) -> bool {
    let Ok(layout) = Layout::from_size_align(bytes.max(1), 16) else {
        return false;
    };
    // SAFETY: the layout's size is not zero.
    let block = unsafe { alloc(layout) };
    if block.is_null() {
        return false;
    }
    for at in (0..bytes).step_by(4096) {
        // SAFETY: `at` is less than the block's length.
        unsafe { block.add(at).write_volatile(1) };
    }
    true
}

#[cfg(target_family = "wasm")]
fn fall(trap: Trap) -> ! {
    match trap {
        Trap::Unreachable => std::arch::wasm32::unreachable(),
        Trap::OutOfBounds => {
            let far = std::ptr::without_provenance::<u8>(black_box(usize::MAX - 16));
            // SAFETY: not sound anywhere but in a sandbox: the load is the trap
            // that is asked for.
            black_box(unsafe { far.read_volatile() });
        }
        Trap::BadCall => {
            // SAFETY: as above; the call of a null table entry is the trap.
            let nobody: fn() = unsafe { std::mem::transmute(black_box(usize::MAX)) };
            nobody();
        }
    }
    unreachable!("the trap did not happen")
}

#[cfg(not(target_family = "wasm"))]
fn fall(trap: Trap) -> ! {
    unreachable!("{trap:?} is for a sandbox")
}
