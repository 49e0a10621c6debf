//! Names for the whole cluster (`global`): one node's machine for all of them.
//!
//! A name belongs to the node of the actor who owns it: only that node says that the
//! name is taken, changed or free, and all others keep what it said last. So a lookup
//! is local, a node that is lost takes its names along, and two nodes that meet only
//! have to tell each other their own.
//!
//! | file | rules |
//! |---|---|
//! | `claim` | what a node says of a name, and which of two claims counts |
//! | `peers` | nodes that come and go, and what they say |
//! | `table` | the claims that hold |
//! | `slot` | who may make a claim next |
//! | `jobs` | registrations of this node's actors |
//! | `ask` | requests about other nodes' actors |
//! | `clash` | two owners of one name meet |
//! | `effect` | what nodes say to each other, and what the owner must carry out |
//!
//! # One registration
//!
//! ```text
//! the actor's node                        every other connected node
//!     | register                                    |
//!     |------- propose ---------------------------->| no owner known: the name shows
//!     |<------ ack ---------------------------------|
//!     | all acknowledged: yes                       |
//!     |------- set -------------------------------->| the name has an owner
//! ```
//!
//! A node that knows an owner refuses; then the proposal is withdrawn everywhere, and
//! the answer is no. A node that is lost is not waited for: whoever is there has left
//! this side, and what is registered there is met when it comes back. A node that
//! appears meanwhile is asked as well.
//!
//! # Of two at one time, the later gives way
//!
//! A node that has acknowledged one proposal lets all others for that name wait. If one
//! that waits comes before the one acknowledged, in an order that all nodes share, the
//! node *wounds* the latter: it is withdrawn if it is not decided, and waits behind the
//! other. So a proposal waits only for ones that come before it, or that give way or are
//! decided at once: nobody waits for ever, no time limit is needed to find out, and no
//! third node has to be asked, or can be lost.
//!
//! # Two owners
//!
//! Sides of a cluster that were apart may each have registered a name. When two nodes
//! meet, each tells the other its claims, and the node whose claim comes second gives it
//! up. Since the order of claims is the same for all, one remains, however many meet.
//!
//! Only visible connections count. This file must not know sockets, clocks, or guests.

mod ask;
mod claim;
mod clash;
mod effect;
mod jobs;
mod peers;
mod slot;
mod table;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{NodeId, Pid};
use crate::key::Key;

pub use claim::{Claim, Resolver};
pub use effect::{
    Choice, Effect, Effects, Fate, Frame, Obstacle, Outcome, Reason, Registration, Task, Violation,
};

use ask::{Asked, Removal};
use clash::Clash;
use jobs::Job;
use slot::Slot;
use table::Table;

/// The most names of one node's actors. One more is refused.
pub const NAMES_PER_NODE_MAX: usize = 1 << 20;

/// The most registrations that one node may have under way, its own and those that
/// others ask of it. One more is refused.
pub const REQUESTS_PER_NODE_MAX: usize = 1 << 16;

/// How long a guest may take to decide between two owners, in milliseconds. After that
/// it has failed.
pub const RESOLVER_MS: u64 = 1_000;

/// A node that still knows an owner who is gone is asked again after so many
/// milliseconds.
pub const RETRY_MS: u64 = 10;

/// It is asked again so often at most.
pub const RETRIES_MAX: u32 = 40;

/// Names in one [`Frame::Set`]: few enough that the frame stays below 16 KiB.
pub const NAMES_PER_FRAME_MAX: usize = 48;

/// What a node lets its actors do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether one actor may have several names (`global_multi_name_action`).
    pub several: bool,
}

/// What is due at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The registration of this ticket took too long.
    Job(u64),
    /// The registration of this ticket is to be tried again.
    Retry(u64),
    /// The answer of another node took too long.
    Asked(u64),
    /// The removal of this ticket took too long.
    Removal(u64),
    /// A guest took too long to decide.
    Clash(u64),
}

/// Another node, visibly connected.
#[derive(Debug, Default)]
struct Peer {
    /// Its proposals that are not decided.
    proposals: usize,
}

/// What an actor of this node has to do with names.
#[derive(Debug, Default)]
struct Holding {
    /// Names that it owns.
    names: BTreeSet<Key>,
    /// Registrations that are under way.
    jobs: BTreeSet<u64>,
}

