//! Finding another node and connecting to it.
//!
//! Where it may be, in order: where it announced itself on this machine, the
//! addresses that others told, `host:port` if the port was said, else the default
//! port of its host. Each place gets its share of the time; the first where the
//! wanted node answers is taken. Who answers under another name is not that node.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use odeon_core::peer::handshake::{Failure, Session};
use odeon_core::wire::{Hello, Refusal, Role};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::Instant;

use super::local;
use super::stream::Stream;
use super::transport::{Opening, Transport, TransportError};
use super::{DEFAULT_PORT, Identity, SETUP_TIME, Security};
use crate::control::discovery::{Directory, is_node_name};

/// Addresses that are tried for one place that others told: the first of them.
const HINTS_MAX: usize = 8;

/// Addresses that are tried of those that one host has.
const ADDRESSES_MAX: usize = 8;

/// Whom to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The node's whole name, as in `a@box`.
    pub name: String,
    /// The port on the name's host, if somebody said one.
    pub port: Option<u16>,
    /// Where it may be, each as `host:port`.
    pub hints: Vec<String>,
}

/// How to find and connect.
#[derive(Clone, Debug)]
pub struct Options {
    /// For all of it.
    pub setup_time: Duration,
    /// Where nodes of this machine announce themselves.
    pub directory: Option<Directory>,
    /// The port where a node is looked for when nobody says another.
    pub default_port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { setup_time: SETUP_TIME, directory: None, default_port: DEFAULT_PORT }
    }
}

/// Why there is no connection. Where several places were tried, the reason that says
/// most.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The text names no node.
    #[error("`{0}` names no node: write `name@host` or `name@host:port`")]
    NoName(String),
    /// Nobody knows where it is: it does not run on this machine, and no address is
    /// known for its host.
    #[error(
        "nobody knows where `{name}` is: no node of that name runs on this machine, and no \
         address was found for its host"
    )]
    Unknown {
        /// The node.
        name: String,
    },
    /// Nobody listens there, or there is no way there.
    #[error("cannot reach `{name}` at {address}: {source}")]
    Unreachable {
        /// The node.
        name: String,
        /// Where it was tried.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nobody answered in time.
    #[error(
        "`{name}`{} did not answer in time; there are {} seconds for it (`--setup-time`)",
        address.map(|address| format!(" at {address}")).unwrap_or_default(),
        setup_time.as_secs_f64()
    )]
    Timeout {
        /// The node.
        name: String,
        /// Where it was tried, if an address was found.
        address: Option<SocketAddr>,
        /// The time that there was for all of it.
        setup_time: Duration,
    },
    /// One side did not take the other: a wrong cookie, no common version.
    #[error("no handshake with `{name}` at {address}: {source}")]
    Handshake {
        /// The node.
        name: String,
        /// Where it was tried.
        address: SocketAddr,
        /// Who refused, and why.
        source: Failure,
    },
    /// There is no TLS with it, or its certificate is not good.
    #[error("no TLS with `{name}` at {address}: {reason}")]
    Tls {
        /// The node.
        name: String,
        /// Where it was tried.
        address: SocketAddr,
        /// What went wrong.
        reason: String,
    },
    /// Another node is there.
    #[error("the node at {address} is `{}`, not `{wanted}`", found.escape_debug())]
    WrongName {
        /// Where it was tried.
        address: SocketAddr,
        /// The node.
        wanted: String,
        /// What the one there calls itself; not proved.
        found: String,
    },
    /// The connection failed before it was one.
    #[error("the connection to `{name}` at {address} failed: {source}")]
    Failed {
        /// The node.
        name: String,
        /// Where it was tried.
        address: SocketAddr,
        /// What went wrong.
        source: TransportError,
    },
}

impl DialError {
    /// How much it says about the node itself, rather than about one way to it.
    fn weight(&self) -> u8 {
        match self {
            Self::NoName(_) | Self::Unknown { .. } => 0,
            Self::Unreachable { .. } => 1,
            Self::Timeout { .. } => 2,
            Self::Failed { .. } => 3,
            Self::WrongName { .. } => 4,
            Self::Tls { .. } => 5,
            Self::Handshake { .. } => 6,
        }
    }
}

