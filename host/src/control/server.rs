//! The node's one listening port.
//!
//! Takes connections, lets nobody in who cannot prove the cookie, and hands the
//! requests of those who can to a [`Service`]. Strangers cost little: a limit on
//! those who have not proved themselves, a deadline, small messages. Must not know
//! what is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use odeon_core::wire::Role;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::mux::{Asked, Connection};
use super::transport::{Transport, TransportError};
use super::{CONNECTIONS_MAX, HALF_OPEN_MAX, Identity};

/// After a failed accept, which is nearly always a lack of descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Connections get this long to write out their last replies at the stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(2);

/// What answers requests.
pub trait Service: Send + Sync + 'static {
    /// Serves one request, to its end. Dropped when the client goes away: what
    /// must happen then belongs into `Drop`.
    fn serve(&self, asked: Asked) -> impl Future<Output = ()> + Send;
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The port belongs to somebody else.
    #[error(
        "{address} is taken by another program; choose another port with `--listen`, or 0 for \
         any free one"
    )]
    Taken {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Commands would travel unencrypted.
    #[error(
        "{address} is not a loopback address; a node listens on this machine only until \
         connections are encrypted: use 127.0.0.1 or [::1]"
    )]
    NotLoopback {
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

/// A running server. Dropped without [`Server::stop`], it ends at once.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts to listen. Port 0 takes any free one.
    ///
    /// # Errors
    /// When the address is taken, not on loopback, or cannot be listened on.
    pub async fn start(
        address: SocketAddr,
        identity: Identity,
        service: impl Service,
    ) -> Result<Self, ServerError> {
        if !address.ip().is_loopback() {
            return Err(ServerError::NotLoopback { address });
        }
        let failed = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => ServerError::Taken { address },
            _ => ServerError::Listen { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let host = Arc::new(Host { identity, service, stopped });
        let task = Some(tokio::spawn(accept_all(listener, host)));
        Ok(Self { address, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, closes those that there are, and waits a bounded
    /// time for their last replies to be written.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_TIME_MAX, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Host<S> {
    identity: Identity,
    service: S,
    stopped: watch::Receiver<bool>,
}

/// Owns every connection's task; they end with it.
async fn accept_all<S: Service>(listener: TcpListener, host: Arc<Host<S>>) {
    let half_open = Arc::new(Semaphore::new(HALF_OPEN_MAX));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    let mut stopped = host.stopped.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let permits =
            (Arc::clone(&half_open).try_acquire_owned(), Arc::clone(&places).try_acquire_owned());
        let (Ok(half_open), Ok(place)) = permits else {
            tracing::warn!(%from, "refused a connection: too many connections");
            continue;
        };
        connections.spawn(connection(stream, from, Arc::clone(&host), half_open, place));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection<S: Service>(
    stream: TcpStream,
    from: SocketAddr,
    host: Arc<Host<S>>,
    half_open: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
) {
    let mut stopped = host.stopped.clone();
    let accepted = tokio::select! {
        accepted = Transport::accept(stream, &host.identity, &[Role::Control]) => accepted,
        _ = stopped.wait_for(|stop| *stop) => return,
    };
    drop(half_open);
    match accepted {
        Ok((transport, _session)) => serve(transport, from, &host).await,
        Err(reason) => tracing::warn!(%from, %reason, "refused a connection"),
    }
}

async fn serve<S: Service>(transport: Transport, from: SocketAddr, host: &Arc<Host<S>>) {
    let (connection, wires) = Connection::new(transport, false);
    let mut handlers = JoinSet::new();
    let mut stopped = host.stopped.clone();
    let drive = connection.drive(wires, |asked| {
        while handlers.try_join_next().is_some() {}
        let host = Arc::clone(host);
        handlers.spawn(async move { host.service.serve(asked).await });
    });
    let closing = async {
        let _ = stopped.wait_for(|stop| *stop).await;
        connection.close();
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = drive => ended,
        () = closing => Ok(()),
    };
    match ended {
        Ok(()) | Err(TransportError::Closed) => {}
        Err(reason) => tracing::warn!(%from, %reason, "a connection ended"),
    }
}
