//! What a slot costs from taking to freeing, in nanoseconds: warm slots against
//! slots whose pages go back to the system, on one and two threads.
//!
//! `cargo run --release -p odeon-arena --example churn` prints one line for each
//! case: nanoseconds to take, to touch and to free, and the sum. Figures for
//! comparing, not assertions: the machine decides.

use odeon_arena::{MemoryArena, MemoryOptions, StackArena, StackOptions};
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::{MemoryCreator, MemoryType, StackCreator};

/// Bytes of each stack.
const STACK_BYTES: usize = 128 << 10;
/// The stride of touches: a page on most systems.
const PAGE_BYTES: usize = 4096;
/// Take-and-free rounds measured in each case.
const ROUNDS: u32 = 20_000;

/// Time spent in each part of all rounds.
#[derive(Clone, Copy, Default)]
struct Spent {
    take: Duration,
    touch: Duration,
    free: Duration,
}

/// Takes, touches `pages` pages of and frees what `take` gives, many times.
fn churn<T>(take: impl Fn() -> (T, *mut u8), pages: usize, stride: usize) -> Spent {
    let mut spent = Spent::default();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let (owner, first) = take();
        let taken = Instant::now();
        for page in 0..pages {
            // SAFETY: a byte of the stack or memory that `owner` holds: the
            // callers choose pages and stride within its size.
            unsafe { first.add(page * stride).write_volatile(1) };
        }
        let touched = Instant::now();
        drop(owner);
        let freed = Instant::now();
        spent.take += taken - start;
        spent.touch += touched - taken;
        spent.free += freed - touched;
    }
    spent
}

/// Runs `churn` on several threads and prints the mean.
fn report(name: &str, threads: usize, pages: usize, churn: impl Fn() -> Spent + Sync) {
    let mut total = Spent::default();
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(&churn)).collect();
        for handle in handles {
            let spent = handle.join().expect("a thread that only takes and frees");
            total.take += spent.take;
            total.touch += spent.touch;
            total.free += spent.free;
        }
    });
    let rounds = f64::from(ROUNDS) * threads as f64;
    let each = |duration: Duration| duration.as_nanos() as f64 / rounds;
    println!(
        "{name:<18} threads {threads} pages {pages:>2}: take {:>6.0} touch {:>6.0} free {:>6.0} \
         sum {:>6.0} ns",
        each(total.take),
        each(total.touch),
        each(total.free),
        each(total.take + total.touch + total.free),
    );
}

/// Stacks, touched from the top.
fn stacks(name: &str, warm_slots: usize, threads: usize, pages: usize) {
    let mut options = StackOptions::new(STACK_BYTES);
    options.warm_slots = warm_slots;
    options.warm_bytes_per_slot = STACK_BYTES;
    let arena = StackArena::new(&options).expect("a system with guard pages");
    report(name, threads, pages, || {
        let take = || {
            let stack = arena.new_stack(STACK_BYTES, true).expect("a free stack");
            let first = stack.top().wrapping_sub(pages * PAGE_BYTES);
            (stack, first)
        };
        churn(take, pages, PAGE_BYTES)
    });
}

/// Memories of 17 wasm pages, as Rust programs have, touched here and there.
fn memories(name: &str, warm_slots: usize, threads: usize, pages: usize) {
    const WASM_PAGES: u32 = 17;
    let bytes = (WASM_PAGES as usize) << 16;
    let mut options = MemoryOptions::new();
    options.warm_slots = warm_slots;
    options.warm_bytes_per_slot = 32 * PAGE_BYTES;
    let arena = MemoryArena::new(&options).expect("address space");
    report(name, threads, pages, || {
        let take = || {
            let ty = MemoryType::new(WASM_PAGES, None);
            let memory = arena.new_memory(ty, bytes, None, Some(0), 0).expect("a free memory");
            let first = memory.as_ptr();
            (memory, first)
        };
        churn(take, pages, 8 * PAGE_BYTES)
    });
}

fn main() {
    for threads in [1, 2] {
        for pages in [1, 2, 4, 8, 16, 32] {
            stacks("stack warm", 512, threads, pages);
            stacks("stack discarded", 0, threads, pages);
        }
        for pages in [1, 2, 4, 8, 16, 32] {
            memories("memory warm", 512, threads, pages);
            memories("memory discarded", 0, threads, pages);
        }
    }
}
