//! What this node's actors ask for and hold, at this node and others.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Effect, Effects, Frame, LOCKS_PER_ACTOR_MAX, LOCKS_PER_NODE_MAX, LockId, Locks, Nodes, Outcome,
    Reason, Refusal, Wait,
};
use crate::id::{NodeId, Pid};

/// A lock that an actor waits for.
#[derive(Debug)]
pub(super) struct Job {
    request: u64,
    pub(super) pid: Pid,
    id: LockId,
    pub(super) due: Option<u64>,
    /// Nodes that have granted it.
    granted: BTreeSet<NodeId>,
    /// Nodes that have not. Never empty.
    pub(super) waiting: BTreeSet<NodeId>,
}

/// A lock that was given up. Somebody waits for all nodes to know.
#[derive(Debug)]
pub(super) struct Removal {
    request: u64,
    waiting: BTreeSet<NodeId>,
}

/// What an actor of this node has to do with locks.
#[derive(Debug, Default)]
pub(super) struct Holder {
    /// What it holds: at which nodes, and under which ticket at each. Never at none.
    pub(super) locks: BTreeMap<LockId, BTreeMap<NodeId, u64>>,
    /// What it waits for.
    pub(super) jobs: BTreeSet<u64>,
}

impl Holder {
    pub(super) fn is_blank(&self) -> bool {
        self.locks.is_empty() && self.jobs.is_empty()
    }
}

/// What actors ask for.
impl Locks {
    /// This actor wants a lock.
    pub(super) fn set(
        &mut self,
        request: u64,
        pid: Pid,
        id: LockId,
        nodes: &Nodes,
        wait: Wait,
        effects: &mut Effects,
    ) {
        let waiting = match self.wanted(pid, &id, nodes) {
            Ok(wanted) if wanted.is_empty() => return answer(request, Outcome::Yes, effects),
            Ok(wanted) => wanted,
            Err(reason) => return answer(request, Outcome::No(reason), effects),
        };
        let ticket = self.number();
        self.clock = self.clock.saturating_add(1);
        let due = if let Wait::Until(due) = wait { Some(due) } else { None };
        self.dues.extend(due.map(|due| (due, ticket)));
        let (stamp, serial, waits) = (self.clock, pid.serial, wait != Wait::No);
        let ask = Frame::Ask { ticket, id: id.clone(), serial, stamp, waits };
        self.holder(pid, effects).jobs.insert(ticket);
        for node in &waiting {
            self.say(*node, ask.clone(), effects);
        }
        let granted = BTreeSet::new();
        self.jobs.insert(ticket, Job { request, pid, id, due, granted, waiting });
    }

    /// The nodes to ask: not where the actor holds the lock already.
    fn wanted(&self, pid: Pid, id: &LockId, nodes: &Nodes) -> Result<BTreeSet<NodeId>, Reason> {
        if pid.node != self.own {
            return Err(Reason::NoProc);
        }
        let mut wanted: BTreeSet<NodeId> = match nodes {
            Nodes::All => self.peers.iter().copied().chain([self.own]).collect(),
            Nodes::These(nodes) => nodes.iter().copied().collect(),
        };
        let is_there = |node: &NodeId| *node == self.own || self.peers.contains(node);
        if !wanted.iter().all(is_there) {
            return Err(Reason::NoConnection);
        }
        let holder = self.holders.get(&pid.serial);
        if let Some(held) = holder.and_then(|holder| holder.locks.get(id)) {
            wanted.retain(|node| !held.contains_key(node));
        }
        let of_actor = holder.map_or(0, |holder| holder.locks.len() + holder.jobs.len());
        let is_full =
            of_actor >= LOCKS_PER_ACTOR_MAX || self.held + self.jobs.len() >= LOCKS_PER_NODE_MAX;
        if is_full && !wanted.is_empty() { Err(Reason::Limit) } else { Ok(wanted) }
    }

