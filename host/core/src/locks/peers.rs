//! Nodes that come and go, and what they say.

use super::lock::Place;
use super::{Effects, Frame, Locks};
use crate::id::NodeId;

impl Locks {
    /// A node is connected. It has to be told before anything that comes from there.
    /// Hidden connections do not count, as in Erlang.
    pub fn node_up(&mut self, now: u64, node: NodeId, hidden: bool, effects: &mut Effects) {
        self.node_down(now, node, effects);
        if !hidden && node != self.own {
            self.peers.insert(node);
        }
    }

    /// A node is no longer connected: what its actors held here is free, and what this
    /// node's actors held there is lost.
    pub fn node_down(&mut self, now: u64, node: NodeId, effects: &mut Effects) {
        self.now = self.now.max(now);
        if self.peers.remove(&node) {
            self.forget_node(node, effects);
            self.do_without(node, effects);
            self.hear_own(effects);
        }
    }

    /// The machine of a connected node says this.
    pub fn received(&mut self, now: u64, from: NodeId, frame: Frame, effects: &mut Effects) {
        self.now = self.now.max(now);
        if self.peers.contains(&from) {
            self.hear(from, frame, effects);
            self.hear_own(effects);
        }
    }

    /// A node says this, which may be this one.
    pub(super) fn hear(&mut self, from: NodeId, frame: Frame, effects: &mut Effects) {
        match frame {
            Frame::Ask { ticket, id, serial, stamp, waits } => {
                let place = Place { stamp, node: from, ticket };
                self.asked(ticket, place, id, serial, waits, effects);
            }
            Frame::Grant { ticket, stamp } => {
                self.clock = self.clock.max(stamp);
                self.granted(from, ticket, effects);
            }
            Frame::Refuse { ticket, stamp, refusal } => {
                self.clock = self.clock.max(stamp);
                self.refused(from, ticket, refusal, effects);
            }
            Frame::Wound { ticket } => self.wounded(from, ticket, effects),
            Frame::Yield { ticket } => self.yielded(from, ticket, effects),
            Frame::Hold { ticket } => self.holds(from, ticket, effects),
            Frame::Release { ticket, confirm } => self.released(from, ticket, confirm, effects),
            Frame::Released { confirm } => self.confirmed(from, confirm, effects),
        }
    }
}

#[cfg(test)]
#[path = "peers_test.rs"]
mod tests;
