//! What a node tells about the nodes that it knows.

use super::peers::{Peer, Seen};
use super::{Conn, Node, NodeInfo};
use crate::id::NodeId;

/// Which nodes a listing is about (`nodes/1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// Those with a connection that is not hidden.
    Visible,
    /// Those with a hidden connection.
    Hidden,
    /// All with a connection.
    Connected,
    /// All that this node knows of, itself included.
    Known,
    /// This node.
    This,
}

/// What this node knows of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// Its current or last run, if any was ever seen or told of.
    pub id: Option<NodeId>,
    /// Whether the connection is hidden, or was when it was last there.
    pub hidden: bool,
    /// The connection, while there is one.
    pub conn: Option<Conn>,
    /// Whether this node dialled for that connection.
    pub initiated: bool,
    /// Whether [`AutoConnect::Once`](super::AutoConnect::Once) bars it.
    pub barred: bool,
    /// Where it listens, as far as is known.
    pub addresses: Vec<String>,
}

/// Where the actors of a node's id are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Here.
    Own,
    /// At the other end of this connection.
    Connected(Conn),
    /// In the last known run of the node of this name, which is not connected.
    Known(String),
    /// Nowhere: the node of that id runs again under another.
    Dead,
    /// Nobody said.
    Unknown,
}

impl Node {
    /// Who this is, while it is alive. The addresses are the owner's to add.
    pub fn own(&self) -> Option<NodeInfo> {
        let settings = self.settings.as_ref()?;
        let (name, id, hidden) = (settings.name.clone(), settings.id.get(), settings.hidden);
        Some(NodeInfo { name, id, hidden, addresses: Vec::new() })
    }

    /// All nodes of any of these kinds, each once, this node first and the others by name.
    pub fn nodes(&self, kinds: &[Nodes]) -> Vec<NodeStatus> {
        let wants_own = kinds.iter().any(|kind| matches!(kind, Nodes::This | Nodes::Known));
        let own = self.own().filter(|_| wants_own).map(|own| NodeStatus {
            name: own.name,
            id: Some(self.id),
            hidden: own.hidden,
            conn: None,
            initiated: false,
            barred: false,
            addresses: own.addresses,
        });
        let fits = |peer: &Peer| {
            let hidden = peer.up.as_ref().map(|up| up.hidden);
            kinds.iter().any(|kind| match kind {
                Nodes::Visible => hidden == Some(false),
                Nodes::Hidden => hidden == Some(true),
                Nodes::Connected => hidden.is_some(),
                Nodes::Known => true,
                Nodes::This => false,
            })
        };
        let others = self.peers.iter().filter(|(_, peer)| fits(peer));
        own.into_iter().chain(others.map(|(name, peer)| status(name, peer))).collect()
    }

    /// What is known of the node of this name, which is another.
    pub fn info(&self, name: &str) -> Option<NodeStatus> {
        self.peers.get(name).map(|peer| status(name, peer))
    }

    /// The connection to the node of this name.
    pub fn connection(&self, name: &str) -> Option<Conn> {
        Some(self.peers.get(name)?.up.as_ref()?.conn)
    }

    /// The name of the node that has or had this id, if it is known.
    pub fn name_of(&self, id: NodeId) -> Option<&str> {
        self.peers.of_id(id).map(|(name, ..)| name)
    }

    /// Where the actors of this id are, for routing.
    pub fn find(&self, id: NodeId) -> Whereabouts {
        if id == self.id {
            return Whereabouts::Own;
        }
        let Some((name, peer, seen)) = self.peers.of_id(id) else { return Whereabouts::Unknown };
        match &peer.up {
            Some(up) if up.info.id == id.get() => Whereabouts::Connected(up.conn),
            // Told of, but not seen: told too late, or too early for the connection to
            // notice its end. What is sent now cannot reach it.
            Some(_) => Whereabouts::Dead,
            None if seen == Seen::Former => Whereabouts::Dead,
            None => Whereabouts::Known(name.to_owned()),
        }
    }
}

fn status(name: &str, peer: &Peer) -> NodeStatus {
    NodeStatus {
        name: name.to_owned(),
        id: peer.id(),
        hidden: peer.was_hidden,
        conn: peer.up.as_ref().map(|up| up.conn),
        initiated: peer.up.as_ref().is_some_and(|up| up.initiated),
        barred: peer.barred,
        addresses: peer.addresses.clone(),
    }
}

#[cfg(test)]
#[path = "query_test.rs"]
mod tests;
