//! One lock at this node: who has it, who waits, and who gives way.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{NodeId, Pid};
use crate::key::Key;

/// Where a request stands among all others, the same on all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The logical clock of its node.
    pub(super) stamp: u64,
    pub(super) node: NodeId,
    pub(super) ticket: u64,
}

impl Place {
    const FIRST: Self = Self { stamp: 0, node: NodeId::from_wire(0), ticket: 0 };
}

/// What somebody wants.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) requester: Key,
    pub(super) serial: u64,
    pub(super) waits: bool,
}

/// What is to be said about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Grant,
    Refuse(Pid),
    Wound,
}

/// One lock, and every request for it. Each is in one of the four maps.
#[derive(Debug, Default)]
pub(super) struct Lock {
    /// All nodes granted these: they stay until they are released.
    held: BTreeMap<Place, Request>,
    /// This node granted these. They and the held ones have one requester.
    granted: BTreeMap<Place, Request>,
    /// So it did these, and told them to give way.
    wounded: BTreeMap<Place, Request>,
    /// These wait for their turn.
    queue: BTreeMap<Place, Request>,
    /// The queue by requester.
    by_requester: BTreeSet<(Key, Place)>,
    /// Those in the queue that are not to wait.
    hasty: BTreeSet<Place>,
}

impl Lock {
    /// A new request.
    pub(super) fn enter(&mut self, place: Place, request: Request) {
        self.by_requester.insert((request.requester.clone(), place));
        if !request.waits {
            self.hasty.insert(place);
        }
        self.queue.insert(place, request);
    }

    /// A grant is given back.
    pub(super) fn give_way(&mut self, place: Place) {
        let given = self.granted.remove(&place).or_else(|| self.wounded.remove(&place));
        if let Some(request) = given {
            self.enter(place, request);
        }
    }

    /// A grant is held from now on.
    pub(super) fn hold(&mut self, place: Place) {
        let given = self.granted.remove(&place).or_else(|| self.wounded.remove(&place));
        if let Some(request) = given {
            self.held.insert(place, request);
        }
    }

    /// A request is no more.
    pub(super) fn leave(&mut self, place: Place) {
        let maps = [&mut self.held, &mut self.granted, &mut self.wounded];
        if maps.into_iter().all(|map| map.remove(&place).is_none()) {
            self.dequeue(place);
        }
    }

    /// What follows from all that is known now. Requests that are refused have left.
    pub(super) fn settle(&mut self) -> Vec<(Place, Verdict)> {
        let mut verdicts = Vec::new();
        loop {
            while let Some(place) = self.next() {
                let Some(request) = self.dequeue(place) else { break };
                self.granted.insert(place, request);
                verdicts.push((place, Verdict::Grant));
            }
            // Who waited behind it may have a turn now.
            let Some((place, holder)) = self.in_vain() else { break };
            self.dequeue(place);
            verdicts.push((place, Verdict::Refuse(holder)));
        }
        if let Some(first) = self.queue.keys().next().filter(|_| self.held.is_empty()) {
            for (place, request) in self.granted.split_off(first) {
                self.wounded.insert(place, request);
                verdicts.push((place, Verdict::Wound));
            }
        }
        verdicts
    }

    /// Whose turn it is: the first of all, if nobody has the lock or the same requester
    /// has it; and any with the requester that holds it, since nobody else can have it
    /// before that is over.
    fn next(&self) -> Option<Place> {
        let (first, request) = self.queue.first_key_value()?;
        let Some((_, holder)) = self.having().next() else { return Some(*first) };
        if self.held.is_empty() {
            return (request.requester == holder.requester).then_some(*first);
        }
        let from = (holder.requester.clone(), Place::FIRST);
        let (requester, place) = self.by_requester.range(from..).next()?;
        (*requester == holder.requester).then_some(*place)
    }

    /// A request that is not to wait and would have to, and who is in its way. Who was
    /// granted the lock after its place is told to give way, which is not waiting.
    fn in_vain(&self) -> Option<(Place, Pid)> {
        let first_given = self.granted.keys().next().into_iter().chain(self.wounded.keys().next());
        let first_given = first_given.min();
        let is_next = |place: &Place| {
            self.held.is_empty()
                && self.queue.keys().next() == Some(place)
                && first_given.is_none_or(|given| place < given)
        };
        let place = self.hasty.iter().find(|place| !is_next(place))?;
        let (holder, request) = self.having().next()?;
        Some((*place, Pid { node: holder.node, serial: request.serial }))
    }

    /// All that have the lock, held ones first.
    fn having(&self) -> impl Iterator<Item = (&Place, &Request)> {
        self.held.iter().chain(&self.granted).chain(&self.wounded)
    }

    fn dequeue(&mut self, place: Place) -> Option<Request> {
        let request = self.queue.remove(&place)?;
        self.by_requester.remove(&(request.requester.clone(), place));
        self.hasty.remove(&place);
        Some(request)
    }

    /// Whether nobody has it or waits for it.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.having().next().is_none()
    }

    /// Whose it is, or will be.
    pub(super) fn requester(&self) -> Option<&Key> {
        let (_, request) = self.having().chain(&self.queue).next()?;
        Some(&request.requester)
    }

    /// Who holds it.
    pub(super) fn holders(&self) -> Vec<Pid> {
        let pid =
            |(place, request): (&Place, &Request)| Pid { node: place.node, serial: request.serial };
        self.held.iter().map(pid).collect()
    }

    /// How many wait for it, or for other nodes to grant it as well.
    pub(super) fn waiting(&self) -> usize {
        self.granted.len() + self.wounded.len() + self.queue.len()
    }

    /// All requests.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.having().chain(&self.queue).map(|(place, _)| *place)
    }

    /// What does not fit together, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn inconsistency(&self) -> Option<String> {
        let requesters: BTreeSet<&Key> =
            self.having().map(|(_, request)| &request.requester).collect();
        let queue = self.queue.iter();
        let by_requester: BTreeSet<(Key, Place)> =
            queue.clone().map(|(place, request)| (request.requester.clone(), *place)).collect();
        let hasty: BTreeSet<Place> =
            queue.filter(|(_, request)| !request.waits).map(|(place, _)| *place).collect();
        let is_sound = requesters.len() <= 1
            && by_requester == self.by_requester
            && hasty == self.hasty
            && (self.queue.is_empty() || !requesters.is_empty())
            && !self.is_idle();
        (!is_sound).then(|| format!("{self:?}"))
    }
}

#[cfg(test)]
#[path = "lock_test.rs"]
mod tests;
