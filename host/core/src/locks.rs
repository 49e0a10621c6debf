//! Locks for the whole cluster (`global:set_lock`): one node's machine for all of them.
//!
//! A lock is set *at* nodes, and each node owns the locks that are set at it: it alone
//! says who holds them. An actor's own node asks for it, at all the nodes wanted at once,
//! and the actor holds the lock when all have granted it. So there is no home that could
//! die, and a node that is lost takes along what its actors held and what was held at it.
//!
//! | file | rules |
//! |---|---|
//! | `lock` | one lock at this node: who holds it, who waits, who gives way |
//! | `table` | all locks at this node |
//! | `jobs` | what this node's actors ask for and hold, here and elsewhere |
//! | `peers` | nodes that come and go, and what they say |
//! | `effect` | what nodes say to each other, and what the owner must carry out |
//!
//! # One lock
//!
//! ```text
//! the actor's node                        every node at which it is set
//!     | set                                         |
//!     |------- ask -------------------------------->| queued, until it is its turn
//!     |<------ grant -------------------------------|
//!     | all granted: yes                            |
//!     |------- hold ------------------------------->| nobody can make it give way now
//!     | delete, or the actor ends                   |
//!     |------- release ---------------------------->| the next one's turn
//! ```
//!
//! A node speaks to itself with the same frames, which arrive at once.
//!
//! # Whose turn it is
//!
//! Each request has a place in an order that all nodes share: by a logical clock (a
//! request comes after all that its node had heard of), then by node and number. A node
//! grants a free lock to the first in that order. What it has granted and is not held
//! yet gives way to one that comes before it: the node *wounds* it, and its node gives
//! the grant back, unless it has all of them. So a request waits only for locks that are
//! held, and for requests that come before its own: requests at overlapping sets of nodes
//! cannot wait for each other in a circle. Once a request is with all its nodes, only
//! those overtake it that were on their way then.
//!
//! Actors with the same requester hold a lock together: who asks for a lock that its
//! requester holds is granted it at once, whoever waits.
//!
//! # What is not promised
//!
//! Sides of a cluster that are apart may each hold a lock, and go on to after they meet:
//! locks are advisory. Two actors that each hold a lock and wait for the other's wait
//! until one gives up; nobody looks for that.
//!
//! Only visible connections count. This file must not know sockets, clocks, or guests.

mod effect;
mod jobs;
mod lock;
mod peers;
mod table;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::id::{NodeId, Pid};
use crate::key::Key;

pub use effect::{Effect, Effects, Frame, Nodes, Outcome, Reason, Refusal, Task, Violation, Wait};

use jobs::{Holder, Job, Removal};
use table::Table;

/// The most locks of one node's actors, held and asked for. One more is refused.
pub const LOCKS_PER_NODE_MAX: usize = 1 << 16;

/// The most locks of one actor, held and asked for. One more is refused.
pub const LOCKS_PER_ACTOR_MAX: usize = 1 << 12;

/// The most holders and requests at one node, of all nodes' actors. One more is refused.
pub const LOCKS_AT_NODE_MAX: usize = 1 << 18;

/// What is locked, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockId {
    /// What only one requester can hold.
    pub resource: Key,
    /// Who. Actors that ask under the same requester hold it together.
    pub requester: Key,
}

/// One lock that is set at a node, or asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What is locked, and for whom.
    pub id: LockId,
    /// The actors that hold it.
    pub holders: Vec<Pid>,
    /// How many requests wait for it, those included that wait for other nodes only.
    pub waiting: usize,
}

/// The machine of one node.
#[derive(Debug)]
pub struct Locks {
    own: NodeId,
    /// The last time that was told, in milliseconds.
    now: u64,
    /// Other nodes, visibly connected.
    peers: BTreeSet<NodeId>,
    /// The logical clock: as late as any request that this node has heard of.
    clock: u64,
    /// Tickets and other numbers given out so far.
    numbers: u64,
    /// What this node's actors wait for, by ticket.
    jobs: BTreeMap<u64, Job>,
    /// Locks given up, while somebody waits for all nodes to know.
    removals: BTreeMap<u64, Removal>,
    /// Actors of this node that have to do with locks, by serial. Never blank.
    holders: BTreeMap<u64, Holder>,
    /// How many locks they hold, all together.
    held: usize,
    /// When jobs have taken too long.
    dues: BTreeSet<(u64, u64)>,
    /// The locks at this node.
    table: Table,
    /// What this node says to itself.
    inner: VecDeque<Frame>,
}

/// What is asked, and looked up.
impl Locks {
    /// The machine of a node without connections.
    pub fn new(own: NodeId) -> Self {
        Self {
            own,
            now: 0,
            peers: BTreeSet::new(),
            clock: 0,
            numbers: 0,
            jobs: BTreeMap::new(),
            removals: BTreeMap::new(),
            holders: BTreeMap::new(),
            held: 0,
            dues: BTreeSet::new(),
            table: Table::default(),
            inner: VecDeque::new(),
        }
    }

