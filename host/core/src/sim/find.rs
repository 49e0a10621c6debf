//! A seeded simulation of cluster names, groups and locks, in virtual time.
//!
//! The machines of [`names`](crate::names), [`groups`](crate::groups) and
//! [`locks`](crate::locks) are the real ones; around them everything is random but given
//! by one seed: who registers, joins, locks and ends, how long frames take, which
//! connections are cut, in one direction first or both, when each side notices, and which
//! nodes crash and come back as another run. Then the cluster is divided, both
//! sides go on and settle, it is healed and settles, and at last all actors end. Each
//! rule of [`check`] looks at the trace.
//!
//! | file | what it is |
//! |---|---|
//! | `world` | virtual time, and the owner's part of the machines' contract |
//! | `wires` | connections, and what goes over them |
//! | `life` | what actors do, and what goes wrong |
//! | `locking` | what actors do with locks |
//! | `trace` | what happened |
//! | `check` | what must hold, one function a rule |
//!
//! [`run`] gives the same trace for the same seed and plan, on every machine.

pub mod check;
mod life;
mod locking;
pub mod trace;
mod wires;
mod world;

pub use trace::{Record, Stage, What};

/// How large a simulation is and what may go wrong in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Nodes.
    pub nodes: usize,
    /// Things that actors do, all together.
    pub turns: usize,
    /// Different names, groups and locks.
    pub keys: u8,
    /// Whether connections are cut, one or many at a time.
    pub cuts: bool,
    /// Whether nodes crash and come back.
    pub restarts: bool,
    /// Whether one actor may have several names.
    pub several: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { nodes: 4, turns: 140, keys: 6, cuts: true, restarts: true, several: true }
    }
}

/// What happens under this seed.
pub fn run(seed: u64, plan: &Plan) -> Vec<Record> {
    let mut world = world::World::new(seed, plan);
    world.live(plan.turns);
    if plan.cuts {
        world.divide();
        world.live(plan.turns / 4);
    }
    world.settle(Stage::Apart);
    world.heal();
    world.settle(Stage::Together);
    world.end_all();
    world.settle(Stage::Over);
    world.into_records()
}

#[cfg(test)]
#[path = "find_test.rs"]
mod tests;
