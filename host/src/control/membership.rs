//! A node's part in clusters, which it can leave and take up again while it runs.

use std::sync::Arc;
use std::time::Duration;

use odeon_core::peer::handshake::Session;
use parking_lot::Mutex;

use crate::Node;
use crate::cluster::{Dialler, Distribution, Options};
use crate::net::Origin;
use crate::net::listen::Peers;
use crate::net::transport::Transport;

/// The part of one node. Given to its listener as its [`Peers`].
pub struct Membership {
    node: Node,
    dialler: Dialler,
    /// As it is, or will be when it is taken up again.
    options: Mutex<Options>,
    current: Mutex<Option<Arc<Distribution>>>,
    /// Held by whoever takes part or leaves, from start to end.
    changing: tokio::sync::Mutex<()>,
}

impl Membership {
    /// Takes part from now on.
    pub fn start(node: Node, dialler: Dialler, options: Options) -> Self {
        let current = node.distribute(dialler.clone(), options.clone());
        Self {
            node,
            dialler,
            options: Mutex::new(options),
            current: Mutex::new(Some(Arc::new(current))),
            changing: tokio::sync::Mutex::new(()),
        }
    }

    /// Where others can reach this node, as `host:port`.
    pub fn set_addresses(&self, addresses: Vec<String>) {
        self.options.lock().addresses.clone_from(&addresses);
        if let Some(current) = &*self.current.lock() {
            current.set_addresses(addresses);
        }
    }

    /// How long a silent node counts as there, from now on.
    pub fn set_tick_time(&self, tick_time: Duration) {
        self.options.lock().tick_time = tick_time;
        if let Some(current) = &*self.current.lock() {
            current.set_tick_time(tick_time);
        }
    }

    /// Takes part again (`net_kernel:start/1`). False, and nothing else, if it does.
    pub async fn enter(&self) -> bool {
        let _changing = self.changing.lock().await;
        let mut current = self.current.lock();
        if current.is_some() {
            return false;
        }
        let options = self.options.lock().clone();
        *current = Some(Arc::new(self.node.distribute(self.dialler.clone(), options)));
        true
    }

    /// Ends all connections to other nodes, and takes no more (`net_kernel:stop/0`).
    /// Returns when everybody here has been told. False, and nothing else, if it takes
    /// no part.
    pub async fn leave(&self) -> bool {
        let _changing = self.changing.lock().await;
        let current = self.current.lock().take();
        match current {
            Some(current) => {
                current.stop().await;
                true
            }
            None => false,
        }
    }
}

impl Peers for Membership {
    fn accepted(&self, transport: Transport, session: Session, from: Origin) {
        // Else the connection closes: this node is none for others.
        if let Some(current) = &*self.current.lock() {
            current.accepted(transport, session, from);
        }
    }
}
