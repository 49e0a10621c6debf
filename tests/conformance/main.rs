//! The rows of the conformance catalogue that need one node. ROWS.md lists all rows,
//! with the tests of each or the reason why there is none.

mod aliases;
mod exits;
mod families;
mod leaders;
mod links;
mod messages;
mod monitors;
mod races;
mod sdk;
mod spawns;
mod support;
mod timers;
