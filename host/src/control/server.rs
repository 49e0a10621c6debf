//! Commands on the node's listening port.
//!
//! Hands the requests of those who proved themselves to a [`Service`], and the
//! connections of other nodes to whoever takes them. Must not know what is asked.

use std::net::SocketAddr;
use std::sync::Arc;

use odeon_core::peer::handshake::Session;
use odeon_core::wire::Role;
use tokio::task::JoinSet;

use super::mux::{Asked, Connection};
use crate::net::listen::{ListenError, Listener, Peers, Receiver, Stop};
use crate::net::transport::{Transport, TransportError};
use crate::net::{Identity, Origin, Security};

/// What answers requests.
pub trait Service: Send + Sync + 'static {
    /// Serves one request, to its end. Dropped when the client goes away: what
    /// must happen then belongs into `Drop`.
    fn serve(&self, asked: Asked) -> impl Future<Output = ()> + Send;
}

/// A running server. Dropped without [`Server::stop`], it ends at once.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
}

impl Server {
    /// Starts to listen. Port 0 takes any free one. Without `peers` other nodes are
    /// refused.
    ///
    /// # Errors
    /// When the address is taken or cannot be listened on.
    pub async fn start(
        address: SocketAddr,
        identity: Identity,
        security: Security,
        service: impl Service,
        peers: Option<Arc<dyn Peers>>,
    ) -> Result<Self, ListenError> {
        let host = Host { service: Arc::new(service), peers };
        Ok(Self { listener: Listener::start(address, identity, security, host).await? })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Takes no more connections, closes those of commands, and waits a bounded time
    /// for their last replies to be written. The connections of nodes are their
    /// receiver's.
    pub async fn stop(self) {
        self.listener.stop().await;
    }
}

struct Host<S> {
    service: Arc<S>,
    peers: Option<Arc<dyn Peers>>,
}

impl<S: Service> Receiver for Host<S> {
    fn roles(&self) -> &'static [Role] {
        match self.peers {
            Some(_) => &[Role::Control, Role::Peer],
            None => &[Role::Control],
        }
    }

    async fn accepted(&self, transport: Transport, session: Session, from: Origin, stop: Stop) {
        match (session.theirs.role, &self.peers) {
            (Role::Control, _) => serve(transport, from, &self.service, stop).await,
            (Role::Peer, Some(peers)) => peers.accepted(transport, session, from),
            // The handshake has refused it.
            (Role::Peer, None) => {}
        }
    }
}

async fn serve<S: Service>(transport: Transport, from: Origin, service: &Arc<S>, mut stop: Stop) {
    // What is attached to a terminal ends with it, also when its machine loses power.
    transport.notice_silence();
    let (connection, wires) = Connection::new(transport, false);
    let mut handlers = JoinSet::new();
    let drive = connection.drive(wires, |asked| {
        while handlers.try_join_next().is_some() {}
        let service = Arc::clone(service);
        handlers.spawn(async move { service.serve(asked).await });
    });
    let closing = async {
        stop.wait().await;
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
