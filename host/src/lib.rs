//! Odeon runs sandboxed WebAssembly actors with Erlang's semantics.
//!
//! A [`Node`] holds deployed modules and the actors that run them. An actor has a
//! mailbox, links, monitors and a group leader; it can be made from any function of
//! any component.

pub mod bench;
mod call;
pub mod cbor;
mod cell;
pub mod cluster;
pub mod config;
pub mod control;
mod directory;
pub mod io;
mod limits;
pub mod modules;
mod native;
pub mod net;
mod node;
mod rights;
mod rooms;
mod runtime;
mod scheduler;
mod services;
mod spawn;
mod timers;
mod wasm;

pub use limits::{Limits, LimitsPatch};
pub use native::Native;
pub use node::{
    ACTORS_MAX, ActorDetails, ActorInfo, Call, Config, Ended, Node, Related, Spawn, Stats,
};
pub use odeon_core::signal::CallError;
pub use odeon_core::wire::CallAt;
pub use rights::{DirGrant, Rights};
pub use wasm::Start;
