//! One connection, as the pure rules see it: who may send what, when.
//!
//! The connection's task owns these and feeds them: [`handshake`] until both sides
//! have proved that they know the cookie, then [`credit`] for each exchange and, on a
//! connection between nodes, [`outbox`], [`inbound`] and [`ticks`]. Nothing here knows
//! sockets, clocks or what travels inside.

mod compression;
pub mod credit;
mod fragments;
#[cfg(any(test, feature = "fuzz"))]
#[doc(hidden)]
pub mod fuzz;
pub mod handshake;
pub mod inbound;
pub mod outbox;
pub mod rooms;
pub mod ticks;

/// The most bytes of signals that one side may send and the other has not handed on:
/// enough to keep a path of 1 Gbit/s and 30 ms full.
pub const SIGNAL_WINDOW_BYTES: u32 = 4 << 20;

/// Streams of fragments that are under way at one time, in one direction.
pub const STREAMS_MAX: usize = 64;

/// Bytes of the streams that are under way, in one direction: four of the longest
/// frames.
pub const STREAMS_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
#[path = "peer/testing.rs"]
mod testing;

#[cfg(test)]
#[path = "peer/pair_test.rs"]
mod pair_tests;
