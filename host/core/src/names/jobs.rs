//! Registrations of this node's actors, from the request to the answer.

use std::collections::BTreeSet;

use super::claim::Claim;
use super::slot::Contender;
use super::{
    Due, Effect, Effects, Frame, NAMES_PER_NODE_MAX, Names, Obstacle, Outcome,
    REQUESTS_PER_NODE_MAX, RETRIES_MAX, RETRY_MS, Reason, Registration,
};
use crate::id::NodeId;
use crate::key::Key;

/// Who hears what came of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reply {
    /// This node's own request.
    Here(u64),
    /// That node's.
    To(NodeId, u64),
}

/// A registration that is under way. It waits for its turn here, or, if nobody is there
/// who could answer now, for a retry, or for the answers of others.
#[derive(Debug)]
pub(super) struct Job {
    key: Key,
    pub(super) registration: Registration,
    reply: Reply,
    due: u64,
    retry: Option<u64>,
    /// How often it was tried again.
    retries: u32,
    /// The claim that is made, as far as that is known yet.
    claim: Claim,
    /// Who has not acknowledged it, once it is proposed.
    pub(super) waiting: Option<BTreeSet<NodeId>>,
    /// An owner that only others know, because its node is connected with them alone.
    met: Option<Obstacle>,
}

impl Job {
    /// What others are asked.
    pub(super) fn proposal(&self, ticket: u64) -> Frame {
        let force = self.registration.force;
        Frame::Propose { ticket, key: self.key.clone(), claim: self.claim, force }
    }
}

impl Names {
    /// Begins a registration of this node's actor.
    pub(super) fn start(
        &mut self,
        key: Key,
        registration: Registration,
        reply: Reply,
        due: u64,
        effects: &mut Effects,
    ) {
        if let Some(outcome) = self.known_outcome(&key, registration) {
            self.reply(reply, outcome, effects);
            return;
        }
        let ticket = self.number();
        let Registration { pid, since, resolver, .. } = registration;
        let claim = Claim { pid, number: 0, generation: 0, over: None, since, resolver };
        let (retry, retries, waiting, met) = (None, 0, None, None);
        let job = Job { key, registration, reply, due, retry, retries, claim, waiting, met };
        self.jobs.insert(ticket, job);
        self.dues.insert((due, Due::Job(ticket)));
        self.holding(pid, effects).jobs.insert(ticket);
        self.enter(ticket, effects);
    }

    /// What can be said without asking anybody.
    fn known_outcome(&self, key: &Key, registration: Registration) -> Option<Outcome> {
        let Registration { pid, force, .. } = registration;
        let first = self.table.first(key).map(|claim| claim.pid);
        if let Some(owner) = first.filter(|_| !force) {
            return Some(Outcome::No(Reason::Taken(owner)));
        }
        let has_name = self.holdings.contains_key(&pid.serial);
        if has_name && !force && !self.settings.several {
            return Some(Outcome::No(Reason::HasName));
        }
        let names = self.table.len_of(self.own) + self.jobs.len();
        let is_full = names >= NAMES_PER_NODE_MAX || self.jobs.len() >= REQUESTS_PER_NODE_MAX;
        is_full.then_some(Outcome::No(Reason::Limit))
    }

    /// A registration takes its place among those for its name.
    fn enter(&mut self, ticket: u64, effects: &mut Effects) {
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        let Registration { force, .. } = job.registration;
        let first = self.table.first(&job.key).map(Obstacle::of);
        let over = first.or(job.met).filter(|_| force);
        job.claim.number = ticket;
        job.claim.generation = over.map_or(0, |over| over.generation.saturating_add(1));
        job.claim.over = over.map(|over| over.id());
        let (key, claim) = (job.key.clone(), job.claim);
        self.contend(&key, Contender { node: self.own, ticket, claim, force }, effects);
    }

    /// It is this registration's turn: all others are asked.
    pub(super) fn propose(&mut self, ticket: u64, effects: &mut Effects) {
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        job.waiting = Some(self.peers.keys().copied().collect());
        let frame = job.proposal(ticket);
        self.tell_all(&frame, effects);
        if self.peers.is_empty() {
            self.commit(ticket, effects);
        }
    }

    /// A node acknowledged what this ticket is about, or is gone.
    pub(super) fn acknowledged(&mut self, from: NodeId, ticket: u64, effects: &mut Effects) {
        if let Some(removal) = self.removals.get_mut(&ticket) {
            removal.waiting.remove(&from);
            if removal.waiting.is_empty() {
                self.removed(ticket, Outcome::Yes, effects);
            }
            return;
        }
        let Some(job) = self.jobs.get_mut(&ticket) else { return };
        let Some(waiting) = &mut job.waiting else { return };
        if waiting.remove(&from) && waiting.is_empty() {
            let key = job.key.clone();
            self.commit(ticket, effects);
            self.advance(&key, effects);
        }
    }

    /// All acknowledged: the name has its owner.
    fn commit(&mut self, ticket: u64, effects: &mut Effects) {
        let Some(job) = self.take(ticket) else { return };
        let Job { key, claim, reply, .. } = job;
        let before = self.table.get(self.own, &key).map(|before| before.pid);
        self.table.set(&key, claim);
        self.holding(claim.pid, effects).names.insert(key.clone());
        if let Some(before) = before.filter(|before| *before != claim.pid) {
            if let Some(holding) = self.holdings.get_mut(&before.serial) {
                holding.names.remove(&key);
            }
            self.tidy(before, effects);
        }
        self.show(&key, effects);
        self.tell_all(&Frame::Set(vec![(key.clone(), claim)]), effects);
        self.reply(reply, Outcome::Yes, effects);
        self.settle(&key, effects);
    }

