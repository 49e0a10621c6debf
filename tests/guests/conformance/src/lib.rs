//! The actors that the test suites and benchmarks drive.

use odeon_guest::{Event, Raw, actors, next_event, send_bytes};

/// Sends every message back to where it came from.
fn echo(_: Raw) {
    loop {
        if let Event::Message(message) = next_event() {
            send_bytes(message.sender, &message.body);
        }
    }
}

actors! { echo }
