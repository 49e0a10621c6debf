//! The nodes that one node knows, and which ids they have and had.
//!
//! An id is *seen* when a connection proved it, and *told* when another node spoke of
//! it. Only what was seen makes the ids before it dead: who tells of an id may have
//! missed a restart, or know of one that was not noticed here yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Conn, NodeInfo};
use crate::id::NodeId;

/// The most nodes that are known. The one that was longest not heard of and is neither
/// connected nor about to be goes for a new one; if there is none, the new one is refused.
pub const NODES_KNOWN_MAX: usize = 4_096;

/// The most addresses of a node. More are ignored.
pub const ADDRESSES_MAX: usize = 8;

/// The longest address, in bytes. Longer ones are ignored.
pub const ADDRESS_BYTES_MAX: usize = 255;

/// The most runs of a node that are remembered beside the current one. What was sent to
/// an older one finds nobody who knows it.
pub const INCARNATIONS_MAX: usize = 8;

/// What is known of one other node.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// The last run that was seen.
    current: Option<NodeId>,
    /// The run that others told of last, if it is another.
    told: Option<NodeId>,
    /// Runs before the current one, newest last.
    former: Vec<NodeId>,
    pub(super) addresses: Vec<String>,
    /// The connection.
    pub(super) up: Option<Up>,
    /// What may become the connection.
    pub(super) pending: Pending,
    /// It went down, and is not dialled unless explicitly.
    pub(super) barred: bool,
    /// Whether the connection is hidden, or the last one was.
    pub(super) was_hidden: bool,
    /// When it was last heard of, counted in such events.
    touched: u64,
}

/// A connection that carries signals.
#[derive(Debug)]
pub(super) struct Up {
    pub(super) conn: Conn,
    pub(super) info: NodeInfo,
    /// Whether it is hidden, because either end is.
    pub(super) hidden: bool,
    pub(super) initiated: bool,
    /// Ids that it was asked for, and has not answered.
    pub(super) asked: BTreeSet<NodeId>,
}

/// What may become the connection to a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Pending {
    #[default]
    Nothing,
    /// This node dials; somebody waits for it.
    Dial {
        attempt: u64,
        /// The other side refused, because it dials this node: its connection is awaited.
        refused: bool,
        /// Whether one more dial may follow, should the other's connection come to nothing.
        again: bool,
    },
    /// The other side dialled and was welcomed.
    Accept { conn: Conn, id: NodeId, waits: Waits },
}

/// Who waits for a connection that the other side dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    Nobody,
    /// Somebody, who fails if it comes to nothing.
    Once,
    /// Somebody, for whom this node dials if it comes to nothing.
    ToDial,
}

/// How an id of a node is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// By its connection, which is the last one so far.
    Current,
    /// From others.
    Told,
    /// By a connection before the last one, or by others before that.
    Former,
}

impl Peer {
    /// Its current or last run, if any was ever seen or told of.
    pub(super) fn id(&self) -> Option<NodeId> {
        self.current.or(self.told)
    }

    /// The dial that is under way.
    pub(super) fn attempt(&self) -> Option<u64> {
        match self.pending {
            Pending::Dial { attempt, .. } => Some(attempt),
            Pending::Nothing | Pending::Accept { .. } => None,
        }
    }

    /// The connection that the other side dialled, and that was welcomed.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn accepting(&self) -> Option<Conn> {
        match self.pending {
            Pending::Accept { conn, .. } => Some(conn),
            Pending::Nothing | Pending::Dial { .. } => None,
        }
    }

    fn is_idle(&self) -> bool {
        self.up.is_none() && matches!(self.pending, Pending::Nothing)
    }

    /// Whether there is nothing to remember of it.
    fn is_blank(&self) -> bool {
        self.is_idle() && self.id().is_none() && self.addresses.is_empty() && !self.barred
    }

    fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.former.iter().copied().chain(self.current).chain(self.told)
    }

    fn forget_id(&mut self, id: NodeId) {
        self.current = self.current.filter(|other| *other != id);
        self.told = self.told.filter(|other| *other != id);
        self.former.retain(|other| *other != id);
    }
}

/// All known nodes but this one.
#[derive(Debug, Default)]
pub(super) struct Peers {
    by_name: BTreeMap<Arc<str>, Peer>,
    /// Every id in `by_name`, and whose it is.
    by_id: BTreeMap<NodeId, Arc<str>>,
    /// Every name in `by_name`, by when it was touched.
    by_age: BTreeMap<u64, Arc<str>>,
    touches: u64,
}

impl Peers {
    pub(super) fn get(&self, name: &str) -> Option<&Peer> {
        self.by_name.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Peer> {
        self.by_name.get_mut(name)
    }

    /// By name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Peer)> {
        self.by_name.iter().map(|(name, peer)| (&**name, peer))
    }

