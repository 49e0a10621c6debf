//! Connections: how bytes reach other nodes and commands, and who may connect.
//!
//! ```text
//! dial   ── stream (plain or TLS) ── WebSocket ── handshake ── Transport + Session
//! listen ── first byte ── stream  ── WebSocket ── handshake ── commands or peers
//! ```
//!
//! One port takes both nodes and commands. TLS keys are made at the start of the
//! node and nobody has signed them: what keeps strangers and middlemen out is the
//! proof of the cookie, which is bound to the TLS channel. With certificates
//! ([`tls::Files`]) both sides are verified besides. Plain connections are for one
//! machine's loopback, where they take a short way if both sides know it (`local`). Must
//! not know what is said over a connection.

pub mod dial;
pub mod listen;
pub mod secrets;
pub mod stream;
pub mod tls;
pub mod transport;

mod local;
pub(crate) mod poller;
mod refusals;
mod websocket;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use odeon_core::wire::{Hello, Role, VERSION_MAX, VERSION_MIN};

pub use local::Origin;
use secrets::Secrets;
use tls::Tls;

/// The port where a node is looked for when nobody says another: one above that of
/// Erlang's port mapper.
pub const DEFAULT_PORT: u16 = 4370;

/// From the first byte to the proved cookie, for a side that was connected to. Who
/// is slower is refused.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(3);

/// From the wish for a connection to the proved cookie, for the side that dials,
/// unless it is told otherwise. As OTP's `net_setuptime`.
pub const SETUP_TIME: Duration = Duration::from_secs(7);

/// Connections whose other side has not proved itself yet, at one time; as many from
/// loopback besides. More are dropped, so that strangers cannot use up the node's
/// memory or descriptors.
pub const HALF_OPEN_MAX: usize = 64;

/// Connections that others opened, at one time.
pub const CONNECTIONS_MAX: usize = 1024;

/// Who this side says it is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The node's name; empty for a command.
    pub name: String,
    /// The id of this run of the node; 0 for a command.
    pub incarnation: u64,
    /// Node or command.
    pub role: Role,
    /// What it can do beyond the protocol's version, as bits of the hello.
    pub features: u64,
}

impl Identity {
    /// A command of the node's owner.
    pub fn command() -> Self {
        Self { name: String::new(), incarnation: 0, role: Role::Control, features: 0 }
    }

    /// The hello of one connection, with a nonce of its own.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn hello(&self) -> std::io::Result<Hello> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(std::io::Error::other)?;
        Ok(Hello {
            version_min: VERSION_MIN,
            version_max: VERSION_MAX,
            features: self.features,
            role: self.role,
            name: self.name.clone(),
            incarnation: self.incarnation,
            nonce,
        })
    }
}

/// Where TLS is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Everywhere but on loopback.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere: plain connections are made and taken everywhere. For networks that
    /// others protect.
    Plain,
}

/// What protects connections. Cheap to clone; all clones share the secrets.
#[derive(Clone, Debug)]
pub struct Security {
    /// What this side and others know.
    pub secrets: Arc<Secrets>,
    /// Keys and certificates.
    pub tls: Arc<Tls>,
    /// Where they are used.
    pub mode: Mode,
}

impl Security {
    /// Whether a plain connection from there is let in.
    fn takes_plain(&self, from: Origin) -> bool {
        match self.mode {
            Mode::Auto => from.is_near(),
            Mode::Always => false,
            Mode::Plain => true,
        }
    }

    /// Whether a connection to there is made with TLS. Nodes that have to show
    /// certificates do so on loopback as well.
    fn dials_tls(&self, to: IpAddr, role: Role) -> bool {
        match self.mode {
            Mode::Auto => !is_loopback(to) || (role == Role::Peer && self.tls.verifies()),
            Mode::Always => true,
            Mode::Plain => false,
        }
    }
}

/// What a node tells others about where it is, each as `host:port`: what its owner
/// says, else where it listens, on its name's host if that is on all addresses.
pub fn addresses(advertise: &[String], listening: SocketAddr, name: &str) -> Vec<String> {
    if !advertise.is_empty() {
        return advertise.to_vec();
    }
    match name.split_once('@') {
        Some((_, host)) if listening.ip().is_unspecified() => {
            vec![format!("{host}:{}", listening.port())]
        }
        None if listening.ip().is_unspecified() => Vec::new(),
        Some(_) | None => vec![listening.to_string()],
    }
}

/// Also for IPv4 addresses in the clothes of IPv6.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
#[path = "net/net_test.rs"]
mod tests;
