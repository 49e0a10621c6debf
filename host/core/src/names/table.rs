//! The claims that hold: each node's, as that node says.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use super::claim::Claim;
use crate::id::NodeId;
use crate::key::Key;

/// All claims that this node knows, its own included.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// At most one of each node; hardly ever more than one. Never empty.
    by_key: BTreeMap<Key, SmallVec<[Claim; 1]>>,
    /// The names of each node's claims. Never empty.
    by_node: BTreeMap<NodeId, BTreeSet<Key>>,
}

impl Table {
    /// The claims on this name.
    pub(super) fn of(&self, key: &Key) -> &[Claim] {
        self.by_key.get(key).map_or(&[], |claims| claims)
    }

    /// The claim on this name that counts.
    pub(super) fn first(&self, key: &Key) -> Option<&Claim> {
        self.of(key).iter().min_by_key(|claim| claim.order(key))
    }

    /// That node's claim on this name.
    pub(super) fn get(&self, node: NodeId, key: &Key) -> Option<&Claim> {
        self.of(key).iter().find(|claim| claim.pid.node == node)
    }

    /// The names of that node's claims.
    pub(super) fn names_of(&self, node: NodeId) -> impl Iterator<Item = &Key> {
        self.by_node.get(&node).into_iter().flatten()
    }

    /// How many claims that node has.
    pub(super) fn len_of(&self, node: NodeId) -> usize {
        self.by_node.get(&node).map_or(0, BTreeSet::len)
    }

    /// The claim's node has this one on this name, and no other.
    pub(super) fn set(&mut self, key: &Key, claim: Claim) {
        let node = claim.pid.node;
        let claims = self.by_key.entry(key.clone()).or_default();
        claims.retain(|other| other.pid.node != node);
        claims.push(claim);
        self.by_node.entry(node).or_default().insert(key.clone());
    }

    /// That node has no claim on this name any more.
    pub(super) fn remove(&mut self, node: NodeId, key: &Key) -> Option<Claim> {
        let claims = self.by_key.get_mut(key)?;
        let at = claims.iter().position(|claim| claim.pid.node == node)?;
        let claim = claims.swap_remove(at);
        if claims.is_empty() {
            self.by_key.remove(key);
        }
        if let Some(names) = self.by_node.get_mut(&node) {
            names.remove(key);
            if names.is_empty() {
                self.by_node.remove(&node);
            }
        }
        Some(claim)
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.by_node.is_empty()
    }

    /// What does not fit together, if anything.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn inconsistency(&self) -> Option<String> {
        let by_node = self.by_node.iter();
        let mut nodes: Vec<(&Key, NodeId)> =
            by_node.flat_map(|(node, names)| names.iter().map(|key| (key, *node))).collect();
        nodes.sort();
        let by_key = self.by_key.iter();
        let mut keys: Vec<(&Key, NodeId)> = by_key
            .flat_map(|(key, claims)| claims.iter().map(move |claim| (key, claim.pid.node)))
            .collect();
        keys.sort();
        (nodes != keys).then(|| format!("names by node {nodes:?}, and by name {keys:?}"))
    }
}
