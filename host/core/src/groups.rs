//! Process groups (`pg`): one node's machine for all of them.
//!
//! Each node owns the memberships of its own actors: it alone says that they join and
//! leave, and all others keep what it said last. There is no agreement to wait for, and
//! a node that is lost takes its members along. Scopes are worlds of their own: nodes
//! that have started the same scope tell each other of its groups.
//!
//! | file | rules |
//! |---|---|
//! | `scope` | the members of a scope's groups, here and elsewhere |
//! | `sync` | what nodes tell each other |
//! | `monitors` | who hears of joins and leaves |
//! | `effect` | what nodes say to each other, and what the owner must carry out |
//!
//! # How two nodes get to know each other's members
//!
//! ```text
//! one node                                the other node
//!     | connected, or the scope started       |
//!     |-------- discover -------------------->| (also this way)
//!     |<------- sync, of version 7 -----------| all members that it owns
//!     |<------- change, version 8 ------------| one join or leave
//! ```
//!
//! Whoever gets a change that does not follow what it knows asks for everything again.
//! Membership is not passed on: who is not connected with a node does not see its
//! members. Only visible connections count.
//!
//! This file must not know sockets, clocks, or guests.

mod effect;
mod monitors;
mod scope;
mod sync;
#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{NodeId, Pid, Reference};
use crate::key::Key;

pub use effect::{Change, Effect, Effects, Frame, Members, Violation};

use monitors::Monitors;
use scope::Scope;

/// The most scopes of a node. One more is refused.
pub const SCOPES_MAX: usize = 256;

/// The most memberships of one node's actors, each join counted. One more is refused.
pub const MEMBERSHIPS_PER_NODE_MAX: usize = 1 << 20;

/// The most monitors of groups and scopes on one node. One more is refused.
pub const MONITORS_MAX: usize = 1 << 16;

/// Members in one frame, and groups. Nodes send fewer, so that no frame is longer than
/// 16 KiB.
pub const MEMBERS_PER_FRAME_MAX: usize = 2_048;

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The scope was not started on this node.
    #[error("no such scope on this node")]
    NoScope,
    /// Only actors of the own node can join and leave.
    #[error("only actors of this node can join a group")]
    NotLocal,
    /// None of the actors is a member.
    #[error("not a member of the group")]
    NotJoined,
    /// [`SCOPES_MAX`], [`MEMBERSHIPS_PER_NODE_MAX`] or [`MONITORS_MAX`].
    #[error("too many scopes, memberships or monitors")]
    Limit,
}

/// To whom a message to a group goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// The members of this node, as often as they joined.
    pub local: Vec<Pid>,
    /// The other nodes that have members: each is sent the message once, and finds its
    /// own.
    pub remote: Vec<NodeId>,
}

/// What an actor of this node has to do with groups.
#[derive(Debug, Default)]
struct Actor {
    /// How often it joined each group, by scope and group.
    joined: BTreeMap<(Key, Key), usize>,
    monitors: BTreeSet<Reference>,
}

/// The machine of one node.
#[derive(Debug)]
pub struct Groups {
    own: NodeId,
    peers: BTreeSet<NodeId>,
    scopes: BTreeMap<Key, Scope>,
    /// Memberships of each node, in all scopes. Never 0.
    memberships: BTreeMap<NodeId, usize>,
    /// Actors of this node that have to do with groups, by serial. Never blank.
    actors: BTreeMap<u64, Actor>,
    monitors: Monitors,
}

/// Scopes, joining and leaving.
impl Groups {
    /// The machine of a node without connections and scopes.
    pub fn new(own: NodeId) -> Self {
        Self {
            own,
            peers: BTreeSet::new(),
            scopes: BTreeMap::new(),
            memberships: BTreeMap::new(),
            actors: BTreeMap::new(),
            monitors: Monitors::default(),
        }
    }

    /// This node takes part in a scope from now on. False if it did already.
    ///
    /// # Errors
    /// When there are too many scopes.
    pub fn start(&mut self, scope: &Key, effects: &mut Effects) -> Result<bool, Error> {
        if self.scopes.contains_key(scope) {
            return Ok(false);
        }
        if self.scopes.len() >= SCOPES_MAX {
            return Err(Error::Limit);
        }
        let mut new = Scope::default();
        for node in &self.peers {
            new.discover(scope, *node, effects);
        }
        self.scopes.insert(scope.clone(), new);
        Ok(true)
    }