    /// The locks at this node, after this resource if given, in order.
    pub fn locks(&self, after: Option<&Key>) -> impl Iterator<Item = Listed> {
        self.table.list(after)
    }

    /// The nodes at which this actor of this node holds this lock, in order.
    pub fn nodes_of(&self, pid: Pid, id: &LockId) -> impl Iterator<Item = NodeId> {
        let holder = self.holders.get(&pid.serial).filter(|_| pid.node == self.own);
        let held = holder.and_then(|holder| holder.locks.get(id));
        held.into_iter().flat_map(BTreeMap::keys).copied()
    }

    /// When [`tick`](Self::tick) is to be called next, in milliseconds.
    pub fn due(&self) -> Option<u64> {
        self.dues.first().map(|(time, _)| *time)
    }

    /// It is so late. Nothing that is due before this time is left undone.
    pub fn tick(&mut self, now: u64, effects: &mut Effects) {
        self.now = self.now.max(now);
        while let Some((_, ticket)) = self.dues.first().filter(|(time, _)| *time <= self.now) {
            self.fail(*ticket, Reason::Timeout, effects);
        }
        self.hear_own(effects);
    }

    /// What an actor of this node asks for: a lock to be set or deleted. Ends in one
    /// [`Effect::Answer`]; to be set, by the time given, if [`tick`](Self::tick) is called.
    /// The owner numbers requests; times are milliseconds of one clock.
    pub fn request(
        &mut self,
        now: u64,
        request: u64,
        pid: Pid,
        id: LockId,
        task: Task,
        effects: &mut Effects,
    ) {
        self.now = self.now.max(now);
        match task {
            Task::Set { nodes, wait } => self.set(request, pid, id, &nodes, wait, effects),
            Task::Delete { nodes } => self.delete(request, pid, &id, &nodes, effects),
        }
        self.hear_own(effects);
    }

    /// An actor of this node ended, or never lived: what it holds is released, and what
    /// it asked for is taken back.
    pub fn ended(&mut self, now: u64, pid: Pid, effects: &mut Effects) {
        self.now = self.now.max(now);
        if pid.node == self.own {
            self.release_all(pid, effects);
            self.hear_own(effects);
        }
    }
}

/// What the files of this machine share.
impl Locks {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Says this to a node, which may be this one. Who is not connected hears nothing.
    fn say(&mut self, to: NodeId, frame: Frame, effects: &mut Effects) {
        if to == self.own {
            self.inner.push_back(frame);
        } else if self.peers.contains(&to) {
            effects.push(Effect::Send { to, frame });
        }
    }

    /// This node hears what it said to itself. Every event ends with this.
    fn hear_own(&mut self, effects: &mut Effects) {
        while let Some(frame) = self.inner.pop_front() {
            self.hear(self.own, frame, effects);
        }
    }

    /// What this node's actors hold: who, what, at which node.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn all_held(&self) -> impl Iterator<Item = (Pid, &LockId, NodeId)> {
        let locks = self.holders.iter().flat_map(|(serial, holder)| {
            let pid = Pid { node: self.own, serial: *serial };
            holder.locks.iter().map(move |(id, nodes)| (pid, id, nodes))
        });
        locks.flat_map(|(pid, id, nodes)| nodes.keys().map(move |node| (pid, id, *node)))
    }

    /// Whether nothing is kept but connections.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn is_blank(&self) -> bool {
        self.jobs.is_empty()
            && self.removals.is_empty()
            && self.holders.is_empty()
            && self.held == 0
            && self.dues.is_empty()
            && self.table.is_empty()
            && self.inner.is_empty()
    }

    /// What does not fit together in this machine, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn inconsistency(&self) -> Option<String> {
        let held: usize = self.holders.values().map(|holder| holder.locks.len()).sum();
        if held != self.held {
            return Some(format!("{held} locks held, counted as {}", self.held));
        }
        let mut dues = BTreeSet::new();
        let mut jobs: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for (ticket, job) in &self.jobs {
            jobs.entry(job.pid.serial).or_default().insert(*ticket);
            dues.extend(job.due.map(|due| (due, *ticket)));
            if job.waiting.is_empty() {
                return Some(format!("{job:?} waits for nothing"));
            }
        }
        let with_jobs = self.holders.iter().filter(|(_, holder)| !holder.jobs.is_empty());
        let with_jobs = with_jobs.map(|(serial, holder)| (*serial, holder.jobs.clone()));
        if jobs != with_jobs.collect() || dues != self.dues {
            return Some(format!("{jobs:?} until {dues:?} are not {:?}", self.holders));
        }
        let is_blank = |holder: &&Holder| holder.is_blank();
        if let Some(holder) = self.holders.values().find(is_blank) {
            return Some(format!("{holder:?} has nothing to do with locks"));
        }
        self.table.inconsistency()
    }
}

#[cfg(test)]
#[path = "locks_test.rs"]
mod tests;