/// The machine of one node.
#[derive(Debug)]
pub struct Names {
    own: NodeId,
    settings: Settings,
    /// The last time that was told, in milliseconds.
    now: u64,
    peers: BTreeMap<NodeId, Peer>,
    table: Table,
    /// Names that somebody proposes to give.
    slots: BTreeMap<Key, Slot>,
    /// What this node's actors wait for, by the ticket of the current proposal.
    jobs: BTreeMap<u64, Job>,
    /// Names that were given up, while somebody waits for all nodes to know.
    removals: BTreeMap<u64, Removal>,
    /// Requests of this node that others carry out.
    asked: BTreeMap<u64, Asked>,
    /// Names of this node that met others, while a guest decides.
    clashes: BTreeMap<Key, Clash>,
    /// Actors of this node that have to do with names, by serial. Never blank.
    holdings: BTreeMap<u64, Holding>,
    /// What lookups give.
    shown: BTreeMap<Key, Pid>,
    dues: BTreeSet<(u64, Due)>,
    /// Tickets and other numbers given out so far.
    numbers: u64,
}

/// What is asked, and looked up.
impl Names {
    /// The machine of a node without connections.
    pub fn new(own: NodeId, settings: Settings) -> Self {
        Self {
            own,
            settings,
            now: 0,
            peers: BTreeMap::new(),
            table: Table::default(),
            slots: BTreeMap::new(),
            jobs: BTreeMap::new(),
            removals: BTreeMap::new(),
            asked: BTreeMap::new(),
            clashes: BTreeMap::new(),
            holdings: BTreeMap::new(),
            shown: BTreeMap::new(),
            dues: BTreeSet::new(),
            numbers: 0,
        }
    }

    /// What this node lets its actors do from now on.
    pub fn allow(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Who has this name, as far as this node knows. While a registration is under way
    /// it may already show, and be gone again if it fails. The actor is of this node or
    /// of a connected one; it may have ended meanwhile.
    pub fn whereis(&self, key: &Key) -> Option<Pid> {
        self.shown.get(key).copied()
    }

    /// Whether this actor of this node has this name for certain: once it is registered,
    /// and not while that is under way.
    pub fn is_owner(&self, key: &Key, pid: Pid) -> bool {
        self.table.get(self.own, key).is_some_and(|claim| claim.pid == pid)
    }

    /// All names that [`whereis`](Self::whereis) finds, after this one if given, in order.
    pub fn names(&self, after: Option<&Key>) -> impl Iterator<Item = (&Key, Pid)> {
        use std::ops::Bound::{Excluded, Unbounded};
        let from = after.map_or(Unbounded, Excluded);
        self.shown.range::<Key, _>((from, Unbounded)).map(|(key, pid)| (key, *pid))
    }

    /// When [`tick`](Self::tick) is to be called next, in milliseconds.
    pub fn due(&self) -> Option<u64> {
        self.dues.first().map(|(time, _)| *time)
    }

    /// It is so late. Nothing that is due before this time is left undone.
    pub fn tick(&mut self, now: u64, effects: &mut Effects) {
        self.now = self.now.max(now);
        while let Some((time, due)) = self.dues.first().copied() {
            if time > self.now {
                break;
            }
            self.dues.pop_first();
            match due {
                Due::Job(ticket) => {
                    self.cancel(ticket, Outcome::No(Reason::Timeout), effects);
                }
                Due::Retry(ticket) => self.retry(ticket, effects),
                Due::Asked(request) => {
                    if self.asked.remove(&request).is_some() {
                        let outcome = Outcome::No(Reason::Timeout);
                        effects.push(Effect::Answer { request, outcome });
                    }
                }
                Due::Removal(ticket) => {
                    self.removed(ticket, Outcome::No(Reason::Timeout), effects);
                }
                Due::Clash(clash) => self.decided(clash, Choice::Failed, effects),
            }
        }
    }

    /// What this node, or one of its actors, asked for: a name to be given or taken.
    /// Ends in one [`Effect::Answer`] by the deadline, if [`tick`](Self::tick) is called.
    /// The owner numbers requests; `now` and `deadline` are milliseconds of one clock.
    pub fn request(
        &mut self,
        now: u64,
        request: u64,
        key: Key,
        task: Task,
        deadline: u64,
        effects: &mut Effects,
    ) {
        self.now = self.now.max(now);
        self.asks(request, key, task, deadline, effects);
    }

    /// An actor of this node ended, or never lived: its names are free.
    pub fn ended(&mut self, now: u64, pid: Pid, effects: &mut Effects) {
        self.now = self.now.max(now);
        if pid.node != self.own {
            return;
        }
        let Some(holding) = self.holdings.get(&pid.serial) else { return };
        let names: Vec<Key> = holding.names.iter().cloned().collect();
        let jobs: Vec<u64> = holding.jobs.iter().copied().collect();
        for key in names {
            self.drop_own(&key, 0, effects);
            self.settle(&key, effects);
        }
        for ticket in jobs {
            self.cancel(ticket, Outcome::No(Reason::NoProc), effects);
        }
    }
}

/// What the files of this machine share.
impl Names {
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Sends this to every other node.
    fn tell_all(&self, frame: &Frame, effects: &mut Effects) {
        for to in self.peers.keys() {
            effects.push(Effect::Send { to: *to, frame: frame.clone() });
        }
    }

