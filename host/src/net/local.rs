//! The short way between two nodes of one machine: beside each port on loopback there is
//! a Unix socket, which spares both sides the work of TCP.
//!
//! Its name is made of the port's address, so who knows where a node listens knows both.
//! It is a name in the abstract namespace (unix(7)): no file is left behind, and it can
//! be reached from where loopback can, and from nowhere else. Nobody has to own a port to
//! take such a name, so the system is asked whose it is: another user's is left alone.
//! Must not know what is said.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{UnixListener, UnixStream};

use super::is_loopback;

/// From where somebody connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From this address.
    Address(SocketAddr),
    /// From this process of the machine, by the short way. 0 if the system does not say.
    Process(i32),
}

impl Origin {
    /// Whether it is on this machine's loopback.
    pub(super) fn is_near(self) -> bool {
        match self {
            Self::Address(address) => is_loopback(address.ip()),
            Self::Process(_) => true,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Process(process) => write!(f, "process {process} of this machine"),
        }
    }
}

/// Takes connections by the short way to this address. Nothing where there is none: for
/// addresses that loopback does not lead to, and on other systems than Linux.
pub(super) fn listen(address: SocketAddr) -> Option<UnixListener> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let name = name(SocketAddr::new(ip, address.port()))?;
    let listening = UnixListener::bind(name);
    listening.inspect_err(|error| tracing::debug!(%error, "nodes of this machine come by TCP")).ok()
}

/// Connects by the short way to whoever listens on this address. Nothing where nobody of
/// this user does; then TCP is the way.
pub(super) async fn connect(address: SocketAddr) -> Option<UnixStream> {
    let socket = UnixStream::connect(name(address)?).await.ok()?;
    let owner = socket.peer_cred().ok()?.uid();
    let own = rustix::process::geteuid().as_raw();
    if owner != own {
        tracing::debug!(%address, owner, "the short way to it is another user's");
        return None;
    }
    Some(socket)
}

fn name(address: SocketAddr) -> Option<String> {
    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
    is_loopback(address.ip()).then(|| format!("\0odeon/{address}"))
}

#[cfg(all(test, target_os = "linux"))]
#[path = "local_test.rs"]
mod tests;
