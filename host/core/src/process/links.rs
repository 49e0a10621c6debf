//! Links: the Link Protocol of OTP ("Distribution Protocol", since OTP 26), which
//! lets both ends of a link agree in the end however their signals cross.
//!
//! Each end keeps, for each peer, whether the link is active and, if not, the id of
//! the unlink that the peer has not acknowledged yet:
//!
//! | here | peer unknown | active | inactive, unlink `n` under way |
//! |---|---|---|---|
//! | `link()` | active, send `Link` | nothing | active, `n` forgotten, send `Link` |
//! | `unlink()` | nothing | inactive, send `Unlink(n)` | nothing |
//! | `Link` comes | active | nothing | nothing |
//! | `Unlink(i)` comes | send `Ack(i)` | unknown, send `Ack(i)` | send `Ack(i)` |
//! | `Ack(n)` comes | nothing | nothing | unknown |
//! | exit of the link comes | dropped | unknown, the exit acts | dropped |
//!
//! The acknowledgement goes out at once, so before any later signal to the peer: the
//! peer can tell a link made after the unlink from the one before it.

use std::collections::BTreeMap;

use super::{Effects, Process, Rank};
use crate::id::{NodeId, Pid};
use crate::reason::Reason;
use crate::signal::{ExitOrigin, Signal};

/// This end of one link.
#[derive(Debug, PartialEq, Eq)]
enum Link {
    /// The peer's end can affect this one. `priority`: its exit event overtakes.
    Active { priority: bool },
    /// Removed here; the peer has not acknowledged this id yet.
    Unlinking { id: u64 },
}

/// This end of all links of a process, by peer.
#[derive(Debug, Default)]
pub(super) struct Links {
    peers: BTreeMap<Pid, Link>,
    /// Ids given to unlinks so far. One count for all peers keeps them different.
    unlinks: u64,
}

impl Links {
    /// Links, those that are being removed included.
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// The peers of active links, in order.
    pub(super) fn active(&self) -> impl Iterator<Item = Pid> {
        self.peers
            .iter()
            .filter(|(_, link)| matches!(link, Link::Active { .. }))
            .map(|(peer, _)| *peer)
    }

    /// Removes an active link. The rank of its exit event, or nothing if there is no
    /// active link with this peer.
    pub(super) fn take_active(&mut self, peer: Pid) -> Option<Rank> {
        let Link::Active { priority } = *self.peers.get(&peer)? else { return None };
        self.peers.remove(&peer);
        Some(Rank::priority_if(priority))
    }

    /// Forgets all links with a node. Those that were active, with the rank of their
    /// exit event, in order.
    pub(super) fn take_node(&mut self, node: NodeId) -> Vec<(Pid, Rank)> {
        let of_node: Vec<Pid> = pids_of(&self.peers, node).collect();
        let mut active = Vec::new();
        for peer in of_node {
            if let Some(Link::Active { priority }) = self.peers.remove(&peer) {
                active.push((peer, Rank::priority_if(priority)));
            }
        }
        active
    }
}

/// The keys that live on a node, in order.
fn pids_of<T>(map: &BTreeMap<Pid, T>, node: NodeId) -> impl Iterator<Item = Pid> {
    let first = Pid { node, serial: 0 };
    let last = Pid { node, serial: u64::MAX };
    map.range(first..=last).map(|(pid, _)| *pid)
}

impl Process {
    /// Links this process with another. A second link of the same two is no change,
    /// save that the new `priority` counts; a link with itself is none.
    pub fn link(&mut self, to: Pid, priority: bool, effects: &mut Effects) {
        if self.dying.is_some() || to == self.pid {
            return;
        }
        self.may_be_overtaken(priority);
        let link = Link::Active { priority };
        if let Some(known) = self.known().and_then(|all| all.links.peers.get_mut(&to)) {
            let former = std::mem::replace(known, link);
            if matches!(former, Link::Active { .. }) {
                return;
            }
        } else {
            if !self.has_room(effects) {
                return;
            }
            self.relations().links.peers.insert(to, link);
        }
        self.send(to, Signal::Link, effects);
    }

    /// Removes a link. When this returns, the link can have no more effect on this
    /// process; an `Exit` event that waits already stays.
    pub fn unlink(&mut self, to: Pid, effects: &mut Effects) {
        if self.dying.is_some() {
            return;
        }
        let Some(relations) = self.known() else { return };
        let links = &mut relations.links;
        let Some(link @ Link::Active { .. }) = links.peers.get_mut(&to) else { return };
        links.unlinks += 1;
        let id = links.unlinks;
        *link = Link::Unlinking { id };
        self.send(to, Signal::Unlink(id), effects);
    }

    /// A link with this peer exists from now on without a signal from here: the peer
    /// asked for it, or it began with a spawn.
    pub(super) fn add_link(&mut self, peer: Pid) {
        let links = &mut self.relations().links;
        links.peers.entry(peer).or_insert(Link::Active { priority: false });
    }

    /// Breaks the link that a peer was born with and that never began here. The peer may
    /// have removed its end and made a new link before it hears of this: as every
    /// end of a link by a living process, this one needs an acknowledgement, up to
    /// which links of the peer do not count.
    pub(super) fn disown_link(&mut self, peer: Pid, reason: Reason, effects: &mut Effects) {
        let links = &mut self.relations().links;
        if links.peers.contains_key(&peer) {
            // The guest linked itself with the peer meanwhile; that link stays as it is.
            self.send(peer, Signal::Exit { reason, origin: ExitOrigin::Explicit }, effects);
            return;
        }
        links.unlinks += 1;
        let id = links.unlinks;
        links.peers.insert(peer, Link::Unlinking { id });
        self.send(peer, Signal::Exit { reason, origin: ExitOrigin::Link }, effects);
        self.send(peer, Signal::Unlink(id), effects);
    }

    /// The peer linked itself with this process. While an unlink of this end is
    /// under way, the peer's `Link` was sent before it saw that, and its answer
    /// will remove the link there.
    pub(super) fn peer_linked(&mut self, peer: Pid, effects: &mut Effects) {
        let is_known = self.known().is_some_and(|all| all.links.peers.contains_key(&peer));
        if !is_known && peer != self.pid {
            self.add_link(peer);
            self.check_relations(effects);
        }
    }

    /// The peer removed its end. An end that is inactive here stays: its own unlink
    /// crossed this one and will be acknowledged.
    pub(super) fn peer_unlinked(&mut self, peer: Pid, id: u64, effects: &mut Effects) {
        if let Some(relations) = self.known() {
            relations.links.take_active(peer);
        }
        self.send(peer, Signal::UnlinkAck(id), effects);
    }

    /// The peer knows that this end was removed. An id that is not the last one's
    /// belongs to an unlink that a newer link has overtaken.
    pub(super) fn unlink_acknowledged(&mut self, peer: Pid, id: u64) {
        let Some(relations) = self.known() else { return };
        let peers = &mut relations.links.peers;
        if peers.get(&peer) == Some(&Link::Unlinking { id }) {
            peers.remove(&peer);
        }
    }
}

#[cfg(test)]
#[path = "links_test.rs"]
mod tests;
