//! The members of one scope's groups, by the node that owns them.

use std::collections::{BTreeMap, BTreeSet};

use super::Effects;
use super::effect::{Effect, Frame, Members};
use super::sync::Remote;
use crate::id::{NodeId, Pid};
use crate::key::Key;

/// The members of a group of one node: serials in order, as often as they joined. Never
/// empty.
type Serials = Vec<u64>;

/// Fewer members than this join and leave one by one. More are merged, because each costs
/// as much as moving half the group.
const FEW: usize = 8;

/// One scope.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Of each group, the members of each node. Never empty.
    groups: BTreeMap<Key, BTreeMap<NodeId, Serials>>,
    /// The groups of each node. Never empty.
    by_node: BTreeMap<NodeId, BTreeSet<Key>>,
    /// Changes of this node's own members so far.
    pub(super) version: u64,
    /// Nodes that are to be told of changes, because they asked.
    pub(super) listeners: BTreeSet<NodeId>,
    /// Nodes that were asked.
    pub(super) asked: BTreeSet<NodeId>,
    /// Nodes that told of their members.
    pub(super) remotes: BTreeMap<NodeId, Remote>,
}

impl Scope {
    pub(super) fn names(&self) -> impl Iterator<Item = &Key> {
        self.groups.keys()
    }

    pub(super) fn nodes_of(&self, group: &Key) -> impl Iterator<Item = NodeId> {
        self.groups.get(group).into_iter().flat_map(|nodes| nodes.keys().copied())
    }

    pub(super) fn listeners(&self) -> impl Iterator<Item = NodeId> {
        self.listeners.iter().copied()
    }

    pub(super) fn members(&self, group: &Key) -> Vec<Pid> {
        let nodes = self.groups.get(group).into_iter().flatten();
        let pids = nodes.flat_map(|(node, serials)| pids(*node, serials));
        pids.collect()
    }

    pub(super) fn members_of(&self, group: &Key, node: NodeId) -> Vec<Pid> {
        pids(node, self.serials(group, node)).collect()
    }

    pub(super) fn serials(&self, group: &Key, node: NodeId) -> &[u64] {
        self.groups.get(group).and_then(|nodes| nodes.get(&node)).map_or(&[], Vec::as_slice)
    }

    /// How many members a group has, of that node or of all.
    pub(super) fn count(&self, group: &Key, node: Option<NodeId>) -> usize {
        match node {
            Some(node) => self.serials(group, node).len(),
            None => self.groups.get(group).map_or(0, |nodes| nodes.values().map(Vec::len).sum()),
        }
    }

    /// The member that this random number chooses.
    pub(super) fn pick(&self, group: &Key, node: Option<NodeId>, random: u64) -> Option<Pid> {
        let count = self.count(group, node) as u64;
        let mut at = usize::try_from(random.checked_rem(count)?).ok()?;
        if let Some(node) = node {
            let serial = *self.serials(group, node).get(at)?;
            return Some(Pid { node, serial });
        }
        for (node, serials) in self.groups.get(group)? {
            match serials.get(at) {
                Some(serial) => return Some(Pid { node: *node, serial: *serial }),
                None => at -= serials.len(),
            }
        }
        None
    }

    /// These actors, in order, join.
    pub(super) fn add(&mut self, group: &Key, node: NodeId, joining: &[u64]) {
        if joining.is_empty() {
            return;
        }
        let serials = self.groups.entry(group.clone()).or_default().entry(node).or_default();
        if joining.len() < FEW {
            for serial in joining {
                let at = serials.partition_point(|other| other <= serial);
                serials.insert(at, *serial);
            }
        } else {
            serials.extend_from_slice(joining);
            // Two runs in order are merged, not sorted.
            serials.sort();
        }
        self.by_node.entry(node).or_default().insert(group.clone());
    }

    /// These actors, in order, leave. Gives those that were members.
    pub(super) fn remove(&mut self, group: &Key, node: NodeId, leaving: &[u64]) -> Vec<u64> {
        let Some(nodes) = self.groups.get_mut(group) else { return Vec::new() };
        let Some(serials) = nodes.get_mut(&node) else { return Vec::new() };
        let left = if leaving.len() < FEW {
            remove_few(serials, leaving)
        } else {
            remove_many(serials, leaving)
        };
        if serials.is_empty() {
            nodes.remove(&node);
            if nodes.is_empty() {
                self.groups.remove(group);
            }
            if let Some(groups) = self.by_node.get_mut(&node) {
                groups.remove(group);
                if groups.is_empty() {
                    self.by_node.remove(&node);
                }
            }
        }
        left
    }