    /// This node takes no more part in a scope: its members have left, and its monitors
    /// are gone. False if it took no part.
    pub fn stop(&mut self, scope: &Key, effects: &mut Effects) -> bool {
        let Some(old) = self.scopes.remove(scope) else { return false };
        for (node, count) in old.counts() {
            self.uncount(node, count);
        }
        for to in old.listeners() {
            let frame = Frame::Gone { scope: scope.clone() };
            effects.push(Effect::Send { to, frame });
        }
        for actor in self.actors.values_mut() {
            actor.joined.retain(|(other, _), _| other != scope);
        }
        for (reference, serial) in self.monitors.end_scope(scope) {
            if let Some(actor) = self.actors.get_mut(&serial) {
                actor.monitors.remove(&reference);
            }
        }
        let serials: Vec<u64> = self.actors.keys().copied().collect();
        for serial in serials {
            self.tidy(serial, effects);
        }
        true
    }

    /// These actors of this node join a group, each as often as it is given. All do, or
    /// none.
    ///
    /// # Errors
    /// When the scope was not started, an actor is not of this node, or there are too
    /// many memberships.
    pub fn join(
        &mut self,
        scope: &Key,
        group: &Key,
        pids: &[Pid],
        effects: &mut Effects,
    ) -> Result<(), Error> {
        let serials = self.own_serials(pids)?;
        let count = self.memberships.get(&self.own).copied().unwrap_or_default();
        let Some(found) = self.scopes.get_mut(scope) else { return Err(Error::NoScope) };
        if count + serials.len() > MEMBERSHIPS_PER_NODE_MAX {
            return Err(Error::Limit);
        }
        if serials.is_empty() {
            return Ok(());
        }
        for serial in &serials {
            let pid = Pid { node: self.own, serial: *serial };
            let actor = self.actors.entry(*serial).or_insert_with(|| {
                effects.push(Effect::Watch(pid));
                Actor::default()
            });
            *actor.joined.entry((scope.clone(), group.clone())).or_default() += 1;
        }
        *self.memberships.entry(self.own).or_default() += serials.len();
        found.add(group, self.own, &serials);
        found.tell_change(scope, true, &[(group.clone(), serials.clone())], effects);
        self.monitors.tell(scope, group, true, self.own, &serials, effects);
        Ok(())
    }

    /// These actors of this node leave a group, each as often as it is given, as far as
    /// they are members.
    ///
    /// # Errors
    /// When the scope was not started, an actor is not of this node, or none is a member.
    pub fn leave(
        &mut self,
        scope: &Key,
        group: &Key,
        pids: &[Pid],
        effects: &mut Effects,
    ) -> Result<(), Error> {
        let serials = self.own_serials(pids)?;
        let Some(found) = self.scopes.get_mut(scope) else { return Err(Error::NoScope) };
        let left = found.remove(group, self.own, &serials);
        if left.is_empty() {
            return Err(Error::NotJoined);
        }
        found.tell_change(scope, false, &[(group.clone(), left.clone())], effects);
        self.monitors.tell(scope, group, false, self.own, &left, effects);
        self.uncount(self.own, left.len());
        for serial in left {
            self.left_once(serial, scope, group, effects);
        }
        Ok(())
    }

    /// An actor of this node ended, or never lived: it leaves all groups and its monitors
    /// are gone.
    pub fn ended(&mut self, pid: Pid, effects: &mut Effects) {
        if pid.node != self.own {
            return;
        }
        let Some(actor) = self.actors.remove(&pid.serial) else { return };
        for reference in actor.monitors {
            self.monitors.end(reference);
        }
        let mut joined = actor.joined.into_iter().peekable();
        while let Some(((scope, group), times)) = joined.next() {
            let mut changes = vec![(group, vec![pid.serial; times])];
            while let Some(((_, group), times)) = joined.next_if(|((other, _), _)| *other == scope)
            {
                changes.push((group, vec![pid.serial; times]));
            }
            let Some(found) = self.scopes.get_mut(&scope) else { continue };
            for (group, serials) in &changes {
                found.remove(group, self.own, serials);
            }
            found.tell_change(&scope, false, &changes, effects);
            for (group, serials) in changes {
                self.monitors.tell(&scope, &group, false, self.own, &serials, effects);
                self.uncount(self.own, serials.len());
            }
        }
    }

    /// The serials of actors of this node, in order.
    fn own_serials(&self, pids: &[Pid]) -> Result<Vec<u64>, Error> {
        if pids.iter().any(|pid| pid.node != self.own) {
            return Err(Error::NotLocal);
        }
        let mut serials: Vec<u64> = pids.iter().map(|pid| pid.serial).collect();
        serials.sort_unstable();
        Ok(serials)
    }