    /// Sees to it that lookups give what is to be given now.
    fn show(&mut self, key: &Key, effects: &mut Effects) {
        let held = self.slots.get(key).and_then(|slot| slot.holder.as_ref());
        let held = held.map(|holder| &holder.claim);
        let pid = match (self.table.first(key), held) {
            // Who proposes to replace an owner shows in its place.
            (Some(owner), Some(held)) if held.generation > owner.generation => Some(held.pid),
            (Some(owner), _) => Some(owner.pid),
            (None, held) => held.map(|held| held.pid),
        };
        if pid == self.whereis(key) {
            return;
        }
        match pid {
            Some(pid) => self.shown.insert(key.clone(), pid),
            None => self.shown.remove(key),
        };
        effects.push(Effect::Show { key: key.clone(), pid });
    }

    /// This actor of this node has to do with names.
    fn holding(&mut self, pid: Pid, effects: &mut Effects) -> &mut Holding {
        self.holdings.entry(pid.serial).or_insert_with(|| {
            effects.push(Effect::Watch(pid));
            Holding::default()
        })
    }

    /// This actor of this node may have nothing to do with names any more.
    fn tidy(&mut self, pid: Pid, effects: &mut Effects) {
        let Some(holding) = self.holdings.get(&pid.serial) else { return };
        if holding.names.is_empty() && holding.jobs.is_empty() {
            self.holdings.remove(&pid.serial);
            effects.push(Effect::Unwatch(pid));
        }
    }

    /// This node's claim on this name is no more.
    fn drop_own(&mut self, key: &Key, ticket: u64, effects: &mut Effects) {
        let Some(claim) = self.table.remove(self.own, key) else { return };
        if let Some(holding) = self.holdings.get_mut(&claim.pid.serial) {
            holding.names.remove(key);
        }
        self.tell_all(&Frame::Unset { key: key.clone(), ticket }, effects);
        self.tidy(claim.pid, effects);
        self.advance(key, effects);
    }

    /// Whether nothing is kept but connections.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn is_blank(&self) -> bool {
        self.table.is_empty()
            && self.slots.is_empty()
            && self.jobs.is_empty()
            && self.removals.is_empty()
            && self.asked.is_empty()
            && self.clashes.is_empty()
            && self.holdings.is_empty()
            && self.shown.is_empty()
            && self.dues.is_empty()
            && self.peers.values().all(|peer| peer.proposals == 0)
    }

    /// What does not fit together in this machine, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn inconsistency(&self) -> Option<String> {
        let mut holdings: BTreeMap<u64, (BTreeSet<&Key>, BTreeSet<u64>)> = BTreeMap::new();
        for key in self.table.names_of(self.own) {
            let pid = self.table.get(self.own, key)?.pid;
            holdings.entry(pid.serial).or_default().0.insert(key);
        }
        for (ticket, job) in &self.jobs {
            holdings.entry(job.registration.pid.serial).or_default().1.insert(*ticket);
        }
        let held = self.holdings.iter();
        let held =
            held.map(|(serial, all)| (*serial, (all.names.iter().collect(), all.jobs.clone())));
        if holdings != held.collect() {
            return Some(format!("{holdings:?} are not {:?}", self.holdings));
        }
        for (node, peer) in &self.peers {
            let open: usize = self.slots.values().map(|slot| slot.count(*node)).sum();
            if open != peer.proposals {
                return Some(format!("{open} proposals of {node:?}, not {}", peer.proposals));
            }
        }
        let is_idle = |slot: &&Slot| slot.holder.is_none();
        if let Some(slot) = self.slots.values().find(is_idle) {
            return Some(format!("nobody holds {slot:?}"));
        }
        self.table.inconsistency()
    }
}

#[cfg(test)]
#[path = "names_test.rs"]
mod tests;
