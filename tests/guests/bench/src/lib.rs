//! The small actors that are measured: what an SDK actor costs at least.

use odeon_guest::mailbox::Event;
use odeon_guest::{Raw, actors, next_event, println, send_bytes};
use std::hint::black_box;

/// Waits for ever, and sends every message back to where it came from.
fn idle(_: Raw) {
    loop {
        if let Event::Message(message) = next_event() {
            send_bytes(message.sender, &message.body);
        }
    }
}

/// Receives one message and ends.
fn once(_: Raw) {
    let _ignored = next_event();
}

/// Ends at once.
fn nothing(_: Raw) {}

/// Never waits and never ends.
fn spin(_: Raw) {
    loop {
        black_box(());
    }
}

/// The function that everybody measures: prints the 35th Fibonacci number.
fn fib35(_: Raw) {
    println!("{}", fib(black_box(35)));
}

fn fib(n: u64) -> u64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

actors! { idle, once, nothing, spin, fib35 }
