//! Visible nodes tell each other of the visible nodes that they are connected with, so
//! that all get to know all.

use super::peers::{Peer, bounded_addresses};
use super::{Conn, Effect, Effects, NODES_PER_FRAME_MAX, Node, NodeInfo};
use crate::id::{ID_END, NodeId};

impl Node {
    /// The other end of a connection told of other nodes that it is connected with. This
    /// node dials those that it is not connected with, if it may. More than
    /// [`NODES_PER_FRAME_MAX`] at once are ignored.
    pub fn heard(&mut self, conn: Conn, nodes: Vec<NodeInfo>, effects: &mut Effects) {
        let Some(name) = self.conns.get(&conn) else { return };
        let is_up = |peer: &Peer| peer.up.as_ref().is_some_and(|up| up.conn == conn && !up.hidden);
        if !self.tells_of_others() || !self.peers.get(name).is_some_and(is_up) {
            return;
        }
        for info in nodes.into_iter().take(NODES_PER_FRAME_MAX) {
            self.heard_of(info, effects);
        }
    }

    fn heard_of(&mut self, info: NodeInfo, effects: &mut Effects) {
        let NodeInfo { name, id, hidden, addresses } = info;
        let is_id = (1..ID_END).contains(&id) && id != self.id.get();
        let is_other = self.may_meet(&name).is_ok_and(|own| own.name != name);
        if hidden || !is_id || !is_other {
            return;
        }
        let Some((name, peer)) = self.peers.touch(&name) else { return };
        let addresses = bounded_addresses(addresses);
        if peer.up.is_none() && !addresses.is_empty() {
            peer.addresses = addresses;
        }
        self.peers.told_id(&name, NodeId::from_wire(id));
        self.became_known(NodeId::from_wire(id), effects);
        // Nobody here waits for it, so nobody is told if it is not even tried.
        let _ = self.seek(&name, false, effects);
    }

    /// The node of this name has just been connected: it and the others are told of each
    /// other.
    pub(super) fn introduce(&self, name: &str, effects: &mut Effects) {
        let visible = |peer: &Peer| peer.up.as_ref().is_some_and(|up| !up.hidden);
        let Some(new) = self.peers.get(name).filter(|new| visible(new)) else { return };
        let Some(new) = new.up.as_ref().filter(|_| self.tells_of_others()) else { return };
        let others = self.peers.iter().filter(|(other, _)| *other != name);
        let others = others.filter_map(|(_, peer)| peer.up.as_ref()).filter(|up| !up.hidden);
        let others: Vec<_> = others.collect();
        for part in others.chunks(NODES_PER_FRAME_MAX) {
            let nodes = part.iter().map(|up| up.info.clone()).collect();
            effects.push(Effect::Nodes { conn: new.conn, nodes });
        }
        for other in others {
            effects.push(Effect::Nodes { conn: other.conn, nodes: vec![new.info.clone()] });
        }
    }

    fn tells_of_others(&self) -> bool {
        self.settings.as_ref().is_some_and(|own| own.mesh && !own.hidden)
    }
}

#[cfg(test)]
#[path = "mesh_test.rs"]
mod tests;
