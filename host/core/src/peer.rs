//! One connection, as the pure rules see it: who may send what, when.
//!
//! The connection's task owns these and feeds them: [`handshake`] until both
//! sides have proved that they know the cookie, then [`credit`] for each exchange
//! and [`ticks`] between nodes. Nothing here knows sockets, clocks or what travels
//! inside.

pub mod credit;
pub mod handshake;
pub mod ticks;