    fn left_once(&mut self, serial: u64, scope: &Key, group: &Key, effects: &mut Effects) {
        let Some(actor) = self.actors.get_mut(&serial) else { return };
        let place = (scope.clone(), group.clone());
        if let Some(times) = actor.joined.get_mut(&place) {
            *times -= 1;
            if *times == 0 {
                actor.joined.remove(&place);
            }
        }
        self.tidy(serial, effects);
    }

    /// This actor of this node may have nothing to do with groups any more.
    fn tidy(&mut self, serial: u64, effects: &mut Effects) {
        let Some(actor) = self.actors.get(&serial) else { return };
        if actor.joined.is_empty() && actor.monitors.is_empty() {
            self.actors.remove(&serial);
            effects.push(Effect::Unwatch(Pid { node: self.own, serial }));
        }
    }

    fn uncount(&mut self, node: NodeId, number: usize) {
        let Some(count) = self.memberships.get_mut(&node) else { return };
        *count = count.saturating_sub(number);
        if *count == 0 {
            self.memberships.remove(&node);
        }
    }
}

/// Looking up.
impl Groups {
    /// All members of a group, as often as they joined, in the order of their ids.
    pub fn members(&self, scope: &Key, group: &Key) -> Vec<Pid> {
        self.scopes.get(scope).map_or_else(Vec::new, |scope| scope.members(group))
    }

    /// The members of this node.
    pub fn local_members(&self, scope: &Key, group: &Key) -> Vec<Pid> {
        let scope = self.scopes.get(scope);
        scope.map_or_else(Vec::new, |scope| scope.members_of(group, self.own))
    }

    /// All groups of a scope that have members, in order.
    pub fn groups(&self, scope: &Key) -> Vec<Key> {
        self.scopes.get(scope).map_or_else(Vec::new, |scope| scope.names().cloned().collect())
    }

    /// Those that have members on this node.
    pub fn local_groups(&self, scope: &Key) -> Vec<Key> {
        let Some(scope) = self.scopes.get(scope) else { return Vec::new() };
        let is_local = |group: &&Key| scope.count(group, Some(self.own)) > 0;
        scope.names().filter(is_local).cloned().collect()
    }

    /// The scopes of this node, in order.
    pub fn scopes(&self) -> impl Iterator<Item = &Key> {
        self.scopes.keys()
    }

    /// Whether this node takes part in a scope.
    pub fn has_scope(&self, scope: &Key) -> bool {
        self.scopes.contains_key(scope)
    }

    /// A member, chosen by this random number. Who joined twice is chosen twice as often.
    pub fn random(&self, scope: &Key, group: &Key, random: u64) -> Option<Pid> {
        self.scopes.get(scope)?.pick(group, None, random)
    }

    /// A member of this node if there is one, else of any, chosen by this random number.
    pub fn closest(&self, scope: &Key, group: &Key, random: u64) -> Option<Pid> {
        let scope = self.scopes.get(scope)?;
        scope.pick(group, Some(self.own), random).or_else(|| scope.pick(group, None, random))
    }

    /// To whom a message to this group goes.
    pub fn audience(&self, scope: &Key, group: &Key) -> Audience {
        let Some(found) = self.scopes.get(scope) else { return Audience::default() };
        let remote = found.nodes_of(group).filter(|node| *node != self.own).collect();
        Audience { local: found.members_of(group, self.own), remote }
    }

    /// Whether nothing is kept but scopes and connections.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn is_blank(&self) -> bool {
        let is_empty = |scope: &Scope| scope.names().next().is_none();
        self.scopes.values().all(is_empty)
            && self.memberships.is_empty()
            && self.actors.is_empty()
            && self.monitors.is_empty()
    }

    /// What does not fit together in this machine, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn inconsistency(&self) -> Option<String> {
        let mut counts: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (node, count) in self.scopes.values().flat_map(Scope::counts) {
            *counts.entry(node).or_default() += count;
        }
        if counts != self.memberships {
            return Some(format!("{counts:?} members, counted as {:?}", self.memberships));
        }
        for (serial, actor) in &self.actors {
            for ((scope, group), times) in &actor.joined {
                let members = self.local_members(scope, group);
                let found = members.iter().filter(|pid| pid.serial == *serial).count();
                if found != *times {
                    return Some(format!("{serial} is {found} times in {group}, not {times}"));
                }
            }
            if actor.joined.is_empty() && actor.monitors.is_empty() {
                return Some(format!("{serial} has nothing to do with groups"));
            }
        }
        self.scopes.values().find_map(|scope| scope.inconsistency(&self.peers))
    }
}

#[cfg(test)]
#[path = "groups_test.rs"]
mod tests;
