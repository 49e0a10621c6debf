//! A seeded simulation of many processes on several nodes, in virtual time.
//!
//! The machines are the real ones; around them everything is random but given by one
//! seed: who does what, how long envelopes take, when connections are cut (also in
//! one direction only) and when nodes crash and come back. Afterwards all is healed
//! and settles, and each rule of [`check`] looks at the trace.
//!
//! | file | what it is |
//! |---|---|
//! | `random` | the generator |
//! | `network` | connections, their epochs, what is lost with them |
//! | `world` | virtual time, envelopes, and the owner's part of the contract |
//! | `faults` | cuts, crashes, and what nodes notice of them |
//! | `actor` | what actors do when it is their turn |
//! | `trace` | what happened |
//! | `check` | what must hold, one rule a file |
//!
//! [`nodes`] is another simulation, of how nodes connect, and [`find`] one of cluster
//! names and groups.
//!
//! [`run`] gives the same trace for the same seed and plan, on every machine.

mod actor;
pub mod check;
mod faults;
pub mod find;
mod network;
pub mod nodes;
mod random;
pub mod trace;
mod world;

pub use trace::{Record, Trace};

/// How large a simulation is and what may go wrong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Nodes.
    pub nodes: usize,
    /// Actors that each node begins with.
    pub actors_per_node: usize,
    /// Things that actors do, all together.
    pub turns: usize,
    /// Whether connections are cut.
    pub cuts: bool,
    /// Whether nodes crash and come back.
    pub restarts: bool,
}

impl Default for Plan {
    /// Small enough to run hundreds of seeds, large enough that everything meets
    /// everything.
    fn default() -> Self {
        Self { nodes: 3, actors_per_node: 4, turns: 800, cuts: true, restarts: true }
    }
}

/// What happens under this seed.
pub fn run(seed: u64, plan: &Plan) -> Trace {
    let mut world = world::World::new(seed, plan);
    world.live(plan);
    world.settle();
    Trace { seed, records: world.into_records() }
}

#[cfg(test)]
#[path = "sim_test.rs"]
mod tests;
