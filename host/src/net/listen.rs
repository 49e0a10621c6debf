//! The node's one listening port.
//!
//! Takes connections, plain or with TLS as the first byte says, lets nobody in who
//! cannot prove the cookie, and hands over those who can. Strangers cost little: a
//! limit on those who have not proved themselves, a deadline of each one's own, small
//! messages. Must not know what is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use odeon_core::peer::handshake::Session;
use odeon_core::wire::{Hello, Role};
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::local;
use super::refusals::Refusals;
use super::stream::Stream;
use super::transport::{Answering, Transport, TransportError};
use super::{CONNECTIONS_MAX, HALF_OPEN_MAX, HANDSHAKE_TIME_MAX, Identity, Origin, Security, tls};
use crate::control::discovery::is_node_name;

/// After a failed accept, which is nearly always a lack of descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A lack that stays is told again after this.
const ACCEPT_FAILURE_TOLD: Duration = Duration::from_secs(10);

/// Connections get this long to write out what they still have at the stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);

/// What a plain connection hears that has to use TLS.
const USE_TLS: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n\
    Content-Length: 37\r\nConnection: close\r\n\r\nthis node takes connections with TLS\n";

/// Takes the connections whose other side has proved itself.
pub trait Receiver: Send + Sync + 'static {
    /// The roles that are taken; others are refused.
    fn roles(&self) -> &'static [Role];

    /// Carries one connection, or hands it over. Dropped when the listener is; asked
    /// by `stop` to end in an orderly way.
    fn accepted(
        &self,
        transport: Transport,
        session: Session,
        from: Origin,
        stop: Stop,
    ) -> impl Future<Output = ()> + Send;
}

/// Takes the connections of other nodes.
pub trait Peers: Send + Sync + 'static {
    /// This node has connected and proved itself: [`Session::theirs`] says who it is.
    /// Must not block: the connection is carried by a task of the receiver's own.
    fn accepted(&self, transport: Transport, session: Session, from: Origin);
}

/// Takes nodes, and no commands.
impl<P: Peers> Receiver for Arc<P> {
    fn roles(&self) -> &'static [Role] {
        &[Role::Peer]
    }

    async fn accepted(&self, transport: Transport, session: Session, from: Origin, _: Stop) {
        Peers::accepted(&**self, transport, session, from);
    }
}

/// Says when a listener stops.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits for it.
    pub async fn wait(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// Why nobody listens.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port belongs to somebody else.
    #[error(
        "{address} is taken by another program; choose another port with `--listen`, or 0 for \
         any free one"
    )]
    Taken {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// How others may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// By TCP; plain connections from this machine by a Unix socket, which costs less.
    All,
    /// By TCP alone.
    Tcp,
}

/// A listening port. Dropped without [`Listener::stop`], it and the connections that
/// it carries end at once.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Listener {
    /// Starts to listen. Port 0 takes any free one.
    ///
    /// # Errors
    /// When the address is taken or cannot be listened on.
    pub async fn start(
        address: SocketAddr,
        identity: Identity,
        security: Security,
        receiver: impl Receiver,
    ) -> Result<Self, ListenError> {
        Self::start_for(Ways::All, address, identity, security, receiver).await
    }

    /// As [`Listener::start`], for those who come by these ways.
    ///
    /// # Errors
    /// When the address is taken or cannot be listened on.
    pub async fn start_for(
        ways: Ways,
        address: SocketAddr,
        identity: Identity,
        security: Security,
        receiver: impl Receiver,
    ) -> Result<Self, ListenError> {
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => ListenError::Taken { address },
            _ => ListenError::Listen { address, source },
        };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let is_short = ways == Ways::All && security.takes_plain(Origin::Process(0));
        let local = if is_short { local::listen(address) } else { None };
        let doors = Doors { tcp, local };
        let (stop, stopped) = watch::channel(false);
        let refusals = Refusals::default();
        let host = Host { identity, security, receiver, refusals, stop: Stop(stopped) };
        let task = Some(tokio::spawn(accept_all(doors, Arc::new(host))));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, asks those that it carries to end, and waits a
    /// bounded time for that.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_TIME_MAX, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Host<R> {
    identity: Identity,
    security: Security,
    receiver: R,
    refusals: Refusals,
    stop: Stop,
}

/// Where connections come in.
struct Doors {
    tcp: TcpListener,
    local: Option<UnixListener>,
}

/// Who has come.
enum Caller {
    Tcp(TcpStream),
    Local(UnixStream),
}

