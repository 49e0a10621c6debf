//! Nodes that are connected: what actors of one see of actors of another. Each node is a
//! process of its own (`odeon_tests::cluster`), which a test halts by a kill.
//!
//! Rows of the conformance catalogue have their ids in the tests' names; ROWS.md beside
//! the conformance suite lists them. Between nodes a report is no barrier for third
//! parties: tests wait for what has to happen, and show that nothing else does by a
//! marker from the same sender behind it.

mod aliases;
mod basics;
mod busy;
mod calls;
mod code;
mod common;
mod cookies;
mod groups;
mod history;
mod hostile;
mod leaders;
mod life;
mod links;
mod locks;
mod messages;
mod monitors;
mod names;
mod nodes;
mod partitions;
mod servers;
mod spawns;
#[allow(dead_code, reason = "shared with the suite on one node")]
#[path = "../conformance/support.rs"]
mod support;
mod timers;
mod tls;
mod town;
mod whose;
