//! Who may make a claim on a name next. Every node decides this for itself, the one that
//! proposes included; a claim needs the yes of all.

use std::collections::BTreeMap;

use super::claim::Claim;
use super::{Effect, Effects, Frame, Names, Obstacle, REQUESTS_PER_NODE_MAX, Violation};
use crate::id::NodeId;
use crate::key::Key;

/// Where a proposal stands among those for its name, the same on all nodes.
pub(super) type Place = (u64, NodeId, u64);

/// A proposal, as every node sees it.
#[derive(Clone, Debug)]
pub(super) struct Contender {
    pub(super) node: NodeId,
    pub(super) ticket: u64,
    pub(super) claim: Claim,
    /// Whether it may take the place of a claim.
    pub(super) force: bool,
}

impl Contender {
    fn place(&self, key: &Key) -> Place {
        (key.rank(self.claim.pid), self.node, self.ticket)
    }
}

/// The proposals for one name.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// The one that was acknowledged, or that this node proposes to others.
    pub(super) holder: Option<Contender>,
    /// Whether the holder was told to give way.
    wounded: bool,
    /// Those that wait.
    pub(super) queue: BTreeMap<Place, Contender>,
}

impl Slot {
    /// Forgets that node's proposals. Says how many there were.
    pub(super) fn leave(&mut self, node: NodeId) -> usize {
        self.leave_if(|other| other.node == node)
    }

    pub(super) fn leave_if(&mut self, is_it: impl Fn(&Contender) -> bool) -> usize {
        let before = self.queue.len();
        self.queue.retain(|_, other| !is_it(other));
        let waited = before - self.queue.len();
        let held = self.holder.take_if(|holder| is_it(holder)).is_some();
        waited + usize::from(held)
    }

    /// How many proposals of that node there are.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn count(&self, node: NodeId) -> usize {
        let all = self.holder.iter().chain(self.queue.values());
        all.filter(|contender| contender.node == node).count()
    }
}

impl Names {
    /// Another node proposes this.
    pub(super) fn proposed(&mut self, key: Key, contender: Contender, effects: &mut Effects) {
        let node = contender.node;
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if contender.claim.pid.node != node {
            return;
        }
        if peer.proposals >= REQUESTS_PER_NODE_MAX {
            effects.push(Effect::Violation { node, violation: Violation::Proposals });
            return;
        }
        peer.proposals += 1;
        self.contend(&key, contender, effects);
    }

    /// Another node's proposal is no more.
    pub(super) fn withdrawn(
        &mut self,
        from: NodeId,
        ticket: u64,
        key: &Key,
        effects: &mut Effects,
    ) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let left = slot.leave_if(|other| other.node == from && other.ticket == ticket);
        self.closed(from, left);
        self.advance(key, effects);
    }

    /// So many proposals of that node are decided.
    fn closed(&mut self, node: NodeId, number: usize) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.proposals = peer.proposals.saturating_sub(number);
        }
    }

    pub(super) fn contend(&mut self, key: &Key, contender: Contender, effects: &mut Effects) {
        let slot = self.slots.entry(key.clone()).or_default();
        slot.queue.insert(contender.place(key), contender);
        self.advance(key, effects);
    }

    /// Why this claim may not be made, if there is a reason.
    fn obstacle(&self, key: &Key, contender: &Contender) -> Option<Obstacle> {
        let first = self.table.first(key)?;
        let Contender { claim, force, .. } = contender;
        let replaces = claim.over == Some(first.id()) && claim.generation > first.generation;
        (!(*force && replaces)).then_some(Obstacle::of(first))
    }

    /// Sees to it that this name's proposals go on, and that lookups give the right one.
    pub(super) fn advance(&mut self, key: &Key, effects: &mut Effects) {
        while self.take_step(key, effects) {}
        self.show(key, effects);
    }

    /// Says whether there may be more to do.
    fn take_step(&mut self, key: &Key, effects: &mut Effects) -> bool {
        let Some(slot) = self.slots.get_mut(key) else { return false };
        if let Some(holder) = slot.holder.clone() {
            return self.may_wound(key, &holder, effects);
        }
        let Some((_, contender)) = slot.queue.pop_first() else {
            self.slots.remove(key);
            return false;
        };
        let Contender { node, ticket, .. } = contender;
        let is_own = node == self.own;
        match self.obstacle(key, &contender) {
            Some(obstacle) if is_own => self.turned_down(ticket, obstacle, effects),
            Some(obstacle) => {
                self.closed(node, 1);
                effects.push(Effect::Send { to: node, frame: Frame::Refuse { ticket, obstacle } });
            }
            None => {
                if let Some(slot) = self.slots.get_mut(key) {
                    slot.holder = Some(contender);
                    slot.wounded = false;
                }
                // The name shows before anybody hears that it does.
                self.show(key, effects);
                if is_own {
                    self.propose(ticket, effects);
                } else {
                    effects.push(Effect::Send { to: node, frame: Frame::Ack { ticket } });
                }
            }
        }
        true
    }

    /// The holder gives way to one that waits and comes before it, and to an owner that
    /// became known only now. Says whether it did so at once.
    fn may_wound(&mut self, key: &Key, holder: &Contender, effects: &mut Effects) -> bool {
        let objection = self.obstacle(key, holder).is_some();
        let Some(slot) = self.slots.get_mut(key) else { return false };
        // Those of the holder's own node may come first of all, and hide one of another's.
        let mut before = slot.queue.range(..holder.place(key));
        if !objection && !before.any(|(_, next)| next.node != holder.node) {
            return false;
        }
        if holder.node == self.own {
            self.wounded(holder.ticket, effects);
            return true;
        }
        if !slot.wounded {
            slot.wounded = true;
            let frame = Frame::Wound { ticket: holder.ticket };
            effects.push(Effect::Send { to: holder.node, frame });
        }
        false
    }
}

#[cfg(test)]
#[path = "slot_test.rs"]
mod tests;
