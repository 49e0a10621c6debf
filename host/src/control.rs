//! How the commands of a node's owner reach the running node.
//!
//! ```text
//! odeon ps ── client ── mux ── net ══ WebSocket ══ net ── mux ── server ── service ── Node
//! ```
//!
//! The node says where it listens in a file that only its user can read
//! ([`discovery`]); both sides prove that they know the cookie ([`cookie`]); then
//! each request is an exchange on the connection ([`mux`]). Connections are made by
//! [`crate::net`], those between nodes as well.
//! What is asked and answered is in [`api`]; only [`service`] knows the node.

pub mod api;
pub mod client;
pub mod cookie;
pub mod discovery;
pub mod drain;
pub mod membership;
pub mod mux;
pub mod queue;
pub mod server;
pub mod service;

/// Exchanges that one connection can have open at one time. More are a violation.
pub const EXCHANGES_MAX: usize = 64;

/// The one service of the control channel.
pub const SERVICE: &str = "control";

#[cfg(test)]
#[path = "control/control_test.rs"]
mod tests;