    /// All members of that node.
    pub(super) fn all_of(&self, node: NodeId) -> Members {
        let groups = self.by_node.get(&node).into_iter().flatten();
        groups.map(|group| (group.clone(), self.serials(group, node).to_vec())).collect()
    }

    /// The nodes that have members, and how many in all groups together.
    pub(super) fn counts(&self) -> impl Iterator<Item = (NodeId, usize)> {
        self.by_node.iter().map(|(node, groups)| {
            (*node, groups.iter().map(|group| self.count(group, Some(*node))).sum())
        })
    }

    /// Asks a node for its members.
    pub(super) fn discover(&mut self, scope: &Key, node: NodeId, effects: &mut Effects) {
        self.asked.insert(node);
        effects.push(Effect::Send { to: node, frame: Frame::Discover { scope: scope.clone() } });
    }

    /// What does not fit together, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn inconsistency(&self, peers: &BTreeSet<NodeId>) -> Option<String> {
        let groups = self.groups.iter();
        let mut by_group: Vec<(NodeId, &Key)> = groups
            .flat_map(|(group, nodes)| nodes.keys().map(move |node| (*node, group)))
            .collect();
        by_group.sort();
        let by_node = self.by_node.iter();
        let by_node: Vec<(NodeId, &Key)> = by_node
            .flat_map(|(node, groups)| groups.iter().map(move |group| (*node, group)))
            .collect();
        if by_group != by_node {
            return Some(format!("groups {by_group:?}, and by node {by_node:?}"));
        }
        let is_fine = |serials: &Serials| !serials.is_empty() && serials.is_sorted();
        if !self.groups.values().flat_map(BTreeMap::values).all(is_fine) {
            return Some(format!("members out of order: {:?}", self.groups));
        }
        let nodes = self.listeners.iter().chain(&self.asked).chain(self.remotes.keys());
        let strangers: Vec<&NodeId> = nodes.filter(|node| !peers.contains(node)).collect();
        (!strangers.is_empty()).then(|| format!("not connected: {strangers:?}"))
    }
}

/// Takes these out of the members, one after the other, and gives those that were there.
fn remove_few(serials: &mut Serials, leaving: &[u64]) -> Vec<u64> {
    let mut left = Vec::new();
    for serial in leaving {
        if let Ok(at) = serials.binary_search(serial) {
            serials.remove(at);
            left.push(*serial);
        }
    }
    left
}

/// The same in one go through the members.
fn remove_many(serials: &mut Serials, leaving: &[u64]) -> Vec<u64> {
    let mut leaving = leaving.iter().copied().peekable();
    let mut left = Vec::new();
    serials.retain(|serial| {
        while leaving.next_if(|other| other < serial).is_some() {}
        let leaves = leaving.next_if_eq(serial).is_some();
        if leaves {
            left.push(*serial);
        }
        !leaves
    });
    left
}

fn pids(node: NodeId, serials: &[u64]) -> impl Iterator<Item = Pid> {
    serials.iter().map(move |serial| Pid { node, serial: *serial })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_leave_alike() {
        let all: Vec<u64> = (0..40).flat_map(|serial| vec![serial; serial as usize % 3]).collect();
        for leaving in [&[][..], &[3], &[1, 1, 2, 2, 50], &[5, 5, 5, 8], &all, &[0, 4, 39, 40]] {
            let [mut one, mut other] = [all.clone(), all.clone()];
            assert_eq!(remove_few(&mut one, leaving), remove_many(&mut other, leaving));
            assert_eq!(one, other);
            assert!(one.is_sorted());
        }
    }

    #[test]
    fn a_large_group_comes_and_goes_in_one_go() {
        let (node, many) = (NodeId::from_wire(1), (0..200_000).collect::<Vec<u64>>());
        let group = Key::new(b"group").expect("a key");
        let mut scope = Scope::default();
        scope.add(&group, node, &[7]);
        scope.add(&group, node, &many);
        assert_eq!(scope.count(&group, None), many.len() + 1);
        assert!(scope.serials(&group, node).is_sorted());
        assert_eq!(scope.remove(&group, node, &many), many);
        assert_eq!(scope.serials(&group, node), [7]);
    }
}
