//! What must end the process: a touch of a guard page. Checked in a child
//! process, which is this test binary once more, told to do it.

use odeon_arena::{StackArena, StackOptions};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use wasmtime::StackCreator;

/// Tells the child which byte below the stack's end to touch.
const TOUCH: &str = "ODEON_ARENA_TOUCH";
/// `SIGSEGV` on every Linux.
const SIGNAL_SEGV: i32 = 11;

/// Runs in the child: touches one byte at an offset from the stack's lowest
/// address, on a stack that was used, freed and taken again.
fn touch(offset: isize) {
    let arena = StackArena::new(&StackOptions::new(128 << 10)).expect("an arena");
    let first = arena.new_stack(128 << 10, true).expect("a stack");
    // SAFETY: the topmost byte of a stack that is ours.
    unsafe { first.top().sub(1).write_volatile(1) };
    drop(first);
    let stack = arena.new_stack(128 << 10, true).expect("the same stack");
    let lowest = stack.top().wrapping_sub(stack.range().len());
    // SAFETY: this is the access whose fault is the test; at offset 0 and above
    // it is the stack's own.
    unsafe { lowest.offset(offset).write_volatile(1) };
}

/// The signal that ended a child touching `offset`, if any.
fn signal_of_child(offset: isize) -> Option<i32> {
    let test = "arena::faults::touching_a_guard_page_ends_the_process";
    let status = Command::new(std::env::current_exe().expect("this test binary"))
        .args([test, "--exact", "--test-threads=1"])
        .env(TOUCH, offset.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("this test binary runs again");
    assert!(status.success() || status.signal().is_some(), "{status}");
    status.signal()
}

#[test]
fn touching_a_guard_page_ends_the_process() {
    if let Ok(offset) = std::env::var(TOUCH) {
        return touch(offset.parse().expect("an offset"));
    }
    assert_eq!(signal_of_child(0), None, "the lowest byte of the stack is usable");
    assert_eq!(signal_of_child(-1), Some(SIGNAL_SEGV));
    assert_eq!(signal_of_child(-4096), Some(SIGNAL_SEGV));
}
