//! What nodes tell each other of their members, and how one that missed something gets
//! everything again.

use std::cmp::Ordering;

use super::effect::{Effect, Effects, Frame, Members, Violation};
use super::scope::Scope;
use super::{Groups, MEMBERSHIPS_PER_NODE_MAX};
use crate::id::NodeId;
use crate::key::Key;

/// What a frame of members may take, in bytes, but for the scope and what is fixed.
const PART_BYTES: usize = 12 << 10;

/// What a group takes of it beside its name, at most.
const GROUP_BYTES: usize = 4;

/// What a member takes of it, at most.
const MEMBER_BYTES: usize = 8;

/// What a node told of its members in one scope.
#[derive(Debug, Default)]
pub(super) struct Remote {
    /// The version of what is known, once all is.
    version: Option<u64>,
    /// Parts that came so far of all that is being told.
    parts: Option<Members>,
    /// Memberships in those parts.
    in_parts: usize,
}

/// Other nodes.
impl Groups {
    /// A node is connected. It has to be told before anything that comes from there.
    /// Hidden connections do not count, as in Erlang.
    pub fn node_up(&mut self, node: NodeId, hidden: bool, effects: &mut Effects) {
        if hidden || node == self.own {
            return;
        }
        self.node_down(node, effects);
        self.peers.insert(node);
        for (name, scope) in &mut self.scopes {
            scope.discover(name, node, effects);
        }
    }

    /// A node is no longer connected: its members have left.
    pub fn node_down(&mut self, node: NodeId, effects: &mut Effects) {
        if !self.peers.remove(&node) {
            return;
        }
        let scopes: Vec<Key> = self.scopes.keys().cloned().collect();
        for scope in scopes {
            self.forget(&scope, node, effects);
        }
    }

    /// The machine of a connected node says this. What is about a scope that was not
    /// started here changes nothing here.
    pub fn received(&mut self, from: NodeId, frame: Frame, effects: &mut Effects) {
        if !self.peers.contains(&from) {
            return;
        }
        match frame {
            Frame::Discover { scope } => self.discovered(from, &scope, effects),
            Frame::Gone { scope } => self.forget(&scope, from, effects),
            Frame::Sync { scope, version, first, last, members } => {
                let ok = self.part(from, &scope, first, members, effects);
                if ok && last {
                    self.synced(from, &scope, version, effects);
                }
            }
            Frame::Change { scope, version, joined, members } => {
                self.changed(from, &scope, version, joined, members, effects);
            }
        }
    }

    /// A node wants to know all about this node's members, and does not know more. It is
    /// told if this one takes no part, so that it asks again when this one does.
    fn discovered(&mut self, from: NodeId, name: &Key, effects: &mut Effects) {
        let Some(scope) = self.scopes.get_mut(name) else {
            let frame = Frame::Gone { scope: name.clone() };
            effects.push(Effect::Send { to: from, frame });
            return;
        };
        scope.listeners.insert(from);
        let mut parts = parts_of(scope.all_of(self.own)).into_iter().peekable();
        let mut first = true;
        while let Some(members) = parts.next() {
            let (scope, version, last) = (name.clone(), scope.version, parts.peek().is_none());
            let frame = Frame::Sync { scope, version, first, last, members };
            effects.push(Effect::Send { to: from, frame });
            first = false;
        }
        if !scope.asked.contains(&from) {
            scope.discover(name, from, effects);
        }
    }

    /// A part of all members of a node. False if it is not wanted.
    fn part(
        &mut self,
        from: NodeId,
        name: &Key,
        first: bool,
        members: Members,
        effects: &mut Effects,
    ) -> bool {
        let Some(scope) = self.scopes.get_mut(name) else { return false };
        if !scope.asked.contains(&from) {
            return false;
        }
        let remote = scope.remotes.entry(from).or_default();
        if first {
            (remote.parts, remote.in_parts) = (Some(Members::new()), 0);
        }
        let Some(parts) = &mut remote.parts else { return false };
        remote.in_parts += members.iter().map(|(_, serials)| serials.len()).sum::<usize>();
        if remote.in_parts > MEMBERSHIPS_PER_NODE_MAX {
            (remote.parts, remote.in_parts) = (None, 0);
            let violation = Violation::Memberships;
            effects.push(Effect::Violation { node: from, violation });
            return false;
        }
        parts.extend(members);
        true
    }