    /// Another node refused.
    pub(super) fn refused(&mut self, ticket: u64, obstacle: Obstacle, effects: &mut Effects) {
        let Some(job) = self.jobs.get(&ticket).filter(|job| job.waiting.is_some()) else { return };
        let (key, force) = (job.key.clone(), job.registration.force);
        let node = obstacle.pid.node;
        let is_it =
            |claim: &Claim| claim.id() == obstacle.id() && claim.generation >= obstacle.generation;
        let is_known = self.table.of(&key).iter().any(is_it);
        if node != self.own && !self.peers.contains_key(&node) {
            // Two nodes may each know another owner that this one cannot reach; both cannot
            // be replaced, so only the first is tried.
            let is_first = job.met.is_none() && self.table.first(&key).is_none();
            if force && is_first {
                let fresh = self.withdraw(ticket, effects);
                if let Some(job) = self.jobs.get_mut(&fresh) {
                    job.met = Some(obstacle);
                }
                self.enter(fresh, effects);
            } else {
                self.turned_down(ticket, obstacle, effects);
            }
        } else if (force || !is_known) && job.retries < RETRIES_MAX {
            // Either side has not heard yet what the owner's node said last. If it never
            // does, they are connected with different nodes.
            let fresh = self.withdraw(ticket, effects);
            let retry = self.now.saturating_add(RETRY_MS);
            self.dues.insert((retry, Due::Retry(fresh)));
            if let Some(job) = self.jobs.get_mut(&fresh) {
                job.retry = Some(retry);
                job.retries += 1;
            }
            self.advance(&key, effects);
        } else {
            self.turned_down(ticket, obstacle, effects);
        }
    }

    /// Another proposal comes before this one: it waits for its turn again.
    pub(super) fn wounded(&mut self, ticket: u64, effects: &mut Effects) {
        if self.jobs.get(&ticket).is_some_and(|job| job.waiting.is_some()) {
            let fresh = self.withdraw(ticket, effects);
            self.enter(fresh, effects);
        }
    }

    /// It was parked, because somebody had to hear something first.
    pub(super) fn retry(&mut self, ticket: u64, effects: &mut Effects) {
        if let Some(job) = self.jobs.get_mut(&ticket) {
            job.retry = None;
            self.enter(ticket, effects);
        }
    }

    /// The name has an owner, as this node or one that it asked knows.
    pub(super) fn turned_down(&mut self, ticket: u64, obstacle: Obstacle, effects: &mut Effects) {
        let Some(job) = self.jobs.get(&ticket) else { return };
        let claim = job.claim;
        let is_behind = self.table.first(&job.key).is_some_and(|first| {
            let replaces = claim.over == Some(first.id()) && claim.generation > first.generation;
            first.id() == obstacle.id() && !replaces && first.generation < u64::MAX
        });
        if job.registration.force && is_behind {
            // The owner changed since the claim was made up.
            let fresh = self.withdraw(ticket, effects);
            self.enter(fresh, effects);
        } else {
            self.cancel(ticket, Outcome::No(Reason::Taken(obstacle.pid)), effects);
        }
    }

    /// Ends a registration that did not succeed.
    pub(super) fn cancel(&mut self, ticket: u64, outcome: Outcome, effects: &mut Effects) {
        let fresh = self.withdraw(ticket, effects);
        let Some(job) = self.take(fresh) else { return };
        self.advance(&job.key, effects);
        self.reply(job.reply, outcome, effects);
        self.tidy(job.registration.pid, effects);
    }

    /// Takes a proposal back, wherever it is, and gives the registration a fresh ticket,
    /// so that late answers to the old one are not taken for answers to the next.
    fn withdraw(&mut self, ticket: u64, effects: &mut Effects) -> u64 {
        let Some(mut job) = self.take(ticket) else { return ticket };
        if job.waiting.take().is_some() {
            self.tell_all(&Frame::Withdraw { ticket, key: job.key.clone() }, effects);
        }
        let fresh = self.number();
        self.dues.insert((job.due, Due::Job(fresh)));
        if let Some(holding) = self.holdings.get_mut(&job.registration.pid.serial) {
            holding.jobs.insert(fresh);
        }
        self.jobs.insert(fresh, job);
        fresh
    }

    /// Takes a registration out of everything but the holding's names.
    fn take(&mut self, ticket: u64) -> Option<Job> {
        let mut job = self.jobs.remove(&ticket)?;
        self.dues.remove(&(job.due, Due::Job(ticket)));
        if let Some(retry) = job.retry.take() {
            self.dues.remove(&(retry, Due::Retry(ticket)));
        }
        if let Some(holding) = self.holdings.get_mut(&job.registration.pid.serial) {
            holding.jobs.remove(&ticket);
        }
        if let Some(slot) = self.slots.get_mut(&job.key) {
            let own = self.own;
            slot.leave_if(|other| other.node == own && other.ticket == ticket);
        }
        Some(job)
    }

    pub(super) fn reply(&self, reply: Reply, outcome: Outcome, effects: &mut Effects) {
        match reply {
            Reply::Here(request) => effects.push(Effect::Answer { request, outcome }),
            Reply::To(to, request) if self.peers.contains_key(&to) => {
                effects.push(Effect::Send { to, frame: Frame::Answer { request, outcome } });
            }
            // Who asked is gone, and was told so by its own node.
            Reply::To(..) => {}
        }
    }
}

#[cfg(test)]
#[path = "jobs_test.rs"]
mod tests;
