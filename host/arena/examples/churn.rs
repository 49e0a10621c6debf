//! What a slot costs from taking to freeing, in nanoseconds: warm slots against
//! slots whose pages go back to the system, on one and two threads.
//!
//! `cargo run --release -p odeon-arena --example churn` prints one line for each
//! case: nanoseconds to take, to touch and to free, and the sum. Figures for
//! comparing, not assertions: the machine decides.

use odeon_arena::{StackArena, StackOptions};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use wasmtime::StackCreator;

/// Bytes of each stack.
const STACK_BYTES: usize = 128 << 10;
/// Take-and-free rounds measured in each case.
const ROUNDS: u32 = 20_000;

/// Time spent in each part of all rounds.
#[derive(Clone, Copy, Default)]
struct Spent {
    take: Duration,
    touch: Duration,
    free: Duration,
}

fn churn(arena: &StackArena, pages: usize) -> Spent {
    let mut spent = Spent::default();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let stack = arena.new_stack(STACK_BYTES, true).expect("a free stack");
        let taken = Instant::now();
        for page in 0..pages {
            // SAFETY: a byte of one of the topmost pages of the stack, which is
            // ours until dropped.
            unsafe { stack.top().sub(page * 4096 + 8).write_volatile(1) };
        }
        let touched = Instant::now();
        drop(stack);
        let freed = Instant::now();
        spent.take += taken - start;
        spent.touch += touched - taken;
        spent.free += freed - touched;
    }
    spent
}

fn measure(name: &str, warm_slots: usize, threads: usize, pages: usize) {
    let mut options = StackOptions::new(STACK_BYTES);
    options.warm_slots = warm_slots;
    options.warm_bytes_per_slot = STACK_BYTES;
    let arena = Arc::new(StackArena::new(&options).expect("a system with guard pages"));
    let handles: Vec<_> = (0..threads)
        .map(|_| {
            let arena = Arc::clone(&arena);
            thread::spawn(move || churn(&arena, pages))
        })
        .collect();
    let mut total = Spent::default();
    for handle in handles {
        let spent = handle.join().expect("a thread that only takes and frees");
        total.take += spent.take;
        total.touch += spent.touch;
        total.free += spent.free;
    }
    let rounds = f64::from(ROUNDS) * threads as f64;
    let each = |duration: Duration| duration.as_nanos() as f64 / rounds;
    println!(
        "{name:>9} threads {threads} pages {pages:>2}: take {:>6.0} touch {:>6.0} free {:>6.0} \
         sum {:>6.0} ns",
        each(total.take),
        each(total.touch),
        each(total.free),
        each(total.take + total.touch + total.free),
    );
}

fn main() {
    for threads in [1, 2] {
        for pages in [1, 2, 4, 8, 16, 32] {
            measure("warm", 512, threads, pages);
            measure("discarded", 0, threads, pages);
        }
    }
}