    /// All members of a node were told: what differs from what was known has joined or
    /// left meanwhile.
    fn synced(&mut self, from: NodeId, name: &Key, version: u64, effects: &mut Effects) {
        let Some(scope) = self.scopes.get_mut(name) else { return };
        let Some(remote) = scope.remotes.get_mut(&from) else { return };
        let Some(parts) = remote.parts.take() else { return };
        remote.version = Some(version);
        let mut after = Scope::default();
        for (group, mut serials) in parts {
            serials.sort_unstable();
            after.add(&group, from, &serials);
        }
        let before = scope.all_of(from);
        let left = before.iter().filter_map(|(group, serials)| {
            let gone = without(serials, after.serials(group, from));
            (!gone.is_empty()).then(|| (group.clone(), gone))
        });
        let left: Members = left.collect();
        let joined = after.all_of(from).into_iter().filter_map(|(group, serials)| {
            let new = without(&serials, scope.serials(&group, from));
            (!new.is_empty()).then_some((group, new))
        });
        let joined: Members = joined.collect();
        self.apply(from, name, false, left, effects);
        self.apply(from, name, true, joined, effects);
    }

    /// Actors of a node joined or left.
    fn changed(
        &mut self,
        from: NodeId,
        name: &Key,
        version: u64,
        joined: bool,
        members: Members,
        effects: &mut Effects,
    ) {
        let Some(scope) = self.scopes.get_mut(name) else { return };
        let Some(remote) = scope.remotes.get_mut(&from) else { return };
        let Some(known) = remote.version else { return };
        match version.cmp(&known.saturating_add(1)) {
            Ordering::Less => {}
            Ordering::Equal => {
                remote.version = Some(version);
                self.apply(from, name, joined, members, effects);
            }
            // Something is missing: what comes until all was told again is part of that.
            Ordering::Greater => {
                remote.version = None;
                scope.discover(name, from, effects);
            }
        }
    }

    /// Changes what is known of a node's members, and tells of it.
    fn apply(
        &mut self,
        node: NodeId,
        name: &Key,
        joined: bool,
        members: Members,
        effects: &mut Effects,
    ) {
        for (group, mut serials) in members {
            serials.sort_unstable();
            let Some(scope) = self.scopes.get_mut(name) else { return };
            if joined {
                let count = self.memberships.entry(node).or_default();
                if serials.len() > MEMBERSHIPS_PER_NODE_MAX.saturating_sub(*count) {
                    let violation = Violation::Memberships;
                    effects.push(Effect::Violation { node, violation });
                    return;
                }
                *count += serials.len();
                scope.add(&group, node, &serials);
            } else {
                let left = scope.remove(&group, node, &serials);
                if left.len() < serials.len() {
                    let violation = Violation::NotJoined;
                    effects.push(Effect::Violation { node, violation });
                }
                serials = left;
                self.uncount(node, serials.len());
            }
            self.monitors.tell(name, &group, joined, node, &serials, effects);
        }
    }

    /// A node takes no more part in a scope.
    fn forget(&mut self, name: &Key, node: NodeId, effects: &mut Effects) {
        let Some(scope) = self.scopes.get_mut(name) else { return };
        scope.listeners.remove(&node);
        scope.asked.remove(&node);
        scope.remotes.remove(&node);
        let members = scope.all_of(node);
        self.apply(node, name, false, members, effects);
    }
}

impl Scope {
    /// Tells those who asked that actors of this node joined or left.
    pub(super) fn tell_change(
        &mut self,
        scope: &Key,
        joined: bool,
        members: &[(Key, Vec<u64>)],
        effects: &mut Effects,
    ) {
        for members in parts_of(members.to_vec()) {
            self.version += 1;
            for to in self.listeners.iter().copied() {
                let (scope, members) = (scope.clone(), members.clone());
                let frame = Frame::Change { scope, version: self.version, joined, members };
                effects.push(Effect::Send { to, frame });
            }
        }
    }
}

/// Parts that are short enough for one frame each; one empty part if there are none.
fn parts_of(members: Members) -> Vec<Members> {
    let mut parts = vec![Members::new()];
    let mut room = PART_BYTES;
    for (group, serials) in members {
        let head = group.as_bytes().len() + GROUP_BYTES;
        let mut rest = &serials[..];
        while !rest.is_empty() {
            if room < head + MEMBER_BYTES {
                parts.push(Members::new());
                room = PART_BYTES;
            }
            let (now, later) = rest.split_at(rest.len().min((room - head) / MEMBER_BYTES));
            room -= head + now.len() * MEMBER_BYTES;
            rest = later;
            if let Some(part) = parts.last_mut() {
                part.push((group.clone(), now.to_vec()));
            }
        }
    }
    parts
}

/// What is in the first and not in the second, both in order, each as often as it is.
fn without(from: &[u64], taken: &[u64]) -> Vec<u64> {
    let mut taken = taken.iter().copied().peekable();
    let mut left = Vec::new();
    for serial in from.iter().copied() {
        while taken.next_if(|other| *other < serial).is_some() {}
        if taken.next_if_eq(&serial).is_none() {
            left.push(serial);
        }
    }
    left
}

#[cfg(test)]
#[path = "sync_test.rs"]
mod tests;
