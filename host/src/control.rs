//! How the commands of a node's owner reach the running node.
//!
//! ```text
//! odeon ps ── client ── mux ── transport ══ WebSocket ══ transport ── mux ── server ── service ── Node
//! ```
//!
//! The node listens on loopback and says where in a file that only its user can
//! read ([`discovery`]); both sides prove that they know the cookie ([`cookie`]);
//! then each request is an exchange on the connection ([`mux`]). The frames and
//! the handshake are `odeon_core`'s, the same that connections between nodes use.
//! What is asked and answered is in [`api`]; only [`service`] knows the node.

pub mod api;
pub mod client;
pub mod cookie;
pub mod discovery;
pub mod drain;
pub mod mux;
pub mod server;
pub mod service;
pub mod transport;

use std::time::Duration;

/// From the first byte to the proved cookie. A side that is slower is refused.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(3);

/// Connections whose other side has not proved itself yet, at one time. More are
/// dropped, so that strangers cannot use up the node's memory or descriptors.
pub const HALF_OPEN_MAX: usize = 64;

/// Connections at one time.
pub const CONNECTIONS_MAX: usize = 1024;

/// Exchanges that one connection can have open at one time. More are a violation.
pub const EXCHANGES_MAX: usize = 64;

/// Frames that wait to be written to one connection before its owner stops
/// reading from it: a side that does not read cannot make the other hold more.
pub const OUTBOX_FRAMES_MAX: usize = 4096;

/// The one service of the control channel.
pub const SERVICE: &str = "control";

/// Who this side says it is, and what it proves.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The node's name; empty for a command.
    pub name: String,
    /// The id of this run of the node; 0 for a command.
    pub incarnation: u64,
    /// Node or command.
    pub role: odeon_core::wire::Role,
    /// Made of the cookie.
    pub secret: odeon_core::peer::handshake::Secret,
}

impl Identity {
    /// The hello of one connection, with a nonce of its own.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn hello(&self) -> std::io::Result<odeon_core::wire::Hello> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(std::io::Error::other)?;
        Ok(odeon_core::wire::Hello {
            version_min: odeon_core::wire::VERSION_MIN,
            version_max: odeon_core::wire::VERSION_MAX,
            features: 0,
            role: self.role,
            name: self.name.clone(),
            incarnation: self.incarnation,
            nonce,
        })
    }
}

#[cfg(test)]
#[path = "control/control_test.rs"]
mod tests;