impl Doors {
    async fn accept(&self) -> std::io::Result<(Caller, Origin)> {
        let local = async {
            match &self.local {
                Some(local) => local.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = self.tcp.accept() => {
                accepted.map(|(socket, from)| (Caller::Tcp(socket), Origin::Address(from)))
            }
            accepted = local => {
                let (socket, _) = accepted?;
                let process = socket.peer_cred().ok().and_then(|it| it.pid()).unwrap_or(0);
                Ok((Caller::Local(socket), Origin::Process(process)))
            }
        }
    }
}

/// Owns every connection's task; they end with it.
async fn accept_all<R: Receiver>(doors: Doors, host: Arc<Host<R>>) {
    // Whoever floods the node from afar does not shut out its owner.
    let far = Arc::new(Semaphore::new(HALF_OPEN_MAX));
    let near = Arc::new(Semaphore::new(HALF_OPEN_MAX));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut stop = host.stop.clone();
    let mut told = None;
    loop {
        let due = host.refusals.due();
        let accepted = tokio::select! {
            accepted = doors.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = wait_until(due) => {
                host.refusals.settle();
                continue;
            }
            () = stop.wait() => break,
        };
        let (caller, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                if told.is_none_or(|told: Instant| told.elapsed() > ACCEPT_FAILURE_TOLD) {
                    tracing::warn!(%error, "cannot accept connections; trying on");
                    told = Some(Instant::now());
                }
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let half_open = if from.is_near() { &near } else { &far };
        let permits =
            (Arc::clone(half_open).try_acquire_owned(), Arc::clone(&places).try_acquire_owned());
        let (Ok(half_open), Ok(place)) = permits else {
            host.refusals.refused(from, &"too many connections");
            continue;
        };
        connections.spawn(connection(caller, from, Arc::clone(&host), half_open, place));
    }
    drop(doors);
    while connections.join_next().await.is_some() {}
}

async fn wait_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn connection<R: Receiver>(
    caller: Caller,
    from: Origin,
    host: Arc<Host<R>>,
    half_open: OwnedSemaphorePermit,
    place: OwnedSemaphorePermit,
) {
    let mut stop = host.stop.clone();
    let mut said = Said::default();
    let admitted = tokio::select! {
        admitted = admit(caller, from, &host, &said) => admitted,
        () = stop.wait() => return,
    };
    drop(half_open);
    match admitted {
        Ok(Some((mut transport, session))) => {
            transport.keep_place(place);
            host.receiver.accepted(transport, session, from, stop).await;
        }
        Ok(None) => tracing::debug!(%from, "a connection ended before it said anything"),
        Err(reason) => match said.get_mut().take() {
            Some(name) => host.refusals.refused(from, &format!("`{name}`: {reason}")),
            None => host.refusals.refused(from, &reason),
        },
    }
}

/// The name of a node, as the other side says it; not proved.
type Said = Mutex<Option<String>>;

/// Nothing if the other side left without a word, as probes do.
async fn admit<R: Receiver>(
    caller: Caller,
    from: Origin,
    host: &Host<R>,
    said: &Said,
) -> Result<Option<(Transport, Session)>, TransportError> {
    let deadline = Instant::now() + HANDSHAKE_TIME_MAX;
    let too_slow = |_| TransportError::TooSlow(HANDSHAKE_TIME_MAX);
    let secured = tokio::time::timeout_at(deadline, secure(caller, from, &host.security)).await;
    let Some(stream) = secured.map_err(too_slow)?? else { return Ok(None) };
    let tls = &host.security.tls;
    // Commands have no names: a certificate that is good was enough for them, or on
    // this machine none.
    let check = |stream: &Stream, theirs: &Hello| match theirs.role {
        Role::Peer if !is_node_name(&theirs.name) => {
            Err(TransportError::BadName(theirs.name.clone()))
        }
        Role::Peer => {
            *said.lock() = Some(theirs.name.clone());
            Ok(tls.check(stream, &theirs.name)?)
        }
        Role::Control => Ok(()),
    };
    let answering = Answering {
        hello: host.identity.hello()?,
        secrets: &host.security.secrets,
        roles: host.receiver.roles(),
        check: &check,
    };
    let answered = Transport::answer(stream, answering, deadline);
    // A little beyond the inner deadline, so that a slow side is told why.
    let deadline = deadline + HANDSHAKE_TIME_MAX / 6;
    tokio::time::timeout_at(deadline, answered).await.map_err(too_slow)?.map(Some)
}

/// Makes of a socket what its first byte says.
async fn secure(
    caller: Caller,
    from: Origin,
    security: &Security,
) -> Result<Option<Stream>, TransportError> {
    let mut socket = match caller {
        Caller::Tcp(socket) => socket,
        // Nobody comes here but who wants to talk, and there is no TLS.
        Caller::Local(socket) => return Ok(Some(Stream::local(socket))),
    };
    let mut first = [0];
    if !matches!(socket.peek(&mut first).await, Ok(1)) {
        return Ok(None);
    }
    if first == [tls::FIRST_BYTE] {
        // Also who came to another address of this machine from that very address.
        let own = |local: SocketAddr| socket.peer_addr().is_ok_and(|it| it.ip() == local.ip());
        let near = from.is_near() || socket.local_addr().is_ok_and(own);
        let stream = security.tls.accept(socket, near).await;
        return match stream {
            Ok(stream) => Ok(Some(stream)),
            Err(error) => Err(TransportError::Tls(error.to_string())),
        };
    }
    if security.takes_plain(from) {
        return Ok(Some(Stream::plain(socket)?));
    }
    // Taken in before the end, which would else be a reset that loses the answer.
    let _ = socket.try_read(&mut [0; 4096]);
    let _ = socket.write_all(USE_TLS).await;
    let _ = socket.shutdown().await;
    Err(TransportError::Plain)
}

#[cfg(test)]
#[path = "listen_test.rs"]
mod tests;
