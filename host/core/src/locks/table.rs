//! All locks at this node, and what the nodes that have to do with them say.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use super::lock::{Lock, Place, Request, Verdict};
use super::{
    Effect, Effects, Frame, LOCKS_AT_NODE_MAX, LOCKS_PER_NODE_MAX, Listed, LockId, Locks, Refusal,
    Violation,
};
use crate::id::NodeId;
use crate::key::Key;

/// The locks at this node.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// By resource. Never idle.
    locks: BTreeMap<Key, Lock>,
    /// Each node's requests by ticket: where they are. Never empty.
    tickets: BTreeMap<NodeId, BTreeMap<u64, (Key, Place)>>,
    /// How many requests there are.
    count: usize,
}

impl Table {
    /// What there is after this resource.
    pub(super) fn list(&self, after: Option<&Key>) -> impl Iterator<Item = Listed> {
        let from = after.map_or(Unbounded, Excluded);
        let locks = self.locks.range::<Key, _>((from, Unbounded));
        locks.filter_map(|(resource, lock)| {
            let (resource, requester) = (resource.clone(), lock.requester()?.clone());
            let id = LockId { resource, requester };
            Some(Listed { id, holders: lock.holders(), waiting: lock.waiting() })
        })
    }

    /// How many requests of that node there are, held ones included.
    fn len_of(&self, node: NodeId) -> usize {
        self.tickets.get(&node).map_or(0, BTreeMap::len)
    }

    fn find(&mut self, node: NodeId, ticket: u64) -> Option<(Key, Place, &mut Lock)> {
        let (resource, place) = self.tickets.get(&node)?.get(&ticket)?.clone();
        let lock = self.locks.get_mut(&resource)?;
        Some((resource, place, lock))
    }

    fn enter(&mut self, resource: &Key, place: Place, request: Request) {
        let tickets = self.tickets.entry(place.node).or_default();
        tickets.insert(place.ticket, (resource.clone(), place));
        self.count += 1;
        self.locks.entry(resource.clone()).or_default().enter(place, request);
    }

    /// This request is in no lock any more.
    fn forget(&mut self, place: Place) {
        let Some(tickets) = self.tickets.get_mut(&place.node) else { return };
        if tickets.remove(&place.ticket).is_some() {
            self.count -= 1;
        }
        if tickets.is_empty() {
            self.tickets.remove(&place.node);
        }
    }

    /// Takes all requests of that node out. Says which locks they were for.
    fn leave(&mut self, node: NodeId) -> BTreeSet<Key> {
        let tickets = self.tickets.remove(&node).unwrap_or_default();
        self.count -= tickets.len();
        for (resource, place) in tickets.values() {
            if let Some(lock) = self.locks.get_mut(resource) {
                lock.leave(*place);
            }
        }
        tickets.into_values().map(|(resource, _)| resource).collect()
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn is_empty(&self) -> bool {
        self.locks.is_empty() && self.tickets.is_empty() && self.count == 0
    }

    /// What does not fit together, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn inconsistency(&self) -> Option<String> {
        let mut by_lock: BTreeMap<NodeId, BTreeMap<u64, (Key, Place)>> = BTreeMap::new();
        for (resource, lock) in &self.locks {
            for place in lock.places() {
                let tickets = by_lock.entry(place.node).or_default();
                tickets.insert(place.ticket, (resource.clone(), place));
            }
        }
        let count: usize = self.tickets.values().map(BTreeMap::len).sum();
        if by_lock != self.tickets || count != self.count {
            return Some(format!("{by_lock:?} is not {count} of {:?}", self.tickets));
        }
        self.locks.values().find_map(Lock::inconsistency)
    }
}

/// What nodes ask of this one.
impl Locks {
    /// An actor of that node wants a lock.
    pub(super) fn asked(
        &mut self,
        ticket: u64,
        place: Place,
        id: LockId,
        serial: u64,
        waits: bool,
        effects: &mut Effects,
    ) {
        let node = place.node;
        self.clock = self.clock.max(place.stamp);
        if self.table.find(node, ticket).is_some() {
            effects.push(Effect::Violation { node, violation: Violation::Ticket });
            return;
        }
        if self.table.len_of(node) >= LOCKS_PER_NODE_MAX {
            effects.push(Effect::Violation { node, violation: Violation::Locks });
            return;
        }
        if self.table.count >= LOCKS_AT_NODE_MAX {
            let (stamp, refusal) = (self.clock, Refusal::Limit);
            self.say(node, Frame::Refuse { ticket, stamp, refusal }, effects);
            return;
        }
        let LockId { resource, requester } = id;
        self.table.enter(&resource, place, Request { requester, serial, waits });
        self.settle(&resource, effects);
    }

    /// That node gives a grant back.
    pub(super) fn yielded(&mut self, from: NodeId, ticket: u64, effects: &mut Effects) {
        let Some((resource, place, lock)) = self.table.find(from, ticket) else { return };
        lock.give_way(place);
        self.settle(&resource, effects);
    }

    /// An actor of that node holds the lock.
    pub(super) fn holds(&mut self, from: NodeId, ticket: u64, effects: &mut Effects) {
        let Some((resource, place, lock)) = self.table.find(from, ticket) else { return };
        lock.hold(place);
        self.settle(&resource, effects);
    }

    /// A request of that node is no more.
    pub(super) fn released(
        &mut self,
        from: NodeId,
        ticket: u64,
        confirm: u64,
        effects: &mut Effects,
    ) {
        let found = self.table.find(from, ticket).map(|(resource, place, lock)| {
            lock.leave(place);
            (resource, place)
        });
        if confirm != 0 {
            self.say(from, Frame::Released { confirm }, effects);
        }
        if let Some((resource, place)) = found {
            self.table.forget(place);
            self.settle(&resource, effects);
        }
    }

    /// That node is gone, and with it all that its actors had here.
    pub(super) fn forget_node(&mut self, node: NodeId, effects: &mut Effects) {
        for resource in self.table.leave(node) {
            self.settle(&resource, effects);
        }
    }

    /// Says what follows for all that have to do with this lock.
    fn settle(&mut self, resource: &Key, effects: &mut Effects) {
        let Some(lock) = self.table.locks.get_mut(resource) else { return };
        let verdicts = lock.settle();
        if lock.is_idle() {
            self.table.locks.remove(resource);
        }
        for (place, verdict) in verdicts {
            let (ticket, stamp) = (place.ticket, self.clock);
            let frame = match verdict {
                Verdict::Grant => Frame::Grant { ticket, stamp },
                Verdict::Wound => Frame::Wound { ticket },
                Verdict::Refuse(holder) => {
                    self.table.forget(place);
                    Frame::Refuse { ticket, stamp, refusal: Refusal::Held(holder) }
                }
            };
            self.say(place.node, frame, effects);
        }
    }
}

#[cfg(test)]
#[path = "table_test.rs"]
mod tests;
