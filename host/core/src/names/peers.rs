//! Nodes that come and go, and what they say.

use std::collections::BTreeSet;

use super::claim::Claim;
use super::slot::Contender;
use super::{
    Effect, Effects, Frame, NAMES_PER_FRAME_MAX, NAMES_PER_NODE_MAX, Names, Peer, Violation,
};
use crate::id::NodeId;
use crate::key::Key;

impl Names {
    /// A node is connected. It has to be told before anything that comes from there.
    /// Hidden connections do not count, as in Erlang.
    pub fn node_up(&mut self, now: u64, node: NodeId, hidden: bool, effects: &mut Effects) {
        self.now = self.now.max(now);
        if hidden || node == self.own {
            return;
        }
        self.lose(node, effects);
        self.peers.insert(node, Peer::default());
        let names = self.table.names_of(self.own);
        let claims = names.filter_map(|key| Some((key.clone(), *self.table.get(self.own, key)?)));
        let claims: Vec<(Key, Claim)> = claims.collect();
        for part in claims.chunks(NAMES_PER_FRAME_MAX) {
            effects.push(Effect::Send { to: node, frame: Frame::Set(part.to_vec()) });
        }
        // Who appears while others are asked is asked as well: else it could miss a name
        // of which its actors are told.
        for (ticket, job) in &mut self.jobs {
            let Some(waiting) = &mut job.waiting else { continue };
            waiting.insert(node);
            let frame = job.proposal(*ticket);
            effects.push(Effect::Send { to: node, frame });
        }
    }

    /// A node is no longer connected: what its actors had is free, and what it was asked
    /// for is not waited for.
    pub fn node_down(&mut self, now: u64, node: NodeId, effects: &mut Effects) {
        self.now = self.now.max(now);
        self.lose(node, effects);
    }

    fn lose(&mut self, node: NodeId, effects: &mut Effects) {
        if self.peers.remove(&node).is_none() {
            return;
        }
        let mut keys: BTreeSet<Key> = self.table.names_of(node).cloned().collect();
        for key in &keys {
            self.table.remove(node, key);
        }
        for (key, slot) in &mut self.slots {
            if slot.leave(node) > 0 {
                keys.insert(key.clone());
            }
        }
        for key in keys {
            self.settle(&key, effects);
            self.advance(&key, effects);
        }
        let removals: Vec<u64> = self.removals.keys().copied().collect();
        let jobs: Vec<u64> = self.jobs.keys().copied().collect();
        for ticket in jobs.into_iter().chain(removals) {
            self.acknowledged(node, ticket, effects);
        }
        self.asked_in_vain(node, effects);
    }

    /// The machine of a connected node says this.
    pub fn received(&mut self, now: u64, from: NodeId, frame: Frame, effects: &mut Effects) {
        self.now = self.now.max(now);
        if !self.peers.contains_key(&from) {
            return;
        }
        match frame {
            Frame::Ask { request, key, task, wait_ms } => {
                self.asked_by(from, request, key, task, wait_ms, effects);
            }
            Frame::Answer { request, outcome } => self.answered(from, request, outcome, effects),
            Frame::Propose { ticket, key, claim, force } => {
                let contender = Contender { node: from, ticket, claim, force };
                self.proposed(key, contender, effects);
            }
            Frame::Ack { ticket } => self.acknowledged(from, ticket, effects),
            Frame::Refuse { ticket, obstacle } => self.refused(ticket, obstacle, effects),
            Frame::Wound { ticket } => self.wounded(ticket, effects),
            Frame::Withdraw { ticket, key } => self.withdrawn(from, ticket, &key, effects),
            Frame::Set(claims) => {
                for (key, claim) in claims {
                    if claim.pid.node == from && !self.set(&key, claim, effects) {
                        return;
                    }
                }
            }
            Frame::Unset { key, ticket } => {
                self.table.remove(from, &key);
                self.settle(&key, effects);
                self.advance(&key, effects);
                if ticket != 0 {
                    effects.push(Effect::Send { to: from, frame: Frame::Ack { ticket } });
                }
            }
            Frame::Verdict { key, pid, against, fate } => {
                if against.node == from {
                    self.judged(&key, pid, against, fate, effects);
                }
            }
        }
    }

    /// Another node's claim holds. False if it broke a rule.
    fn set(&mut self, key: &Key, claim: Claim, effects: &mut Effects) -> bool {
        let node = claim.pid.node;
        let is_new = self.table.get(node, key).is_none();
        if is_new && self.table.len_of(node) >= NAMES_PER_NODE_MAX {
            effects.push(Effect::Violation { node, violation: Violation::Names });
            return false;
        }
        if let (Some(slot), Some(peer)) = (self.slots.get_mut(key), self.peers.get_mut(&node)) {
            peer.proposals = peer.proposals.saturating_sub(slot.leave(node));
        }
        self.table.set(key, claim);
        self.settle(key, effects);
        self.advance(key, effects);
        true
    }
}