impl std::str::FromStr for Target {
    type Err = DialError;

    fn from_str(text: &str) -> Result<Self, DialError> {
        let wrong = || DialError::NoName(text.to_owned());
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        if !is_node_name(name) || !name.contains('@') {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), port, hints: Vec::new() })
    }
}

/// As one writes it, without what others told.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Target {
    fn host(&self) -> Option<&str> {
        self.name.split_once('@').map(|(_, host)| host)
    }
}

/// Where a node may be.
enum Place {
    /// Where it announced itself.
    Here { address: SocketAddr, tls: bool },
    /// A host and a port.
    There(String),
}

/// Connects to a node, with a role of one's own choice.
///
/// # Errors
/// When it is not found, does not answer in time, is another one, or one side does
/// not take the other.
pub async fn dial(
    target: &Target,
    identity: &Identity,
    security: &Security,
    options: &Options,
) -> Result<(Transport, Session), DialError> {
    let dialing = Dialing { target, identity, security, setup_time: options.setup_time };
    let deadline = Instant::now() + options.setup_time;
    let places = places(target, options).await;
    let mut said: Option<DialError> = None;
    let mut tried = BTreeSet::new();
    let mut left = u32::try_from(places.len()).unwrap_or(u32::MAX);
    for place in places {
        let deadline = share(deadline, left);
        left -= 1;
        match dialing.place(place, &mut tried, deadline).await {
            Ok(connected) => return Ok(connected),
            Err(error) if said.as_ref().is_some_and(|it| it.weight() >= error.weight()) => {}
            Err(error) => said = Some(error),
        }
    }
    Err(said.unwrap_or(DialError::Unknown { name: target.name.clone() }))
}

/// Connects to this address, whoever may have told it.
pub(crate) async fn dial_address(
    address: SocketAddr,
    tls: bool,
    wanted: &str,
    identity: &Identity,
    security: &Security,
    setup_time: Duration,
) -> Result<(Transport, Session), TransportError> {
    let target = Target { name: wanted.to_owned(), port: None, hints: Vec::new() };
    let dialing = Dialing { target: &target, identity, security, setup_time };
    let deadline = Instant::now() + setup_time;
    let timely = tokio::time::timeout_at(deadline, async {
        let way = dialing.reach(address, tls).await?;
        dialing.connected(way, address, deadline).await
    });
    timely.await.map_err(|_| TransportError::TooSlow(setup_time))?
}

/// A socket that leads to the other side.
enum Way {
    Tls(TcpStream),
    Plain(TcpStream),
    Local(UnixStream),
}

/// The end of the first of so many equal parts of what is left.
fn share(deadline: Instant, parts: u32) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / parts.max(1)
}

async fn places(target: &Target, options: &Options) -> Vec<Place> {
    let mut places = Vec::new();
    if let Some(directory) = options.directory.clone() {
        let name = target.name.clone();
        // Reads a file.
        let found = tokio::task::spawn_blocking(move || directory.find(&name)).await;
        if let Ok(Some(entry)) = found {
            places.push(Place::Here { address: entry.address, tls: entry.tls });
        }
    }
    places.extend(target.hints.iter().take(HINTS_MAX).cloned().map(Place::There));
    if let Some(host) = target.host() {
        let port = target.port.unwrap_or(options.default_port);
        places.push(Place::There(format!("{host}:{port}")));
    }
    places
}

struct Dialing<'a> {
    target: &'a Target,
    identity: &'a Identity,
    security: &'a Security,
    setup_time: Duration,
}

