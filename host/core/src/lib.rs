//! The pure core of Odeon: what signals, exits, links, monitors, aliases and
//! mailboxes mean, without a clock, a socket, a thread or a guest.
//!
//! # The contract
//!
//! A machine is told one thing at a time, by a method call. It changes its own
//! state and appends what must now happen to a list of [`Effects`]. The caller
//! carries out those effects, in order, before it tells the machine the next thing.
//! Nothing here waits, nothing here fails: what a guest or a peer can get wrong is a
//! value.
//!
//! Here the whole contract is one loop: two actors on one node, the router that
//! carries their envelopes, and an owner that ends whoever must die.
//!
//! ```
//! use std::collections::{BTreeMap, VecDeque};
//!
//! use odeon_core::process::{Limits, undeliverable};
//! use odeon_core::{Effect, Effects, Event, Filter, NodeId, Pid, Process, Reason};
//!
//! let node = NodeId::new(7).expect("not zero");
//! let [anna, ben] = [1, 2].map(|serial| Pid { node, serial });
//! let mut actors: BTreeMap<Pid, Process> =
//!     [anna, ben].map(|pid| (pid, Process::new(pid, pid, Limits::default()))).into();
//! let mut effects = Effects::new();
//!
//! // Anna's guest traps exits and links itself with Ben; Ben's guest fails.
//! let me = actors.get_mut(&anna).expect("she lives");
//! me.trap_exit(true);
//! me.link(ben, false, &mut effects);
//! actors.get_mut(&ben).expect("he lives").stop(Reason::Shutdown, &mut effects);
//!
//! // The owner carries out every effect, in order.
//! let mut to_do = VecDeque::from(std::mem::take(&mut effects));
//! while let Some(effect) = to_do.pop_front() {
//!     match effect {
//!         Effect::Send(envelope) => match actors.get_mut(&envelope.to) {
//!             Some(actor) => actor.signal(envelope, &mut effects),
//!             None => to_do.extend(undeliverable(envelope).map(Effect::Send)),
//!         },
//!         Effect::Die(_) => {
//!             // Stop the guest and release its name first; then tell the others.
//!             let dying = actors.values_mut().find(|actor| actor.dying().is_some());
//!             dying.expect("who emitted this").end(&mut effects);
//!         }
//!         Effect::AliasOn(_) | Effect::AliasOff(_) | Effect::Io(..) | Effect::Probed(..) => {}
//!     }
//!     to_do.extend(effects.drain(..));
//! }
//!
//! let exit = actors.get_mut(&anna).expect("she lives").take(Filter::Any);
//! assert!(matches!(exit, Some(Event::Exit { sender, .. }) if sender == ben));
//! ```
//!
//! The crate must not know tokio, wasmtime, clocks, ambient randomness, threads
//! or locks, and never iterates over a map of random order. `clippy.toml` beside
//! its manifest refuses the types that would let them in.

#![forbid(unsafe_code)]

pub mod groups;
pub mod id;
pub mod key;
pub mod limits;
pub mod locks;
pub mod names;
pub mod node;
pub mod peer;
pub mod process;
pub mod reason;
pub mod signal;
pub mod wire;

#[cfg(any(test, feature = "sim"))]
pub mod sim;

pub use id::{Name, NodeId, Pid, Reference};
pub use key::{Key, KeyError};
pub use process::{Effect, Effects, Event, Filter, Process};
pub use reason::Reason;
pub use signal::{Envelope, Signal};