    /// This actor wants to hold a lock no longer.
    pub(super) fn delete(
        &mut self,
        request: u64,
        pid: Pid,
        id: &LockId,
        nodes: &Nodes,
        effects: &mut Effects,
    ) {
        if self.removals.len() >= LOCKS_PER_NODE_MAX {
            return answer(request, Outcome::No(Reason::Limit), effects);
        }
        let these: Option<BTreeSet<NodeId>> = match nodes {
            Nodes::All => None,
            Nodes::These(nodes) => Some(nodes.iter().copied().collect()),
        };
        let is_meant = |node| these.as_ref().is_none_or(|these| these.contains(&node));
        let tickets = self.drop_where(pid, id, is_meant);
        let confirm = self.number();
        for (node, ticket) in &tickets {
            self.say(*node, Frame::Release { ticket: *ticket, confirm }, effects);
        }
        self.tidy(pid, effects);
        if tickets.is_empty() {
            return answer(request, Outcome::Yes, effects);
        }
        let waiting = tickets.into_keys().collect();
        self.removals.insert(confirm, Removal { request, waiting });
    }

    /// This actor ended.
    pub(super) fn release_all(&mut self, pid: Pid, effects: &mut Effects) {
        let Some(holder) = self.holders.remove(&pid.serial) else { return };
        self.held -= holder.locks.len();
        for (node, ticket) in holder.locks.into_values().flatten() {
            self.say(node, Frame::Release { ticket, confirm: 0 }, effects);
        }
        for ticket in holder.jobs {
            self.fail(ticket, Reason::NoProc, effects);
        }
    }
}

/// What nodes say, this one included.
impl Locks {
    /// That node has granted this.
    pub(super) fn granted(&mut self, from: NodeId, ticket: u64, effects: &mut Effects) {
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        if job.waiting.remove(&from) {
            job.granted.insert(from);
            self.try_commit(ticket, effects);
        }
    }

    /// That node will not grant this.
    pub(super) fn refused(
        &mut self,
        from: NodeId,
        ticket: u64,
        refusal: Refusal,
        effects: &mut Effects,
    ) {
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        if job.waiting.remove(&from) {
            let reason = match refusal {
                Refusal::Held(pid) => Reason::Held(pid),
                Refusal::Limit => Reason::Limit,
            };
            self.fail(ticket, reason, effects);
        }
    }

    /// That node wants its grant back. What is held has no job any more, and stays.
    pub(super) fn wounded(&mut self, from: NodeId, ticket: u64, effects: &mut Effects) {
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        if job.granted.remove(&from) {
            job.waiting.insert(from);
            self.say(from, Frame::Yield { ticket }, effects);
        }
    }

    /// That node knows that a lock was given up.
    pub(super) fn confirmed(&mut self, from: NodeId, confirm: u64, effects: &mut Effects) {
        let Some(removal) = self.removals.get_mut(&confirm) else { return };
        if removal.waiting.remove(&from) && removal.waiting.is_empty() {
            answer(removal.request, Outcome::Yes, effects);
            self.removals.remove(&confirm);
        }
    }

    /// That node is gone: what was held at it is not, and nobody waits for it.
    pub(super) fn do_without(&mut self, node: NodeId, effects: &mut Effects) {
        let tickets: Vec<u64> = self.jobs.keys().copied().collect();
        for ticket in tickets {
            let Some(job) = self.jobs.get_mut(&ticket) else { continue };
            if job.waiting.remove(&node) | job.granted.remove(&node) {
                self.try_commit(ticket, effects);
            }
        }
        let mut serials: Vec<u64> = Vec::new();
        for (serial, holder) in &mut self.holders {
            let before = holder.locks.len();
            holder.locks.retain(|_, tickets| {
                tickets.remove(&node);
                !tickets.is_empty()
            });
            self.held -= before - holder.locks.len();
            serials.push(*serial);
        }
        for serial in serials {
            self.tidy(Pid { node: self.own, serial }, effects);
        }
        let removals: Vec<u64> = self.removals.keys().copied().collect();
        for confirm in removals {
            self.confirmed(node, confirm, effects);
        }
    }

