//! The pure core of Odeon: what signals, exits, links, monitors, aliases and
//! mailboxes mean, without a clock, a socket, a thread or a guest.
//!
//! # The contract
//!
//! A machine is told one thing at a time, by a method call. It changes its own
//! state and appends what must now happen to an `Effects`
//! list. The caller carries out those effects, in order, before it tells the
//! machine the next thing. Nothing here waits, nothing here fails: what a guest
//! or a peer can get wrong is a value.
//!
//! The crate must not know tokio, wasmtime, clocks, ambient randomness, threads
//! or locks, and never iterates over a map of random order.

#![forbid(unsafe_code)]

pub mod id;
pub mod limits;
pub mod peer;

pub mod reason;
pub mod signal;
pub mod wire;

pub use id::{Name, NodeId, Pid, Reference};
pub use reason::Reason;
pub use signal::{Envelope, Signal};
