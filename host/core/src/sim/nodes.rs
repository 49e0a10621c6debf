//! A seeded simulation of nodes that connect with each other, in virtual time.
//!
//! The [`Node`](crate::node::Node) machines are the real ones; around them everything is
//! random but given by one seed: who wants whom, how long dials and frames take, which
//! ways are cut (also in one direction only) or blocked for dials, which nodes crash and
//! come back as another run, who disconnects or leaves. Afterwards all is healed and
//! settles, everybody wants everybody, and each rule of [`check`] looks at the trace.
//!
//! | file | what it is |
//! |---|---|
//! | `world` | virtual time, and the owner's part of the machines' contract |
//! | `wires` | transport connections: what goes over them, and how they end |
//! | `faults` | what nodes want, and what goes wrong |
//! | `trace` | what happened |
//! | `check` | what must hold, one function a rule |
//!
//! [`run`] gives the same trace for the same seed and plan, on every machine.

pub mod check;
mod faults;
pub mod trace;
mod wires;
mod world;

pub use trace::{Record, What};

use crate::node::AutoConnect;

/// How large a simulation is and what may go wrong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Nodes.
    pub nodes: usize,
    /// Things that nodes do, all together.
    pub turns: usize,
    /// Whether ways between nodes are cut and blocked.
    pub cuts: bool,
    /// Whether nodes crash and come back.
    pub restarts: bool,
    /// Whether nodes disconnect, and leave and come back as the same run.
    pub disconnects: bool,
    /// Whether some nodes are hidden.
    pub hidden: bool,
    /// Whether nodes tell each other of others.
    pub mesh: bool,
    /// When nodes dial by themselves; if nothing is given, each as it likes.
    pub auto: Option<AutoConnect>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            nodes: 4,
            turns: 60,
            cuts: true,
            restarts: true,
            disconnects: true,
            hidden: true,
            mesh: true,
            auto: None,
        }
    }
}

/// What happens under this seed.
pub fn run(seed: u64, plan: &Plan) -> Vec<Record> {
    let mut world = world::World::new(seed, plan);
    world.live();
    world.heal();
    world.settle();
    world.everybody_wants_everybody();
    world.settle();
    world.into_records()
}

/// What happens when each node wants the next one, and nothing else happens.
pub fn run_chain(seed: u64, plan: &Plan) -> Vec<Record> {
    let mut world = world::World::new(seed, plan);
    for place in 1..plan.nodes {
        world.want(place - 1, place, true);
    }
    world.settle();
    world.into_records()
}

#[cfg(test)]
#[path = "nodes_test.rs"]
mod tests;