    /// If all nodes have granted this, the actor holds the lock.
    fn try_commit(&mut self, ticket: u64, effects: &mut Effects) {
        let Some(job) = self.jobs.get(&ticket).filter(|job| job.waiting.is_empty()) else {
            return;
        };
        if job.granted.is_empty() {
            self.fail(ticket, Reason::NoConnection, effects);
            return;
        }
        let Some(Job { request, pid, id, granted, .. }) = self.take(ticket) else { return };
        let holder = self.holders.entry(pid.serial).or_default();
        let is_new = !holder.locks.contains_key(&id);
        let tickets = holder.locks.entry(id).or_default();
        self.held += usize::from(is_new);
        // Where another request of the same actor came first, this one is not needed.
        let frame_for = |node: NodeId| match tickets.entry(node) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(ticket);
                (node, Frame::Hold { ticket })
            }
            std::collections::btree_map::Entry::Occupied(_) => {
                (node, Frame::Release { ticket, confirm: 0 })
            }
        };
        let frames: Vec<(NodeId, Frame)> = granted.into_iter().map(frame_for).collect();
        for (node, frame) in frames {
            self.say(node, frame, effects);
        }
        answer(request, Outcome::Yes, effects);
    }

    /// Ends a request that did not succeed, wherever it is.
    pub(super) fn fail(&mut self, ticket: u64, reason: Reason, effects: &mut Effects) {
        let Some(Job { request, pid, granted, waiting, .. }) = self.take(ticket) else { return };
        for node in granted.into_iter().chain(waiting) {
            self.say(node, Frame::Release { ticket, confirm: 0 }, effects);
        }
        answer(request, Outcome::No(reason), effects);
        self.tidy(pid, effects);
    }

    fn take(&mut self, ticket: u64) -> Option<Job> {
        let job = self.jobs.remove(&ticket)?;
        if let Some(due) = job.due {
            self.dues.remove(&(due, ticket));
        }
        if let Some(holder) = self.holders.get_mut(&job.pid.serial) {
            holder.jobs.remove(&ticket);
        }
        Some(job)
    }

    /// Takes out where this actor holds this lock, of these nodes.
    fn drop_where(
        &mut self,
        pid: Pid,
        id: &LockId,
        is_it: impl Fn(NodeId) -> bool,
    ) -> BTreeMap<NodeId, u64> {
        let holder = self.holders.get_mut(&pid.serial).filter(|_| pid.node == self.own);
        let Some(holder) = holder else { return BTreeMap::new() };
        let Some(tickets) = holder.locks.get_mut(id) else { return BTreeMap::new() };
        let (gone, kept) = std::mem::take(tickets).into_iter().partition(|(node, _)| is_it(*node));
        *tickets = kept;
        if tickets.is_empty() {
            holder.locks.remove(id);
            self.held -= 1;
        }
        gone
    }

    /// This actor of this node has to do with locks.
    fn holder(&mut self, pid: Pid, effects: &mut Effects) -> &mut Holder {
        self.holders.entry(pid.serial).or_insert_with(|| {
            effects.push(Effect::Watch(pid));
            Holder::default()
        })
    }

    /// This actor of this node may have nothing to do with locks any more.
    fn tidy(&mut self, pid: Pid, effects: &mut Effects) {
        if self.holders.get(&pid.serial).is_some_and(Holder::is_blank) {
            self.holders.remove(&pid.serial);
            effects.push(Effect::Unwatch(pid));
        }
    }
}

fn answer(request: u64, outcome: Outcome, effects: &mut Effects) {
    effects.push(Effect::Answer { request, outcome });
}

#[cfg(test)]
#[path = "jobs_test.rs"]
mod tests;