    /// All connections, by name.
    pub(super) fn ups_mut(&mut self) -> impl Iterator<Item = &mut Up> {
        self.by_name.values_mut().filter_map(|peer| peer.up.as_mut())
    }

    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.by_name.keys().cloned().collect()
    }

    pub(super) fn lift_bars(&mut self) {
        for peer in self.by_name.values_mut() {
            peer.barred = false;
        }
    }

    /// Whose this id is, and how that is known.
    pub(super) fn of_id(&self, id: NodeId) -> Option<(&str, &Peer, Seen)> {
        let (name, peer) = self.by_name.get_key_value(self.by_id.get(&id)?)?;
        let seen = match id {
            id if peer.current == Some(id) => Seen::Current,
            id if peer.told == Some(id) => Seen::Told,
            _ => Seen::Former,
        };
        Some((name, peer, seen))
    }

    /// The node of this name, which is now the one last heard of. Made if it is not known;
    /// nothing if there is no room.
    pub(super) fn touch(&mut self, name: &str) -> Option<(Arc<str>, &mut Peer)> {
        let known = self.by_name.get_key_value(name).map(|(key, _)| Arc::clone(key));
        if known.is_none() && self.by_name.len() >= NODES_KNOWN_MAX && !self.forget_oldest() {
            return None;
        }
        let key = known.unwrap_or_else(|| name.into());
        let peer = self.by_name.entry(Arc::clone(&key)).or_default();
        self.by_age.remove(&peer.touched);
        self.touches += 1;
        peer.touched = self.touches;
        self.by_age.insert(self.touches, Arc::clone(&key));
        Some((key, peer))
    }

    /// A connection proved that the node of this name, which is known, has this id.
    pub(super) fn saw_id(&mut self, name: &Arc<str>, id: NodeId) {
        self.take_id(name, id);
        let Some(peer) = self.by_name.get_mut(name) else { return };
        let gone = peer.told.take().into_iter().chain(peer.current.replace(id));
        let gone: Vec<NodeId> = gone.filter(|other| *other != id).collect();
        peer.former.extend(gone);
        let excess = peer.former.len().saturating_sub(INCARNATIONS_MAX);
        for id in peer.former.drain(..excess) {
            self.by_id.remove(&id);
        }
    }

    /// Others told that the node of this name, which is known, has this id. An id that is
    /// known already, whosever it is, stays what it is.
    pub(super) fn told_id(&mut self, name: &Arc<str>, id: NodeId) {
        if self.by_id.contains_key(&id) {
            return;
        }
        let Some(peer) = self.by_name.get_mut(name) else { return };
        if let Some(before) = peer.told.replace(id) {
            self.by_id.remove(&before);
        }
        self.by_id.insert(id, Arc::clone(name));
    }

    /// Drops the node of this name if nothing is to be remembered of it.
    pub(super) fn tidy(&mut self, name: &str) {
        if self.by_name.get(name).is_some_and(Peer::is_blank) {
            self.forget(name);
        }
    }

    /// The id is that node's now, and nobody else's.
    fn take_id(&mut self, name: &Arc<str>, id: NodeId) {
        let before = self.by_id.insert(id, Arc::clone(name));
        if let Some(other) = before.and_then(|before| self.by_name.get_mut(&before)) {
            // Also if it is the same node: its places for ids change.
            other.forget_id(id);
        }
    }

    fn forget_oldest(&mut self) -> bool {
        let is_idle = |name: &&Arc<str>| self.get(name).is_some_and(Peer::is_idle);
        let Some(name) = self.by_age.values().find(is_idle).cloned() else { return false };
        self.forget(&name);
        true
    }

    /// What does not fit together, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn inconsistency(&self) -> Option<String> {
        let whose = |(name, peer): (_, &Peer)| peer.ids().map(|id| (id, name)).collect::<Vec<_>>();
        let mut ids: Vec<(NodeId, &Arc<str>)> = self.by_name.iter().flat_map(whose).collect();
        ids.sort();
        if !ids.into_iter().eq(self.by_id.iter().map(|(id, name)| (*id, name))) {
            return Some(format!("ids: {:?}, and of peers: {:?}", self.by_id, self.by_name));
        }
        let ages = self.by_name.iter().map(|(name, peer)| (peer.touched, name));
        let ages: BTreeMap<_, _> = ages.collect();
        let fits = ages.into_iter().eq(self.by_age.iter().map(|(age, name)| (*age, name)));
        (!fits).then(|| format!("ages: {:?}, and of peers: {:?}", self.by_age, self.by_name))
    }

    fn forget(&mut self, name: &str) {
        let Some(peer) = self.by_name.remove(name) else { return };
        self.by_age.remove(&peer.touched);
        for id in peer.ids() {
            self.by_id.remove(&id);
        }
    }
}

/// The addresses that are within the limits.
pub(super) fn bounded_addresses(mut addresses: Vec<String>) -> Vec<String> {
    addresses.retain(|address| !address.is_empty() && address.len() <= ADDRESS_BYTES_MAX);
    addresses.truncate(ADDRESSES_MAX);
    addresses
}