impl Dialing<'_> {
    async fn place(
        &self,
        place: Place,
        tried: &mut BTreeSet<SocketAddr>,
        deadline: Instant,
    ) -> Result<(Transport, Session), DialError> {
        let name = || self.target.name.clone();
        let (addresses, tls) = match place {
            Place::Here { address, tls } => (vec![address], tls),
            Place::There(place) => {
                let looked_up = tokio::net::lookup_host(&place);
                match tokio::time::timeout_at(deadline, looked_up).await {
                    Ok(Ok(addresses)) => (addresses.take(ADDRESSES_MAX).collect(), false),
                    Ok(Err(_)) => (Vec::new(), false),
                    Err(_) => return Err(self.timeout(None)),
                }
            }
        };
        let mut said = DialError::Unknown { name: name() };
        let addresses: Vec<_> = addresses.into_iter().filter(|it| tried.insert(*it)).collect();
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for address in addresses {
            let deadline = share(deadline, left);
            left -= 1;
            match self.address(address, tls, deadline).await {
                Ok(connected) => return Ok(connected),
                Err(error) if said.weight() >= error.weight() => {}
                Err(error) => said = error,
            }
        }
        Err(said)
    }

    async fn address(
        &self,
        address: SocketAddr,
        tls: bool,
        deadline: Instant,
    ) -> Result<(Transport, Session), DialError> {
        let name = || self.target.name.clone();
        let way = match tokio::time::timeout_at(deadline, self.reach(address, tls)).await {
            Ok(Ok(way)) => way,
            Ok(Err(source)) => {
                return Err(DialError::Unreachable { name: name(), address, source });
            }
            Err(_) => return Err(self.timeout(Some(address))),
        };
        let connected = self.connected(way, address, deadline);
        let Ok(connected) = tokio::time::timeout_at(deadline, connected).await else {
            return Err(self.timeout(Some(address)));
        };
        connected.map_err(|error| match error {
            TransportError::TooSlow(_)
            | TransportError::Handshake(Failure::Refused(Refusal::Timeout)) => {
                self.timeout(Some(address))
            }
            TransportError::Handshake(source) => {
                DialError::Handshake { name: name(), address, source }
            }
            TransportError::WrongName { wanted, found } => {
                DialError::WrongName { address, wanted, found }
            }
            TransportError::Tls(reason) => DialError::Tls { name: name(), address, reason },
            TransportError::Certificate(error) => {
                let reason = format!("the certificate of the other side: {error}");
                DialError::Tls { name: name(), address, reason }
            }
            source @ (TransportError::Socket(_)
            | TransportError::Plain
            | TransportError::BadName(_)
            | TransportError::Closed
            | TransportError::Violation(_)) => DialError::Failed { name: name(), address, source },
        })
    }

    /// A socket that leads there. `tls` says that TLS is wanted in any case.
    async fn reach(&self, address: SocketAddr, tls: bool) -> std::io::Result<Way> {
        if tls || self.security.dials_tls(address.ip(), self.identity.role) {
            return TcpStream::connect(address).await.map(Way::Tls);
        }
        match local::connect(address).await {
            Some(socket) => Ok(Way::Local(socket)),
            None => TcpStream::connect(address).await.map(Way::Plain),
        }
    }

    async fn connected(
        &self,
        way: Way,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<(Transport, Session), TransportError> {
        let Self { target, identity, security, .. } = self;
        let host = target.host().unwrap_or("odeon");
        let stream = match way {
            Way::Tls(socket) => {
                let secured = security.tls.connect(socket, host).await;
                secured.map_err(|error| TransportError::Tls(error.to_string()))?
            }
            Way::Plain(socket) => Stream::plain(socket)?,
            Way::Local(socket) => Stream::local(socket),
        };
        let keys = &security.tls;
        let check = |stream: &Stream, theirs: &Hello| match (identity.role, stream.binding()) {
            // A command on a plain connection within the machine.
            (Role::Control, binding) if binding.is_empty() => Ok(()),
            (Role::Control | Role::Peer, _) => Ok(keys.check(stream, &theirs.name)?),
        };
        let opening = Opening {
            host: address.to_string(),
            hello: identity.hello()?,
            secret: security.secrets.between(identity.role, &target.name),
            wanted: &target.name,
            check: &check,
        };
        Transport::open(stream, opening, deadline).await
    }

    fn timeout(&self, address: Option<SocketAddr>) -> DialError {
        DialError::Timeout { name: self.target.name.clone(), address, setup_time: self.setup_time }
    }
}

#[cfg(test)]
#[path = "dial_test.rs"]
mod tests;
